//! What a node does with its frames, with a fake model, over the memory transport and a manual clock.
#![allow(clippy::unwrap_used)]

mod bench_node;

use bench_node::{Bench, Wish, matching};
use percept_msgs::sensor_msgs::PointCloud2;
use percept_pipeline::{EventKind, TimeSettings, Turn};
use percept_types::Stamp;
use std::time::Duration;

const PERIOD: Duration = Duration::from_millis(100);

#[test]
fn the_output_carries_the_inputs_stamp_and_frame() {
    let mut bench = Bench::new();
    bench.send(bench.cloud(7));
    bench.turns();
    let out = bench.outputs();
    assert_eq!(out.len(), 1);
    assert_eq!((out[0].stamp, out[0].frame_id.as_str(), out[0].payload), (bench.now(), "lidar", 7));
}

#[test]
fn the_newest_cloud_waits_alone_and_the_others_are_counted() {
    let mut bench = Bench::new();
    for points in 1..=5 {
        bench.send(bench.cloud(points));
        bench.advance(PERIOD);
    }
    bench.turns();
    let metrics = bench.metrics();
    assert_eq!((metrics.input.received, metrics.input.dropped, metrics.frames), (5, 4, 1));
    assert_eq!(bench.outputs()[0].payload, 5);
}

#[test]
fn after_a_hiccup_latency_is_back_at_its_median_within_two_frames() {
    let mut bench = Bench::new();
    let ordinary = Duration::from_millis(30);
    let mut latencies_ms = Vec::new();
    for frame in 0..60 {
        // The model stalls for two seconds at frame 30; the sensor goes on.
        let takes = if frame == 30 { Duration::from_secs(2) } else { ordinary };
        bench.wish(Wish::Take(takes));
        bench.send(bench.cloud(1));
        bench.turns();
        latencies_ms.push(bench.metrics().total.last().unwrap().as_millis());
        bench.advance(PERIOD.saturating_sub(takes));
        if frame == 30 {
            assert_eq!(bench.metrics().frames, 31, "the nineteen clouds of the stall wait as one");
        }
    }
    assert!(latencies_ms[..30].iter().all(|ms| *ms == 30), "{latencies_ms:?}");
    assert_eq!(latencies_ms[30], 2000);
    assert!(latencies_ms[32..].iter().all(|ms| *ms == 30), "{latencies_ms:?}");
    assert_eq!(bench.metrics().processing.percentile_ms(50), Some(30.0));
}

#[test]
fn a_stall_leaves_one_cloud_in_the_slot_and_it_is_the_newest() {
    let mut bench = Bench::new();
    // While the model is busy the sensor sends 20 clouds of 101, 102, ... points.
    bench.wish(Wish::SendMeanwhile { clouds: 20, period: PERIOD });
    bench.send(bench.cloud(1));
    assert_eq!(bench.turn(), Turn::Worked);
    assert_eq!(bench.turn(), Turn::Worked);
    assert_eq!(bench.turn(), Turn::Idle);
    let payloads: Vec<usize> = bench.outputs().iter().map(|out| out.payload).collect();
    assert_eq!(payloads, [1, 120]);
    assert_eq!(bench.metrics().input.dropped, 19);
    assert_eq!(bench.metrics().waited.last(), Some(Duration::ZERO));
}

#[test]
fn frames_older_than_max_age_are_skipped_and_counted() {
    let settings = TimeSettings { max_age_s: Some(0.3), ..TimeSettings::default() };
    let mut bench = Bench::with_time(settings);
    for age_ms in [500u64, 400, 250, 0] {
        bench.send(bench.cloud_of_age(1, Duration::from_millis(age_ms)));
        bench.turns();
    }
    assert_eq!((bench.metrics().count(EventKind::TooOld), bench.metrics().frames), (2, 2));
    let reason = bench.metrics().events[&EventKind::TooOld].reason.clone();
    assert!(reason.contains("0.400 s old"), "{reason}");
}

#[test]
fn zero_and_future_stamps_are_reported_and_their_frames_used() {
    let mut bench = Bench::new();
    let mut zero = bench.cloud(1);
    zero.header.stamp = Stamp::default().into();
    bench.send(zero);
    bench.turns();
    let mut future = bench.cloud(2);
    future.header.stamp = Stamp::from_ns(bench.now().nanoseconds + 700_000_000).into();
    bench.send(future);
    bench.turns();
    let metrics = bench.metrics();
    assert_eq!((metrics.count(EventKind::ZeroStamp), metrics.count(EventKind::FutureStamp)), (1, 1));
    assert_eq!(bench.outputs().iter().map(|out| out.payload).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(bench.outputs()[0].stamp, Stamp::default());
}

#[test]
fn a_bag_that_loops_clears_all_state_once_with_one_diagnostic() {
    let mut bench = Bench::new();
    for _loop in 0..3 {
        bench.set_time(Stamp::from_ns(1_000_000_000_000));
        for _ in 0..20 {
            bench.send(bench.cloud(1));
            bench.turns();
            bench.advance(PERIOD);
        }
    }
    let metrics = bench.metrics();
    assert_eq!((metrics.count(EventKind::JumpedBack), metrics.frames), (2, 60));
    assert_eq!(metrics.count(EventKind::OutOfOrder) + metrics.count(EventKind::FutureStamp), 0);
}

#[test]
fn inputs_unlike_training_are_told_with_the_reason_and_forgotten_at_a_jump_of_time() {
    use percept_types::{DomainReason, InputFigures};
    /// What is seen, the reason that is to be told, and words of it.
    type Unlike = (InputFigures, fn(&DomainReason) -> bool, &'static str);
    let unlike: [Unlike; 4] = [
        (
            InputFigures { ground_height_m: Some(-2.2), ..matching() },
            |reason| matches!(reason, DomainReason::Height { .. }),
            "sensor's height",
        ),
        (
            InputFigures { range_percentiles_m: [2.0, 5.0, 12.0], ..matching() },
            |reason| matches!(reason, DomainReason::Range { .. }),
            "12 m, 33 m in training",
        ),
        (
            InputFigures { num_points: 5_000.0, ..matching() },
            |reason| matches!(reason, DomainReason::PointCount { .. }),
            "fewer beams",
        ),
        (
            InputFigures { intensity_percentiles: [0.0, 51.0, 127.0], ..matching() },
            |reason| matches!(reason, DomainReason::Intensity { .. }),
            "intensity 0..1 expected, 0..255 seen",
        ),
    ];
    for (figures, is_reason, words) in unlike {
        let mut bench = Bench::new();
        let frames = |bench: &mut Bench, count| {
            for _ in 0..count {
                bench.send(bench.cloud(1));
                bench.turns();
                bench.advance(PERIOD);
            }
        };
        frames(&mut bench, 500);
        assert!(bench.metrics().domain.is_empty(), "500 frames that match");
        *bench.figures.lock().unwrap() = figures;
        frames(&mut bench, 40);
        let reasons = bench.metrics().domain;
        assert!(matches!(&reasons[..], [reason] if is_reason(reason)), "{reasons:?}");
        assert!(reasons[0].to_string().contains(words), "{}", reasons[0]);
        bench.set_time(Stamp::from_ns(1_000_000_000_000));
        frames(&mut bench, 1);
        assert!(bench.metrics().domain.is_empty());
    }
}

#[test]
fn panics_and_errors_of_the_model_stay_inside_their_frame() {
    let mut bench = Bench::new();
    for wish in [Wish::Panic, Wish::Nothing, Wish::Fail, Wish::Nothing] {
        bench.wish(wish);
        bench.send(bench.cloud(3));
        bench.turns();
        bench.advance(PERIOD);
    }
    let metrics = bench.metrics();
    assert_eq!((metrics.count(EventKind::ModelPanic), metrics.count(EventKind::ModelError)), (1, 1));
    assert!(metrics.events[&EventKind::ModelPanic].reason.contains("asked to panic"));
    assert_eq!((metrics.frames, metrics.published, bench.failures()), (4, 2, 2));
}

#[test]
fn a_malformed_cloud_is_counted_told_and_over() {
    let mut bench = Bench::new();
    bench.send(PointCloud2 { point_step: 0, ..bench.cloud(3) });
    bench.turns();
    bench.send(bench.cloud(4));
    bench.turns();
    assert_eq!((bench.metrics().count(EventKind::Malformed), bench.metrics().frames), (1, 1));
    assert!(bench.metrics().events[&EventKind::Malformed].reason.contains("point_step is 0"));
}

#[test]
fn a_cloud_without_points_gives_an_empty_output_with_its_stamp() {
    let mut bench = Bench::new();
    bench.send(bench.cloud(0));
    bench.turns();
    assert_eq!(bench.outputs()[0].payload, 0);
    assert_eq!(bench.outputs()[0].stamp, bench.now());
}

#[test]
fn new_weights_take_their_place_between_two_frames_and_a_failure_leaves_the_old_ones() {
    let mut bench = Bench::new();
    bench.swap(Err("no such file")).join().unwrap();
    bench.send(bench.cloud(2));
    bench.turns();
    assert_eq!(bench.outputs().last().unwrap().payload, 2);
    assert!(bench.metrics().events[&EventKind::SwapFailed].reason.contains("no such file"));
    bench.swap_panicking().join().unwrap();
    assert_eq!(bench.metrics().count(EventKind::SwapFailed), 2);
    // The new model says ten times as much, and what was set at run time holds for it too.
    bench.set_offset(1);
    bench.send(bench.cloud(2));
    bench.turns();
    bench.swap(Ok(10)).join().unwrap();
    bench.send(bench.cloud(2));
    bench.turns();
    let payloads: Vec<usize> = bench.outputs().iter().map(|out| out.payload).collect();
    assert_eq!(payloads, [2, 3, 21]);
    assert_eq!((bench.metrics().count(EventKind::Swapped), bench.metrics().input.dropped), (1, 0));
}

#[test]
fn settings_that_the_model_refuses_leave_the_old_ones() {
    let mut bench = Bench::new();
    bench.set_offset(5);
    bench.send(bench.cloud(1));
    bench.turns();
    bench.set_offset(usize::MAX);
    bench.send(bench.cloud(1));
    bench.turns();
    assert_eq!(bench.outputs().iter().map(|out| out.payload).collect::<Vec<_>>(), [6, 6]);
    assert_eq!(bench.metrics().count(EventKind::SettingsRefused), 1);
}

#[test]
fn nothing_is_published_once_publishing_is_off_even_of_the_frame_at_work() {
    let mut bench = Bench::new();
    bench.wish(Wish::Deactivate);
    bench.send(bench.cloud(1));
    bench.turns();
    bench.send(bench.cloud(1));
    bench.turns();
    assert_eq!((bench.metrics().frames, bench.outputs().len()), (2, 0));
}

#[test]
fn times_of_a_frame_are_told() {
    let mut bench = Bench::new();
    for _ in 0..2 {
        bench.send(bench.cloud_of_age(1, Duration::from_millis(20)));
        bench.advance(Duration::from_millis(5));
        bench.wish(Wish::Take(Duration::from_millis(30)));
        bench.turns();
        bench.advance(Duration::from_millis(65));
    }
    let times = bench.times();
    assert_eq!(times[0].cyclic, None);
    assert_eq!(
        (times[1].cyclic, times[1].processing, times[1].waited),
        (Some(PERIOD), Duration::from_millis(30), Duration::from_millis(5))
    );
    assert!((times[1].since_stamp_s - 0.055).abs() < 1e-9);
}
