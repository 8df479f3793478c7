//! Scenes on their way through `percept simulate` and `percept train`.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;

use fixtures::*;
use percept_app::Unwatched;
use percept_app::simulate::{DEFAULT_SCENE, SimulateSettings, SimulatedView, scene_names, simulate};
use percept_app::training::{FrameSource, SimulatedFrames};
use percept_bag::{BagReader, ReadOptions};

fn settings(scene: &str) -> SimulateSettings {
    let view = SimulatedView::KittiCamera;
    SimulateSettings { scene: scene.to_owned(), seed: 3, frames: 1, view, ..SimulateSettings::default() }
}

#[test]
fn every_shipped_scene_becomes_a_bag_that_repeats_byte_for_byte_and_names_its_scene() {
    let folder = tempfile::tempdir().unwrap();
    assert!(scene_names().contains(&DEFAULT_SCENE));
    for scene in scene_names() {
        let (one, two) = (folder.path().join(format!("{scene}1")), folder.path().join(format!("{scene}2")));
        let summary = simulate(&one, &settings(scene), &mut Unwatched).unwrap();
        assert!(summary.points > 3000, "{scene}: {}", summary.points);
        simulate(&two, &settings(scene), &mut Unwatched).unwrap();
        assert_eq!(topic_hashes(&one), topic_hashes(&two), "{scene}");
        let reader = BagReader::open(&one, ReadOptions::strict()).unwrap();
        let (_, entries) = reader.metadata().find(|(name, _)| *name == "percept_drive").unwrap();
        assert_eq!(entries.get("scene").map(String::as_str), Some(scene));
    }
}

#[test]
fn an_unknown_scene_is_told_the_shipped_ones_and_a_broken_file_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("no");
    let refused = |scene: &str| {
        let error = simulate(&out, &settings(scene), &mut Unwatched).unwrap_err();
        assert!(!out.exists());
        format!("{error} {}", std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default())
    };
    let told = refused("village");
    assert!(told.contains("village") && told.contains("urban") && told.contains("parking"), "{told}");
    let file = folder.path().join("mine.json");
    std::fs::write(&file, "{ \"van_share\": 7 }").unwrap();
    let told = refused(&file.to_string_lossy());
    assert!(told.contains("mine.json") && told.contains("van_share"), "{told}");
}

#[test]
fn frames_to_train_on_come_from_the_scenes_asked_for_and_say_so() {
    let ahead = 40.0;
    let mixed = SimulatedFrames::for_training(7, ahead, "mixed").unwrap();
    let both = SimulatedFrames::for_training(7, ahead, "mixed,highway=3").unwrap();
    let highway = SimulatedFrames::for_training(7, ahead, "highway").unwrap();
    assert!(both.describe().contains("mixed=1,highway=3"), "{}", both.describe());
    let (mut of_mixed, mut of_highway) = (0, 0);
    for index in 0..8 {
        let frame = both.frame(index).unwrap();
        of_mixed += usize::from(frame == mixed.frame(index).unwrap());
        of_highway += usize::from(frame == highway.frame(index).unwrap());
    }
    assert_eq!(of_mixed + of_highway, 8);
    assert!(of_highway > 0 && of_mixed > 0, "{of_mixed} and {of_highway}");
    assert!(SimulatedFrames::for_training(7, ahead, "mixed,village").is_err());
    assert!(SimulatedFrames::held_out(SimulatedFrames::DEFAULT_SCENES).is_ok());
}
