//! Parity with mmdetection3d's own modules of two generations (`golden/generate_mmdetection3d.py`).
// Functions beside the tests read golden files: a missing one is a failed test.
#![allow(clippy::unwrap_used)]

use percept_kernels::executor::cpu::{CpuExecutor, Keep};
use percept_kernels::parameters::{HostTensor, ParameterMap, initialise};
use percept_kernels::plan::CanvasSize;
use percept_models::pointpillars::*;
use percept_models::weights::Container;
use percept_types::Box3d;

/// Largest difference over the largest value of the tensor.
const TOLERANCE: f64 = 1e-5;

fn golden() -> ParameterMap {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mmdetection3d.safetensors");
    Container::read(&path).unwrap().tensors
}

/// The scene of the generator, with the layout asked for.
fn config(pfn_layout: PfnLayout) -> PointPillarsConfig {
    let mut raw = RawPointPillarsConfig::mmdetection3d(pfn_layout, -std::f64::consts::FRAC_PI_2);
    raw.point_cloud_range_m = [0.0, -1.28, -3.0, 3.84, 1.28, 1.0];
    raw.max_points_per_pillar = 5;
    raw.widths = Widths { pillar_features: 8, stages: [8, 8, 16], stage_depths: [1, 1, 1], neck: 4 };
    raw.try_into().unwrap()
}

fn compare(what: &str, found: &[f32], expected: &HostTensor) {
    assert_eq!(found.len(), expected.data.len(), "{what}: {:?}", expected.shape);
    let largest = expected.data.iter().map(|v| f64::from(v.abs())).fold(0.0, f64::max);
    assert!(largest > 0.1, "{what}: a comparison with nothing");
    let differences = found.iter().zip(&expected.data).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
    let worst = differences.fold(0.0, f64::max) / largest;
    println!("{what:<16} {:?} max|d|/max|r| {worst:.1e}", expected.shape);
    assert!(worst <= TOLERANCE, "{what}: {worst:e}");
}

#[test]
fn the_three_layouts_and_their_pillar_features_are_those_of_mmdetection3d() {
    let golden = golden();
    let cases =
        [("mm10", PfnLayout::Pcdet10), ("mm10_legacy", PfnLayout::Mm10Legacy), ("mm9_legacy", PfnLayout::Mm9Legacy)];
    for (case, layout) in cases {
        let config = config(layout);
        let mut pillars = Pillars::empty(layout.num_features());
        let mut pillarizer = Pillarizer::new(&config, config.whole_window()).unwrap();
        pillarizer.pillarize(&golden["points"].data, &mut pillars).unwrap();
        compare(&format!("{case}.decorated"), &pillars.decorated, &golden[&format!("{case}.decorated")]);

        let plan = topology(&config, CanvasSize { ny: 16, nx: 24 }).unwrap();
        let mut weights = initialise(&plan, 1);
        let prefix = format!("{case}.weights.");
        for (name, tensor) in golden.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(&prefix)?, tensor))) {
            assert!(weights.insert(name.to_owned(), tensor.clone()).is_some(), "{name} is no parameter of ours");
        }
        let mut executor = CpuExecutor::compile(&plan, &weights, Keep::OutputsAndTaps).unwrap();
        executor.run(&pillars.input()).unwrap();
        let features = executor.value(tap::PILLAR_FEATURES).unwrap().data;
        compare(&format!("{case}.features"), features, &golden[&format!("{case}.pillar_features")]);
    }
}

/// Their boxes stand on the bottom centre.
fn box_of(row: &[f32]) -> Box3d {
    let v: Vec<f64> = row.iter().map(|v| f64::from(*v)).collect();
    Box3d { center_m: [v[0], v[1], v[2] + v[5] / 2.0], size_m: [v[3], v[4], v[5]], yaw_rad: v[6] }
}

fn close(found: &Box3d, expected: &Box3d) {
    for axis in 0..3 {
        assert!((found.center_m[axis] - expected.center_m[axis]).abs() < 1e-5, "{found:?} {expected:?}");
        assert!((found.size_m[axis] / expected.size_m[axis] - 1.0).abs() < 1e-5, "{found:?} {expected:?}");
    }
    assert!((found.yaw_rad - expected.yaw_rad).abs() < 1e-5, "{found:?} {expected:?}");
}

#[test]
fn anchors_and_the_boxes_decoded_from_them_are_those_of_mmdetection3d() {
    let (config, golden) = (config(PfnLayout::Mm10Legacy), golden());
    let anchors = Anchors::new(&config, &config.whole_window()).unwrap();
    assert_eq!(golden["anchors"].shape, [anchors.len(), 7]);
    for (anchor, expected) in anchors.iter().zip(golden["anchors"].data.chunks_exact(7)) {
        close(&anchor.box3d, &box_of(expected));
    }
    let rows = |name: &str| golden[name].data.chunks_exact(7);
    for ((code, expected), index) in rows("code.codes").zip(rows("code.boxes")).zip(&golden["code.anchor_index"].data) {
        let anchor = anchors.get(*index as usize).unwrap();
        let code: [f64; BOX_CODE_SIZE] = std::array::from_fn(|i| f64::from(code[i]));
        let decoded = decode_box(&code, &anchor.box3d);
        close(&decoded, &box_of(expected));
        for (back, code) in encode_box(&decoded, &anchor.box3d).iter().zip(code) {
            assert!((back - code).abs() < 1e-9);
        }
    }
}
