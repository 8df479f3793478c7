//! Data sets on their way to bags and back, from small folders built here in each layout.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;

#[path = "convert/argoverse2.rs"]
mod argoverse2;
#[path = "convert/kitti_raw.rs"]
mod kitti_raw;
#[path = "convert/nuscenes.rs"]
mod nuscenes;
#[path = "convert/semantickitti.rs"]
mod semantickitti;
#[path = "convert/way_back.rs"]
mod way_back;

use fixtures::messages_of;
use percept_app::topics;
use percept_msgs::Message;
use percept_msgs::nav_msgs::Odometry;
use percept_msgs::sensor_msgs::PointCloud2;
use percept_msgs::tf2_msgs::TFMessage;
use percept_types::{Stamp, Transform, TransformBuffer};
use std::fs;
use std::path::Path;

/// Little-endian bytes of numbers.
fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Writes a file and the folders above it.
fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Clouds of the drive.
fn clouds(bag: &Path) -> Vec<PointCloud2> {
    messages_of(bag, topics::POINTS).iter().map(|(_, data)| PointCloud2::decode(data).unwrap()).collect()
}

/// Names of a cloud's fields with their offsets.
fn fields(cloud: &PointCloud2) -> Vec<(String, u32)> {
    cloud.fields.iter().map(|field| (field.name.clone(), field.offset)).collect()
}

/// Odometry of the drive: stamp, position.
fn odometry(bag: &Path) -> Vec<(Stamp, [f64; 3])> {
    let messages = messages_of(bag, topics::ODOMETRY).into_iter().map(|(_, data)| Odometry::decode(&data).unwrap());
    messages.map(|m| (m.header.stamp.into(), m.pose.pose.position.into())).collect()
}

/// Every transform of a bag.
fn transforms(bag: &Path) -> TransformBuffer {
    let mut buffer = TransformBuffer::with_history(1e7, 1_000_000);
    let is_there = |topic: &str| fixtures::topic_hashes(bag).contains_key(topic);
    for (topic, is_static) in [(topics::TF_STATIC, true), (topics::TF, false)] {
        for (_, data) in if is_there(topic) { messages_of(bag, topic) } else { Vec::new() } {
            TFMessage::decode(&data).unwrap().insert_into(&mut buffer, is_static).unwrap();
        }
    }
    buffer
}

fn near(found: [f64; 3], expected: [f64; 3], tolerance: f64) {
    let apart = (0..3).map(|i| (found[i] - expected[i]).abs()).fold(0.0, f64::max);
    assert!(apart < tolerance, "{found:?}, expected {expected:?}");
}

/// A transform's quaternion as w, x, y, z, as data sets write it.
fn wxyz(transform: &Transform) -> [f64; 4] {
    let [x, y, z, w] = transform.quaternion_xyzw();
    [w, x, y, z]
}
