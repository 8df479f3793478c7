//! The vectors of nuscenes-devkit's own test of its algorithm (Apache-2.0, source in the file).

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests, which clippy does not see here

use percept_eval::nuscenes::{
    DetectionClass, NuscenesConfig, NuscenesFrame, NuscenesResults, PredictedBox, TruthBox, evaluate,
};
use percept_types::Box3d;
use serde_json::Value;

/// The tolerance of the published test.
const TOLERANCE: f64 = 0.01;

fn car(position: &Value) -> Box3d {
    let at = |i: usize| position[i].as_f64().unwrap();
    Box3d { center_m: [at(0), at(1), 0.0], size_m: [1.0; 3], yaw_rad: 0.0 }
}

fn truth(positions: &Value) -> Vec<TruthBox> {
    let one = |p| TruthBox {
        class: DetectionClass::Car,
        box3d: car(p),
        velocity_mps: None,
        attribute: None,
        num_points: None,
    };
    positions.as_array().map_or(vec![], |list| list.iter().map(one).collect())
}

fn predictions(positions: &Value) -> Vec<PredictedBox> {
    let one = |p: &Value| PredictedBox {
        class: DetectionClass::Car,
        box3d: car(p),
        velocity_mps: None,
        attribute: None,
        score: p[2].as_f64().unwrap(),
    };
    positions.as_array().map_or(vec![], |list| list.iter().map(one).collect())
}

fn car_results(frames: &[NuscenesFrame]) -> NuscenesResults {
    evaluate(frames, &NuscenesConfig::default()).unwrap()
}

#[test]
fn every_published_average_precision_is_reproduced() {
    let vectors: Value = serde_json::from_str(include_str!("golden/nuscenes_published.json")).unwrap();
    let cases = vectors["AP"].as_array().unwrap();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let frames: Vec<NuscenesFrame> = ["s1", "s2"]
            .iter()
            .map(|sample| NuscenesFrame {
                truth: truth(&case["gt"][sample]),
                predictions: predictions(&case["pred"][sample]),
                ..NuscenesFrame::default()
            })
            .collect();
        let results = car_results(&frames);
        let expected = case["ap"].as_f64().unwrap();
        // The third distance is 2 m. A class without truth has no AP here, and 0 there.
        let found = results.classes[0].aps.get(2).copied().unwrap_or(0.0);
        assert!((found - expected).abs() < TOLERANCE, "{case}: {found}");
    }
}

#[test]
fn every_published_translation_error_is_reproduced() {
    let vectors: Value = serde_json::from_str(include_str!("golden/nuscenes_published.json")).unwrap();
    let cases = vectors["trans_err"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let frame = NuscenesFrame {
            truth: truth(&case["gt"]),
            predictions: predictions(&case["pred"]),
            ..NuscenesFrame::default()
        };
        let found = car_results(&[frame]).classes[0].errors.translation_m.unwrap();
        let expected = case["err"].as_f64().unwrap();
        assert!((found - expected).abs() < TOLERANCE, "{case}: {found}");
    }
}

#[test]
fn a_class_without_truth_has_no_figure_and_the_two_sums_say_how_they_count_it() {
    let vectors: Value = serde_json::from_str(include_str!("golden/nuscenes_published.json")).unwrap();
    let case = &vectors["AP"][2];
    let frame = NuscenesFrame {
        truth: truth(&case["gt"]["s1"]),
        predictions: predictions(&case["pred"]["s1"]),
        ..NuscenesFrame::default()
    };
    let results = car_results(&[frame]);
    assert_eq!((results.classes[1].num_truth, results.classes[1].mean_ap), (0, None));
    assert!((results.devkit.unwrap().mean_ap - 0.1).abs() < 1e-12);
    assert!((results.of_present_classes.unwrap().mean_ap - 1.0).abs() < 1e-12);
    assert!(results.table().to_string().contains("no truth"));
    assert_eq!(car_results(&[NuscenesFrame::default()]).devkit, None);
}
