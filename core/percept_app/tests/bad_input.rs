//! What bad input gets: an error that names the file, topic or field and the way out; counts; never an invented result.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;

use fixtures::*;
use percept_app::check::{CheckInputs, check};
use percept_app::detector::load_detector;
use percept_app::replay::{ReplaySettings, ReplaySummary, replay};
use percept_app::{AppError, DetectorConfig, Unwatched, topics};
use percept_msgs::Message;
use percept_msgs::sensor_msgs::PointCloud2;
use percept_msgs::std_msgs::String as StringMsg;
use percept_types::VoxelGrid;
use std::path::Path;

fn replay_with(bag: &Path, config: DetectorConfig, folder: &Path) -> Result<ReplaySummary, AppError> {
    replay(bag, &folder.join("out"), &ReplaySettings { config, ..ReplaySettings::default() }, &mut Unwatched)
}

fn small_config(folder: &Path) -> DetectorConfig {
    config_for(&write_weights(folder, small_network()), 1)
}

fn message(error: &AppError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[test]
fn a_bag_without_a_cloud_topic_is_refused_with_the_topics_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("bag");
    write_bag(&bag, &[("/chatter", StringMsg::TYPE_NAME, vec![(1, StringMsg::default().encode())])]);
    let error = replay_with(&bag, small_config(folder.path()), folder.path()).unwrap_err();
    let text = message(&error);
    assert!(text.contains("no sensor_msgs/msg/PointCloud2 topic; it has /chatter (std_msgs/msg/String)"), "{text}");
    assert!(!folder.path().join("out").exists(), "no output bag is left behind");
}

#[test]
fn of_two_cloud_topics_one_has_to_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("bag");
    let messages = || vec![(1_000, cloud(900, &some_points(), true).encode())];
    write_bag(&bag, &[("/left", PointCloud2::TYPE_NAME, messages()), ("/right", PointCloud2::TYPE_NAME, messages())]);
    let config = small_config(folder.path());
    let text = message(&replay_with(&bag, config.clone(), folder.path()).unwrap_err());
    assert!(text.contains("2 PointCloud2 topics: name one with --topic: /left (1 messages), /right"), "{text}");
    let named = DetectorConfig { input_topic: Some("/right".to_owned()), ..config };
    assert_eq!(replay_with(&bag, named, folder.path()).unwrap().topic, "/right");
}

#[test]
fn a_cloud_without_intensity_fails_every_frame_by_name_unless_a_value_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("bag");
    write_clouds(&bag, "/points", &[(1_000, cloud(900, &some_points(), false))]);
    let config = small_config(folder.path());
    let summary = replay_with(&bag, config.clone(), folder.path()).unwrap();
    assert_eq!((summary.frames, summary.frames_failed), (1, 1));
    assert!(summary.failures[0].reason.contains("intensity"), "{}", summary.failures[0].reason);
    assert!(messages_of(&folder.path().join("out"), topics::OBJECTS).is_empty());

    let told = DetectorConfig { missing_intensity: Some(0.0), ..config };
    let settings = ReplaySettings { config: told, ..ReplaySettings::default() };
    let summary = replay(&bag, &folder.path().join("told"), &settings, &mut Unwatched).unwrap();
    assert_eq!(summary.frames_failed, 0);
}

#[test]
fn check_tells_of_a_missing_intensity_and_of_an_intensity_on_another_scale() {
    let folder = tempfile::tempdir().unwrap();
    let weights = write_weights(folder.path(), small_network());
    let findings_of = |name: &str, cloud: PointCloud2| {
        let bag = folder.path().join(name);
        write_clouds(&bag, "/points", &[(1_000, cloud)]);
        check(&CheckInputs { weights: Some(weights.clone()), bag: Some(bag), ..CheckInputs::default() })
    };
    let without = findings_of("without", cloud(900, &some_points(), false));
    assert!(without.has_errors() && without.to_string().contains("no field intensity"), "{without}");
    let loud: Vec<[f32; 4]> = some_points().iter().map(|p| [p[0], p[1], p[2], 120.0]).collect();
    let loud = findings_of("loud", cloud(900, &loud, true));
    assert!(loud.has_errors() && loud.to_string().contains("intensity_scale: 255.0"), "{loud}");
    let fine = findings_of("fine", cloud(900, &some_points(), true));
    assert!(!fine.has_errors(), "{fine}");
    let away: Vec<[f32; 4]> = some_points().iter().map(|p| [p[0] - 500.0, p[1], p[2], p[3]]).collect();
    let away = findings_of("away", cloud(900, &away, true));
    assert!(away.has_errors() && away.to_string().contains("no point lies inside"), "{away}");
}

#[test]
fn weights_for_other_classes_or_another_grid_are_refused_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let config = small_config(folder.path());
    let refused = |config: DetectorConfig| message(&load_detector(&config).err().unwrap());
    let classes = DetectorConfig { class_names: Some(vec!["Bus".to_owned()]), ..config.clone() };
    let text = refused(classes);
    assert!(
        text.contains("class_names is [\"Bus\"]") && text.contains("\"Cyclist\"") && text.contains("weights.safe"),
        "{text}"
    );
    let grid = VoxelGrid::new([0.0, -39.68, -3.0, 69.12, 39.68, 1.0], [0.16, 0.16, 4.0]).unwrap();
    let text = refused(DetectorConfig { grid: Some(grid), ..config });
    assert!(text.contains("point_cloud_range is") && text.contains("20.48"), "{text}");
}

#[test]
fn weights_that_are_no_weights_are_refused_with_their_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.pth");
    std::fs::write(&path, b"PK\x03\x04 not ours").unwrap();
    let text = message(&load_detector(&config_for(&path, 1)).err().unwrap());
    assert!(text.contains("model.pth"), "{text}");
    let text = message(&load_detector(&DetectorConfig::default()).err().unwrap());
    assert!(text.contains("--weights"), "{text}");
    let absent = message(&load_detector(&config_for(&folder.path().join("absent.safetensors"), 1)).err().unwrap());
    assert!(absent.contains("absent.safetensors"), "{absent}");
}

#[test]
fn a_gpu_that_was_asked_for_by_name_is_never_replaced_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let config = DetectorConfig { device: "cuda:0".parse().unwrap(), ..small_config(folder.path()) };
    let text = message(&load_detector(&config).err().unwrap());
    assert!(text.contains("cuda:0") && text.contains("auto or cpu"), "{text}");
}

#[test]
fn a_device_left_to_choice_goes_on_with_the_cpu_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let detector = load_detector(&small_config(folder.path())).unwrap();
    let device = &percept_types::Perceive::card(&detector.model).device;
    match detector.fallback {
        Some(reason) => assert!(reason.contains("device auto is the CPU") && device.starts_with("cpu"), "{reason}"),
        None => assert!(device.starts_with("cuda:0"), "{device}"),
    }
    let config = DetectorConfig { device: "cpu".parse().unwrap(), ..small_config(folder.path()) };
    assert_eq!(load_detector(&config).unwrap().fallback, None);
}

#[test]
fn a_configuration_with_a_misspelt_key_a_nan_or_a_negative_voxel_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |body: &str| {
        let path = folder.path().join("detector.yaml");
        std::fs::write(&path, format!("/**:\n  ros__parameters:\n{body}")).unwrap();
        message(&AppError::from(DetectorConfig::from_yaml_file(&path).unwrap_err()))
    };
    assert!(refused("    score_treshold: 0.3\n").contains("score_treshold: did you mean score_threshold?"));
    assert!(refused("    score_threshold: .nan\n").contains("score_threshold is NaN, expected a number from 0 to 1"));
    let voxel = "    point_cloud_range: [0, -39.68, -3, 69.12, 39.68, 1]\n    voxel_size: [0.16, -0.16, 4]\n";
    assert!(refused(voxel).contains("voxel_size -0.16 on axis y"), "{}", refused(voxel));
}

#[test]
fn an_output_folder_in_use_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("bag");
    write_clouds(&bag, "/points", &[(1_000, cloud(900, &some_points(), true))]);
    std::fs::create_dir(folder.path().join("out")).unwrap();
    std::fs::write(folder.path().join("out/notes.txt"), "mine").unwrap();
    let text = message(&replay_with(&bag, small_config(folder.path()), folder.path()).unwrap_err());
    assert!(text.contains("exists already"), "{text}");
    assert_eq!(std::fs::read_to_string(folder.path().join("out/notes.txt")).unwrap(), "mine");
}

#[test]
fn a_damaged_bag_is_replayed_up_to_the_damage_and_the_loss_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("bag");
    // Points of noise: chunks that do not compress to nothing, so that cutting the file costs some of them.
    let noisy = |seed: u32| -> Vec<[f32; 4]> {
        let mut state = seed;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        (0..40_000).map(|_| [next() * 20.0, next() * 20.0 - 10.0, next() - 1.7, next()]).collect()
    };
    let clouds: Vec<(i64, PointCloud2)> =
        (0..8).map(|i| (i * 1_000, cloud(i * 1_000, &noisy(i as u32 + 1), true))).collect();
    write_clouds(&bag, "/points", &clouds);
    let file = bag.join("bag_0.mcap");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() * 6 / 10]).unwrap();
    let summary = replay_with(&bag, small_config(folder.path()), folder.path()).unwrap();
    assert!(summary.frames >= 2 && summary.frames < 8, "{} frames", summary.frames);
    assert_eq!(summary.frames_failed, 0);
    assert!(!summary.losses.is_empty());
}
