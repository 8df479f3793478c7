//! The vectors that mmdetection3d publishes with its KITTI evaluation (one frame; Apache-2.0, source in the file).

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests, which clippy does not see here

use percept_eval::average_precision::RecallPoints;
use percept_eval::kitti::{
    Annotation, EvalConfig, EvaluatedClass, FramePair, KittiResults, Metric, OverlapSet, ScoredAnnotation, evaluate,
};
use percept_types::{Difficulty, ImageBox};
use serde_json::Value;

const DIFFICULTIES: [Difficulty; 3] = [Difficulty::Easy, Difficulty::Moderate, Difficulty::Hard];

fn vectors() -> Value {
    serde_json::from_str(include_str!("golden/kitti_published.json")).unwrap()
}

fn numbers<const N: usize>(value: &Value) -> [f64; N] {
    std::array::from_fn(|i| value[i].as_f64().unwrap())
}

fn annotation(v: &Value, side: &str, i: usize) -> Annotation {
    let field = |name: &str| v[format!("{side}_{name}")][i].clone();
    let [left, top, right, bottom] = numbers(&field("bbox"));
    let [length, height, width] = numbers(&field("dimensions"));
    Annotation {
        class_name: field("name").as_str().unwrap().to_owned(),
        truncation: field("truncated").as_f64().unwrap(),
        occlusion: field("occluded").as_i64().unwrap() as i32,
        alpha_rad: field("alpha").as_f64().unwrap(),
        image_box: ImageBox { left, top, right, bottom },
        size_m: [length, width, height],
        bottom_center_m: numbers(&field("location")),
        rotation_y_rad: field("rotation_y").as_f64().unwrap(),
    }
}

fn frame(v: &Value) -> FramePair {
    let count = |name: &str| v[name].as_array().unwrap().len();
    FramePair {
        truth: (0..count("gt_name")).map(|i| annotation(v, "gt", i)).collect(),
        detections: (0..count("dt_name"))
            .map(|i| ScoredAnnotation { annotation: annotation(v, "dt", i), score: v["dt_score"][i].as_f64().unwrap() })
            .collect(),
    }
}

fn published_results(v: &Value) -> KittiResults {
    let class = |name: &str, strict_overlap, loose_overlap| EvaluatedClass {
        strict_overlap,
        loose_overlap,
        ..EvaluatedClass::kitti(name).unwrap()
    };
    let classes = vec![class("Pedestrian", 0.5, 0.25), class("Cyclist", 0.5, 0.25), class("Car", 0.7, 0.5)];
    evaluate(&[frame(v)], &EvalConfig { classes, ..EvalConfig::default() }).unwrap()
}

#[test]
fn every_published_average_precision_is_reproduced() {
    let v = &vectors()["input_and_expected"];
    let results = published_results(v);
    let mut compared = 0;
    for (recall_name, recall_points) in [("11", RecallPoints::R11), ("40", RecallPoints::R40)] {
        for metric in Metric::ALL {
            let expected = &v[format!("expected_mAP{recall_name}_{}", metric.name())];
            // Class numbers 1, 2, 0 of the published code.
            for (c, class_name) in ["Pedestrian", "Cyclist", "Car"].into_iter().enumerate() {
                for (d, difficulty) in DIFFICULTIES.into_iter().enumerate() {
                    for (o, overlap_set) in OverlapSet::ALL.into_iter().enumerate() {
                        let expected = expected[c][d][o].as_f64().unwrap();
                        // Where no truth counts the published code says 0, and this crate that there is no figure.
                        let found = results.ap(class_name, metric, difficulty, overlap_set, recall_points);
                        let found = found.unwrap_or(0.0);
                        assert!(
                            (found - expected).abs() <= 1e-8 + 1e-5 * expected.abs(),
                            "{class_name} {metric:?} {difficulty:?} {overlap_set:?} {recall_points:?}: {found} against {expected}"
                        );
                        compared += 1;
                    }
                }
            }
        }
    }
    assert_eq!(compared, 144);
}

#[test]
fn the_published_overall_figures_are_the_means_over_the_classes() {
    let vectors = vectors();
    let results = published_results(&vectors["input_and_expected"]);
    for (difficulty, name) in [(Difficulty::Moderate, "moderate"), (Difficulty::Hard, "hard")] {
        for (recall_name, recall_points) in [("11", RecallPoints::R11), ("40", RecallPoints::R40)] {
            let key = format!("KITTI/Overall_2D_AP{recall_name}_{name}");
            let expected = vectors["kitti_eval_default_thresholds"][&key].as_f64().unwrap();
            // The published mean counts a class without truth as 0.
            let of_class =
                |class| results.ap(class, Metric::Bbox, difficulty, OverlapSet::Strict, recall_points).unwrap_or(0.0);
            let found = ["Car", "Pedestrian", "Cyclist"].map(of_class).iter().sum::<f64>() / 3.0;
            assert!((found - expected).abs() < 1e-9, "{key}: {found} against {expected}");
        }
    }
}

#[test]
fn the_published_sums_over_whole_curves_are_reproduced() {
    let vectors = vectors();
    let results = published_results(&vectors["input_and_expected"]);
    let bbox_curves = || results.entries.iter().filter(|e| e.metric == Metric::Bbox).filter_map(|e| e.curve.as_ref());
    let sums = &vectors["eval_class_metric0_sums"];
    let precision: f64 = bbox_curves().flat_map(|c| c.interpolated_precision()).sum();
    let similarity: f64 = bbox_curves().flat_map(|c| c.interpolated_similarity()).sum();
    assert!((precision - sums["precision"].as_f64().unwrap()).abs() < 1e-9, "{precision}");
    assert!((similarity - sums["orientation"].as_f64().unwrap()).abs() < 1e-6, "{similarity}");
}

#[test]
fn a_class_without_truth_has_no_figure() {
    let vectors = vectors();
    let results = published_results(&vectors["input_and_expected"]);
    let entry = results.entry("Car", Metric::Bbox, Difficulty::Easy, OverlapSet::Strict).unwrap();
    assert_eq!((entry.num_truth, entry.ap_r40, entry.curve.is_none()), (0, None, true));
    assert!(results.table().to_string().contains("no truth"));
}
