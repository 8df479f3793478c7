//! Parity with OpenPCDet's own modules, every element of every intermediate tensor (`golden/generate_openpcdet.py`).
// Functions beside the tests read golden files: a missing one is a failed test.
#![allow(clippy::unwrap_used)]

use percept_kernels::executor::cpu::{CpuExecutor, Keep};
use percept_kernels::parameters::{HostTensor, ParameterMap};
use percept_kernels::plan::CanvasSize;
use percept_models::pointpillars::*;
use percept_models::weights::Container;
use percept_types::{Box3d, wrap_to_pi};

/// Largest difference over the largest value of the tensor.
const TOLERANCE: f64 = 1e-5;

fn golden(name: &str) -> ParameterMap {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    Container::read(&path).unwrap().tensors
}

/// The configuration that the generator builds.
fn config() -> PointPillarsConfig {
    let mut raw = RawPointPillarsConfig::openpcdet(Width::Sixteenth, GridPreset::Kitti);
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

fn pillars_of(config: &PointPillarsConfig, golden: &ParameterMap) -> Pillars {
    let mut pillars = Pillars::empty(config.pfn_layout().num_features());
    let drops = Pillarizer::new(config, config.whole_window())
        .unwrap()
        .pillarize(&golden["points"].data, &mut pillars)
        .unwrap();
    assert_eq!(drops.points_out_of_range, 0);
    pillars
}

#[test]
fn pillars_and_their_decorated_points_are_those_of_openpcdet() {
    let (config, golden) = (config(), golden("openpcdet_network.safetensors"));
    let pillars = pillars_of(&config, &golden);
    let coords: Vec<f32> = pillars.coords.iter().flat_map(|[_, y, x]| [*y as f32, *x as f32]).collect();
    assert_eq!(coords, golden["coords"].data);
    let counts: Vec<f32> = pillars.offsets.windows(2).map(|pair| (pair[1] - pair[0]) as f32).collect();
    assert_eq!(counts, golden["num_points"].data);
    assert!(counts.contains(&1.0) && counts.contains(&5.0), "full and half-empty pillars");
    compare("decorated", &pillars.decorated, &golden["decorated"]);
}

#[test]
fn every_tensor_of_the_network_is_that_of_openpcdet() {
    let (config, golden) = (config(), golden("openpcdet_network.safetensors"));
    let plan = topology(&config, CanvasSize { ny: 16, nx: 24 }).unwrap();
    let weights = golden
        .iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix("weights.")?.to_owned(), tensor.clone())))
        .collect();
    let mut executor = CpuExecutor::compile(&plan, &weights, Keep::OutputsAndTaps).unwrap();
    executor.run(&pillars_of(&config, &golden).input()).unwrap();
    let tensors = [tap::PILLAR_FEATURES, tap::STAGES[0], tap::STAGES[1], tap::STAGES[2], tap::BEV_FEATURES];
    for name in tensors.into_iter().chain([OUTPUT_CLS, OUTPUT_BOX, OUTPUT_DIR]) {
        compare(name, executor.value(name).unwrap().data, &golden[name]);
    }
}

fn box_of(row: &[f32]) -> Box3d {
    let v: Vec<f64> = row.iter().map(|v| f64::from(*v)).collect();
    Box3d { center_m: [v[0], v[1], v[2]], size_m: [v[3], v[4], v[5]], yaw_rad: v[6] }
}

fn close(found: &Box3d, expected: &Box3d) {
    for axis in 0..3 {
        assert!((found.center_m[axis] - expected.center_m[axis]).abs() < 1e-5, "{found:?} {expected:?}");
        assert!((found.size_m[axis] / expected.size_m[axis] - 1.0).abs() < 1e-5, "{found:?} {expected:?}");
    }
    assert!(wrap_to_pi(found.yaw_rad - expected.yaw_rad).abs() < 1e-5, "{found:?} {expected:?}");
}

#[test]
fn anchors_are_those_of_openpcdet() {
    let (config, golden) = (config(), golden("openpcdet_head.safetensors"));
    let anchors = Anchors::new(&config, &config.whole_window()).unwrap();
    assert_eq!(golden["anchors"].shape, [anchors.len(), 7]);
    for (anchor, expected) in anchors.iter().zip(golden["anchors"].data.chunks_exact(7)) {
        close(&anchor.box3d, &box_of(expected));
        assert!((anchor.box3d.yaw_rad - f64::from(expected[6])).abs() < 1e-6);
    }
}

#[test]
fn every_decoded_box_and_score_is_that_of_openpcdet() {
    let (config, head) = (config(), golden("openpcdet_head.safetensors"));
    let network = golden("openpcdet_network.safetensors");
    let window = config.whole_window();
    let anchors = Anchors::new(&config, &window).unwrap();
    let maps = [OUTPUT_CLS, OUTPUT_BOX, OUTPUT_DIR].map(|name| network[name].data.as_slice());
    let output = PointPillarsOutput::new(&config, window, maps[0], maps[1], maps[2]).unwrap();
    // No threshold and no suppression: all anchors come out, best first.
    let mut settings = config.default_settings();
    settings.score_thresholds.fill(0.0);
    settings.nms_iou_threshold = 1.0;
    settings.max_detections = usize::MAX;
    let found = decode(&config, &settings, &anchors, &output).unwrap();
    assert_eq!(found.len(), anchors.len());
    let mut expected: Vec<(f32, usize, Box3d)> = head["decoded_logits"]
        .data
        .chunks_exact(3)
        .zip(head["decoded_boxes"].data.chunks_exact(7))
        .map(|(logits, row)| {
            let best = (0..3).rev().max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
            (1.0 / (1.0 + (-logits[best]).exp()), best, box_of(row))
        })
        .collect();
    expected.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (found, (score, class_index, box3d)) in found.iter().zip(&expected) {
        assert_eq!((found.score, found.class_index), (*score, *class_index));
        close(&found.box3d, box3d);
    }
}

#[test]
fn box_codes_and_direction_bins_are_those_of_openpcdet() {
    let golden = golden("openpcdet_head.safetensors");
    let rows = |name: &str| golden[name].data.chunks_exact(7).collect::<Vec<_>>();
    let (anchors, boxes, codes) = (rows("code.anchors"), rows("code.boxes"), rows("code.codes"));
    for index in 0..anchors.len() {
        let (anchor, target) = (box_of(anchors[index]), box_of(boxes[index]));
        let code = encode_box(&target, &anchor);
        for (found, expected) in code.iter().zip(codes[index]) {
            assert!((found - f64::from(*expected)).abs() < 1e-5 * found.abs().max(1.0), "{found} {expected}");
        }
        let bin = direction_bin(target.yaw_rad, OPENPCDET_DIRECTION_OFFSET_RAD);
        assert_eq!(bin as f32, golden["code.bins"].data[index]);
        close(&decode_box(&code, &anchor), &target);
    }
}

/// Both rules against numpy and shapely (`golden/generate_decode.py`).
#[test]
fn thresholds_candidates_and_suppression_are_those_of_the_published_rules() {
    let (network, expected) = (golden("openpcdet_network.safetensors"), golden("decode.safetensors"));
    for (case, rule) in [
        ("class_agnostic", DecodeRule::ClassAgnostic),
        ("class_agnostic_few", DecodeRule::ClassAgnostic),
        ("per_class", DecodeRule::PerClass),
        ("per_class_few", DecodeRule::PerClass),
    ] {
        let options = &expected[&format!("{case}.options")].data;
        let mut raw = config().raw().clone();
        raw.decode = RawDecode {
            rule,
            score_threshold: options[0],
            max_candidates: options[1] as usize,
            nms_iou_threshold: f64::from(options[2]),
            max_detections: options[3] as usize,
        };
        let config = PointPillarsConfig::try_from(raw).unwrap();
        let window = config.whole_window();
        let maps = [OUTPUT_CLS, OUTPUT_BOX, OUTPUT_DIR].map(|name| network[name].data.as_slice());
        let output = PointPillarsOutput::new(&config, window, maps[0], maps[1], maps[2]).unwrap();
        let anchors = Anchors::new(&config, &window).unwrap();
        let found = decode(&config, &config.default_settings(), &anchors, &output).unwrap();
        let rows: Vec<&[f32]> = expected[case].data.chunks_exact(9).collect();
        assert_eq!(found.len(), rows.len(), "{case}");
        for (found, row) in found.iter().zip(rows) {
            assert_eq!(found.class_index, row[0] as usize, "{case}");
            assert!((found.score - row[1]).abs() < 1e-6, "{case}");
            close(&found.box3d, &box_of(&row[2..]));
        }
    }
}
