//! `percept simulate --compare`: simulated sweeps against those of a bag.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used)]

mod fixtures;

use fixtures::{cloud, some_points, write_bag, write_clouds, write_drive};
use percept_app::realism::{RealismSettings, RealismSummary, compare_with_real};
use percept_app::simulate::{SimulateSettings, SimulatedView, simulate};
use percept_app::{AppError, Unwatched};
use percept_eval::realism::Agreement;
use std::path::Path;

fn settings(frames: u64) -> SimulateSettings {
    SimulateSettings {
        seed: 11,
        frames,
        view: SimulatedView::KittiCamera,
        labelled_points: false,
        ..SimulateSettings::default()
    }
}

fn compared(real: &Path, simulated: &SimulateSettings, folder: &Path) -> Result<RealismSummary, AppError> {
    let comparison = RealismSettings { real: real.to_owned(), written: None, folder: folder.join("realism") };
    compare_with_real(&comparison, simulated, &mut Unwatched)
}

#[test]
fn a_drive_compared_with_its_own_bag_agrees_and_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let real = write_drive(folder.path(), "drive", 11, 3);
    let comparison = RealismSettings { real: real.clone(), written: Some(real), folder: folder.path().join("realism") };
    let summary = compare_with_real(&comparison, &settings(3), &mut Unwatched).unwrap();
    assert!(!summary.has_findings() && summary.mismatches.is_empty(), "{summary}");
    assert_eq!((summary.simulated.frames, summary.real.frames, summary.real.frames_with_truth), (3, 3, 3));
    for name in [
        "points a ring",
        "range",
        "height over ground",
        "intensity of ground",
        "drop-out off objects by ring",
        "points a Car",
    ] {
        assert!(summary.statistics.iter().any(|statistic| statistic.name == name), "{name}: {summary}");
    }
    assert!(summary.statistics.iter().all(|statistic| statistic.agreement <= Agreement::Within));
    let page = std::fs::read_to_string(&summary.page).unwrap();
    assert!(page.contains("Drop-out off objects by incidence") && page.contains("<svg") && !page.contains("NaN"));
    assert!(std::fs::read(&summary.picture).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn worlds_are_drawn_from_their_seeds_and_the_same_settings_give_the_same_figures() {
    let folder = tempfile::tempdir().unwrap();
    let real = write_drive(folder.path(), "drive", 5, 2);
    let [first, second] = [(); 2].map(|()| compared(&real, &settings(2), folder.path()).unwrap());
    assert_eq!(first, second);
    let other = SimulateSettings { seed: 40, ..settings(2) };
    assert_ne!(first.statistics, compared(&real, &other, folder.path()).unwrap().statistics);
}

#[test]
fn a_bag_without_truth_is_compared_without_objects_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("clouds");
    write_clouds(&bag, "/points", &[(1, cloud(1, &some_points(), true)), (2, cloud(2, &some_points(), false))]);
    let summary = compared(&bag, &settings(1), folder.path()).unwrap();
    assert_eq!((summary.real.frames, summary.real.frames_with_truth), (2, 0));
    let notes = summary.notes.join("\n");
    assert!(notes.contains("2 sweeps have no true boxes: it has no topic of true boxes"), "{notes}");
    assert!(
        notes.contains("left out: points an object") && notes.contains("1 sweeps have no field intensity"),
        "{notes}"
    );
    assert!(notes.contains("no sweep has a camera beside it"), "{notes}");
}

#[test]
fn another_sensors_bag_is_told_by_its_rings_and_its_view() {
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("vlp");
    let other = SimulateSettings {
        sensor: "vlp-16".into(),
        view: SimulatedView::Full,
        frames: 1,
        ..SimulateSettings::default()
    };
    simulate(&bag, &other, &mut Unwatched).unwrap();
    let summary = compared(&bag, &settings(1), folder.path()).unwrap();
    let told = summary.mismatches.join("\n");
    assert!(told.contains("do not lie on the 64 rings") && told.contains("--sensor"), "{told}");

    let cropped = write_drive(folder.path(), "cropped", 5, 1);
    let whole = SimulateSettings { view: SimulatedView::Full, ..settings(1) };
    let summary = compared(&cropped, &whole, folder.path()).unwrap();
    let told = summary.mismatches.join("\n");
    assert!(told.contains("choose the same with --view") && summary.has_findings(), "{told}");
}

#[test]
fn a_bag_without_clouds_is_refused_with_its_topics() {
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("words");
    write_bag(&bag, &[("/words", "std_msgs/msg/String", vec![])]);
    let error = compared(&bag, &settings(1), folder.path()).unwrap_err().to_string();
    assert!(error.contains("no sensor_msgs/msg/PointCloud2 topic") && error.contains("/words"), "{error}");
}
