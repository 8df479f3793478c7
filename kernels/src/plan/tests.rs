//! The published sizes of PointPillars come out of the plan, and misuse is refused.

use super::*;
use crate::parameters::Initializer;

/// PointPillars as in the paper: stages of (3, 5, 5) further convolutions, three necks, three heads.
pub(crate) fn pointpillars(width: usize, canvas: CanvasSize) -> Plan {
    let mut plan = PlanBuilder::new(canvas);
    let encoder = PillarEncoder {
        point_features: 10,
        channels: width,
        max_points_per_voxel: 32,
        weight: "vfe.pfn_layers.0.linear.weight".into(),
        norm: BatchNorm::new("vfe.pfn_layers.0.norm"),
    };
    let pillars = plan.pillar_encode(encoder).unwrap();
    plan.tap("pillar_features", pillars).unwrap();
    let mut x = plan.scatter(pillars).unwrap();
    let mut necks = Vec::new();
    for (stage, (channels, more)) in [(width, 3), (2 * width, 5), (4 * width, 5)].into_iter().enumerate() {
        for j in 0..=more {
            let conv = Conv::new(&format!("backbone_2d.blocks.{stage}.{}.weight", 1 + 3 * j), channels, 3)
                .stride(if j == 0 { 2 } else { 1 })
                .padding(1)
                .batch_norm(&format!("backbone_2d.blocks.{stage}.{}", 2 + 3 * j))
                .relu();
            x = plan.conv(x, conv).unwrap();
        }
        let neck = Deconv::new(&format!("backbone_2d.deblocks.{stage}.0.weight"), 2 * width, 1 << stage)
            .batch_norm(&format!("backbone_2d.deblocks.{stage}.1"))
            .relu();
        necks.push(plan.deconv(x, neck).unwrap());
    }
    let features = plan.concat(&necks).unwrap();
    plan.tap("bev_features", features).unwrap();
    for (name, tensor, channels) in [("cls", "conv_cls", 18), ("box", "conv_box", 42), ("dir", "conv_dir_cls", 12)] {
        let head = Conv::new(&format!("dense_head.{tensor}.weight"), channels, 1)
            .bias(&format!("dense_head.{tensor}.bias"), Initializer::FanInUniform);
        let head = plan.conv(features, head).unwrap();
        plan.output(name, head).unwrap();
    }
    plan.build().unwrap()
}

const KITTI: CanvasSize = CanvasSize { ny: 496, nx: 432 };

fn two_dimensional_multiply_adds(plan: &Plan) -> f64 {
    plan.cost(0).multiply_adds() as f64 / 1e9
}

#[test]
fn the_published_parameter_counts_are_reproduced() {
    for (width, parameters) in [(64, 4_834_888), (32, 1_217_352), (16, 308_680)] {
        assert_eq!(pointpillars(width, KITTI).cost(12_000).parameters(), parameters);
    }
}

#[test]
fn the_published_multiply_adds_are_reproduced() {
    for (width, giga) in [(64, 34.17), (32, 8.91), (16, 2.41)] {
        let found = two_dimensional_multiply_adds(&pointpillars(width, KITTI));
        assert!((found - giga).abs() < 0.005, "width {width}: {found} G");
    }
    let encoder = &pointpillars(64, KITTI).cost(12_000).layers[0];
    assert_eq!((encoder.parameters, encoder.multiply_adds), (768, 245_760_000));
}

#[test]
fn backbone_neck_and_head_split_as_published() {
    let cost = pointpillars(64, KITTI).cost(0);
    let sum = |prefix: &str| {
        let layers = cost.layers.iter().filter(|layer| layer.label.starts_with(prefix));
        layers.fold((0, 0), |(p, m), layer| (p + layer.parameters, m + layer.multiply_adds))
    };
    let (backbone, neck, head) = (sum("backbone_2d.blocks"), sum("backbone_2d.deblocks"), sum("dense_head"));
    assert_eq!((backbone.0, neck.0, head.0), (4_207_616, 598_784, 27_720));
    for (found, giga) in [(backbone.1, 29.62), (neck.1, 3.07), (head.1, 1.48)] {
        assert!((found as f64 / 1e9 - giga).abs() < 0.005, "{found}");
    }
}

#[test]
fn bytes_count_each_operand_once() {
    let mut plan = PlanBuilder::new(CanvasSize { ny: 4, nx: 6 });
    let encoder = PillarEncoder {
        point_features: 2,
        channels: 3,
        max_points_per_voxel: 5,
        weight: "w".into(),
        norm: BatchNorm::new("n"),
    };
    let pillars = plan.pillar_encode(encoder).unwrap();
    let canvas = plan.scatter(pillars).unwrap();
    plan.output("canvas", canvas).unwrap();
    let cost = plan.build().unwrap().cost(7);
    assert_eq!(cost.layers[0].bytes, 4 * (7 * 5 * 2 + 3 * 2 + 6 + 7 * 3));
    assert_eq!(cost.layers[1].bytes, 4 * (7 * 3 + 3 * 4 * 6));
}

#[test]
fn shapes_follow_the_canvas() {
    let plan = pointpillars(16, KITTI);
    let map = |channels, height, width| ValueShape::Map { channels, height, width };
    assert_eq!(plan.shape_of("bev_features").unwrap(), map(96, 248, 216));
    assert_eq!(plan.shape_of("box").unwrap(), map(42, 248, 216));
    let window = plan.with_canvas(CanvasSize { ny: 248, nx: 216 }).unwrap();
    assert_eq!(window.shape_of("box").unwrap(), map(42, 124, 108));
    assert_eq!(window.parameters(), plan.parameters());
    assert_eq!(plan.taps()[0].support, Support::Pillars);
    assert_eq!(plan.taps()[1].support, Support::Dense);
}

#[test]
fn a_canvas_that_the_stride_does_not_divide_is_refused_at_the_concatenation() {
    let error = pointpillars(16, KITTI).with_canvas(CanvasSize { ny: 250, nx: 216 }).unwrap_err();
    assert!(matches!(error, KernelError::WrongInput { ref layer, .. } if layer == "concat"), "{error}");
}

#[test]
fn misuse_of_the_builder_is_a_typed_error() {
    let mut plan = PlanBuilder::new(CanvasSize { ny: 8, nx: 8 });
    let encoder = |weight: &str, norm: &str| PillarEncoder {
        point_features: 9,
        channels: 4,
        max_points_per_voxel: 32,
        weight: weight.into(),
        norm: BatchNorm::new(norm),
    };
    let pillars = plan.pillar_encode(encoder("w", "n")).unwrap();
    assert!(matches!(plan.pillar_encode(encoder("w2", "n2")), Err(KernelError::SecondPillarEncoder)));
    assert!(matches!(plan.conv(pillars, Conv::new("c", 4, 3)), Err(KernelError::WrongInput { .. })));
    let canvas = plan.scatter(pillars).unwrap();
    assert!(matches!(plan.scatter(canvas), Err(KernelError::WrongInput { .. })));
    assert!(matches!(plan.conv(canvas, Conv::new("w", 4, 3)), Err(KernelError::DuplicateName { .. })));
    assert!(matches!(plan.conv(canvas, Conv::new("c", 4, 9)), Err(KernelError::KernelTooLarge { .. })));
    assert!(matches!(plan.conv(canvas, Conv::new("c", 4, 3).stride(0)), Err(KernelError::ZeroDimension { .. })));
    assert!(matches!(plan.conv(canvas, Conv::new("c", usize::MAX, 3)), Err(KernelError::TooLarge { .. })));
    assert!(matches!(plan.concat(&[]), Err(KernelError::WrongInput { .. })));
    assert!(matches!(plan.output("a", ValueId(99)), Err(KernelError::UnknownValue { .. })));
    plan.output("a", canvas).unwrap();
    assert!(matches!(plan.tap("a", canvas), Err(KernelError::DuplicateName { .. })));
    assert!(matches!(PlanBuilder::new(CanvasSize { ny: 8, nx: 8 }).build(), Err(KernelError::NoOutputs)));
    let mut empty = PlanBuilder::new(CanvasSize { ny: 0, nx: 8 });
    assert!(matches!(empty.pillar_encode(encoder("w", "n")), Err(KernelError::CanvasSize { .. })));
}
