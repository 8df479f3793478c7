//! The whole path on random weights: what must hold whatever the network says.

mod on_cuda;

use super::*;
use crate::pointpillars::{GridPreset, RawPointPillarsConfig, Width};
use crate::weights::{Architecture, WeightsMetadata};
use percept_kernels::parameters::initialise;
use percept_types::{FieldType, RawField, RawLayout, Transform};

fn weights_of(raw: RawPointPillarsConfig, seed: u64) -> Weights {
    let config = PointPillarsConfig::try_from(raw.clone()).unwrap();
    let plan = topology(&config, CanvasSize { ny: 8, nx: 8 }).unwrap();
    let mut parameters = initialise(&plan, seed);
    // Untrained heads say 0.01 everywhere: make them talk.
    for value in &mut parameters.get_mut("dense_head.conv_cls.bias").unwrap().data {
        *value = -1.0;
    }
    Weights::new(WeightsMetadata::new("test", Architecture::PointPillars(raw)), parameters).unwrap()
}

/// A grid of 64 x 64 cells, narrow layers.
fn small() -> RawPointPillarsConfig {
    let mut raw = RawPointPillarsConfig::preset(Width::Sixteenth, GridPreset::Kitti);
    raw.point_cloud_range_m = [0.0, -5.12, -3.0, 10.24, 5.12, 1.0];
    raw.widths.stages = [8, 8, 16];
    raw
}

fn detector() -> PointPillars {
    PointPillars::new(&weights_of(small(), 5), &SensorOptions::default()).unwrap()
}

fn field(name: &str, offset: usize, datatype: FieldType) -> RawField {
    RawField { name: name.to_owned(), offset, datatype, count: 1 }
}

/// x y z f32, intensity u16 little-endian.
fn cloud_of(points: &[[f32; 4]]) -> MountedCloud {
    let mut bytes = Vec::new();
    for [x, y, z, i] in points {
        for value in [x, y, z] {
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend((*i as u16).to_le_bytes());
    }
    let f = FieldType::F32;
    let fields = vec![field("x", 0, f), field("y", 4, f), field("z", 8, f), field("intensity", 12, FieldType::U16)];
    let cloud = RawCloud {
        row_step: bytes.len(),
        bytes,
        layout: RawLayout { fields },
        width: points.len(),
        height: 1,
        point_step: 14,
        big_endian: false,
    };
    cloud.into()
}

fn scene() -> MountedCloud {
    let part = |i: usize, g: f64| (i as f64 * g).fract() as f32;
    let point = |i| [part(i, 0.819_172) * 10.0, part(i, 0.671_043) * 10.0 - 5.0, part(i, 0.5497) - 1.6, (i % 3) as f32];
    cloud_of(&(0..3000).map(point).collect::<Vec<_>>())
}

pub(super) fn same_bits(a: &Detections, b: &Detections) -> bool {
    let bits = |d: &Detections| -> Vec<u64> {
        d.boxes
            .iter()
            .flat_map(|d| d.box3d.center_m.into_iter().chain(d.box3d.size_m).chain([d.box3d.yaw_rad, d.score.into()]))
            .map(f64::to_bits)
            .collect()
    };
    bits(a) == bits(b) && a == b
}

#[test]
fn an_empty_cloud_gives_empty_detections_with_class_names() {
    let mut report = FrameReport::default();
    let detections = detector().perceive(&cloud_of(&[]), &mut report).unwrap();
    assert!(detections.boxes.is_empty());
    assert_eq!(detections.class_names, ["Car", "Pedestrian", "Cyclist"]);
    assert_eq!(report.points_in, 0);
}

#[test]
fn clouds_of_nothing_in_range_or_nothing_finite_give_empty_detections_and_counts() {
    let mut detector = detector();
    let mut report = FrameReport::default();
    let far = cloud_of(&[[500.0, 0.0, 0.0, 1.0], [f32::NAN, 0.0, 0.0, 1.0]]);
    assert!(detector.perceive(&far, &mut report).unwrap().boxes.is_empty());
    assert_eq!((report.points_in, report.points_not_finite, report.points_out_of_range), (2, 1, 1));
}

#[test]
fn one_point_is_enough_to_run_and_stages_are_timed() {
    let mut report = FrameReport::default();
    detector().perceive(&cloud_of(&[[5.0, 0.0, -1.0, 1.0]]), &mut report).unwrap();
    assert_eq!(report.pillars, 1);
    let stages: Vec<_> = report.stages.iter().map(|stage| stage.stage).collect();
    assert_eq!(stages, ["decode_points", "pillarize", "network", "decode_boxes"]);
}

#[test]
fn the_same_cloud_gives_the_same_bits_for_any_number_of_threads_and_for_used_buffers() {
    let cloud = scene();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut detector = detector();
            let first = detector.perceive(&cloud, &mut FrameReport::default()).unwrap();
            detector.perceive(&cloud_of(&[[1.0, 1.0, 0.0, 0.0]]), &mut FrameReport::default()).unwrap();
            let again = detector.perceive(&cloud, &mut FrameReport::default()).unwrap();
            assert!(same_bits(&first, &again));
            first
        })
    };
    let one = run(1);
    assert!(!one.boxes.is_empty());
    for threads in [2, 3, 7] {
        assert!(same_bits(&one, &run(threads)), "{threads} threads");
    }
}

#[test]
fn a_cloud_without_intensity_is_refused_unless_the_sensor_options_allow_it() {
    let mut cloud = scene();
    cloud.cloud.layout.fields.pop();
    let error = detector().perceive(&cloud, &mut FrameReport::default()).unwrap_err().to_string();
    assert!(error.contains("intensity") && error.contains("\"z\""), "{error}");
    let sensor = SensorOptions { missing_intensity: Some(0.0), ..SensorOptions::default() };
    let mut lenient = PointPillars::new(&weights_of(small(), 5), &sensor).unwrap();
    assert!(lenient.perceive(&cloud, &mut FrameReport::default()).is_ok());
    let mut raw = small();
    raw.input.intensity = IntensityTreatment::Ignored;
    let mut ignoring = PointPillars::new(&weights_of(raw, 5), &SensorOptions::default()).unwrap();
    assert!(ignoring.perceive(&cloud, &mut FrameReport::default()).is_ok());
}

#[test]
fn a_sensor_mounted_higher_turned_and_upside_down_sees_the_same_boxes() {
    // Sums of quarters are exact in f32 at these heights; turns by halves and quarters round far below a pillar.
    let points = [[4.0, 0.0, -1.5, 1.0], [4.25, 0.5, -1.0, 2.0], [5.0, 1.0, -0.75, 3.0]];
    let seen = detector().perceive(&cloud_of(&points), &mut FrameReport::default()).unwrap();
    assert!(!seen.boxes.is_empty());
    for roll_pitch_yaw in [[0.0; 3], [0.0, 0.0, -std::f64::consts::FRAC_PI_2], [std::f64::consts::PI, 0.0, 0.0]] {
        let t_base_lidar = Transform::from_roll_pitch_yaw([0.0, 0.0, 1.73 + 0.25], roll_pitch_yaw);
        let t_lidar_trained = t_base_lidar.inverse() * Transform::from_yaw([0.0, 0.0, 1.73], 0.0);
        let elsewhere = points.map(|[x, y, z, i]| {
            let [x, y, z] = t_lidar_trained.apply([x, y, z].map(f64::from)).map(|v| v as f32);
            [x, y, z, i]
        });
        let cloud = MountedCloud { t_base_lidar: Some(t_base_lidar), ..cloud_of(&elsewhere) };
        let found = detector().perceive(&cloud, &mut FrameReport::default()).unwrap();
        assert_eq!(seen.boxes.len(), found.boxes.len());
        for (a, b) in seen.boxes.iter().zip(&found.boxes) {
            let expected = t_lidar_trained.apply_box(&a.box3d);
            assert!((0..3).all(|i| (expected.center_m[i] - b.box3d.center_m[i]).abs() < 1e-3), "{expected:?} {b:?}");
            assert!((expected.yaw_rad - b.box3d.yaw_rad).sin().abs() < 1e-3 && (a.score - b.score).abs() < 1e-3);
        }
    }
}

/// Winograd's tiles and skipped cells against candle's network, which computes every cell directly.
#[test]
fn boxes_are_those_of_the_reference_network() {
    use percept_kernels::executor::autograd::{ParameterStore, forward_eval};
    let mut raw = small();
    raw.widths.stages = [16, 32, 32];
    let weights = weights_of(raw, 5);
    let mut detector = PointPillars::new(&weights, &SensorOptions::default()).unwrap();
    // A second frame: the first one's cells must be gone.
    let near = cloud_of(&[[2.0, -3.0, -1.5, 1.0], [2.25, -3.5, -1.0, 2.0]]);
    detector.perceive(&near, &mut FrameReport::default()).unwrap();
    let found = detector.perceive(&scene(), &mut FrameReport::default()).unwrap().boxes;
    let window = detector.config.whole_window();
    let plan = topology(&detector.config, CanvasSize { ny: window.ny, nx: window.nx }).unwrap();
    let store = ParameterStore::new(&plan, weights.parameters()).unwrap();
    let Engine::Cpu(cpu) = &detector.engine else { panic!("a detector made by `new` is on the CPU") };
    let forward = forward_eval(&plan, &store, &cpu.pillars.input()).unwrap();
    let [cls, boxes, dir] = [OUTPUT_CLS, OUTPUT_BOX, OUTPUT_DIR]
        .map(|name| forward.get(name).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap());
    let output = PointPillarsOutput::new(&detector.config, window, &cls, &boxes, &dir).unwrap();
    let expected = decode(&detector.config, &detector.settings, &detector.anchors, &output).unwrap();
    assert!(!expected.is_empty());
    let lowest = expected.iter().map(|b| b.score).fold(1.0, f32::min) + 1e-3;
    for e in expected.iter().filter(|e| e.score > lowest) {
        let same = |b: &&Detection| {
            let near = (0..3).all(|i| (e.box3d.center_m[i] - b.box3d.center_m[i]).abs() < 1e-3);
            near && (e.box3d.yaw_rad - b.box3d.yaw_rad).sin().abs() < 1e-3 && (e.score - b.score).abs() < 1e-4
        };
        assert!(found.iter().any(|b| same(&b)), "{e:?} was not found");
    }
    assert!(found.len().abs_diff(expected.len()) * 20 <= expected.len(), "{} of {}", found.len(), expected.len());
}

#[test]
fn settings_change_between_frames_and_bad_ones_leave_the_old() {
    let mut detector = detector();
    let all = detector.perceive(&scene(), &mut FrameReport::default()).unwrap().boxes.len();
    let mut settings = detector.settings().clone();
    settings.max_detections = 1;
    detector.apply(settings.clone()).unwrap();
    assert!(all > 1);
    assert_eq!(detector.perceive(&scene(), &mut FrameReport::default()).unwrap().boxes.len(), 1);
    let old = settings.clone();
    settings.score_thresholds[0] = 7.0;
    assert!(detector.apply(settings).is_err());
    assert_eq!(*detector.settings(), old);
}
