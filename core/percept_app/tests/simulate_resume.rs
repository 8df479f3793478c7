//! A simulated drive that was stopped or killed goes on as if nothing had happened.
#![allow(clippy::unwrap_used, missing_docs)]

use percept_app::Progress;
use percept_app::drive::EncodeOptions;
use percept_app::simulate::{CameraSettings, SimulateSettings, SimulateSummary, simulate};
use std::fs;
use std::path::{Path, PathBuf};

/// Asks for a stop after so many frames or messages.
struct StopAfter(u64);

impl Progress for StopAfter {
    fn begin(&mut self, _: &str, _: Option<u64>) {}
    fn advance(&mut self, steps: u64) {
        self.0 = self.0.saturating_sub(steps);
    }
    fn end(&mut self) {}
    fn note(&mut self, _: &str) {}
    fn stop_asked(&self) -> bool {
        self.0 == 0
    }
}

fn settings(resume: bool) -> SimulateSettings {
    let encode = EncodeOptions { jpeg_quality: 80, depth: false, masks: false };
    let rig = CameraSettings { rig: "kitti".to_owned(), image_size: Some([64, 20]), encode, pictures: None };
    SimulateSettings {
        sensor: "vlp-16".to_owned(),
        frames: 5,
        cameras: Some(rig),
        resume,
        ..SimulateSettings::default()
    }
}

fn run(out: &Path, resume: bool, stop_after: u64) -> SimulateSummary {
    simulate(out, &settings(resume), &mut StopAfter(stop_after)).unwrap()
}

fn files(bag: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(bag).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> =
        entries.map(|e| (e.file_name().to_string_lossy().into_owned(), fs::read(e.path()).unwrap())).collect();
    files.sort();
    files
}

fn whole(root: &Path) -> Vec<(String, Vec<u8>)> {
    let out = root.join("whole").join("street");
    let summary = run(&out, false, u64::MAX);
    assert!(!summary.interrupted && summary.frames == 5 && summary.copied == 0);
    files(&out)
}

fn storage(bag: &Path) -> PathBuf {
    fs::read_dir(bag).unwrap().map(|e| e.unwrap().path()).find(|p| p.extension().is_some_and(|e| e == "mcap")).unwrap()
}

fn assert_same(found: &[(String, Vec<u8>)], expected: &[(String, Vec<u8>)]) {
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(found), names(expected));
    for ((name, found), (_, expected)) in found.iter().zip(expected) {
        assert!(found == expected, "{name} differs: {} and {} bytes", found.len(), expected.len());
    }
}

#[test]
fn a_stopped_drive_goes_on_to_the_same_bytes_as_one_that_was_never_stopped() {
    let root = tempfile::tempdir().unwrap();
    let expected = whole(root.path());
    let out = root.path().join("street");
    let stopped = run(&out, false, 3);
    assert!(stopped.interrupted && stopped.frames == 3);
    // Stopped again while what is there is copied: nothing is lost.
    assert!(run(&out, true, 1).interrupted);
    let resumed = run(&out, true, u64::MAX);
    assert_eq!((resumed.copied, resumed.frames, resumed.interrupted), (2, 3, false));
    assert_same(&files(&out), &expected);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2, "nothing is left beside the bag");
}

#[test]
fn a_drive_whose_writer_was_killed_goes_on_to_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let expected = whole(root.path());
    let out = root.path().join("street");
    run(&out, false, 4);
    let file = storage(&out);
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() * 2 / 3]).unwrap();
    fs::remove_file(out.join("metadata.yaml")).unwrap();
    assert!(!run(&out, true, u64::MAX).interrupted);
    assert_same(&files(&out), &expected);
}

#[test]
fn a_drive_of_other_settings_is_refused_and_left_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("street");
    run(&out, false, 2);
    let before = files(&out);
    let other = SimulateSettings { seed: 9, ..settings(true) };
    let error = simulate(&out, &other, &mut StopAfter(u64::MAX)).unwrap_err().to_string();
    assert!(error.contains("seed") && error.contains('9'), "{error}");
    assert_same(&files(&out), &before);
    let missing = root.path().join("nowhere");
    let error = simulate(&missing, &settings(true), &mut StopAfter(u64::MAX)).unwrap_err().to_string();
    assert!(error.contains("--resume") && !missing.exists(), "{error}");
}
