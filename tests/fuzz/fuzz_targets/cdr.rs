//! Bytes of any kind as every message: a message that encodes and decodes to itself, or a typed error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use percept_msgs::Message;
use percept_msgs::autoware_perception_msgs::DetectedObjects;
use percept_msgs::diagnostic_msgs::DiagnosticArray;
use percept_msgs::nav_msgs::Odometry;
use percept_msgs::sensor_msgs::{CameraInfo, CompressedImage, Image, PointCloud2};
use percept_msgs::tf2_msgs::TFMessage;
use percept_msgs::vision_msgs::{Detection3DArray, LabelInfo};
use percept_msgs::visualization_msgs::MarkerArray;
use percept_types::{Transform, TransformBuffer};

/// What was read once must survive being written and read again, byte for byte.
fn round_trip<M: Message>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    let encoded = message.encode();
    let again = M::decode(&encoded).expect("what we wrote is readable");
    assert_eq!(again.encode(), encoded);
    Some(message)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    match which % 11 {
        0 => drop(round_trip::<PointCloud2>(bytes)),
        1 => drop(round_trip::<Image>(bytes)),
        2 => drop(round_trip::<CompressedImage>(bytes)),
        3 => drop(round_trip::<CameraInfo>(bytes).map(|info| info.to_camera(Transform::identity()))),
        4 => drop(round_trip::<Detection3DArray>(bytes).map(|boxes| (boxes.to_detections(), boxes.to_truth()))),
        5 => drop(round_trip::<MarkerArray>(bytes)),
        6 => drop(round_trip::<TFMessage>(bytes).map(|tf| tf.insert_into(&mut TransformBuffer::default(), false))),
        7 => drop(round_trip::<Odometry>(bytes)),
        8 => drop(round_trip::<DiagnosticArray>(bytes)),
        9 => drop(round_trip::<DetectedObjects>(bytes).map(|objects| objects.to_detections())),
        _ => drop(round_trip::<LabelInfo>(bytes)),
    }
});
