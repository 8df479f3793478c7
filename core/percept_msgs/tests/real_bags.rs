//! Messages that others have recorded: decoded, compared with what is known of them, encoded to the same bytes.

// What the tests share is test code too, which the lint does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use percept_bag::{BagReader, ReadOptions, TopicFilter};
use percept_msgs::{
    Message, MsgError, builtin_interfaces as builtin, geometry_msgs as geometry, nav_msgs as nav,
    sensor_msgs as sensor, std_msgs, tf2_msgs as tf2,
};
use percept_types::{RawCloud, Stamp, TransformBuffer, TransformError};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn data(relative: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PERCEPT_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    let path = root.join(relative);
    if !path.exists() {
        eprintln!("SKIPPED: {} is not there; set PERCEPT_DATA to the folder of recorded data", path.display());
        return None;
    }
    Some(path)
}

/// Messages of a bag by the name of their topic, with its type.
fn messages(path: &std::path::Path) -> BTreeMap<String, (String, Vec<Vec<u8>>)> {
    let reader = BagReader::open(path, ReadOptions::default()).unwrap();
    let mut topics = BTreeMap::new();
    for message in reader.messages(TopicFilter::all()).unwrap() {
        let message = message.unwrap();
        let topic = &reader.topics()[message.topic];
        let of_topic = topics.entry(topic.name.clone()).or_insert_with(|| (topic.type_name.clone(), Vec::new()));
        of_topic.1.push(message.data);
    }
    topics
}

/// Decodes and encodes to the same bytes, but for padding that the other serialiser left behind.
fn same_bytes<M: Message>(recorded: &[u8]) -> Result<(), MsgError> {
    let ours = M::decode(recorded)?.encode();
    assert_eq!(&recorded[..ours.len()], ours, "{}", M::TYPE_NAME);
    assert!(recorded.len() - ours.len() <= 3, "{}", M::TYPE_NAME);
    Ok(())
}

/// `None` for a type that percept_msgs does not speak.
fn check(type_name: &str, recorded: &[u8]) -> Option<Result<(), MsgError>> {
    macro_rules! check_as {
        ($($message:ty),* $(,)?) => {
            match type_name {
                $(name if name == <$message>::TYPE_NAME => Some(same_bytes::<$message>(recorded)),)*
                _ => None,
            }
        };
    }
    check_as!(
        builtin::Time,
        std_msgs::Header,
        std_msgs::String,
        std_msgs::ColorRGBA,
        geometry::Point,
        geometry::Point32,
        geometry::Polygon,
        geometry::Vector3,
        geometry::Quaternion,
        geometry::Pose,
        geometry::PoseWithCovariance,
        geometry::Twist,
        geometry::TwistWithCovariance,
        geometry::Transform,
        geometry::TransformStamped,
        sensor::PointField,
        sensor::PointCloud2,
        sensor::Image,
        sensor::CompressedImage,
        sensor::RegionOfInterest,
        sensor::CameraInfo,
        nav::Odometry,
        tf2::TFMessage,
    )
}

#[test]
fn recorded_messages_of_our_types_are_read_whole() {
    let expected = [
        ("rosbags_all_types_sqlite3", 22),
        ("klintan_camera_db3", 3),
        ("derived_kitti_drive0005_db3", 4),
        ("rosbag2_mcap_talker", 1),
    ];
    for (bag, num_topics) in expected {
        let Some(path) = data(&format!("bags/{bag}")) else { return };
        let mut spoken = 0;
        for (topic, (type_name, recorded)) in messages(&path) {
            let mut known = false;
            for bytes in &recorded {
                if let Some(result) = check(&type_name, bytes) {
                    result.unwrap_or_else(|error| panic!("{bag} {topic}: {error}"));
                    known = true;
                }
            }
            spoken += usize::from(known);
        }
        assert_eq!(spoken, num_topics, "{bag}");
    }
}

#[test]
fn a_recorded_drive_gives_its_cloud_camera_and_transform() {
    let Some(path) = data("bags/derived_kitti_drive0005_db3") else { return };
    let topics = messages(&path);
    let bytes = |type_name: &str| {
        &topics.values().find(|(name, _)| name == type_name).unwrap_or_else(|| panic!("{type_name}")).1[0]
    };
    let cloud = sensor::PointCloud2::decode(bytes(sensor::PointCloud2::TYPE_NAME)).unwrap();
    let cloud = cloud.into_stamped(Stamp::from_ns(0)).unwrap();
    assert_eq!((cloud.payload.num_points(), cloud.payload.point_step), (123_397, 16));
    let mut buffer = TransformBuffer::default();
    let tf = tf2::TFMessage::decode(bytes(tf2::TFMessage::TYPE_NAME)).unwrap();
    tf.insert_into(&mut buffer, true).unwrap();
    let info = sensor::CameraInfo::decode(bytes(sensor::CameraInfo::TYPE_NAME)).unwrap();
    // The recording's only transform is that of the grey camera, which stands 6 cm beside the colour camera.
    let missing = buffer.lookup(&info.header.frame_id, &cloud.frame_id, cloud.stamp).unwrap_err();
    assert!(matches!(missing, TransformError::UnknownFrame { frame, .. } if frame == info.header.frame_id));
    let t_optical_lidar = buffer.lookup("camera_gray_left_unrect", &cloud.frame_id, cloud.stamp).unwrap();
    let camera = info.to_camera(t_optical_lidar).unwrap();
    assert!(camera.sees([20.0, 0.0, -1.0]), "the road ahead");
    assert!(!camera.sees([-20.0, 0.0, -1.0]), "the road behind");
    if let Some(source) = data("kitti_raw").and_then(|root| find_bin(&root)) {
        let bytes = std::fs::read(source).unwrap();
        assert!(bytes == cloud.payload.bytes, "the points of the data set");
    }
}

fn find_bin(folder: &std::path::Path) -> Option<PathBuf> {
    let mut entries: Vec<_> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries.into_iter().find_map(|path| match path.is_dir() {
        true => find_bin(&path),
        false => (path.file_name()? == "0000000000.bin").then_some(path),
    })
}

#[test]
fn a_recorded_camera_gives_its_images() {
    let Some(path) = data("bags/klintan_camera_db3/sample.db3") else { return };
    let topics = messages(&path);
    let image = sensor::Image::decode(&topics["/image"].1[0]).unwrap();
    assert_eq!((image.width, image.height, image.encoding.as_str(), image.step), (640, 480, "bgr8", 1920));
    let mean = image.data.iter().map(|byte| f64::from(*byte)).sum::<f64>() / image.data.len() as f64;
    assert!((mean - 179.786).abs() < 1e-3, "{mean}");
    let jpeg = sensor::CompressedImage::decode(&topics["/image/compressed"].1[0]).unwrap();
    assert_eq!((jpeg.data.len(), &jpeg.data[..2]), (73_470, [0xff, 0xd8].as_slice()));
    assert!(jpeg.format.contains("jpeg"), "{}", jpeg.format);
}

#[test]
fn a_cloud_of_another_serialiser_is_a_cloud() {
    let Some(path) = data("bags/rosbags_all_types_sqlite3") else { return };
    let (_, recorded) = &messages(&path)["/test/sensor_msgs/point_cloud2"];
    for bytes in recorded {
        let raw = RawCloud::try_from(sensor::PointCloud2::decode(bytes).unwrap()).unwrap();
        assert!(raw.num_points() > 0);
    }
}
