//! Real recordings of several recorders, read with the counts that are known for them.
//!
//! They are not part of the repository (their licences); without them the test says so.

// What the tests share is test code too, which the lint does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;

use percept_bag::{BagReader, ReadOptions, TopicFilter};

/// Where the reference data lie: `PERCEPT_DATA`, or `../shared/data` beside the workspace.
fn data_dir() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let dir = std::env::var_os("PERCEPT_DATA").map_or(root, PathBuf::from).join("bags");
    if !dir.is_dir() {
        eprintln!("SKIPPED: no reference bags under {}; set PERCEPT_DATA", dir.display());
        return None;
    }
    Some(dir)
}

/// Path, messages, topics, and some of the topics with their counts.
type Expected = (&'static str, u64, usize, &'static [(&'static str, &'static str, u64)]);

const EXPECTED: &[Expected] = &[
    (
        "rosbag2_sqlite3_talker",
        20,
        3,
        &[("/topic", "std_msgs/msg/String", 10), ("/rosout", "rcl_interfaces/msg/Log", 10)],
    ),
    ("rosbag2_mcap_talker", 20, 3, &[("/topic", "std_msgs/msg/String", 10), ("/rosout", "rcl_interfaces/msg/Log", 10)]),
    (
        "rosbag2_sqlite3_cdr_test",
        7,
        2,
        &[("/test_topic", "test_msgs/msg/BasicTypes", 3), ("/array_topic", "test_msgs/msg/Arrays", 4)],
    ),
    (
        "rosbag2_mcap_cdr_test",
        7,
        2,
        &[("/test_topic", "test_msgs/msg/BasicTypes", 3), ("/array_topic", "test_msgs/msg/Arrays", 4)],
    ),
    ("rosbag2_sqlite3_wbag", 6074, 8, &[("HHH", "std_msgs/msg/String", 726)]),
    ("rosbags_all_types_sqlite3", 188, 94, &[]),
    ("r2p_array_msgs_mcap", 2, 2, &[("/one_shot/imu", "sensor_msgs/msg/Imu", 1)]),
    ("nebula_vlp16/1673400471837873222", 4, 1, &[("/velodyne_packets", "velodyne_msgs/msg/VelodyneScan", 4)]),
    ("nebula_hesai_40p/1673400149412331409", 4, 1, &[]),
    ("derived_kitti_drive0005_db3", 4, 4, &[("/kitti/velo/pointcloud", "sensor_msgs/msg/PointCloud2", 1)]),
];

#[test]
fn every_reference_bag_is_read_with_its_known_counts() {
    let Some(dir) = data_dir() else { return };
    for (name, messages, topics, some) in EXPECTED {
        let reader = BagReader::open(&dir.join(name), ReadOptions::strict()).unwrap();
        assert_eq!(reader.topics().len(), *topics, "{name}");
        assert_eq!(reader.message_count(), *messages, "{name}");
        let counts = reader.count_messages().unwrap();
        assert_eq!(counts.iter().sum::<u64>(), *messages, "{name}");
        for (topic, read) in reader.topics().iter().zip(&counts) {
            assert_eq!(topic.message_count, *read, "{name} {}", topic.name);
        }
        for (topic, type_name, count) in *some {
            let found = reader.topics().iter().find(|t| t.name == *topic).unwrap();
            assert_eq!((found.type_name.as_str(), found.message_count), (*type_name, *count));
        }
        assert!(reader.losses().is_empty(), "{name}");
    }
}

#[test]
fn split_files_with_shared_boundary_stamps_come_out_in_order() {
    let Some(dir) = data_dir() else { return };
    let path = dir.join("rosbag2_sqlite3_wbag");
    let reader = BagReader::open(&path, ReadOptions::default()).unwrap();
    assert_eq!(reader.storage_files().count(), 5);
    let times = |filter| -> Vec<i64> { reader.messages(filter).unwrap().map(|m| m.unwrap().log_time_ns).collect() };
    let all = times(TopicFilter::all());
    assert!(all.is_sorted());
    let per_file: usize = reader
        .storage_files()
        .map(|file| BagReader::open(file, ReadOptions::default()).unwrap().message_count() as usize)
        .sum();
    assert_eq!(all.len(), per_file);
    // 1821 and 2623 are the last stamp of one file and the first of another.
    for start in [1821, 2623] {
        let expected: Vec<i64> = all.iter().copied().filter(|t| *t >= start).collect();
        assert_eq!(times(TopicFilter::all().starting_at_ns(start)), expected);
    }
}

#[test]
fn topics_and_service_events_are_listed_and_two_bags_in_one_folder_are_not_mixed() {
    let Some(dir) = data_dir() else { return };
    let dir = dir.join("rosbag2_topics_and_services");
    let counts = |name: &str| {
        let reader = BagReader::open(&dir.join(name), ReadOptions::strict()).unwrap();
        let counts = reader.count_messages().unwrap();
        let topics = reader.topics().iter().zip(counts);
        let mut counts: Vec<_> = topics.filter(|(_, n)| *n > 0).map(|(t, n)| (t.name.clone(), n)).collect();
        counts.sort();
        counts
    };
    let mcap = counts("topics_and_services.mcap");
    assert_eq!(mcap.iter().map(|(_, n)| n).sum::<u64>(), 13);
    assert!(!counts("topics_and_services.db3").is_empty());
    let both = BagReader::open(&dir, ReadOptions::default()).unwrap_err().to_string();
    assert!(both.contains("give one storage file"), "{both}");
}

#[test]
fn the_oldest_schema_and_old_type_names_are_read() {
    let Some(dir) = data_dir() else { return };
    let path = dir.join("klintan_camera_db3/sample.db3");
    let reader = BagReader::open(&path, ReadOptions::strict()).unwrap();
    let image = reader.topics_of_type("sensor_msgs/Image").next().unwrap();
    assert_eq!(image.type_name, "sensor_msgs/msg/Image");
    let name = image.name.clone();
    let first = reader.messages(TopicFilter::topics([name])).unwrap().next().unwrap().unwrap();
    assert!(first.data.len() > 480 * 1920, "a 480 x 640 bgr8 image");
    let compressed = reader.topics_of_type("sensor_msgs/msg/CompressedImage").next().unwrap();
    let name = compressed.name.clone();
    let first = reader.messages(TopicFilter::topics([name])).unwrap().next().unwrap().unwrap();
    assert!((73_470..73_600).contains(&first.data.len()), "{}", first.data.len());
}
