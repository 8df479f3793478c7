//! A detector at one score threshold: choosing it on one set of frames, and what it is worth on another.
//!
//! A threshold chosen on the frames it is judged on flatters; chosen on simulated frames and judged on real ones it also
//! tells whether scores carry over.

use crate::EvalError;
use crate::bev_ap::{BevApConfig, BevFrame, frame_problems};
use crate::dense_curve::DenseCurve;
use serde::{Deserialize, Serialize};

/// How a threshold is chosen on a curve of precision over recall.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdRule {
    /// The most recall at this precision or a better one.
    Precision(f64),
    /// The best harmonic mean of precision and recall.
    BestF1,
}

/// A threshold with the figures it was chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChosenThreshold {
    /// Boxes at or above this score are kept.
    pub score: f64,
    /// How it was chosen.
    pub rule: ThresholdRule,
    /// Recall where it was chosen.
    pub recall: f64,
    /// Precision where it was chosen.
    pub precision: f64,
}

/// What is found and false at a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// The threshold.
    pub score_threshold: f64,
    /// Counted truth found.
    pub found: usize,
    /// Counted truth not found.
    pub missed: usize,
    /// False boxes.
    pub false_boxes: usize,
    /// Found over all that counts; `None` without truth.
    pub recall: Option<f64>,
    /// Found over found and false; `None` without boxes.
    pub precision: Option<f64>,
}

impl OperatingPoint {
    /// From counts.
    pub fn new(score_threshold: f64, found: usize, missed: usize, false_boxes: usize) -> Self {
        let share = |of: usize| (of > 0).then(|| found as f64 / of as f64);
        let (recall, precision) = (share(found + missed), share(found + false_boxes));
        Self { score_threshold, found, missed, false_boxes, recall, precision }
    }
}

/// The threshold that a rule picks; `None` where no point of the curve satisfies it. Of equal ones the highest.
pub fn choose_threshold(curve: &DenseCurve, rule: ThresholdRule) -> Option<ChosenThreshold> {
    let mut best: Option<(f64, ChosenThreshold)> = None;
    for point in &curve.points {
        let worth = match rule {
            ThresholdRule::Precision(least) if point.precision < least => continue,
            ThresholdRule::Precision(_) => point.recall,
            ThresholdRule::BestF1 => {
                2.0 * point.precision * point.recall / (point.precision + point.recall).max(f64::MIN_POSITIVE)
            }
        };
        if best.is_none_or(|(so_far, _)| worth > so_far) {
            let (score, recall, precision) = (point.score_threshold, point.recall, point.precision);
            best = Some((worth, ChosenThreshold { score, rule, recall, precision }));
        }
    }
    best.map(|(_, chosen)| chosen)
}

/// What is found and false at a threshold.
///
/// # Errors
/// As [`crate::bev_ap::evaluate`].
pub fn operating_point(
    frames: &[BevFrame<'_>],
    config: &BevApConfig,
    score_threshold: f64,
) -> Result<OperatingPoint, EvalError> {
    let tallies: Vec<_> = frame_problems(frames, config)?.iter().map(|p| p.tally(score_threshold)).collect();
    let found = tallies.iter().map(|tally| tally.true_positives).sum();
    let missed = tallies.iter().map(|tally| tally.misses).sum();
    let false_boxes = tallies.iter().map(|tally| tally.false_positives).sum();
    Ok(OperatingPoint::new(score_threshold, found, missed, false_boxes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::average_precision::CurvePoint;

    fn curve() -> DenseCurve {
        let point = |score_threshold, recall, precision| CurvePoint {
            score_threshold,
            recall,
            precision,
            orientation_similarity: 0.0,
        };
        DenseCurve { num_truth: 10, points: vec![point(0.9, 0.3, 1.0), point(0.6, 0.7, 0.9), point(0.2, 0.8, 0.5)] }
    }

    #[test]
    fn the_rule_of_precision_takes_the_most_recall_that_keeps_it() {
        let score = |rule| choose_threshold(&curve(), rule).map(|chosen| chosen.score);
        assert_eq!(score(ThresholdRule::Precision(0.85)), Some(0.6));
        assert_eq!(score(ThresholdRule::Precision(0.95)), Some(0.9));
        assert_eq!(score(ThresholdRule::Precision(0.1)), Some(0.2));
        assert_eq!(score(ThresholdRule::BestF1), Some(0.6));
        let none = DenseCurve { num_truth: 1, points: Vec::new() };
        assert_eq!(choose_threshold(&none, ThresholdRule::BestF1), None);
    }

    #[test]
    fn shares_of_nothing_are_no_figures() {
        let nothing = OperatingPoint::new(0.5, 0, 0, 0);
        assert_eq!((nothing.recall, nothing.precision), (None, None));
        assert_eq!(OperatingPoint::new(0.5, 3, 1, 0).recall, Some(0.75));
    }
}
