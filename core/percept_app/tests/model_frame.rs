//! Replay of sensors that are mounted otherwise than in training: TF, parameters, and neither.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fixtures;

use fixtures::*;
use percept_app::config::{MountingConfig, MountingSource};
use percept_app::replay::{ReplaySettings, ReplaySummary, replay};
use percept_app::{Unwatched, topics};
use percept_msgs::Message;
use percept_msgs::geometry_msgs::TransformStamped;
use percept_msgs::sensor_msgs::PointCloud2;
use percept_msgs::tf2_msgs::TFMessage;
use percept_msgs::vision_msgs::Detection3DArray;
use percept_types::{Detections, Stamp, Transform};
use std::path::{Path, PathBuf};

/// KITTI's, as the small network's weights say.
fn as_in_training() -> Transform {
    Transform::from_yaw([0.0, 0.0, 1.73], 0.0)
}

/// The points on the vehicle's ground that a sensor as in training sees, as one mounted so sees them.
fn points_of(t_base_lidar: &Transform) -> Vec<[f32; 4]> {
    let t_lidar_trained = t_base_lidar.inverse() * as_in_training();
    let seen = |[x, y, z, i]: [f32; 4]| {
        let [x, y, z] = t_lidar_trained.apply([x, y, z].map(f64::from)).map(|v| v as f32);
        [x, y, z, i]
    };
    some_points().into_iter().map(seen).collect()
}

fn tf(at_ns: i64, t_base_lidar: Transform) -> (i64, Vec<u8>) {
    let transform = TransformStamped::new(Stamp::from_ns(at_ns), "base_link", "lidar_top", t_base_lidar);
    (at_ns, TFMessage { transforms: vec![transform] }.encode())
}

/// A bag of clouds that sensors mounted so have seen, and TF on a topic.
fn bag(folder: &Path, name: &str, mountings: &[Transform], tf_topic: Option<&str>) -> PathBuf {
    let at = |i: usize| 1_000_000_000 + i as i64 * 100_000_000;
    let cloud_of = |(i, t): (usize, &Transform)| (at(i) + 50, cloud(at(i), &points_of(t), true).encode());
    let clouds = mountings.iter().enumerate().map(cloud_of).collect();
    let mut topics = vec![("/points", PointCloud2::TYPE_NAME, clouds)];
    match tf_topic {
        Some(topics::TF_STATIC) => topics.push((topics::TF_STATIC, TFMessage::TYPE_NAME, vec![tf(0, mountings[0])])),
        Some(topic) => {
            let all = mountings.iter().enumerate().map(|(i, t)| tf(at(i), *t)).collect();
            topics.push((topic, TFMessage::TYPE_NAME, all));
        }
        None => {}
    }
    let path = folder.join(name);
    write_bag(&path, &topics);
    path
}

fn replayed(folder: &Path, bag: &Path, mounting: MountingConfig) -> (ReplaySummary, Vec<Detections>) {
    let out = folder.join(format!("out_of_{}", bag.file_name().unwrap().to_string_lossy()));
    let config = config_for(&write_weights(folder, small_network()), 1);
    let config = percept_app::DetectorConfig { mounting, ..config };
    let summary = replay(bag, &out, &ReplaySettings { config, ..ReplaySettings::default() }, &mut Unwatched).unwrap();
    let arrays = messages_of(&out, topics::OBJECTS);
    let detections = arrays.iter().map(|(_, data)| Detection3DArray::decode(data).unwrap().to_detections().unwrap());
    (summary, detections.collect())
}

/// Boxes of a sensor as in training, as the same boxes seen by one mounted so.
fn assert_same_boxes(trained: &Detections, found: &Detections, t_base_lidar: &Transform) {
    let t_lidar_trained = t_base_lidar.inverse() * as_in_training();
    assert!(!trained.boxes.is_empty(), "a network that says nothing proves nothing");
    for a in trained.scoring_at_least(0.2).boxes {
        let expected = t_lidar_trained.apply_box(&a.box3d);
        let near = |i: usize, b: &percept_types::Detection| (expected.center_m[i] - b.box3d.center_m[i]).abs() < 0.02;
        let same = found.boxes.iter().any(|b| (0..3).all(|i| near(i, b)) && (a.score - b.score).abs() < 0.02);
        assert!(same, "{a:?} expected at {expected:?}");
    }
}

#[test]
fn a_sensor_mounted_as_in_training_gives_the_same_bytes_whether_tf_tells_it_or_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let told = bag(folder.path(), "told", &[as_in_training()], Some(topics::TF_STATIC));
    let untold = bag(folder.path(), "untold", &[as_in_training()], None);
    let (summary, _) = replayed(folder.path(), &told, MountingConfig::default());
    assert_eq!(summary.model_frame, "as in training, not moved (TF: base_link to lidar_top)");
    let (summary, _) = replayed(folder.path(), &untold, MountingConfig::default());
    assert!(summary.model_frame.contains("no way from base_footprint or base_link"), "{}", summary.model_frame);
    let bytes = |name: &str| messages_of(&folder.path().join(name), topics::OBJECTS);
    assert_eq!(bytes("out_of_told"), bytes("out_of_untold"));
}

#[test]
fn boxes_of_another_height_and_other_axes_are_those_of_training_once_tf_or_parameters_tell_them() {
    let folder = tempfile::tempdir().unwrap();
    let (_, trained) =
        replayed(folder.path(), &bag(folder.path(), "trained", &[as_in_training()], None), MountingConfig::default());
    // nuScenes' axes, half a metre higher; and a sensor that hangs upside down.
    let right_forward = [0.0, 0.0, -std::f64::consts::FRAC_PI_2];
    for (name, angles) in [("turned", right_forward), ("hanging", [std::f64::consts::PI, 0.0, 0.3])] {
        let t_base_lidar = Transform::from_roll_pitch_yaw([0.0, 0.0, 2.23], angles);
        let told = bag(folder.path(), name, &[t_base_lidar], Some(topics::TF_STATIC));
        let (summary, found) = replayed(folder.path(), &told, MountingConfig::default());
        assert!(summary.model_frame.starts_with("lifted by 0.50 m"), "{}", summary.model_frame);
        assert_same_boxes(&trained[0], &found[0], &t_base_lidar);
        let untold = bag(folder.path(), &format!("{name}_untold"), &[t_base_lidar], None);
        let said = MountingConfig {
            source: MountingSource::Parameters,
            sensor_height_m: Some(2.23),
            sensor_rotation_rad: Some(angles),
            ..MountingConfig::default()
        };
        let (summary, found) = replayed(folder.path(), &untold, said);
        assert!(summary.model_frame.contains("sensor_height and sensor_rotation as set"), "{}", summary.model_frame);
        assert_same_boxes(&trained[0], &found[0], &t_base_lidar);
    }
}

#[test]
fn a_mounting_that_moves_is_followed_cloud_by_cloud() {
    let folder = tempfile::tempdir().unwrap();
    let (_, trained) =
        replayed(folder.path(), &bag(folder.path(), "trained", &[as_in_training()], None), MountingConfig::default());
    let mountings = [0.0, 0.1, 0.3].map(|pitch| Transform::from_roll_pitch_yaw([0.0, 0.0, 2.0], [0.0, pitch, pitch]));
    let moving = bag(folder.path(), "moving", &mountings, Some(topics::TF));
    let (summary, found) = replayed(folder.path(), &moving, MountingConfig::default());
    assert_eq!((summary.frames, summary.frames_failed), (3, 0), "{:?}", summary.failures);
    assert!(summary.model_frame.contains("moving"), "{}", summary.model_frame);
    for (found, t_base_lidar) in found.iter().zip(&mountings) {
        assert_same_boxes(&trained[0], found, t_base_lidar);
    }
}

#[test]
fn where_tf_must_tell_and_does_not_the_replay_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let untold = bag(folder.path(), "untold", &[as_in_training()], None);
    let mounting = MountingConfig { source: MountingSource::Tf, ..MountingConfig::default() };
    let config =
        percept_app::DetectorConfig { mounting, ..config_for(&write_weights(folder.path(), small_network()), 1) };
    let settings = ReplaySettings { config, ..ReplaySettings::default() };
    let error = replay(&untold, &folder.path().join("out"), &settings, &mut Unwatched).unwrap_err().to_string();
    assert!(error.contains("no way from base_footprint or base_link") && error.contains("base_frame"), "{error}");
    assert!(!folder.path().join("out").exists());
}
