//! KITTI average precision over frames.
//!
//! Overlaps are computed once a frame; every class, difficulty and overlap set then matches on them. Frames run in
//! parallel, results are gathered in their order: the figures do not depend on the number of threads.

use super::overlap::{overlap_of, share_inside};
use super::protocol::{detection_role, truth_role};
use super::{EvalConfig, EvaluatedClass, FramePair, KittiEntry, KittiResults, Metric, OverlapSet};
use crate::EvalError;
use crate::average_precision::{Figure, FrameOutcomes, MeanAveragePrecision, PrecisionRecallCurve, RecallPoints};
use crate::matching::{Candidate, FrameProblem, ObservationAngles, Role};
use percept_types::Difficulty;
use rayon::prelude::*;

/// Alpha of an annotation without observation angle.
const UNKNOWN_ALPHA_RAD: f64 = -10.0;

/// One figure of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// What is compared.
    pub metric: Metric,
    /// Difficulty.
    pub difficulty: Difficulty,
    /// Which minimum overlaps.
    pub overlap_set: OverlapSet,
}

/// All pairs of a frame that overlap at all: for each truth box the detections, in their order.
type FrameOverlaps = Vec<Vec<Candidate>>;

/// AP for every class, difficulty, overlap set and metric of the configuration.
///
/// # Errors
/// Without frames, and for a score or box that is not finite.
pub fn evaluate(frames: &[FramePair], config: &EvalConfig) -> Result<KittiResults, EvalError> {
    check(frames)?;
    let has_angles = frames.iter().flat_map(|f| &f.detections).all(|d| d.annotation.alpha_rad != UNKNOWN_ALPHA_RAD);
    let compared = [Metric::Bbox, Metric::Bev, Metric::Volume];
    let overlaps = compared.map(|metric| overlaps_of_frames(frames, metric));
    let mut entries = Vec::new();
    for class in &config.classes {
        for &overlap_set in &config.overlap_sets {
            for (metric, overlaps) in compared.into_iter().zip(&overlaps) {
                for &difficulty in &config.difficulties {
                    let selection = Selection { metric, difficulty, overlap_set };
                    let curve = outcomes(frames, overlaps, class, selection).curve();
                    entries.push(entry(class, selection, curve, true));
                }
            }
            orientation_entries(&mut entries, class, config, overlap_set, has_angles);
        }
    }
    Ok(KittiResults { num_frames: frames.len(), entries })
}

/// AOS reads the similarity of the image box's curves, which are already there.
fn orientation_entries(
    entries: &mut Vec<KittiEntry>,
    class: &EvaluatedClass,
    config: &EvalConfig,
    overlap_set: OverlapSet,
    has_angles: bool,
) {
    for &difficulty in &config.difficulties {
        let of_image_box = |e: &&KittiEntry| {
            e.class_name == class.class_name
                && e.metric == Metric::Bbox
                && e.difficulty == difficulty
                && e.overlap_set == overlap_set
        };
        let curve = entries.iter().find(of_image_box).and_then(|e| e.curve.clone());
        let selection = Selection { metric: Metric::Aos, difficulty, overlap_set };
        entries.push(entry(class, selection, curve, has_angles));
    }
}

fn entry(
    class: &EvaluatedClass,
    selection: Selection,
    curve: Option<PrecisionRecallCurve>,
    is_measured: bool,
) -> KittiEntry {
    let ap = |recall_points| {
        curve.as_ref().filter(|_| is_measured).map(|curve| match selection.metric {
            Metric::Aos => curve.average_similarity(recall_points),
            Metric::Bbox | Metric::Bev | Metric::Volume => curve.average_precision(recall_points),
        })
    };
    KittiEntry {
        class_name: class.class_name.clone(),
        metric: selection.metric,
        difficulty: selection.difficulty,
        overlap_set: selection.overlap_set,
        min_overlap: class.min_overlap(selection.metric, selection.overlap_set),
        num_truth: curve.as_ref().map_or(0, |curve| curve.num_truth),
        ap_r11: ap(RecallPoints::R11),
        ap_r40: ap(RecallPoints::R40),
        curve,
    }
}

/// One figure as a function of how often each frame occurs, for the bootstrap: the mean over the given classes.
///
/// # Errors
/// As [`evaluate`].
pub fn mean_average_precision(
    frames: &[FramePair],
    classes: &[EvaluatedClass],
    selection: Selection,
    recall_points: RecallPoints,
) -> Result<MeanAveragePrecision, EvalError> {
    check(frames)?;
    let overlaps = overlaps_of_frames(frames, selection.metric);
    Ok(MeanAveragePrecision {
        classes: classes.iter().map(|class| outcomes(frames, &overlaps, class, selection)).collect(),
        figure: match selection.metric {
            Metric::Aos => Figure::Similarity(recall_points),
            Metric::Bbox | Metric::Bev | Metric::Volume => Figure::Precision(recall_points),
        },
    })
}

/// The matching problems of one class, a frame each: for lists of what was found, missed and false.
///
/// # Errors
/// As [`evaluate`].
pub fn frame_problems(
    frames: &[FramePair],
    class: &EvaluatedClass,
    selection: Selection,
) -> Result<Vec<FrameProblem>, EvalError> {
    check(frames)?;
    let overlaps = overlaps_of_frames(frames, selection.metric);
    Ok(frames.par_iter().zip(&overlaps).map(|(frame, overlaps)| problem(frame, overlaps, class, selection)).collect())
}

fn check(frames: &[FramePair]) -> Result<(), EvalError> {
    if frames.is_empty() {
        return Err(EvalError::NoFrames);
    }
    for (frame, pair) in frames.iter().enumerate() {
        for (detection, d) in pair.detections.iter().enumerate() {
            if !d.score.is_finite() {
                let class_name = d.annotation.class_name.clone();
                return Err(EvalError::ScoreNotFinite { frame, detection, class_name, score: d.score });
            }
        }
        let truth = pair.truth.iter().enumerate().map(|(i, t)| ("truth", i, t));
        let detections = pair.detections.iter().enumerate().map(|(i, d)| ("detection", i, &d.annotation));
        for (what, index, annotation) in truth.chain(detections) {
            if let Some(field) = annotation.field_not_finite() {
                let class_name = annotation.class_name.clone();
                return Err(EvalError::BoxNotFinite { frame, what, index, class_name, field });
            }
        }
    }
    Ok(())
}

fn overlaps_of_frames(frames: &[FramePair], metric: Metric) -> Vec<FrameOverlaps> {
    let of_truth = |truth, frame: &FramePair| {
        let overlap = |(detection, d): (usize, &super::ScoredAnnotation)| Candidate {
            detection,
            overlap: overlap_of(metric, &d.annotation, truth),
        };
        frame.detections.iter().enumerate().map(overlap).filter(|c| c.overlap > 0.0).collect()
    };
    frames.par_iter().map(|frame| frame.truth.iter().map(|truth| of_truth(truth, frame)).collect()).collect()
}

fn outcomes(
    frames: &[FramePair],
    overlaps: &[FrameOverlaps],
    class: &EvaluatedClass,
    selection: Selection,
) -> FrameOutcomes {
    let outcome = |(frame, overlaps)| problem(frame, overlaps, class, selection).outcome();
    FrameOutcomes::new(frames.par_iter().zip(overlaps).map(outcome).collect())
}

fn problem(frame: &FramePair, overlaps: &FrameOverlaps, class: &EvaluatedClass, selection: Selection) -> FrameProblem {
    let Selection { metric, difficulty, overlap_set } = selection;
    let min_overlap = class.min_overlap(metric, overlap_set);
    let detection_roles: Vec<Role> =
        frame.detections.iter().map(|d| detection_role(&d.annotation, class, difficulty)).collect();
    let in_image = matches!(metric, Metric::Bbox | Metric::Aos);
    let is_excused = |d: &super::ScoredAnnotation| {
        in_image
            && frame
                .truth
                .iter()
                .any(|t| t.is_dont_care() && share_inside(&d.annotation.image_box, &t.image_box) > min_overlap)
    };
    let fits = |c: &&Candidate| c.overlap > min_overlap && detection_roles[c.detection] != Role::Unrelated;
    FrameProblem {
        truth_roles: frame.truth.iter().map(|t| truth_role(t, class, difficulty)).collect(),
        scores: frame.detections.iter().map(|d| d.score).collect(),
        excused: frame.detections.iter().map(is_excused).collect(),
        candidates: overlaps.iter().map(|pairs| pairs.iter().filter(fits).copied().collect()).collect(),
        angles: in_image.then(|| ObservationAngles {
            truth_rad: frame.truth.iter().map(|t| t.alpha_rad).collect(),
            detection_rad: frame.detections.iter().map(|d| d.annotation.alpha_rad).collect(),
        }),
        detection_roles,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kitti::parse_results;

    const LINE: &str = "Car 0.00 0 -1.55 275.30 120.37 419.39 228.29 1.50 1.60 3.90 -9.20 1.68 25.61 -1.89 0.5";

    fn frame() -> FramePair {
        let detections = parse_results("line", LINE).unwrap();
        FramePair { truth: detections.iter().map(|d| d.annotation.clone()).collect(), detections }
    }

    #[test]
    fn no_frames_and_numbers_that_are_not_finite_are_refused_by_name() {
        let config = EvalConfig::default();
        assert_eq!(evaluate(&[], &config), Err(EvalError::NoFrames));
        let mut bad = frame();
        bad.detections[0].score = f64::NAN;
        assert!(matches!(
            evaluate(&[frame(), bad], &config),
            Err(EvalError::ScoreNotFinite { frame: 1, detection: 0, .. })
        ));
        let mut bad = frame();
        bad.truth[0].rotation_y_rad = f64::INFINITY;
        assert!(matches!(
            evaluate(&[frame(), bad], &config),
            Err(EvalError::BoxNotFinite { frame: 1, what: "truth", field: "rotation_y", .. })
        ));
    }

    #[test]
    fn detections_without_observation_angle_have_no_orientation_figure() {
        let mut unknown = frame();
        unknown.detections[0].annotation.alpha_rad = UNKNOWN_ALPHA_RAD;
        let aos = |frame: FramePair| {
            let results = evaluate(&[frame], &EvalConfig::default()).unwrap();
            results.ap("Car", Metric::Aos, Difficulty::Easy, OverlapSet::Strict, RecallPoints::R11)
        };
        assert!(aos(frame()).is_some());
        assert_eq!(aos(unknown), None);
    }

    #[test]
    fn frames_without_any_box_have_no_figures_at_all() {
        let results = evaluate(&[FramePair::default()], &EvalConfig::default()).unwrap();
        assert!(results.entries.iter().all(|e| e.num_truth == 0 && e.ap_r40.is_none() && e.ap_r11.is_none()));
        let mean = results.mean_ap(Metric::Volume, Difficulty::Moderate, OverlapSet::Strict, RecallPoints::R40);
        assert_eq!(mean, None);
    }
}
