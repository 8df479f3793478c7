//! Real labels of KITTI (not committed: found through PERCEPT_DATA or ../shared/data; skipped loudly where absent).

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests, which clippy does not see here

use percept_eval::average_precision::RecallPoints;
use percept_eval::kitti::{
    Annotation, Calibration, EvalConfig, FramePair, Metric, OverlapSet, ScoredAnnotation, annotation_of_box,
    box_of_annotation, evaluate, parse_labels, write_label_line,
};
use percept_types::{Camera, Difficulty, wrap_to_pi};
use std::path::PathBuf;

/// Labels and cameras of all labelled frames, or none with a word about it.
fn real_frames() -> Vec<(Vec<Annotation>, Camera)> {
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("PERCEPT_DATA").map_or_else(default, PathBuf::from).join("kitti_object/training");
    let Ok(entries) = std::fs::read_dir(root.join("label_2")) else {
        eprintln!("SKIPPED: no KITTI labels under {} (set PERCEPT_DATA)", root.display());
        return vec![];
    };
    let mut labels: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    labels.sort();
    labels
        .iter()
        .map(|path| {
            let name = path.display().to_string();
            let truth = parse_labels(&name, &std::fs::read_to_string(path).unwrap()).unwrap();
            let calibration = root.join("calib").join(path.file_name().unwrap());
            let text = std::fs::read_to_string(calibration).unwrap();
            (truth, Calibration::parse(&name, &text).unwrap().camera(1242, 375))
        })
        .collect()
}

fn in_space(truth: &[Annotation]) -> impl Iterator<Item = &Annotation> {
    truth.iter().filter(|t| !t.is_dont_care())
}

#[test]
fn real_labels_come_back_from_the_lidar_frame_and_agree_with_their_own_angles_and_hulls() {
    let mut compared = 0;
    for (truth, camera) in real_frames() {
        for label in in_space(&truth) {
            let b = box_of_annotation(label, &camera.t_camera_lidar).unwrap();
            let Some(back) = annotation_of_box(&label.class_name, &b, &camera) else { continue };
            for axis in 0..3 {
                assert!((back.bottom_center_m[axis] - label.bottom_center_m[axis]).abs() < 0.02, "{label:?}");
            }
            assert!(wrap_to_pi(back.rotation_y_rad - label.rotation_y_rad).abs() < 1e-3, "{label:?}");
            // The labels' angles were made with coordinates not yet rounded and a camera some centimetres beside.
            let limit_rad = 0.02 + 0.15 / label.bottom_center_m[2].max(1.0);
            assert!(wrap_to_pi(back.alpha_rad - label.alpha_rad).abs() < limit_rad, "{label:?} {}", back.alpha_rad);
            // The image boxes of people were drawn by hand round limbs; those of vehicles are hulls of their boxes.
            if label.truncation == 0.0 && ["Car", "Van", "Truck"].contains(&label.class_name.as_str()) {
                let off = [
                    back.image_box.left - label.image_box.left,
                    back.image_box.top - label.image_box.top,
                    back.image_box.right - label.image_box.right,
                    back.image_box.bottom - label.image_box.bottom,
                ];
                let limit_px = 3.0 + 0.06 * label.image_box.height();
                assert!(off.iter().all(|px| px.abs() < limit_px), "{off:?} {label:?}");
                compared += 1;
            }
        }
    }
    eprintln!("{compared} hulls compared");
}

#[test]
fn real_labels_taken_as_detections_are_perfect() {
    let frames: Vec<FramePair> = real_frames()
        .into_iter()
        .map(|(truth, _)| {
            let scored =
                |(i, t): (usize, &Annotation)| ScoredAnnotation { annotation: t.clone(), score: 1.0 - i as f64 * 1e-3 };
            FramePair { detections: in_space(&truth).enumerate().map(scored).collect(), truth }
        })
        .collect();
    if frames.is_empty() {
        return;
    }
    let results = evaluate(&frames, &EvalConfig::default()).unwrap();
    eprintln!("{}", results.table());
    for metric in Metric::ALL {
        let entry = results.entry("Car", metric, Difficulty::Moderate, OverlapSet::Strict).unwrap();
        let best = entry.curve.as_ref().unwrap().points.iter().map(|p| p.recall).fold(0.0, f64::max);
        assert!((best - 1.0).abs() < 1e-12);
        assert!(entry.curve.as_ref().unwrap().points.iter().all(|p| p.precision == 1.0), "{metric:?}");
        assert!(results.ap("Car", metric, Difficulty::Moderate, OverlapSet::Strict, RecallPoints::R40).is_some());
    }
}

#[test]
fn real_label_lines_come_back_as_they_were() {
    for (truth, _) in real_frames() {
        for label in in_space(&truth) {
            let again = parse_labels("written", &write_label_line(label)).unwrap();
            assert_eq!(&again[0], label);
        }
    }
}
