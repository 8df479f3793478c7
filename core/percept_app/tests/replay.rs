//! Replay from end to end on small bags and small random networks.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;

use fixtures::*;
use percept_app::evaluate::{EvaluateSettings, evaluate};
use percept_app::replay::{PictureSettings, ReplaySettings, replay};
use percept_app::{DetectorConfig, Unwatched, topics};
use percept_bag::{BagReader, ReadOptions};
use percept_msgs::Message;
use percept_msgs::vision_msgs::{Detection3DArray, LabelInfo};
use percept_msgs::visualization_msgs::{Marker, MarkerArray};
use percept_types::Stamp;

#[test]
fn messages_are_the_same_for_any_number_of_threads_diagnostics_and_times_excepted() {
    let folder = tempfile::tempdir().unwrap();
    let drive = write_drive(folder.path(), "drive", 3, 4);
    let weights = write_weights(folder.path(), small_network());
    let hashes = [1, 2, 2].into_iter().enumerate().map(|(run, threads)| {
        let out = folder.path().join(format!("out_{run}"));
        let settings = ReplaySettings { config: config_for(&weights, threads), ..ReplaySettings::default() };
        let summary = replay(&drive, &out, &settings, &mut Unwatched).unwrap();
        assert_eq!((summary.frames, summary.frames_failed), (4, 0), "{:?}", summary.failures);
        assert!(summary.boxes.values().sum::<u64>() > 0, "a network that says nothing proves nothing");
        let mut hashes = topic_hashes(&out);
        assert!(hashes.remove(topics::DIAGNOSTICS).is_some() && hashes.remove(topics::PROCESSING_TIME).is_some());
        hashes
    });
    let hashes: Vec<_> = hashes.collect();
    assert_eq!(hashes[0].len(), 3);
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(hashes[1], hashes[2]);
}

#[test]
fn every_cloud_gets_an_answer_with_its_stamp_frame_and_log_time() {
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("bag");
    let clouds = [
        (1_000, cloud(900, &some_points(), true)),
        (2_000, cloud(1_900, &[], true)),
        (3_000, cloud(2_900, &some_points(), true)),
    ];
    write_clouds(&bag, "/lidar/points", &clouds);
    let out = folder.path().join("out");
    let config = config_for(&write_weights(folder.path(), small_network()), 1);
    let summary = replay(&bag, &out, &ReplaySettings { config, ..ReplaySettings::default() }, &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.frames_failed, summary.frames_empty), (3, 0, 1));
    let arrays = messages_of(&out, topics::OBJECTS);
    assert_eq!(arrays.iter().map(|(time_ns, _)| *time_ns).collect::<Vec<_>>(), [1_000, 2_000, 3_000]);
    let arrays: Vec<Detection3DArray> = arrays.iter().map(|(_, data)| Message::decode(data).unwrap()).collect();
    let stamps: Vec<i64> = arrays.iter().map(|array| Stamp::from(array.header.stamp).nanoseconds).collect();
    assert_eq!(stamps, [900, 1_900, 2_900]);
    assert!(arrays.iter().all(|array| array.header.frame_id == "lidar_top"));
    assert!(arrays[1].detections.is_empty(), "an empty cloud has no boxes");
    for (_, data) in messages_of(&out, topics::MARKERS) {
        let markers = MarkerArray::decode(&data).unwrap();
        assert_eq!(markers.markers[0].action, Marker::DELETEALL);
    }
    let label_info = messages_of(&out, topics::LABEL_INFO);
    let info = LabelInfo::decode(&label_info[0].1).unwrap();
    let names: Vec<&str> = info.class_map.iter().map(|class| class.class_name.as_str()).collect();
    assert_eq!((label_info.len(), names), (1, vec!["Car", "Pedestrian", "Cyclist"]));
    assert_eq!(messages_of(&out, topics::PROCESSING_TIME).len(), 3);
    assert!(!messages_of(&out, topics::DIAGNOSTICS).is_empty());
}

#[test]
fn boxes_of_a_low_score_are_published_and_not_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let drive = write_drive(folder.path(), "drive", 3, 1);
    let weights = write_weights(folder.path(), small_network());
    let counts = [0.0, 1.0].map(|threshold| {
        let config = DetectorConfig { marker_score_threshold: Some(threshold), ..config_for(&weights, 1) };
        let out = folder.path().join(format!("out_{threshold}"));
        replay(&drive, &out, &ReplaySettings { config, ..ReplaySettings::default() }, &mut Unwatched).unwrap();
        let objects = Detection3DArray::decode(&messages_of(&out, topics::OBJECTS)[0].1).unwrap();
        let markers = MarkerArray::decode(&messages_of(&out, topics::MARKERS)[0].1).unwrap();
        (objects.detections.len(), markers.markers.len())
    });
    assert!(counts[0].0 > 0 && counts[0].1 > counts[0].0, "{counts:?}");
    assert_eq!(counts[1], (counts[0].0, 1), "DELETEALL alone");
}

#[test]
fn a_frame_that_cannot_be_read_is_counted_and_the_others_are_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("bag");
    let whole = cloud(900, &some_points(), true);
    let mut cut = cloud(1_900, &some_points(), true);
    cut.data.truncate(100);
    write_clouds(&bag, "/points", &[(1_000, whole.clone()), (2_000, cut), (3_000, whole)]);
    let out = folder.path().join("out");
    let config = config_for(&write_weights(folder.path(), small_network()), 1);
    let summary = replay(&bag, &out, &ReplaySettings { config, ..ReplaySettings::default() }, &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.frames_failed), (3, 1));
    assert_eq!((summary.failures[0].frame, summary.failures[0].log_time_ns), (1, 2_000));
    let times: Vec<i64> = messages_of(&out, topics::OBJECTS).iter().map(|(time_ns, _)| *time_ns).collect();
    assert_eq!(times, [1_000, 3_000], "no result is invented for the broken frame");
}

#[test]
fn the_output_says_where_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("bag");
    write_clouds(&bag, "/points", &[(1_000, cloud(900, &some_points(), true))]);
    let out = folder.path().join("out");
    let config = config_for(&write_weights(folder.path(), small_network()), 1);
    let summary = replay(&bag, &out, &ReplaySettings { config, ..ReplaySettings::default() }, &mut Unwatched).unwrap();
    let reader = BagReader::open(&out, ReadOptions::strict()).unwrap();
    let (_, entries) = reader.metadata().find(|(name, _)| *name == "percept_replay").unwrap();
    assert_eq!(entries.get("weights_sha256"), Some(&summary.weights_sha256));
    assert_eq!(entries.get("source_topic").map(String::as_str), Some("/points"));
}

#[test]
fn pictures_are_drawn_every_n_frames() {
    let folder = tempfile::tempdir().unwrap();
    let drive = write_drive(folder.path(), "drive", 3, 3);
    let settings = ReplaySettings {
        config: config_for(&write_weights(folder.path(), small_network()), 2),
        pictures: Some(PictureSettings { folder: folder.path().join("png"), every: 2 }),
        max_frames: None,
    };
    let summary = replay(&drive, &folder.path().join("out"), &settings, &mut Unwatched).unwrap();
    assert_eq!(summary.pictures.len(), 2);
    for picture in &summary.pictures {
        assert!(std::fs::read(picture).unwrap().starts_with(b"\x89PNG"), "{}", picture.display());
    }
}

#[test]
fn two_outputs_of_the_same_drive_are_compared_frame_by_frame() {
    let folder = tempfile::tempdir().unwrap();
    let drive = write_drive(folder.path(), "drive", 3, 6);
    let weights = write_weights(folder.path(), small_network());
    let outputs = [0, 1].map(|run| {
        let out = folder.path().join(format!("out_{run}"));
        let settings = ReplaySettings { config: config_for(&weights, 2), ..ReplaySettings::default() };
        replay(&drive, &out, &settings, &mut Unwatched).unwrap();
        out
    });
    let settings = EvaluateSettings { resamples: 20, nuscenes: true, ..EvaluateSettings::default() };
    let evaluation = evaluate(&outputs, &drive, &settings, &mut Unwatched).unwrap();
    assert_eq!(evaluation.outputs.len(), 2);
    assert_eq!(evaluation.outputs[0].frames.evaluated, 6);
    assert!(evaluation.outputs[0].nuscenes.is_some());
    assert!(evaluation.comparison.iter().all(|c| c.difference.difference == 0.0));
}
