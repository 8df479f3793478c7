//! Precision against recall through every score, and its average without KITTI's limit on small sets.
//!
//! Matching is KITTI's second pass at each score. Precision at recall r is the best at that recall or any higher one, and
//! AP its mean over r = 1/40, ..., 1 (or 0, 0.1, ..., 1): the definition that KITTI's sampling approximates.

use crate::average_precision::{CurvePoint, RecallPoints};
use crate::matching::{FrameOutcome, Tally};
use serde::{Deserialize, Serialize};

/// What the detections of one score change in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Step {
    score: f64,
    frame: usize,
    true_positives: i64,
    false_positives: i64,
    similarity: f64,
}

/// Every change of a tally in any frame, best score first.
pub(crate) fn steps(frames: &[FrameOutcome]) -> Vec<Step> {
    let mut steps = Vec::new();
    for (frame, outcome) in frames.iter().enumerate() {
        let mut before = Tally::default();
        for (score, after) in outcome.by_score() {
            steps.push(Step {
                score,
                frame,
                true_positives: after.true_positives as i64 - before.true_positives as i64,
                false_positives: after.false_positives as i64 - before.false_positives as i64,
                similarity: after.similarity - before.similarity,
            });
            before = *after;
        }
    }
    steps.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.frame.cmp(&b.frame)));
    steps
}

/// Precision against recall, a point a distinct score at which anything was found or false.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DenseCurve {
    /// Counted truth boxes, at least 1.
    pub num_truth: usize,
    /// Highest score first; recall is that among all counted truth.
    pub points: Vec<CurvePoint>,
}

impl DenseCurve {
    pub(crate) fn new(steps: &[Step], num_truth: usize, weights: &[u32]) -> Option<Self> {
        if num_truth == 0 {
            return None;
        }
        let (mut found, mut wrong, mut similarity) = (0i64, 0i64, 0.0);
        let mut points = Vec::new();
        for same_score in steps.chunk_by(|a, b| a.score == b.score) {
            let mut changes = false;
            for step in same_score {
                let weight = weights.get(step.frame).copied().unwrap_or(0);
                found += step.true_positives * i64::from(weight);
                wrong += step.false_positives * i64::from(weight);
                similarity += step.similarity * f64::from(weight);
                changes |= weight > 0 && (step.true_positives != 0 || step.false_positives != 0);
            }
            if let (true, Some(first)) = (changes && found + wrong > 0, same_score.first()) {
                let detections = (found + wrong) as f64;
                points.push(CurvePoint {
                    score_threshold: first.score,
                    recall: found as f64 / num_truth as f64,
                    precision: found as f64 / detections,
                    orientation_similarity: similarity / detections,
                });
            }
        }
        Some(Self { num_truth, points })
    }

    /// Average precision in percent.
    pub fn average_precision(&self, recall_points: RecallPoints) -> f64 {
        let (first, last, positions) = match recall_points {
            RecallPoints::R11 => (0, 10, 10.0),
            RecallPoints::R40 => (1, 40, 40.0),
        };
        // Recalls are ratios of whole numbers: k / n that should meet a position must not miss it by rounding.
        let precision_at = |position: usize| {
            let recall = position as f64 / positions - 1e-9;
            self.points.iter().filter(|p| p.recall >= recall).map(|p| p.precision).fold(0.0, f64::max)
        };
        let sum: f64 = (first..=last).map(precision_at).sum();
        sum / (last - first + 1) as f64 * 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::average_precision::FrameOutcomes;
    use crate::matching::{Candidate, FrameProblem, Role};

    /// One truth box, found by the first detection if `found`; all others are false.
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
    fn a_perfect_detector_of_three_boxes_has_the_full_figure_and_kittis_has_not() {
        let outcomes = FrameOutcomes::new(vec![frame(&[0.9], true), frame(&[0.8], true), frame(&[0.7], true)]);
        let dense = outcomes.dense_curve(&[1, 1, 1]).unwrap();
        assert_eq!(dense.average_precision(RecallPoints::R40), 100.0);
        assert_eq!(dense.average_precision(RecallPoints::R11), 100.0);
        assert!(outcomes.curve().unwrap().average_precision(RecallPoints::R40) < 10.0);
    }

    #[test]
    fn the_figure_of_a_small_curve_is_that_computed_by_hand() {
        // Right at 0.9, false at 0.8, right at 0.7; two of four found: precision 1 to recall 1/4, 2/3 to recall 1/2.
        let frames = vec![frame(&[0.9, 0.8], true), frame(&[0.7], true), frame(&[], false), frame(&[], false)];
        let dense = FrameOutcomes::new(frames).dense_curve(&[1; 4]).unwrap();
        let expected = (10.0 * 1.0 + 10.0 * 2.0 / 3.0) / 40.0 * 100.0;
        assert!((dense.average_precision(RecallPoints::R40) - expected).abs() < 1e-9);
    }

    #[test]
    fn weights_count_frames_as_often_as_they_say() {
        let make = |i: usize| frame(&[0.1 + 0.07 * (i % 11) as f64, 0.05 * (i % 13) as f64], !i.is_multiple_of(3));
        let base: Vec<_> = (0..30).map(make).collect();
        let weights: Vec<u32> = (0..30).map(|i| (i * 7 % 4) as u32).collect();
        let copies: Vec<_> =
            base.iter().zip(&weights).flat_map(|(f, w)| std::iter::repeat_n(f.clone(), *w as usize)).collect();
        let ones = vec![1; copies.len()];
        assert_eq!(FrameOutcomes::new(base).dense_curve(&weights), FrameOutcomes::new(copies).dense_curve(&ones));
    }
}
