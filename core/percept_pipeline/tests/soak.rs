//! Long drives: memory stays flat with the length of the drive. Alone in its binary, since it reads the process's size.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod bench_node;

use bench_node::{Bench, cloud_of};
use percept_msgs::geometry_msgs::TransformStamped;
use percept_msgs::tf2_msgs::TFMessage;
use percept_pipeline::cloud::{CloudSettings, Mounting};
use percept_pipeline::{Diagnostics, EventKind, NodeCondition};
use percept_transport::QosProfile;
use percept_types::Transform;
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_millis(100);
const ALLOWED_BYTES: i64 = 1 << 20;

/// Bytes of the process that are in memory.
fn resident_bytes() -> i64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<i64>().unwrap() * 4096
}

/// A drive with TF at 50 Hz, a spoilt cloud, a panic's worth of errors and a jump of time now and then, and diagnostics.
fn drive(frames: usize, points: usize) {
    let mounting = Mounting::Required(vec!["base_link".into()]);
    let mut bench = Bench::with_clouds(CloudSettings { mounting, ..CloudSettings::default() });
    bench.seen.lock().unwrap().forgets = true;
    let tf = bench.driver.advertise::<TFMessage>("/tf", QosProfile::RELIABLE).unwrap();
    let mut diagnostics = Diagnostics::default();
    let rows = vec![[5.0, 1.0, -1.0, 0.5]; points];
    let (begun, start) = (Instant::now(), bench.now());
    let (mut before, mut arrays) = (0, 0);
    for frame in 0..frames {
        if frame == frames / 20 {
            before = resident_bytes();
        }
        if frame % 10_000 == 9_999 {
            bench.set_time(start);
        }
        for _ in 0..5 {
            let t_base_lidar = Transform::from_yaw([0.0, 0.0, 1.7], 0.1);
            let transform = TransformStamped::new(bench.now(), "base_link", "lidar", t_base_lidar);
            tf.publish(&TFMessage { transforms: vec![transform] }).unwrap();
            bench.advance(PERIOD / 5);
        }
        let mut cloud = cloud_of(percept_types::Stamp::from_ns(bench.now().nanoseconds - 20_000_000), "lidar", &rows);
        if frame % 1000 == 7 {
            cloud.point_step = 0;
        }
        bench.send(cloud);
        bench.turns();
        let node = NodeCondition {
            node: "detector",
            state: "active",
            refusal: None,
            active_since: Some((0.0, Duration::ZERO)),
            topic: "/points",
            publishers: Some(1),
            expected_rate_hz: 10.0,
        };
        arrays += usize::from(diagnostics.turn(&bench.clock, &bench.metrics(), &node).is_some());
    }
    let grown_bytes = resident_bytes() - before;
    let metrics = bench.metrics();
    let expected = frames as u64 - metrics.count(EventKind::Malformed) - metrics.count(EventKind::OutOfOrder);
    println!(
        "{frames} frames of {points} points in {:.1} s, {arrays} diagnostics, memory grown by {} KiB",
        begun.elapsed().as_secs_f64(),
        grown_bytes / 1024
    );
    assert_eq!((metrics.frames, metrics.input.dropped), (expected, 0));
    assert!(begun.elapsed() < PERIOD * u32::try_from(frames).unwrap(), "slower than real time");
    assert!(grown_bytes <= ALLOWED_BYTES, "memory grew by {grown_bytes} bytes over {frames} frames");
}

#[test]
fn an_hour_at_ten_hertz_leaves_memory_as_it_was() {
    drive(36_000, 300);
}

#[test]
#[ignore = "a day of small clouds, then an hour of clouds of 2 MB: a minute or two"]
fn a_day_and_an_hour_of_large_clouds_leave_memory_as_it_was() {
    drive(864_000, 100);
    drive(36_000, 125_000);
}
