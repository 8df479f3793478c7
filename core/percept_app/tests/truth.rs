//! Truth on its way: simulated, converted, written, read back and compared with itself.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;

use fixtures::*;
use percept_app::convert::{KittiSettings, convert_kitti, kitti_stamp};
use percept_app::evaluate::{EvaluateSettings, WorstSettings, evaluate};
use percept_app::simulate::{SimulateSettings, simulate};
use percept_app::{AppError, Progress, Unwatched, topics};
use percept_eval::average_precision::RecallPoints;
use percept_eval::kitti::{Metric, OverlapSet};
use percept_msgs::Message;
use percept_msgs::sensor_msgs::CompressedImage;
use percept_msgs::std_msgs::String as StringMsg;
use percept_msgs::vision_msgs::Detection3DArray;
use percept_types::Difficulty;
use std::fs;
use std::path::Path;

/// The true boxes of a drive as what a perfect detector would say.
fn write_truth_as_detections(drive: &Path, out: &Path) {
    let classes = ["Car", "Pedestrian", "Cyclist"];
    let messages = messages_of(drive, topics::TRUTH_OBJECTS).into_iter().map(|(time_ns, data)| {
        let mut array = Detection3DArray::decode(&data).unwrap();
        array.detections.retain(|d| classes.contains(&d.results[0].hypothesis.class_id.as_str()));
        (time_ns, array.encode())
    });
    write_bag(out, &[(topics::OBJECTS, Detection3DArray::TYPE_NAME, messages.collect())]);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |name: &str, seed: u64| {
        let out = folder.path().join(name).join("drive");
        fs::create_dir_all(out.parent().unwrap()).unwrap();
        simulate(&out, &SimulateSettings { seed, frames: 2, ..SimulateSettings::default() }, &mut Unwatched).unwrap();
        ["drive_0.mcap", "metadata.yaml"].map(|file| fs::read(out.join(file)).unwrap())
    };
    let first = bytes("a", 7);
    assert_eq!(first, bytes("b", 7));
    assert_ne!(first, bytes("c", 8));
}

#[test]
fn truth_as_its_own_detections_scores_100() {
    let folder = tempfile::tempdir().unwrap();
    let drive = write_drive(folder.path(), "drive", 11, 40);
    let out = folder.path().join("perfect");
    write_truth_as_detections(&drive, &out);
    let pictures = folder.path().join("worst");
    let settings =
        EvaluateSettings { worst: Some(WorstSettings { frames: 2, folder: pictures }), ..EvaluateSettings::default() };
    let evaluation = evaluate(&[out], &drive, &settings, &mut Unwatched).unwrap();
    let kitti = evaluation.outputs[0].kitti.as_ref().unwrap();
    let mut scored = 0;
    for metric in [Metric::Bev, Metric::Volume] {
        let entry = kitti.entry("Car", metric, Difficulty::Moderate, OverlapSet::Strict).unwrap();
        // With fewer than 41 objects even a perfect detector stays below 100: recall has no 40 steps.
        assert!(entry.num_truth > 41, "{} cars", entry.num_truth);
        assert_eq!(entry.ap(RecallPoints::R40), Some(100.0), "{metric:?}");
        assert_eq!(entry.ap(RecallPoints::R11), Some(100.0), "{metric:?}");
        scored += 1;
    }
    assert_eq!(scored, 2);
    for entry in kitti.entries.iter().filter(|entry| entry.metric == Metric::Volume) {
        let points = entry.curve.iter().flat_map(|curve| &curve.points);
        assert!(points.into_iter().all(|point| point.precision == 1.0), "{} {:?}", entry.class_name, entry.difficulty);
    }
    assert_eq!(evaluation.worst.len(), 2);
    assert!(evaluation.worst.iter().all(|frame| frame.false_boxes == 0 && frame.picture.is_file()));
    let text = evaluation.to_string();
    assert!(text.contains("40 frames evaluated") && text.contains("100.00"), "{text}");
}

#[test]
fn truth_with_boxes_alone_gives_birds_eye_figures() {
    let folder = tempfile::tempdir().unwrap();
    let drive = write_drive(folder.path(), "drive", 11, 3);
    let (truth, out) = (folder.path().join("truth"), folder.path().join("perfect"));
    write_truth_as_detections(&drive, &out);
    let messages = messages_of(&drive, topics::TRUTH_OBJECTS);
    write_bag(&truth, &[("/labels", Detection3DArray::TYPE_NAME, messages)]);
    let evaluation = evaluate(&[out], &truth, &EvaluateSettings::default(), &mut Unwatched).unwrap();
    let score = &evaluation.outputs[0];
    assert!(score.kitti.is_none());
    let car = score.bev.as_ref().unwrap().classes.iter().find(|class| class.bev.class_name == "Car").unwrap();
    assert!(car.bev.num_truth > 0);
    assert!(car.bev.curve.as_ref().unwrap().points.iter().all(|point| point.precision == 1.0));
}

#[test]
fn outputs_and_truth_without_a_common_stamp_are_refused_with_both_spans() {
    let folder = tempfile::tempdir().unwrap();
    let drive = write_drive(folder.path(), "drive", 11, 2);
    let out = folder.path().join("other");
    let array = Detection3DArray::default().encode();
    write_bag(&out, &[(topics::OBJECTS, Detection3DArray::TYPE_NAME, vec![(5, array)])]);
    let error = evaluate(&[out], &drive, &EvaluateSettings::default(), &mut Unwatched).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("no stamp in common") && text.contains("2 frames from"), "{text}");
}

const CALIB: &str = "P0: 700 0 600 0 0 700 180 0 0 0 1 0\nP2: 700 0 600 45 0 700 180 -0.3 0 0 1 0.005\n\
                     R0_rect: 1 0 0 0 1 0 0 0 1\nTr_velo_to_cam: 0 -1 0 0 0 0 -1 -0.08 1 0 0 -0.27\n";
const LABELS: &str = "Car 0.00 0 1.50 587.01 173.33 614.12 200.12 1.65 1.67 3.64 -0.65 1.71 26.70 1.59\n\
                      DontCare -1 -1 -10 503.89 169.71 590.61 190.13 -1 -1 -1 -1000 -1000 -1000 -10\n";

/// Frame 3 with everything, frame 5 with a cloud alone, frame 7 with a cloud that is cut off, and minutes later frame
/// 4000 without an image.
fn write_kitti_folder(root: &Path) {
    let part = |name: &str| {
        let folder = root.join("training").join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    };
    let points: Vec<u8> = [[26.5_f32, 0.6, -1.0, 0.3], [10.0, 3.0, -1.7, 0.1], [-10.0, 0.0, -1.7, 0.2]]
        .iter()
        .flatten()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    for number in ["000003", "000005", "004000"] {
        fs::write(part("velodyne").join(format!("{number}.bin")), &points).unwrap();
    }
    fs::write(part("velodyne").join("000007.bin"), &points[..13]).unwrap();
    for number in ["000003", "004000"] {
        fs::write(part("calib").join(format!("{number}.txt")), CALIB).unwrap();
        fs::write(part("label_2").join(format!("{number}.txt")), LABELS).unwrap();
    }
    image::RgbImage::new(1242, 375).save(part("image_2").join("000003.png")).unwrap();
}

#[test]
fn a_kitti_folder_becomes_a_bag_with_everything_it_has_and_counts_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    write_kitti_folder(folder.path());
    let out = folder.path().join("bag");
    let settings = KittiSettings { images: true, ..KittiSettings::default() };
    let summary = convert_kitti(folder.path(), &out, &settings, &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.num_objects(), summary.images), (3, 2, 1));
    let without = ["calibration", "boxes", "image"].map(|part| summary.without.get(part).copied());
    assert_eq!(without, [Some(1), Some(1), Some(2)]);
    assert_eq!(summary.faulty.len(), 1);
    assert!(summary.faulty[0].contains("000007") && summary.faulty[0].contains("13 bytes"), "{:?}", summary.faulty);
    let clouds = messages_of(&out, topics::POINTS);
    let times: Vec<i64> = clouds.iter().map(|(time_ns, _)| *time_ns).collect();
    assert_eq!(times, [3, 5, 4000].map(|number| kitti_stamp(number).nanoseconds));
    let labels = StringMsg::decode(&messages_of(&out, topics::TRUTH_KITTI)[0].1).unwrap();
    assert_eq!(labels.data, LABELS, "DontCare is kept in the text");
    let truth = Detection3DArray::decode(&messages_of(&out, topics::TRUTH_OBJECTS)[0].1).unwrap().to_truth().unwrap();
    assert_eq!((truth.len(), truth[0].class_name.as_str(), truth[0].num_points), (1, "Car", 1));
    // Camera z 26.70 lies 26.97 m ahead of the LiDAR; camera x -0.65 is 0.65 m to the left.
    assert!((truth[0].box3d.center_m[0] - 26.97).abs() < 1e-9 && (truth[0].box3d.center_m[1] - 0.65).abs() < 1e-9);
    let image = CompressedImage::decode(&messages_of(&out, topics::CAMERA_IMAGE)[0].1).unwrap();
    assert!(image.format.contains("png") && image.data.starts_with(b"\x89PNG"));
}

#[test]
fn a_broken_calibration_or_label_costs_one_frame_and_names_file_line_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    write_kitti_folder(folder.path());
    let part = |name: &str| folder.path().join("training").join(name);
    fs::write(part("calib/000003.txt"), CALIB.replace("0 0 1 0.005", "0 0 one 0.005")).unwrap();
    fs::write(part("label_2/004000.txt"), LABELS.replace("DontCare -1 -1 -10", "DontCare -1 -1 minus")).unwrap();
    let settings = KittiSettings::default();
    let summary = convert_kitti(folder.path(), &folder.path().join("bag"), &settings, &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.skipped), (1, 3));
    let faults = [&summary.faulty[0], &summary.faulty[2]];
    for (fault, words) in
        faults.into_iter().zip([["000003.txt", "line 2", "\"one\""], ["004000.txt", "line 2", "minus"]])
    {
        assert!(words.iter().all(|word| fault.contains(word)), "{fault}");
    }
    let strict = KittiSettings { strict: true, ..settings };
    let error = convert_kitti(folder.path(), &folder.path().join("strict"), &strict, &mut Unwatched).unwrap_err();
    assert!(error.to_string().contains("000003.txt") && error.to_string().contains("line 2"), "{error}");
}

/// Whoever asks to stop after some steps.
struct StopAfter(u64);

impl Progress for StopAfter {
    fn begin(&mut self, _what: &str, steps: Option<u64>) {
        assert_eq!(steps, Some(4), "the bar knows how many frames there are");
    }
    fn advance(&mut self, steps: u64) {
        self.0 = self.0.saturating_sub(steps);
    }
    fn end(&mut self) {}
    fn note(&mut self, _text: &str) {}
    fn stop_asked(&self) -> bool {
        self.0 == 0
    }
}

#[test]
fn a_conversion_that_is_stopped_leaves_a_whole_bag_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    write_kitti_folder(folder.path());
    let bag = folder.path().join("bag");
    let summary = convert_kitti(folder.path(), &bag, &KittiSettings::default(), &mut StopAfter(2)).unwrap();
    assert!(summary.interrupted && summary.to_string().contains("stopped before the end"));
    // Read strictly: a bag without its end is a fault.
    assert_eq!((summary.frames, messages_of(&bag, topics::POINTS).len()), (2, 2));
}

#[test]
fn label_files_are_truth_for_what_was_converted_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    write_kitti_folder(folder.path());
    let bag = folder.path().join("bag");
    convert_kitti(folder.path(), &bag, &KittiSettings::default(), &mut Unwatched).unwrap();
    let out = folder.path().join("perfect");
    write_truth_as_detections(&bag, &out);
    for truth in [folder.path().to_owned(), folder.path().join("training/label_2"), bag] {
        let evaluation =
            evaluate(std::slice::from_ref(&out), &truth, &EvaluateSettings::default(), &mut Unwatched).unwrap();
        let kitti = evaluation.outputs[0].kitti.as_ref().unwrap();
        let entry = kitti.entry("Car", Metric::Volume, Difficulty::Moderate, OverlapSet::Strict).unwrap();
        let points = &entry.curve.as_ref().unwrap().points;
        assert_eq!((entry.num_truth, points.len()), (2, 2), "{}", truth.display());
        assert!(points.iter().all(|point| point.precision == 1.0));
    }
}

#[test]
fn a_folder_that_is_not_kittis_is_refused_with_what_is_there_and_the_form_expected() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "hello").unwrap();
    fs::create_dir(folder.path().join("pictures")).unwrap();
    let error = convert_kitti(folder.path(), &folder.path().join("bag"), &KittiSettings::default(), &mut Unwatched);
    let error = error.unwrap_err();
    assert!(matches!(error, AppError::NotKitti { .. }));
    let text = error.to_string();
    assert!(text.contains("ROOT/training/velodyne") && text.contains("found notes.txt, pictures/"), "{text}");
    assert!(!folder.path().join("bag").exists(), "nothing is left behind");
}
