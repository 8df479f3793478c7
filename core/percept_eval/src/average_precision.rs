//! Precision-recall curves and average precision at 11 and 40 recall points, over frames that may be weighted.
//!
//! Limits  KITTI reads precision at no more positions than there are true positives: with fewer than 41 truth boxes even
//!         a perfect detector stays below 100 (n boxes: about 100 n / 40). Small sets are better measured by
//!         [`DenseCurve`], which has no such limit.

//! Source  KITTI object development kit, `evaluate_object.cpp` (`getThresholds`, `eval_class`); the 40 points are those
//!         of Simonelli et al., Disentangling Monocular 3D Object Detection, ICCV 2019.

use crate::bootstrap::FrameMetric;
use crate::dense_curve::Step;
use crate::matching::{FrameOutcome, Tally};
use serde::{Deserialize, Serialize};

pub use crate::dense_curve::DenseCurve;

/// Recall positions at which precision is read, 0 included.
const NUM_RECALL_POSITIONS: usize = 41;

/// How precision is averaged over recall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RecallPoints {
    /// 0, 0.1, ..., 1.
    R11,
    /// 1/40, 2/40, ..., 1.
    R40,
}

/// One point of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Detections at or above this score are kept.
    pub score_threshold: f64,
    /// Found among the counted truth, 0 to 1.
    pub recall: f64,
    /// Right among the counted detections, 0 to 1.
    pub precision: f64,
    /// Mean orientation similarity of the counted detections (a false one has 0), 0 to 1; 0 without angles.
    pub orientation_similarity: f64,
}

/// Precision against recall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallCurve {
    /// Counted truth boxes, at least 1.
    pub num_truth: usize,
    /// At most 41 points, highest threshold first.
    pub points: Vec<CurvePoint>,
}

impl PrecisionRecallCurve {
    /// Precision at the 41 recall positions: the best at that position or any later one; 0 beyond the last point.
    pub fn interpolated_precision(&self) -> [f64; NUM_RECALL_POSITIONS] {
        self.interpolated(|point| point.precision)
    }

    /// Orientation similarity at the 41 recall positions, likewise.
    pub fn interpolated_similarity(&self) -> [f64; NUM_RECALL_POSITIONS] {
        self.interpolated(|point| point.orientation_similarity)
    }

    /// Average precision in percent.
    pub fn average_precision(&self, recall_points: RecallPoints) -> f64 {
        mean_percent(&self.interpolated_precision(), recall_points)
    }

    /// Average orientation similarity in percent.
    pub fn average_similarity(&self, recall_points: RecallPoints) -> f64 {
        mean_percent(&self.interpolated_similarity(), recall_points)
    }

    fn interpolated(&self, value: impl Fn(&CurvePoint) -> f64) -> [f64; NUM_RECALL_POSITIONS] {
        let mut values = [0.0; NUM_RECALL_POSITIONS];
        for (slot, point) in values.iter_mut().zip(&self.points) {
            *slot = value(point);
        }
        for i in (1..NUM_RECALL_POSITIONS).rev() {
            values[i - 1] = values[i - 1].max(values[i]);
        }
        values
    }
}

fn mean_percent(values: &[f64; NUM_RECALL_POSITIONS], recall_points: RecallPoints) -> f64 {
    match recall_points {
        RecallPoints::R11 => values.iter().step_by(4).sum::<f64>() / 11.0 * 100.0,
        RecallPoints::R40 => values.iter().skip(1).sum::<f64>() / 40.0 * 100.0,
    }
}

/// The scores at which recall passes the next of 41 equal steps, from true-positive scores in descending order.
pub fn recall_thresholds(descending_scores: &[f64], num_truth: usize) -> Vec<f64> {
    let mut thresholds = Vec::new();
    let mut current_recall = 0.0;
    for (i, score) in descending_scores.iter().enumerate() {
        let is_last = i + 1 == descending_scores.len();
        let left = (i + 1) as f64 / num_truth as f64;
        let right = if is_last { left } else { (i + 2) as f64 / num_truth as f64 };
        if !is_last && right - current_recall < current_recall - left {
            continue;
        }
        thresholds.push(*score);
        current_recall += 1.0 / (NUM_RECALL_POSITIONS as f64 - 1.0);
    }
    thresholds
}

/// Outcomes of all frames for one class, difficulty and minimum overlap.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameOutcomes {
    frames: Vec<FrameOutcome>,
    /// (score, frame) of all true positives of the first pass, best score first.
    recall_scores: Vec<(f64, usize)>,
    /// Every change of a tally in any frame, best score first.
    steps: Vec<Step>,
}

impl FrameOutcomes {
    /// Takes the outcomes in the order of the frames.
    pub fn new(frames: Vec<FrameOutcome>) -> Self {
        let mut recall_scores: Vec<(f64, usize)> = frames
            .iter()
            .enumerate()
            .flat_map(|(frame, outcome)| outcome.recall_scores.iter().map(move |score| (*score, frame)))
            .collect();
        recall_scores.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let steps = crate::dense_curve::steps(&frames);
        Self { frames, recall_scores, steps }
    }

    /// Number of frames.
    pub fn num_frames(&self) -> usize {
        self.frames.len()
    }

    /// The curve through every score, of a set in which frame i occurs `weights[i]` times; `None` where no truth counts.
    pub fn dense_curve(&self, weights: &[u32]) -> Option<DenseCurve> {
        DenseCurve::new(&self.steps, self.num_truth(weights), weights)
    }

    fn num_truth(&self, weights: &[u32]) -> usize {
        self.frames.iter().zip(weights).map(|(frame, weight)| frame.num_truth * *weight as usize).sum()
    }

    /// The curve over all frames; `None` where no truth counts.
    pub fn curve(&self) -> Option<PrecisionRecallCurve> {
        self.weighted_curve(&vec![1; self.frames.len()])
    }

    /// The curve of a set in which frame i occurs `weights[i]` times; `None` where no truth counts. The thresholds are
    /// those of that set, so the result is exactly that of evaluating it afresh.
    pub fn weighted_curve(&self, weights: &[u32]) -> Option<PrecisionRecallCurve> {
        let weight = |frame: usize| weights.get(frame).map_or(0, |w| *w as usize);
        let num_truth = self.num_truth(weights);
        if num_truth == 0 {
            return None;
        }
        let scores: Vec<f64> =
            self.recall_scores.iter().flat_map(|&(score, frame)| std::iter::repeat_n(score, weight(frame))).collect();
        let thresholds = recall_thresholds(&scores, num_truth);
        let mut totals = vec![Tally::default(); thresholds.len()];
        for (i, frame) in self.frames.iter().enumerate().filter(|(i, _)| weight(*i) > 0) {
            for (total, threshold) in totals.iter_mut().zip(&thresholds) {
                let tally = frame.at(*threshold);
                total.true_positives += tally.true_positives * weight(i);
                total.false_positives += tally.false_positives * weight(i);
                total.misses += tally.misses * weight(i);
                total.similarity += tally.similarity * weight(i) as f64;
            }
        }
        let points = totals.iter().zip(&thresholds).map(|(total, threshold)| curve_point(total, *threshold)).collect();
        Some(PrecisionRecallCurve { num_truth, points })
    }
}

/// Ratios of a tally; a ratio of nothing is 0 (every threshold is the score of a true positive of the first pass, but
/// the second pass may give that detection to ignored truth).
fn curve_point(total: &Tally, score_threshold: f64) -> CurvePoint {
    let ratio = |part: f64, whole: usize| if whole > 0 { part / whole as f64 } else { 0.0 };
    let detections = total.true_positives + total.false_positives;
    CurvePoint {
        score_threshold,
        recall: ratio(total.true_positives as f64, total.true_positives + total.misses),
        precision: ratio(total.true_positives as f64, detections),
        orientation_similarity: ratio(total.similarity, detections),
    }
}

/// Which figure of a curve is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// KITTI's average precision.
    Precision(RecallPoints),
    /// KITTI's average orientation similarity.
    Similarity(RecallPoints),
    /// Average precision of the curve through every score ([`DenseCurve`]).
    DensePrecision(RecallPoints),
}

impl FrameOutcomes {
    /// A figure in percent of a set in which frame i occurs `weights[i]` times; `None` where no truth counts.
    pub fn figure(&self, figure: Figure, weights: &[u32]) -> Option<f64> {
        match figure {
            Figure::Precision(points) => self.weighted_curve(weights).map(|c| c.average_precision(points)),
            Figure::Similarity(points) => self.weighted_curve(weights).map(|c| c.average_similarity(points)),
            Figure::DensePrecision(points) => self.dense_curve(weights).map(|c| c.average_precision(points)),
        }
    }
}

/// Mean of a figure in percent over several classes, as a function of how often each frame occurs; classes without
/// truth among the frames are left out of the mean.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanAveragePrecision {
    /// One a class.
    pub classes: Vec<FrameOutcomes>,
    /// Which figure.
    pub figure: Figure,
}

impl FrameMetric for MeanAveragePrecision {
    fn num_frames(&self) -> usize {
        self.classes.first().map_or(0, FrameOutcomes::num_frames)
    }

    fn value(&self, weights: &[u32]) -> Option<f64> {
        mean(self.classes.iter().filter_map(|class| class.figure(self.figure, weights)))
    }
}

/// Mean of what there is; `None` of nothing.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::{Candidate, FrameProblem, Role};

    /// A frame with one truth box that the first detection finds (if any score is given), the others being wrong.
    fn frame(scores: &[f64], found: bool) -> FrameOutcome {
        FrameProblem {
            truth_roles: vec![Role::Counted],
            detection_roles: vec![Role::Counted; scores.len()],
            scores: scores.to_vec(),
            excused: vec![false; scores.len()],
            candidates: vec![if found { vec![Candidate { detection: 0, overlap: 0.9 }] } else { vec![] }],
            angles: None,
        }
        .outcome()
    }

    #[test]
    fn a_perfect_detector_of_many_boxes_has_full_precision_everywhere() {
        let frames = (0..200).map(|i| frame(&[0.5 + i as f64 * 1e-3], true)).collect();
        let curve = FrameOutcomes::new(frames).curve().unwrap();
        assert_eq!(curve.points.len(), 41);
        assert!((curve.average_precision(RecallPoints::R40) - 100.0).abs() < 1e-9);
        assert!((curve.average_precision(RecallPoints::R11) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn a_frame_that_occurs_twice_weighs_exactly_as_its_copy() {
        let make = |i: usize| frame(&[0.1 + 0.07 * (i % 11) as f64, 0.05 * (i % 13) as f64], !i.is_multiple_of(3));
        let base: Vec<_> = (0..30).map(make).collect();
        let weights: Vec<u32> = (0..30).map(|i| (i * 7 % 4) as u32).collect();
        let copies = base.iter().zip(&weights).flat_map(|(f, w)| std::iter::repeat_n(f.clone(), *w as usize)).collect();
        let weighted = FrameOutcomes::new(base).weighted_curve(&weights);
        assert_eq!(weighted, FrameOutcomes::new(copies).curve());
    }

    #[test]
    fn no_truth_gives_no_curve_rather_than_zero() {
        assert_eq!(FrameOutcomes::new(vec![FrameOutcome::default()]).curve(), None);
        assert_eq!(FrameOutcomes::new(vec![]).curve(), None);
    }

    #[test]
    fn truth_without_any_detection_gives_zero() {
        let curve = FrameOutcomes::new(vec![frame(&[], false)]).curve().unwrap();
        assert_eq!(curve.average_precision(RecallPoints::R40), 0.0);
    }
}
