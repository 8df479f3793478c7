//! From the tensors of a checkpoint to a configuration and weights of ours.

use super::conventions::{DIRECTION_OFFSET_MM0_RAD, turn_head_of_mm0};
use super::names::{Origin, canonical_tensors};
use super::{ImportError, read_tensors};
use crate::pointpillars::{GridPreset, PfnLayout, PointPillarsConfig, RawPointPillarsConfig, Width, Widths, topology};
use percept_kernels::parameters::{HostTensor, ParameterMap, check};
use percept_kernels::plan::CanvasSize;
use std::f64::consts::FRAC_PI_2;

/// Which toolbox's conventions a checkpoint follows; a wrong choice silently costs tens of AP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toolbox {
    /// OpenPCDet.
    Openpcdet,
    /// mmdetection3d 1.x.
    Mmdetection3d1,
    /// mmdetection3d up to 0.18 and its `hv_` checkpoints.
    Mmdetection3d0,
}

/// What the file does not tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportOptions {
    /// Conventions; when absent they are told by names and the width of the pillar features: OpenPCDet by its names,
    /// mmdetection3d 0.x by 9 features a point and 1.x by 10.
    pub toolbox: Option<Toolbox>,
    /// How points are decorated; when absent as the toolbox's KITTI configuration has it.
    pub pfn_layout: Option<PfnLayout>,
    /// Classes in the order of the head; when absent the toolbox's order for KITTI (three classes) or Car alone.
    pub class_names: Option<Vec<String>>,
    /// The grid; when absent KITTI's.
    pub grid: Option<GridPreset>,
}

/// A checkpoint in our terms.
#[derive(Clone, Debug)]
pub struct ImportedCheckpoint {
    /// Conventions it was read under.
    pub toolbox: Toolbox,
    /// The configuration that the weights belong to.
    pub config: PointPillarsConfig,
    /// The weights under our names.
    pub parameters: ParameterMap,
}

/// Reads a checkpoint of OpenPCDet or mmdetection3d. Nothing in it is executed.
///
/// # Errors
/// Damaged bytes, another network, or options that contradict the tensors: each by name.
pub fn import_checkpoint(bytes: &[u8], options: &ImportOptions) -> Result<ImportedCheckpoint, ImportError> {
    let tensors = read_tensors(bytes)?;
    let origin = Origin::detect(&tensors)?;
    let mut parameters = canonical_tensors(origin, tensors);
    let toolbox = choose_toolbox(origin, &parameters, options)?;
    let pfn_layout = choose_pfn_layout(toolbox, &parameters, options)?;
    let raw = RawPointPillarsConfig { widths: widths(&parameters)?, ..conventions(toolbox, pfn_layout) };
    let raw = with_classes(raw, &parameters, options)?;
    let raw = with_grid(raw, options.grid);
    if toolbox == Toolbox::Mmdetection3d0 {
        turn_head_of_mm0(&mut parameters, raw.class_names.len())?;
    }
    let config = PointPillarsConfig::try_from(raw).map_err(|e| ImportError::Options(e.to_string()))?;
    check_against_topology(&config, &parameters)?;
    Ok(ImportedCheckpoint { toolbox, config, parameters })
}

fn shape<'a>(parameters: &'a ParameterMap, name: &str) -> Result<&'a HostTensor, ImportError> {
    parameters.get(name).filter(|tensor| tensor.shape.len() >= 2).ok_or_else(|| ImportError::NotPointPillars {
        missing: name.to_owned(),
        num_tensors: parameters.len(),
        examples: parameters.keys().take(5).cloned().collect(),
    })
}

const PFN_WEIGHT: &str = "vfe.pfn_layers.0.linear.weight";

fn choose_toolbox(origin: Origin, parameters: &ParameterMap, options: &ImportOptions) -> Result<Toolbox, ImportError> {
    let by_names = match (origin, shape(parameters, PFN_WEIGHT)?.shape[1]) {
        (Origin::OpenPcdet, _) => Toolbox::Openpcdet,
        (Origin::Mmdetection3d, 9) => Toolbox::Mmdetection3d0,
        (Origin::Mmdetection3d, _) => Toolbox::Mmdetection3d1,
    };
    let toolbox = options.toolbox.unwrap_or(by_names);
    if (toolbox == Toolbox::Openpcdet) != (origin == Origin::OpenPcdet) {
        let text = format!("the tensors are named as {origin:?} names them, but the toolbox given is {toolbox:?}");
        return Err(ImportError::Options(text));
    }
    Ok(toolbox)
}

fn choose_pfn_layout(
    toolbox: Toolbox,
    parameters: &ParameterMap,
    options: &ImportOptions,
) -> Result<PfnLayout, ImportError> {
    let weight = shape(parameters, PFN_WEIGHT)?;
    let usual = match (toolbox, weight.shape[1]) {
        (Toolbox::Openpcdet, _) => PfnLayout::Pcdet10,
        (_, 9) => PfnLayout::Mm9Legacy,
        _ => PfnLayout::Mm10Legacy,
    };
    let layout = options.pfn_layout.unwrap_or(usual);
    if weight.shape[1] != layout.num_features() {
        return Err(ImportError::Shape {
            name: PFN_WEIGHT.to_owned(),
            found: weight.shape.clone(),
            expected: format!("{} features a point for the layout {layout:?}", layout.num_features()),
        });
    }
    Ok(layout)
}

fn conventions(toolbox: Toolbox, pfn_layout: PfnLayout) -> RawPointPillarsConfig {
    let (width, grid) = (Width::Full, GridPreset::Kitti);
    match toolbox {
        Toolbox::Openpcdet => RawPointPillarsConfig { pfn_layout, ..RawPointPillarsConfig::openpcdet(width, grid) },
        Toolbox::Mmdetection3d1 => RawPointPillarsConfig::mmdetection3d(pfn_layout, -FRAC_PI_2),
        Toolbox::Mmdetection3d0 => RawPointPillarsConfig::mmdetection3d(pfn_layout, DIRECTION_OFFSET_MM0_RAD),
    }
}

/// Channels and depths, read off the shapes.
fn widths(parameters: &ParameterMap) -> Result<Widths, ImportError> {
    let mut stages = [0; 3];
    let mut stage_depths = [0; 3];
    for stage in 0..3 {
        let name = |module: usize| format!("backbone_2d.blocks.{stage}.{module}.weight");
        stages[stage] = shape(parameters, &name(1))?.shape[0];
        // Convolutions are every third module; batch norms also have a weight, of one dimension.
        stage_depths[stage] = (1..64).take_while(|j| parameters.contains_key(&name(1 + 3 * j))).count();
    }
    Ok(Widths {
        pillar_features: shape(parameters, PFN_WEIGHT)?.shape[0],
        stages,
        stage_depths,
        neck: shape(parameters, "backbone_2d.deblocks.0.0.weight")?.shape[1],
    })
}

/// Channels of the box head that belong to a class: two anchors of seven values.
const BOX_CHANNELS_A_CLASS: usize = 14;

fn with_classes(
    mut raw: RawPointPillarsConfig,
    parameters: &ParameterMap,
    options: &ImportOptions,
) -> Result<RawPointPillarsConfig, ImportError> {
    let name = "dense_head.conv_box.weight";
    let tensor = shape(parameters, name)?;
    let num_classes = tensor.shape[0] / BOX_CHANNELS_A_CLASS;
    let class_names = match (&options.class_names, num_classes) {
        (Some(names), _) => names.clone(),
        (None, 1) => vec!["Car".to_owned()],
        (None, _) => raw.class_names.clone(),
    };
    if class_names.len() * BOX_CHANNELS_A_CLASS != tensor.shape[0] {
        let expected = format!("{} channels for the classes {class_names:?}", class_names.len() * BOX_CHANNELS_A_CLASS);
        return Err(ImportError::Shape { name: name.to_owned(), found: tensor.shape.clone(), expected });
    }
    raw.anchors.retain(|class, _| class_names.contains(class));
    raw.class_names = class_names;
    Ok(raw)
}

fn with_grid(raw: RawPointPillarsConfig, grid: Option<GridPreset>) -> RawPointPillarsConfig {
    match grid {
        Some(grid) => RawPointPillarsConfig { point_cloud_range_m: grid.range_m(), ..raw },
        None => raw,
    }
}

fn check_against_topology(config: &PointPillarsConfig, parameters: &ParameterMap) -> Result<(), ImportError> {
    let canvas = CanvasSize { ny: config.grid().ny(), nx: config.grid().nx() };
    let plan = topology(config, canvas).map_err(|e| ImportError::Options(e.to_string()))?;
    check(&plan, parameters).map_err(|e| ImportError::Options(e.to_string()))
}
