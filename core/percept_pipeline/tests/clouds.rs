//! What becomes of clouds before the model sees them, held against a simulated world whose truth is known exactly.
#![allow(clippy::unwrap_used)]

mod bench_node;

use bench_node::{Bench, cloud_of};
use percept_msgs::geometry_msgs::TransformStamped;
use percept_msgs::sensor_msgs::{PointCloud2, PointField};
use percept_msgs::tf2_msgs::TFMessage;
use percept_pipeline::cloud::{Bounds, CloudSettings, Mounting, Sweep};
use percept_pipeline::{EventKind, Turn};
use percept_transport::{Publisher, QosProfile};
use percept_types::{RawCloud, Stamp, Stamped, Transform};
use std::time::Duration;

struct Tf {
    moving: Publisher<TFMessage>,
    fixed: Publisher<TFMessage>,
}

impl Tf {
    fn of(bench: &Bench) -> Self {
        let moving = bench.driver.advertise("/tf", QosProfile::RELIABLE).unwrap();
        let fixed = bench.driver.advertise("/tf_static", QosProfile::LATCHED).unwrap();
        Self { moving, fixed }
    }

    fn fixed(&self, parent: &str, child: &str, t_parent_child: Transform) {
        let transforms = vec![TransformStamped::new(Stamp::default(), parent, child, t_parent_child)];
        self.fixed.publish(&TFMessage { transforms }).unwrap();
    }

    fn moving(&self, parent: &str, child: &str, stamp: Stamp, t_parent_child: Transform) {
        let transforms = vec![TransformStamped::new(stamp, parent, child, t_parent_child)];
        self.moving.publish(&TFMessage { transforms }).unwrap();
    }
}

fn later(stamp: Stamp, seconds: f64) -> Stamp {
    Stamp::from_ns(stamp.nanoseconds + (seconds * 1e9) as i64)
}

/// A vehicle that drives at 20 m/s and turns at 0.5 rad/s: `t_odom_base` after so many seconds.
fn driven(seconds: f64) -> Transform {
    let yaw = 0.5 * seconds;
    let radius_m = 20.0 / 0.5;
    Transform::from_yaw([radius_m * yaw.sin(), radius_m * (1.0 - yaw.cos()), 0.0], yaw)
}

const T_BASE_LIDAR: [f64; 3] = [1.0, 0.2, 1.7];

fn t_base_lidar() -> Transform {
    Transform::from_yaw(T_BASE_LIDAR, 0.1)
}

/// Walls and poles that stand still, in odom.
fn world() -> Vec<[f64; 3]> {
    (0..400).map(|i| [30.0 + 0.05 * f64::from(i % 100), -20.0 + 0.1 * f64::from(i), 0.01 * f64::from(i % 50)]).collect()
}

fn seen_from(t_odom_lidar: &Transform, point_m: [f64; 3]) -> [f32; 4] {
    let [x, y, z] = t_odom_lidar.inverse().apply(point_m);
    [x as f32, y as f32, z as f32, 0.25]
}

fn last_input(bench: &Bench) -> (RawCloud, Option<Transform>) {
    bench.seen.lock().unwrap().inputs.last().unwrap().clone()
}

fn points_of(cloud: RawCloud) -> Vec<[f32; 4]> {
    let stamp = Stamp::default();
    Sweep::read(&Stamped { stamp, frame_id: String::new(), received_at: stamp, payload: cloud }, "intensity", false)
        .points
}

fn assert_near(found: &[[f32; 4]], expected: &[[f32; 4]], tolerance_m: f32) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let gap = (0..3).map(|axis| (found[axis] - expected[axis]).powi(2)).sum::<f32>().sqrt();
        assert!(gap <= tolerance_m && found[3] == expected[3], "{found:?} for {expected:?}");
    }
}

#[test]
fn a_cloud_of_which_nothing_is_asked_reaches_the_model_byte_by_byte() {
    let mut bench = Bench::new();
    let cloud = bench.cloud(100);
    bench.send(cloud.clone());
    bench.turns();
    assert_eq!(last_input(&bench).0.bytes, cloud.data);
}

#[test]
fn the_mounting_is_that_of_the_stamp_and_is_waited_for() {
    let settings = CloudSettings { mounting: Mounting::Required(vec!["base_link".into()]), ..CloudSettings::default() };
    let mut bench = Bench::with_clouds(settings);
    let tf = Tf::of(&bench);
    let stamp = bench.now();
    // A lift that moves: at the stamp it is half-way between the two transforms.
    tf.moving("base_link", "lidar", later(stamp, -0.05), Transform::from_yaw([0.0, 0.0, 1.0], 0.0));
    bench.send(bench.cloud(1));
    assert!(matches!(bench.turn(), Turn::Waiting(_)));
    bench.advance(Duration::from_millis(50));
    tf.moving("base_link", "lidar", later(stamp, 0.05), Transform::from_yaw([0.0, 0.0, 2.0], 0.0));
    bench.turns();
    let t_base_lidar = last_input(&bench).1.unwrap();
    assert!((t_base_lidar.translation_m()[2] - 1.5).abs() < 1e-9);
    assert_eq!(bench.outputs()[0].stamp, stamp);
}

#[test]
fn a_transform_that_does_not_come_in_time_drops_the_frame_with_its_reason() {
    let settings = CloudSettings { mounting: Mounting::Required(vec!["base_link".into()]), ..CloudSettings::default() };
    let mut bench = Bench::with_clouds(settings);
    bench.send(bench.cloud(1));
    bench.turns();
    bench.advance(Duration::from_millis(100));
    bench.turns();
    let metrics = bench.metrics();
    assert_eq!((metrics.count(EventKind::TransformMissing), metrics.frames), (1, 0));
    let reason = &metrics.events[&EventKind::TransformMissing].reason;
    assert!(reason.contains("base_link") && reason.contains("after 100 ms"), "{reason}");
    assert_eq!(bench.failures(), 1);
}

#[test]
fn an_optional_mounting_is_waited_for_once() {
    let mounting = Mounting::IfKnown(vec!["base_footprint".into(), "base_link".into()]);
    let mut bench = Bench::with_clouds(CloudSettings { mounting, ..CloudSettings::default() });
    bench.send(bench.cloud(1));
    assert!(matches!(bench.turn(), Turn::Waiting(_)));
    bench.advance(Duration::from_millis(100));
    bench.turns();
    bench.send(bench.cloud(2));
    bench.turns();
    assert_eq!(bench.outputs().len(), 2);
    assert_eq!(last_input(&bench).1, None);
    assert_eq!(bench.metrics().count(EventKind::MountingAssumed), 1, "told once");
    Tf::of(&bench).fixed("base_link", "lidar", t_base_lidar());
    bench.send(bench.cloud(3));
    bench.turns();
    assert_eq!(last_input(&bench).1.unwrap().translation_m(), T_BASE_LIDAR);
}

#[test]
fn a_transform_that_cannot_be_used_is_counted_and_its_neighbours_are_used() {
    let mounting = Mounting::Required(vec!["base_link".into()]);
    let mut bench = Bench::with_clouds(CloudSettings { mounting, ..CloudSettings::default() });
    let tf = Tf::of(&bench);
    let mut broken = TransformStamped::new(Stamp::default(), "base_link", "imu", Transform::identity());
    broken.transform.rotation = [0.0; 4].into();
    let good = TransformStamped::new(Stamp::default(), "base_link", "lidar", t_base_lidar());
    tf.fixed.publish(&TFMessage { transforms: vec![broken, good] }).unwrap();
    bench.send(bench.cloud(1));
    bench.turns();
    assert_eq!((bench.metrics().count(EventKind::TransformRefused), bench.metrics().frames), (1, 1));
}

fn two_lidars() -> (Bench, Publisher<PointCloud2>) {
    let topics = vec!["~/input/pointcloud".to_owned(), "/rear/points".to_owned()];
    let bench =
        Bench::with_clouds(CloudSettings { topics, fixed_frame: Some("odom".into()), ..CloudSettings::default() });
    let rear = bench.driver.advertise("/rear/points", QosProfile::SENSOR_DATA).unwrap();
    (bench, rear)
}

#[test]
fn several_lidars_become_one_cloud_in_the_frame_and_moment_of_the_first() {
    let (mut bench, rear) = two_lidars();
    let tf = Tf::of(&bench);
    let t_base_rear = Transform::from_yaw([-2.0, 0.0, 1.0], 3.0);
    tf.fixed("base_link", "lidar", t_base_lidar());
    tf.fixed("base_link", "rear", t_base_rear);
    let start = bench.now();
    for step in -10..10 {
        let seconds = f64::from(step) * 0.02;
        tf.moving("odom", "base_link", later(start, seconds), driven(seconds));
    }
    // The rear one looks 30 ms later: the vehicle has moved by 60 cm.
    let (t_odom_lidar, t_odom_rear) = (driven(0.0) * t_base_lidar(), driven(0.03) * t_base_rear);
    let world = world();
    let front: Vec<[f32; 4]> = world[..200].iter().map(|p| seen_from(&t_odom_lidar, *p)).collect();
    let behind: Vec<[f32; 4]> = world[200..].iter().map(|p| seen_from(&t_odom_rear, *p)).collect();
    bench.send(cloud_of(start, "lidar", &front));
    assert!(matches!(bench.turn(), Turn::Waiting(_)));
    bench.advance(Duration::from_millis(40));
    rear.publish(&cloud_of(later(start, 0.03), "rear", &behind)).unwrap();
    bench.turns();
    let truth: Vec<[f32; 4]> = world.iter().map(|p| seen_from(&t_odom_lidar, *p)).collect();
    assert_near(&points_of(last_input(&bench).0), &truth, 0.005);
    assert_eq!((bench.outputs()[0].stamp, bench.metrics().count(EventKind::Incomplete)), (start, 0));
}

#[test]
fn a_lidar_that_is_silent_is_told_and_the_others_go_on() {
    let (mut bench, rear) = two_lidars();
    Tf::of(&bench).fixed("lidar", "rear", Transform::identity());
    bench.send(bench.cloud(3));
    bench.turns();
    bench.advance(Duration::from_millis(100));
    bench.turns();
    assert_eq!((bench.outputs()[0].payload, bench.metrics().count(EventKind::Incomplete)), (3, 1));
    // One that is already ahead will bring no more of this moment: nobody waits.
    rear.publish(&cloud_of(later(bench.now(), 0.5), "rear", &[[0.0; 4]])).unwrap();
    bench.send(bench.cloud(4));
    bench.turns();
    assert_eq!((bench.outputs()[1].payload, bench.metrics().count(EventKind::Incomplete)), (4, 2));
    assert!(bench.metrics().events[&EventKind::Incomplete].reason.contains("/rear/points"));
}

#[test]
fn points_of_a_rolling_sweep_come_to_where_they_were_at_the_stamp() {
    let settings =
        CloudSettings { motion_compensation: true, fixed_frame: Some("odom".into()), ..CloudSettings::default() };
    let mut bench = Bench::with_clouds(settings);
    let tf = Tf::of(&bench);
    tf.fixed("base_link", "lidar", t_base_lidar());
    let start = bench.now();
    for step in -1..=11 {
        let seconds = f64::from(step) * 0.01;
        tf.moving("odom", "base_link", later(start, seconds), driven(seconds));
    }
    let world = world();
    let time_of = |index: usize| 0.1 * index as f64 / world.len() as f64;
    let swept: Vec<[f32; 4]> =
        world.iter().enumerate().map(|(i, p)| seen_from(&(driven(time_of(i)) * t_base_lidar()), *p)).collect();
    let truth: Vec<[f32; 4]> = world.iter().map(|p| seen_from(&(driven(0.0) * t_base_lidar()), *p)).collect();
    // Velodyne's layout with seconds from the stamp.
    let mut cloud = cloud_of(start, "lidar", &swept);
    cloud.fields.push(PointField { name: "time".into(), offset: 16, datatype: PointField::FLOAT32, count: 1 });
    let with_time = cloud.data.chunks(16).enumerate();
    cloud.data = with_time.flat_map(|(i, p)| [p, &(time_of(i) as f32).to_le_bytes()].concat()).collect();
    (cloud.point_step, cloud.row_step) = (20, 20 * cloud.width);
    let uncompensated = swept.iter().zip(&truth).map(|(a, b)| (a[0] - b[0]).abs()).fold(0.0, f32::max);
    assert!(uncompensated > 1.0, "the vehicle hardly moved: {uncompensated}");
    bench.send(cloud.clone());
    bench.turns();
    assert_near(&points_of(last_input(&bench).0), &truth, 0.015);
    // A sweep whose end TF has not reached waits for it.
    cloud.header.stamp = later(start, 0.05).into();
    bench.send(cloud);
    assert!(matches!(bench.turn(), Turn::Waiting(_)));
}

#[test]
fn past_sweeps_stand_where_the_world_stands_with_their_lag() {
    let settings = CloudSettings { past_sweeps: 2, fixed_frame: Some("odom".into()), ..CloudSettings::default() };
    let mut bench = Bench::with_clouds(settings);
    let tf = Tf::of(&bench);
    tf.fixed("base_link", "lidar", t_base_lidar());
    let start = bench.now();
    let world = world();
    for frame in 0..4 {
        let seconds = f64::from(frame) * 0.1;
        tf.moving("odom", "base_link", later(start, seconds), driven(seconds));
        let t_odom_lidar = driven(seconds) * t_base_lidar();
        let seen: Vec<[f32; 4]> = world.iter().map(|p| seen_from(&t_odom_lidar, *p)).collect();
        bench.send(cloud_of(later(start, seconds), "lidar", &seen));
        bench.turns();
        let cloud = last_input(&bench).0;
        let sweeps = (frame as usize + 1).min(3);
        assert_eq!(cloud.num_points(), world.len() * sweeps);
        let lag = |index: usize| {
            let at = index * cloud.point_step + 16;
            f32::from_le_bytes([0, 1, 2, 3].map(|byte| cloud.bytes[at + byte]))
        };
        assert_eq!(cloud.layout.fields.last().unwrap().name, "time_lag");
        assert!((0..sweeps).all(|sweep| (lag(sweep * world.len()) - 0.1 * sweep as f32).abs() < 1e-6));
        let truth: Vec<[f32; 4]> = (0..sweeps).flat_map(|_| seen.clone()).collect();
        assert_near(&points_of(cloud), &truth, 0.001);
        bench.advance(Duration::from_millis(100));
    }
    // After a jump of time nothing of the past is left.
    bench.set_time(start);
    tf.moving("odom", "base_link", start, driven(0.0));
    bench.send(cloud_of(start, "lidar", &[[1.0, 0.0, 0.0, 0.5]]));
    bench.turns();
    assert_eq!(last_input(&bench).0.num_points(), 1);
}

#[test]
fn a_cloud_of_the_own_vehicle_alone_gives_an_empty_input_and_an_output() {
    let settings = CloudSettings {
        crop_frame: Some("base_link".into()),
        crop_box: Some(Bounds { min_m: [-1.0, -1.0, 0.0], max_m: [4.0, 1.0, 2.0] }),
        ..CloudSettings::default()
    };
    let mut bench = Bench::with_clouds(settings);
    Tf::of(&bench).fixed("base_link", "lidar", Transform::from_yaw(T_BASE_LIDAR, 0.0));
    bench.send(cloud_of(bench.now(), "lidar", &[[0.0, 0.0, 0.0, 1.0], [2.9, 0.5, 0.2, 1.0]]));
    bench.turns();
    assert_eq!((bench.outputs()[0].payload, bench.metrics().points.cropped), (0, 2));
    bench.send(cloud_of(bench.now(), "lidar", &[[0.0, 0.0, 0.0, 1.0], [3.1, 0.5, 0.2, 1.0]]));
    bench.turns();
    assert_eq!(bench.outputs()[1].payload, 1);
}
