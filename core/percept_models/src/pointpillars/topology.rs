//! The network as a plan: pillar features, three stages down, three branches up, three 1x1 convolutions.

use percept_kernels::parameters::Initializer;
use percept_kernels::plan::{BatchNorm, CanvasSize, Conv, Deconv, PillarEncoder, Plan, PlanBuilder, ValueId};

use super::{HeadChannels, PointPillarsConfig};
use crate::ModelError;

/// Cells of the canvas a cell of the deepest map: windows and grids are multiples of it.
pub const NETWORK_STRIDE: usize = 8;
/// Cells of the canvas a cell of the head's map.
pub const OUTPUT_STRIDE: usize = 2;

/// Name of the output of class logits.
pub const OUTPUT_CLS: &str = "cls";
/// Name of the output of box codes.
pub const OUTPUT_BOX: &str = "box";
/// Name of the output of direction logits.
pub const OUTPUT_DIR: &str = "dir";

/// Names of the feature taps.
pub mod tap {
    /// (P, C) after the pillar feature net.
    pub const PILLAR_FEATURES: &str = "pillar_features";
    /// (C, ny, nx) after the scatter.
    pub const CANVAS: &str = "spatial_features";
    /// (C, ny/2, nx/2), (C, ny/4, nx/4), (C, ny/8, nx/8): the backbone's stages.
    pub const STAGES: [&str; 3] = ["backbone_2x", "backbone_4x", "backbone_8x"];
    /// (3 C, ny/2, nx/2): the neck, what the head reads.
    pub const BEV_FEATURES: &str = "bev_features";
}

/// The published bias of the class logits: every anchor starts at a probability of 0.01 (Lin et al., ICCV 2017).
const CLS_BIAS: f32 = -4.595_12;

/// The network of a configuration on a canvas of (ny, nx) cells. Parameters carry OpenPCDet's names.
///
/// Outputs, with A = 2 K anchors a cell of a map of (ny/2, nx/2): `cls` (A K), `box` (A 7), `dir` (A 2) channels;
/// channel = anchor * width + c, anchor = class * 2 + rotation.
///
/// # Errors
/// A canvas whose sides are no multiples of [`NETWORK_STRIDE`].
pub fn topology(config: &PointPillarsConfig, canvas: CanvasSize) -> Result<Plan, ModelError> {
    let CanvasSize { ny, nx } = canvas;
    if !ny.is_multiple_of(NETWORK_STRIDE) || !nx.is_multiple_of(NETWORK_STRIDE) {
        return Err(ModelError::WindowStride { x0: 0, y0: 0, nx, ny, multiple: NETWORK_STRIDE });
    }
    let mut plan = PlanBuilder::new(canvas);
    let features = pillar_feature_net(&mut plan, config)?;
    let stages = backbone(&mut plan, config, features)?;
    let bev_features = neck(&mut plan, config, stages)?;
    head(&mut plan, config, bev_features)?;
    Ok(plan.build()?)
}

/// The pillar feature net alone, for teachers of which nothing else is read: its one output is
/// [`tap::PILLAR_FEATURES`].
///
/// # Errors
/// A canvas without cells.
pub fn pillar_feature_topology(config: &PointPillarsConfig, canvas: CanvasSize) -> Result<Plan, ModelError> {
    let mut plan = PlanBuilder::new(canvas);
    let pillars = pillar_encoder(&mut plan, config)?;
    plan.output(tap::PILLAR_FEATURES, pillars)?;
    Ok(plan.build()?)
}

fn pillar_encoder(plan: &mut PlanBuilder, config: &PointPillarsConfig) -> Result<ValueId, ModelError> {
    Ok(plan.pillar_encode(PillarEncoder {
        point_features: config.pfn_layout().num_features(),
        channels: config.widths().pillar_features,
        max_points_per_voxel: config.max_points_per_pillar(),
        weight: "vfe.pfn_layers.0.linear.weight".to_owned(),
        norm: BatchNorm::new("vfe.pfn_layers.0.norm"),
    })?)
}

fn pillar_feature_net(plan: &mut PlanBuilder, config: &PointPillarsConfig) -> Result<ValueId, ModelError> {
    let pillars = pillar_encoder(plan, config)?;
    plan.tap(tap::PILLAR_FEATURES, pillars)?;
    let canvas = plan.scatter(pillars)?;
    plan.tap(tap::CANVAS, canvas)?;
    Ok(canvas)
}

fn backbone(plan: &mut PlanBuilder, config: &PointPillarsConfig, canvas: ValueId) -> Result<[ValueId; 3], ModelError> {
    let widths = config.widths();
    let mut stages = [canvas; 3];
    let mut x = canvas;
    for (stage, value) in stages.iter_mut().enumerate() {
        for layer in 0..=widths.stage_depths[stage] {
            // OpenPCDet numbers padding, convolution, norm, activation: the first convolution is number 1.
            let name = |part: usize| format!("backbone_2d.blocks.{stage}.{}", 1 + 3 * layer + part);
            let conv = Conv::new(&format!("{}.weight", name(0)), widths.stages[stage], 3)
                .stride(if layer == 0 { 2 } else { 1 })
                .padding(1)
                .batch_norm(&name(1))
                .relu();
            x = plan.conv(x, conv)?;
        }
        plan.tap(tap::STAGES[stage], x)?;
        *value = x;
    }
    Ok(stages)
}

fn neck(plan: &mut PlanBuilder, config: &PointPillarsConfig, stages: [ValueId; 3]) -> Result<ValueId, ModelError> {
    let mut branches = stages;
    for (stage, value) in branches.iter_mut().enumerate() {
        let name = |part: usize| format!("backbone_2d.deblocks.{stage}.{part}");
        let deconv =
            Deconv::new(&format!("{}.weight", name(0)), config.widths().neck, 1 << stage).batch_norm(&name(1)).relu();
        *value = plan.deconv(*value, deconv)?;
    }
    let bev_features = plan.concat(&branches)?;
    plan.tap(tap::BEV_FEATURES, bev_features)?;
    Ok(bev_features)
}

fn head(plan: &mut PlanBuilder, config: &PointPillarsConfig, bev_features: ValueId) -> Result<(), ModelError> {
    let channels = HeadChannels::new(config.num_classes());
    let branches = [
        (OUTPUT_CLS, "conv_cls", channels.cls, Initializer::FanInUniform, Initializer::Constant(CLS_BIAS)),
        (OUTPUT_BOX, "conv_box", channels.boxes, Initializer::Normal { std: 0.001 }, Initializer::Constant(0.0)),
        (OUTPUT_DIR, "conv_dir_cls", channels.dir, Initializer::FanInUniform, Initializer::Constant(0.0)),
    ];
    for (output, name, channels, weight_init, bias_init) in branches {
        let conv = Conv::new(&format!("dense_head.{name}.weight"), channels, 1)
            .weight_init(weight_init)
            .bias(&format!("dense_head.{name}.bias"), bias_init);
        let value = plan.conv(bev_features, conv)?;
        plan.output(output, value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pointpillars::{GridPreset, RawPointPillarsConfig, Width};

    fn plan_of(width: Width) -> Plan {
        let config = PointPillarsConfig::try_from(RawPointPillarsConfig::openpcdet(width, GridPreset::Kitti)).unwrap();
        topology(&config, CanvasSize { ny: 496, nx: 432 }).unwrap()
    }

    #[test]
    fn the_widths_have_the_published_parameters_and_multiply_adds() {
        let expected = [(4_834_888, 34.17, 0.25), (1_217_352, 8.91, 0.12), (308_680, 2.41, 0.06)];
        for (width, (parameters, gmacs, pfn_gmacs)) in Width::ALL.into_iter().zip(expected) {
            let cost = plan_of(width).cost(12_000);
            assert_eq!(cost.parameters(), parameters, "{width:?}");
            let pfn = cost.layers[0].multiply_adds as f64 * 1e-9;
            let dense = cost.multiply_adds() as f64 * 1e-9 - pfn;
            assert!((dense - gmacs).abs() < 0.005, "{width:?}: {dense} GMAC");
            assert!((pfn - pfn_gmacs).abs() < 0.005, "{width:?}: PFN {pfn} GMAC");
        }
    }

    #[test]
    fn the_parts_of_the_full_network_have_the_published_parameters() {
        let plan = plan_of(Width::Full);
        let sum = |prefix: &str| {
            let trainable = percept_kernels::parameters::ParameterRole::Trainable;
            let of_part = |spec: &&percept_kernels::parameters::ParameterSpec| {
                spec.name.starts_with(prefix) && spec.role == trainable
            };
            plan.parameters().iter().filter(of_part).map(|spec| spec.elements()).sum::<usize>()
        };
        assert_eq!(sum("vfe."), 768);
        assert_eq!(sum("backbone_2d.blocks."), 4_207_616);
        assert_eq!(sum("backbone_2d.deblocks."), 598_784);
        assert_eq!(sum("dense_head."), 27_720);
    }

    #[test]
    fn the_parameters_carry_the_names_of_openpcdet() {
        let names: Vec<String> = plan_of(Width::Sixteenth).parameters().into_iter().map(|spec| spec.name).collect();
        for name in [
            "vfe.pfn_layers.0.linear.weight",
            "vfe.pfn_layers.0.norm.running_var",
            "backbone_2d.blocks.0.1.weight",
            "backbone_2d.blocks.0.11.running_mean",
            "backbone_2d.blocks.2.16.weight",
            "backbone_2d.deblocks.2.1.bias",
            "dense_head.conv_dir_cls.bias",
        ] {
            assert!(names.iter().any(|known| known == name), "{name} not in {names:?}");
        }
    }

    #[test]
    fn a_canvas_that_the_strides_do_not_divide_is_refused() {
        let raw = RawPointPillarsConfig::preset(Width::Quarter, GridPreset::Kitti);
        let config = PointPillarsConfig::try_from(raw).unwrap();
        let refused = topology(&config, CanvasSize { ny: 496, nx: 428 });
        assert!(matches!(refused, Err(ModelError::WindowStride { nx: 428, .. })));
        topology(&config, CanvasSize { ny: 248, nx: 216 }).unwrap();
    }
}
