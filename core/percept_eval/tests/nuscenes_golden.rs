//! 132 random samples scored by nuscenes-devkit (`golden/make_nuscenes.py` tells how): every AP, error and sum to 1e-6.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests, which clippy does not see here

use percept_eval::bootstrap::FrameMetric;
use percept_eval::nuscenes::{
    Attribute, DetectionClass, ErrorKind, NuscenesConfig, NuscenesFigure, NuscenesFrame, NuscenesResults, PredictedBox,
    TruthBox, evaluate, outcomes,
};
use percept_types::Box3d;
use serde_json::Value;

const TOLERANCE: f64 = 1e-6;

fn expected() -> Value {
    serde_json::from_str(include_str!("golden/nuscenes_expected.json")).unwrap()
}

/// x, y, z, width, length, height, yaw.
fn box3d(row: &[Value]) -> Box3d {
    let v: Vec<f64> = row.iter().take(7).map(|v| v.as_f64().unwrap()).collect();
    Box3d { center_m: [v[0], v[1], v[2]], size_m: [v[4], v[3], v[5]], yaw_rad: v[6] }
}

fn velocity(row: &[Value]) -> Option<[f64; 2]> {
    Some([row[8].as_f64()?, row[9].as_f64()?])
}

fn frames() -> Vec<NuscenesFrame> {
    let expected = expected();
    let class = |v: &Value| {
        let name = expected["classes"][v.as_u64().unwrap() as usize].as_str().unwrap();
        DetectionClass::from_name(name).unwrap()
    };
    let attribute = |v: &Value| -> Option<Attribute> {
        let index = usize::try_from(v.as_i64().unwrap()).ok()?;
        Some(serde_json::from_value(expected["attributes"][index].clone()).unwrap())
    };
    let rows = |v: &Value| -> Vec<Vec<Value>> {
        v.as_array().unwrap().iter().map(|row| row.as_array().unwrap().clone()).collect()
    };
    let truth = |row: Vec<Value>| TruthBox {
        class: class(&row[0]),
        box3d: box3d(&row[1..]),
        velocity_mps: velocity(&row),
        attribute: attribute(&row[10]),
        num_points: Some(row[11].as_u64().unwrap() as usize),
    };
    let prediction = |row: Vec<Value>| PredictedBox {
        class: class(&row[0]),
        box3d: box3d(&row[1..]),
        velocity_mps: velocity(&row),
        attribute: attribute(&row[10]),
        score: row[11].as_f64().unwrap(),
    };
    let files = [
        include_str!("golden/nuscenes_frames_0.json"),
        include_str!("golden/nuscenes_frames_1.json"),
        include_str!("golden/nuscenes_frames_2.json"),
    ];
    let all = files.into_iter().flat_map(|file| serde_json::from_str::<Vec<Value>>(file).unwrap());
    let frames: Vec<NuscenesFrame> = all
        .map(|frame| NuscenesFrame {
            truth: rows(&frame["truth"]).into_iter().map(truth).collect(),
            predictions: rows(&frame["predictions"]).into_iter().map(prediction).collect(),
            bike_racks: rows(&frame["racks"]).iter().map(|row| box3d(row)).collect(),
            ego_m: [frame["ego"][0].as_f64().unwrap(), frame["ego"][1].as_f64().unwrap()],
        })
        .collect();
    assert_eq!(frames.len(), 132);
    frames
}

fn results() -> NuscenesResults {
    evaluate(&frames(), &NuscenesConfig::default()).unwrap()
}

fn error_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Translation => "trans_err",
        ErrorKind::Scale => "scale_err",
        ErrorKind::Orientation => "orient_err",
        ErrorKind::Velocity => "vel_err",
        ErrorKind::Attribute => "attr_err",
    }
}

fn assert_close(found: Option<f64>, expected: &Value, what: &str) {
    match (found, expected.as_f64()) {
        (Some(found), Some(expected)) => {
            assert!((found - expected).abs() < TOLERANCE, "{what}: {found} against {expected}");
        }
        (None, None) => {}
        (found, expected) => panic!("{what}: {found:?} against {expected:?}"),
    }
}

#[test]
fn every_figure_of_every_class_agrees_with_the_devkit() {
    let (expected, results) = (expected(), results());
    assert_eq!(results.classes.len(), 10);
    for class in &results.classes {
        let name = class.class.name();
        let aps = expected["label_aps"][name].as_array().unwrap();
        assert_eq!(aps.len(), class.aps.len());
        for (i, (found, expected)) in class.aps.iter().zip(aps).enumerate() {
            assert_close(Some(*found), expected, &format!("{name} AP {i}"));
        }
        for kind in ErrorKind::ALL {
            let expected = &expected["label_tp_errors"][name][error_name(kind)];
            assert_close(class.errors.get(kind), expected, &format!("{name} {kind:?}"));
        }
    }
}

#[test]
fn the_sums_agree_with_the_devkit() {
    let (expected, results) = (expected(), results());
    let summary = results.devkit.unwrap();
    assert_close(Some(summary.mean_ap), &expected["mean_ap"], "mAP");
    assert_close(Some(summary.nds), &expected["nd_score"], "NDS");
    for kind in ErrorKind::ALL {
        assert_close(summary.errors.get(kind), &expected["tp_errors"][error_name(kind)], &format!("{kind:?}"));
    }
    // Every class has truth here, so both sums are the same.
    assert_eq!(results.of_present_classes, results.devkit);
}

#[test]
fn the_filters_leave_out_as_many_boxes_as_the_devkit() {
    let (expected, filtered) = (expected(), results().filtered);
    let counts = &expected["boxes_before_and_after_the_filters"];
    let left_out = |side: &str| counts[side][0].as_u64().unwrap() - counts[side][1].as_u64().unwrap();
    let truth = filtered.truth_out_of_range + filtered.truth_without_points + filtered.truth_in_rack;
    let predictions = filtered.predictions_out_of_range + filtered.predictions_in_rack;
    assert_eq!((truth as u64, predictions as u64), (left_out("truth"), left_out("predictions")));
    assert!(filtered.truth_in_rack > 0 && filtered.predictions_in_rack > 0 && filtered.truth_without_points > 0);
}

#[test]
fn whole_curves_agree_with_the_devkit() {
    let (expected, results) = (expected(), results());
    let curve = results.classes[0].curve.as_ref().unwrap();
    for (name, found) in [("car_precision_at_2_m", &curve.precision), ("car_confidence_at_2_m", &curve.confidence)] {
        assert_eq!(found.len(), 101);
        for (i, found) in found.iter().enumerate() {
            let expected = expected[name][i].as_f64().unwrap();
            assert!((found - expected).abs() < 1e-8, "{name} {i}: {found} against {expected}");
        }
    }
}

#[test]
fn a_set_drawn_once_each_is_the_whole_set_and_the_figures_do_not_depend_on_threads() {
    let frames = frames();
    let whole = results();
    let figure = |threads: usize, kind| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let outcomes = pool.install(|| outcomes(&frames, &NuscenesConfig::default(), kind).unwrap());
        outcomes.value(&vec![1; frames.len()]).unwrap()
    };
    assert_eq!(figure(1, NuscenesFigure::Nds), whole.devkit.unwrap().nds);
    assert_eq!(figure(3, NuscenesFigure::MeanAp), whole.devkit.unwrap().mean_ap);
}
