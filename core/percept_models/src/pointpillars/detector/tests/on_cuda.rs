//! Whole frames on emulated CUDA: the integers of the CPU, its network within half precision, its boxes.

use super::*;
use crate::pointpillars::DecodeRule;
use percept_kernels::cuda::EmulatedOrder;

/// Parity of half precision, as max|difference| / max|reference| of a map.
const HALF_TOLERANCE: f32 = 1e-2;

fn with_rule(rule: DecodeRule, max_candidates: usize) -> RawPointPillarsConfig {
    let mut raw = small();
    raw.decode.rule = rule;
    raw.decode.max_candidates = max_candidates;
    raw.decode.nms_iou_threshold = 0.2;
    raw
}

/// The same weights on the CPU and on emulated CUDA.
fn pair(raw: RawPointPillarsConfig, order: EmulatedOrder) -> Option<(PointPillars, PointPillars)> {
    let device = CudaDevice::for_tests(order).unwrap()?;
    let (weights, sensor) = (weights_of(raw, 5), SensorOptions::default());
    let on_cpu = PointPillars::new(&weights, &sensor).unwrap();
    Some((on_cpu, PointPillars::on_cuda(&weights, &sensor, &device).unwrap()))
}

/// Class logits, box codes and direction logits of the last frame.
fn predictions(detector: &PointPillars) -> [Vec<f32>; 3] {
    [OUTPUT_CLS, OUTPUT_BOX, OUTPUT_DIR].map(|name| match &detector.engine {
        Engine::Cpu(cpu) => cpu.executor.value(name).unwrap().data.to_vec(),
        Engine::Cuda(cuda) => cuda.frame.network().value(name, 0).unwrap(),
    })
}

fn assert_same_network(on_cpu: &PointPillars, on_cuda: &PointPillars) {
    for (expected, found) in predictions(on_cpu).iter().zip(predictions(on_cuda)) {
        let largest = expected.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
        let apart = expected.iter().zip(found).fold(0.0_f32, |m, (a, b)| m.max((a - b).abs()));
        assert!(apart <= HALF_TOLERANCE * largest, "{apart} of {largest}");
    }
}

/// The CPU's decoder on the predictions that the device made: the same boxes in the same order.
fn assert_same_boxes(on_cuda: &PointPillars, found: &Detections) {
    let [cls, boxes, dir] = predictions(on_cuda);
    let window = on_cuda.config.whole_window();
    let output = PointPillarsOutput::new(&on_cuda.config, window, &cls, &boxes, &dir).unwrap();
    let expected = decode(&on_cuda.config, &on_cuda.settings, &on_cuda.anchors, &output).unwrap();
    assert_eq!(found.boxes.len(), expected.len());
    for (found, expected) in found.boxes.iter().zip(&expected) {
        assert_eq!(found.class_index, expected.class_index);
        assert!((found.score - expected.score).abs() < 1e-6, "{found:?} {expected:?}");
        let numbers = |d: &Detection| {
            let b = d.box3d;
            b.center_m.into_iter().chain(b.size_m).chain([b.yaw_rad]).collect::<Vec<_>>()
        };
        for (a, b) in numbers(found).into_iter().zip(numbers(expected)) {
            assert!((a - b).abs() < 1e-9, "{found:?} {expected:?}");
        }
    }
}

/// What the network is fed, to the last bit.
fn assert_same_input(on_cpu: &PointPillars, on_cuda: &PointPillars) {
    let (Engine::Cpu(cpu), Engine::Cuda(cuda)) = (&on_cpu.engine, &on_cuda.engine) else {
        unreachable!("one on each device");
    };
    assert_eq!(cuda.frame.decorated(cpu.pillars.decorated.len()).unwrap(), cpu.pillars.decorated);
}

fn counts(report: &FrameReport) -> [usize; 6] {
    let r = report;
    [r.points_in, r.points_not_finite, r.points_out_of_range, r.points_over_pillar_cap, r.pillars_over_cap, r.pillars]
}

fn compare(detectors: &mut (PointPillars, PointPillars), cloud: &MountedCloud) -> usize {
    let (on_cpu, on_cuda) = detectors;
    let (mut cpu_report, mut cuda_report) = (FrameReport::default(), FrameReport::default());
    on_cpu.perceive(cloud, &mut cpu_report).unwrap();
    let found = on_cuda.perceive(cloud, &mut cuda_report).unwrap();
    assert_eq!(counts(&cuda_report), counts(&cpu_report));
    assert_eq!(cuda_report.input, cpu_report.input);
    if cpu_report.pillars > 0 {
        assert_same_input(on_cpu, on_cuda);
        assert_same_network(on_cpu, on_cuda);
        if cloud.t_base_lidar.is_none() {
            assert_same_boxes(on_cuda, &found);
        }
    }
    found.boxes.len()
}

#[test]
fn whole_frames_have_the_cpus_counts_its_network_and_its_boxes() {
    for (rule, max_candidates) in
        [(DecodeRule::ClassAgnostic, 700), (DecodeRule::ClassAgnostic, 77), (DecodeRule::PerClass, 200)]
    {
        let Some(mut detectors) = pair(with_rule(rule, max_candidates), EmulatedOrder::Forward) else { return };
        assert!(compare(&mut detectors, &scene()) > 1, "{rule:?}: there should be boxes to compare");
        // Stricter settings hold from the next frame on, and nothing of the frame before is left.
        let mut settings = detectors.0.settings().clone();
        settings.score_thresholds = vec![0.28, 0.3, 0.27];
        settings.max_detections = 9;
        detectors.0.apply(settings.clone()).unwrap();
        detectors.1.apply(settings).unwrap();
        compare(&mut detectors, &cloud_of(&[[5.0, 0.0, -1.0, 1.0]]));
        assert!(compare(&mut detectors, &scene()) <= 9);
    }
}

#[test]
fn the_edges_of_input_give_what_the_cpu_gives() {
    let mut raw = with_rule(DecodeRule::ClassAgnostic, 50);
    (raw.max_pillars, raw.max_points_per_pillar) = (40, 5);
    let Some(mut detectors) = pair(raw, EmulatedOrder::Forward) else { return };
    let not_a_number = [f32::NAN, 0.0, 0.0, 1.0];
    let edges = [[0.0, -5.12, -3.0, 1.0], [10.24, 0.0, 0.0, 1.0], [5.0, 5.12, 0.0, 1.0], [5.0, 0.0, 1.0, 1.0]];
    let crowded: Vec<[f32; 4]> = (0..90).map(|i| [5.0, 0.0, -1.0, i as f32]).collect();
    let mut turned = cloud_of(&[[5.0, 1.0, -1.0, 1.0], [6.0, 1.5, -0.5, 2.0]]);
    turned.t_base_lidar = Some(Transform::from_roll_pitch_yaw([0.0, 0.0, 1.9], [0.03, 0.0, 0.4]));
    let clouds = [
        cloud_of(&[]),
        scene(),
        cloud_of(&[not_a_number, [500.0, 0.0, 0.0, 1.0]]),
        cloud_of(&edges),
        cloud_of(&crowded),
        turned,
    ];
    for cloud in &clouds {
        compare(&mut detectors, cloud);
    }
}

#[test]
fn the_order_of_threads_and_the_frames_before_change_no_bit_of_the_boxes() {
    let raw = || with_rule(DecodeRule::ClassAgnostic, 60);
    let run = |order| {
        let (_, mut on_cuda) = pair(raw(), order)?;
        let first = on_cuda.perceive(&scene(), &mut FrameReport::default()).unwrap();
        on_cuda.perceive(&cloud_of(&[[1.0, 1.0, 0.0, 0.0]]), &mut FrameReport::default()).unwrap();
        let again = on_cuda.perceive(&scene(), &mut FrameReport::default()).unwrap();
        assert!(same_bits(&first, &again));
        Some(first)
    };
    let (Some(forward), Some(backward)) = (run(EmulatedOrder::Forward), run(EmulatedOrder::Backward)) else { return };
    assert!(same_bits(&forward, &backward));
}

/// Long: for a GPU (`PERCEPT_TEST_DEVICE=cuda:0`).
#[test]
#[ignore = "a thousand frames; run it on a GPU with tests/gpu/run.sh"]
fn a_thousand_frames_in_turn_give_the_same_bytes_each_time() {
    let Some((_, mut on_cuda)) = pair(with_rule(DecodeRule::PerClass, 4096), EmulatedOrder::Forward) else { return };
    let clouds = [scene(), cloud_of(&[[1.0, 1.0, 0.0, 0.0]]), cloud_of(&[])];
    let mut run = |i: usize| on_cuda.perceive(&clouds[i % 3], &mut FrameReport::default()).unwrap();
    let first = [0, 1, 2].map(&mut run);
    for i in 3..1000 {
        assert!(same_bits(&run(i), &first[i % 3]), "frame {i}");
    }
}
