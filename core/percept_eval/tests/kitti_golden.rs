//! 130 random frames scored by the public KITTI evaluation of OpenPCDet (`golden/make_kitti.py` tells how): every class,
//! difficulty, overlap set, metric and number of recall points, to 1e-6 of a percent.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests, which clippy does not see here

use percept_eval::average_precision::RecallPoints;
use percept_eval::bootstrap::{BootstrapConfig, FrameMetric, paired_difference};
use percept_eval::kitti::{
    EvalConfig, EvaluatedClass, FramePair, KittiResults, Metric, OverlapSet, Selection, evaluate, frame_problems,
    mean_average_precision, parse_labels, parse_results,
};
use percept_types::Difficulty;
use serde_json::Value;

const DIFFICULTIES: [Difficulty; 3] = [Difficulty::Easy, Difficulty::Moderate, Difficulty::Hard];
const CLASSES: [&str; 3] = ["Car", "Pedestrian", "Cyclist"];
const TOLERANCE_PERCENT: f64 = 1e-6;

/// The frames of a file: each begins with a line "# number".
fn sections(text: &str) -> Vec<String> {
    let mut frames = Vec::new();
    for line in text.lines() {
        if let Some(number) = line.strip_prefix("# ") {
            let _: usize = number.parse().unwrap();
            frames.push(String::new());
        } else {
            let frame: &mut String = frames.last_mut().unwrap();
            frame.push_str(line);
            frame.push('\n');
        }
    }
    frames
}

fn frames() -> Vec<FramePair> {
    let truth = sections(include_str!("golden/kitti_truth.txt"));
    let mut detections = sections(include_str!("golden/kitti_detections_0.txt"));
    detections.extend(sections(include_str!("golden/kitti_detections_1.txt")));
    assert_eq!((truth.len(), detections.len()), (130, 130));
    truth
        .iter()
        .zip(&detections)
        .map(|(truth, detections)| FramePair {
            truth: parse_labels("kitti_truth.txt", truth).unwrap(),
            detections: parse_results("kitti_detections.txt", detections).unwrap(),
        })
        .collect()
}

fn expected() -> Value {
    serde_json::from_str(include_str!("golden/kitti_expected.json")).unwrap()
}

fn results() -> KittiResults {
    evaluate(&frames(), &EvalConfig::default()).unwrap()
}

#[test]
fn every_figure_agrees_with_the_public_evaluation() {
    let (expected, results) = (expected(), results());
    let (mut compared, mut worst, mut distinct) = (0, 0.0f64, Vec::new());
    for (points_name, recall_points) in [("R11", RecallPoints::R11), ("R40", RecallPoints::R40)] {
        for metric in Metric::ALL {
            let array = &expected[format!("{}_{points_name}", metric.name())];
            for (c, class_name) in CLASSES.into_iter().enumerate() {
                for (d, difficulty) in DIFFICULTIES.into_iter().enumerate() {
                    for (o, overlap_set) in OverlapSet::ALL.into_iter().enumerate() {
                        let expected = array[c][d][o].as_f64().unwrap();
                        let found = results.ap(class_name, metric, difficulty, overlap_set, recall_points).unwrap();
                        assert!(
                            (found - expected).abs() < TOLERANCE_PERCENT,
                            "{class_name} {metric:?} {difficulty:?} {overlap_set:?} {points_name}: {found} against {expected}"
                        );
                        worst = worst.max((found - expected).abs());
                        distinct.push(expected.to_bits());
                        compared += 1;
                    }
                }
            }
        }
    }
    distinct.sort_unstable();
    distinct.dedup();
    eprintln!("{compared} figures, {} of them distinct, largest difference {worst:.2e} percent", distinct.len());
    assert_eq!(compared, 144);
    // Frames that tell nothing apart would prove nothing.
    assert!(distinct.len() >= 90, "{}", distinct.len());
}

#[test]
fn whole_curves_agree_with_the_public_evaluation() {
    let (expected, results) = (expected(), results());
    for metric in Metric::ALL {
        for (c, class_name) in CLASSES.into_iter().enumerate() {
            let entry = results.entry(class_name, metric, Difficulty::Moderate, OverlapSet::Strict).unwrap();
            let curve = entry.curve.as_ref().unwrap();
            let found = match metric {
                Metric::Aos => curve.interpolated_similarity(),
                Metric::Bbox | Metric::Bev | Metric::Volume => curve.interpolated_precision(),
            };
            for (position, found) in found.iter().enumerate() {
                let expected = expected["curves_moderate_strict"][metric.name()][c][position].as_f64().unwrap();
                assert!((found - expected).abs() < 1e-8, "{class_name} {metric:?} {position}: {found} and {expected}");
            }
        }
    }
}

#[test]
fn the_figures_do_not_depend_on_the_number_of_threads() {
    let frames = frames();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| serde_json::to_string(&evaluate(&frames, &EvalConfig::default()).unwrap()).unwrap())
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn results_come_back_from_json_as_they_were() {
    let results = results();
    let back: KittiResults = serde_json::from_str(&serde_json::to_string(&results).unwrap()).unwrap();
    assert_eq!(back.entries.len(), results.entries.len());
    for (back, entry) in back.entries.iter().zip(&results.entries) {
        // serde_json reads decimals to within one unit in the last place.
        assert!((back.ap_r40.unwrap() - entry.ap_r40.unwrap()).abs() < 1e-12);
        assert_eq!((back.metric, back.difficulty, back.num_truth), (entry.metric, entry.difficulty, entry.num_truth));
        assert_eq!(back.curve.as_ref().unwrap().points.len(), entry.curve.as_ref().unwrap().points.len());
    }
}

fn car_moderate(metric: Metric) -> (Vec<EvaluatedClass>, Selection) {
    let selection = Selection { metric, difficulty: Difficulty::Moderate, overlap_set: OverlapSet::Strict };
    (vec![EvaluatedClass::kitti("car").unwrap()], selection)
}

#[test]
fn a_resampled_set_is_evaluated_exactly_as_if_its_frames_were_written_out() {
    let frames = frames();
    let weights: Vec<u32> = (0..frames.len()).map(|i| ((i * 31 + 7) % 4) as u32).collect();
    let copies: Vec<FramePair> =
        frames.iter().zip(&weights).flat_map(|(f, w)| std::iter::repeat_n(f.clone(), *w as usize)).collect();
    for metric in Metric::ALL {
        let (classes, selection) = car_moderate(metric);
        let figure = mean_average_precision(&frames, &classes, selection, RecallPoints::R40).unwrap();
        let weighted = figure.value(&weights).unwrap();
        let written_out = evaluate(&copies, &EvalConfig::default()).unwrap();
        let afresh =
            written_out.ap("Car", metric, Difficulty::Moderate, OverlapSet::Strict, RecallPoints::R40).unwrap();
        assert!((weighted - afresh).abs() < 1e-9, "{metric:?}: {weighted} against {afresh}");
    }
}

#[test]
fn a_detector_with_every_third_car_removed_is_found_worse() {
    let frames = frames();
    let mut fewer = frames.clone();
    for frame in &mut fewer {
        let mut count = 0;
        frame.detections.retain(|_| {
            count += 1;
            count % 3 != 0
        });
    }
    let (classes, selection) = car_moderate(Metric::Bev);
    let figure = |frames| mean_average_precision(frames, &classes, selection, RecallPoints::R40).unwrap();
    let difference = paired_difference(&figure(&frames), &figure(&fewer), &BootstrapConfig::default()).unwrap();
    assert!(difference.interval[0] > 0.0 && difference.share_above_zero > 0.99, "{difference:?}");
    let same = paired_difference(&figure(&frames), &figure(&frames), &BootstrapConfig::default()).unwrap();
    assert_eq!((same.difference, same.interval, same.share_above_zero), (0.0, [0.0, 0.0], 0.0));
}

#[test]
fn the_match_lists_add_up_to_the_points_of_the_curve() {
    let frames = frames();
    let (classes, selection) = car_moderate(Metric::Volume);
    let problems = frame_problems(&frames, &classes[0], selection).unwrap();
    let results = results();
    let entry = results.entry("Car", Metric::Volume, Difficulty::Moderate, OverlapSet::Strict).unwrap();
    for point in &entry.curve.as_ref().unwrap().points {
        let tallies: Vec<_> = problems.iter().map(|p| p.tally(point.score_threshold)).collect();
        let found: usize = tallies.iter().map(|t| t.true_positives).sum();
        let wrong: usize = tallies.iter().map(|t| t.false_positives).sum();
        assert!((point.precision - found as f64 / (found + wrong) as f64).abs() < 1e-12);
    }
}
