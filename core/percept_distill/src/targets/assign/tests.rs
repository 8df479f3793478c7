//! The assigner: the spec on small cases, the restricted version against the full table.

use super::*;
use crate::random::{Purpose, frame_rng, uniform};
use percept_models::pointpillars::{GridPreset, PointPillarsConfig, RawPointPillarsConfig, Width};
use percept_types::wrap_to_pi;
use rand::RngExt;

fn rules() -> AssignmentRules {
    AssignmentRules::for_classes(config().class_names())
}

fn config() -> PointPillarsConfig {
    RawPointPillarsConfig::preset(Width::Quarter, GridPreset::Kitti).try_into().unwrap()
}

/// KITTI's anchors over 60 by 52 places, 0.32 m apart: x from 0, y from -7.68.
fn anchors() -> Anchors {
    let window = percept_models::pointpillars::CellWindow { x0: 0, y0: 200, nx: 120, ny: 104 };
    Anchors::new(&config(), &window).unwrap()
}

fn truth(class_index: usize, center_m: [f64; 3], size_m: [f64; 3], yaw_rad: f64, role: TruthRole) -> TruthBox {
    let mut roles = vec![TruthRole::Background; 3];
    roles[class_index] = role;
    TruthBox { box3d: Box3d { center_m, size_m, yaw_rad }, roles }
}

fn assign_plainly(all: &Anchors, rules: &AssignmentRules, truth: &[TruthBox]) -> Vec<(AnchorLabel, usize)> {
    let mut table: Vec<(AnchorLabel, usize)> = vec![(AnchorLabel::Background, usize::MAX); all.len()];
    for (class_index, class) in all.classes().iter().enumerate() {
        let (positive_iou, negative_iou) = thresholds(class);
        let wanted: Vec<usize> =
            (0..truth.len()).filter(|&t| truth[t].roles[class_index] == TruthRole::Wanted).collect();
        let ignored: Vec<usize> =
            (0..truth.len()).filter(|&t| truth[t].roles[class_index] == TruthRole::Ignored).collect();
        let anchors: Vec<usize> = (0..all.len()).filter(|&i| all.get(i).unwrap().class_index == class_index).collect();
        let iou = |t: usize, a: usize| rectangle(&truth[t].box3d).iou(&rectangle(&all.get(a).unwrap().box3d));
        let best_of_truth: Vec<f32> =
            wanted.iter().map(|&t| anchors.iter().map(|&a| iou(t, a)).fold(0.0, f32::max)).collect();
        for &a in &anchors {
            let mut best = (0.0, usize::MAX);
            for &t in &wanted {
                if iou(t, a) > best.0 {
                    best = (iou(t, a), t);
                }
            }
            let forced = wanted.iter().zip(&best_of_truth).any(|(&t, &b)| {
                b > 0.0 && iou(t, a) == b && (!rules.force_match_needs_negative_iou || b >= negative_iou)
            });
            let beside = ignored.iter().map(|&t| iou(t, a)).fold(0.0, f32::max);
            table[a] = if forced || best.0 >= positive_iou {
                (AnchorLabel::Positive, best.1)
            } else if best.0 < negative_iou && beside < negative_iou {
                (AnchorLabel::Background, usize::MAX)
            } else {
                (AnchorLabel::Ignored, usize::MAX)
            };
        }
    }
    table
}

#[test]
fn the_restricted_assigner_agrees_with_the_full_table_of_overlaps() {
    for scene in 0..12 {
        let mut rng = frame_rng(5, scene, Purpose::Scene);
        let sizes = [[3.9, 1.6, 1.5], [0.7, 0.7, 1.7], [1.8, 0.6, 1.7]];
        let boxes: Vec<TruthBox> = (0..14)
            .map(|i| {
                let center_m = [uniform(&mut rng, -1.0, 20.0), uniform(&mut rng, -9.0, 9.0), -1.0];
                let role = if rng.random_bool(0.2) { TruthRole::Ignored } else { TruthRole::Wanted };
                let yaw_rad = uniform(&mut rng, -4.0, 4.0);
                truth(i % 3, center_m, sizes[i % 3].map(|s| s * uniform(&mut rng, 0.8, 1.2)), yaw_rad, role)
            })
            .collect();
        let mut rules = rules();
        rules.force_match_needs_negative_iou = scene % 2 == 1;
        let fast = assign(&anchors(), &rules, &boxes, 0.0);
        let plain = assign_plainly(&anchors(), &rules, &boxes);
        assert!(fast.labels.iter().zip(&plain).all(|(a, b)| *a == b.0), "scene {scene}");
        let expected: Vec<(usize, usize)> = plain
            .iter()
            .enumerate()
            .filter(|(_, (label, _))| *label == AnchorLabel::Positive)
            .map(|(anchor, (_, truth))| (anchor, *truth))
            .collect();
        assert_eq!(fast.positives.len(), expected.len());
        for (positive, (anchor, truth_index)) in fast.positives.iter().zip(expected) {
            assert_eq!(positive.anchor, anchor);
            let truth = &boxes[truth_index].box3d;
            let code = encode_box(truth, &anchors().get(anchor).unwrap().box3d);
            assert_eq!(positive.box_code, code.map(|value| value as f32));
            assert_eq!(positive.direction_bin, usize::from(wrap_to_pi(truth.yaw_rad) < 0.0));
        }
        assert!(fast.positives.len() >= 8, "scene {scene} has too few positives to tell");
    }
}

#[test]
fn a_truth_midway_between_places_gives_every_tied_anchor() {
    // Places at exactly representable numbers: 0.25, 0.75, 1.25, ...
    let mut raw = RawPointPillarsConfig::preset(Width::Quarter, GridPreset::Kitti);
    raw.point_cloud_range_m = [0.0, 0.0, -3.0, 4.0, 4.0, 1.0];
    raw.pillar_size_m = [0.25, 0.25];
    let car = raw.anchors.get_mut("Car").unwrap();
    (car.size_m, car.positive_iou) = ([0.75, 0.5, 1.5], 0.9);
    let config = PointPillarsConfig::try_from(raw).unwrap();
    let all = Anchors::new(&config, &config.whole_window()).unwrap();
    let wanted = [truth(0, [1.0, 0.75, 0.0], [0.75, 0.5, 1.5], 0.0, TruthRole::Wanted)];
    let assigned = assign(&all, &rules(), &wanted, 0.0);
    let expected = vec![all.index(1, 1, 0, 0), all.index(1, 2, 0, 0)];
    assert_eq!(assigned.positives.iter().map(|p| p.anchor).collect::<Vec<_>>(), expected);
}

#[test]
fn a_frame_without_truth_is_all_background() {
    let assigned = assign(&anchors(), &rules(), &[], 0.0);
    assert!(assigned.positives.is_empty());
    assert!(assigned.labels.iter().all(|label| *label == AnchorLabel::Background));
}

#[test]
fn places_at_the_very_ends_of_an_interval_are_found() {
    let places = [0.0, 1.0, 2.0, 3.0, 4.0];
    assert_eq!(places_within(&places, 2.0, 2.0), 1..4);
    assert_eq!(places_within(&places, -9.0, -8.0), 0..1);
    assert_eq!(places_within(&places, 8.0, 9.0), 4..5);
    assert_eq!(places_within(&[], 8.0, 9.0), 0..0);
}
