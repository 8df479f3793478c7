//! From judged predictions to precision, confidence and errors at 101 recalls, and to AP and mean errors.
//!
//! Linear interpolation, the grid of recalls and the running means are those of the devkit to the last bit, because a
//! recall that just meets a grid position decides between two precisions.

use super::matching::{Judged, MatchErrors};
use serde::{Deserialize, Serialize};

/// Recalls 0, 0.01, ..., 1.
const NUM_RECALLS: usize = 101;

/// An error of true positives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// ATE: distance of the centres, metres.
    Translation,
    /// ASE: 1 - overlap of the sizes.
    Scale,
    /// AOE: turn, radians.
    Orientation,
    /// AVE: difference of the velocities, metres a second.
    Velocity,
    /// AAE: share of wrong attributes.
    Attribute,
}

impl ErrorKind {
    /// All five, in the order of reports.
    pub const ALL: [Self; 5] = [Self::Translation, Self::Scale, Self::Orientation, Self::Velocity, Self::Attribute];

    fn of(self, errors: &MatchErrors) -> f64 {
        match self {
            Self::Translation => errors.translation_m,
            Self::Scale => errors.scale,
            Self::Orientation => errors.orientation_rad,
            Self::Velocity => errors.velocity_mps,
            Self::Attribute => errors.attribute,
        }
    }
}

/// Precision, confidence and errors at 101 recalls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecallCurve {
    /// Precision at recall 0, 0.01, ..., 1; 0 beyond the recall reached.
    pub precision: Vec<f64>,
    /// Score at each recall; 0 beyond the recall reached.
    pub confidence: Vec<f64>,
    /// Mean error of the matches down to each confidence; one list an [`ErrorKind`].
    pub errors: Vec<Vec<f64>>,
}

impl RecallCurve {
    /// From predictions in the order of falling score and the number of truth boxes, which is not 0.
    pub(super) fn new<'a>(judged: impl Iterator<Item = &'a Judged>, num_truth: usize) -> Self {
        let (mut recall, mut precision, mut confidence) = (Vec::new(), Vec::new(), Vec::new());
        let mut matches: Vec<(f64, &MatchErrors)> = Vec::new();
        for (index, prediction) in judged.enumerate() {
            matches.extend(prediction.errors.as_ref().map(|errors| (prediction.score, errors)));
            precision.push(matches.len() as f64 / (index + 1) as f64);
            recall.push(matches.len() as f64 / num_truth as f64);
            confidence.push(prediction.score);
        }
        if matches.is_empty() {
            return Self::without_matches();
        }
        let reached = recall.last().copied().unwrap_or(0.0);
        let at_recalls = |values: &[f64]| -> Vec<f64> {
            let at = |r: f64| if r > reached { 0.0 } else { interpolate(r, &recall, values) };
            (0..NUM_RECALLS).map(|i| at(recall_position(i))).collect()
        };
        let (precision, confidence) = (at_recalls(&precision), at_recalls(&confidence));
        // Interpolation wants rising positions, confidences fall.
        let match_confidence: Vec<f64> = matches.iter().rev().map(|(score, _)| *score).collect();
        let error_curve = |kind: ErrorKind| -> Vec<f64> {
            let mut means = running_means(matches.iter().map(|(_, errors)| kind.of(errors)));
            means.reverse();
            confidence.iter().map(|c| interpolate(*c, &match_confidence, &means)).collect()
        };
        let errors = ErrorKind::ALL.map(error_curve).to_vec();
        Self { precision, confidence, errors }
    }

    fn without_matches() -> Self {
        Self {
            precision: vec![0.0; NUM_RECALLS],
            confidence: vec![0.0; NUM_RECALLS],
            errors: vec![vec![1.0; NUM_RECALLS]; ErrorKind::ALL.len()],
        }
    }

    /// Mean precision above `min_precision` beyond `min_recall`, scaled to 0 to 1.
    pub fn average_precision(&self, min_recall: f64, min_precision: f64) -> f64 {
        let first = first_index(min_recall);
        let above = self.precision.iter().skip(first).map(|p| (p - min_precision).max(0.0));
        above.sum::<f64>() / (NUM_RECALLS - first) as f64 / (1.0 - min_precision)
    }

    /// Mean error between `min_recall` and the recall reached; 1 where that is no range.
    pub fn mean_error(&self, kind: ErrorKind, min_recall: f64) -> f64 {
        let first = first_index(min_recall);
        let last = self.confidence.iter().rposition(|c| *c != 0.0).unwrap_or(0);
        let values = self.errors.get(kind as usize).and_then(|errors| errors.get(first..=last));
        match values {
            Some(values) if !values.is_empty() => values.iter().sum::<f64>() / values.len() as f64,
            _ => 1.0,
        }
    }
}

/// The first recall that counts: the one after `min_recall`.
fn first_index(min_recall: f64) -> usize {
    ((100.0 * min_recall).round() as usize + 1).min(NUM_RECALLS - 1)
}

/// Multiples of the rounded step, 1 at the end exactly.
fn recall_position(index: usize) -> f64 {
    if index + 1 == NUM_RECALLS { 1.0 } else { index as f64 * 0.01 }
}

/// Linear interpolation between rising positions; of equal positions the last is used; the end values beyond the ends.
fn interpolate(x: f64, positions: &[f64], values: &[f64]) -> f64 {
    let after = positions.partition_point(|p| *p <= x);
    let value = |i: usize| values.get(i).copied().unwrap_or(0.0);
    if after == 0 {
        return value(0);
    }
    match (positions.get(after - 1), positions.get(after)) {
        (Some(left), Some(right)) if *left != x => {
            let slope = (value(after) - value(after - 1)) / (right - left);
            slope * (x - left) + value(after - 1)
        }
        _ => value(after - 1),
    }
}

/// Mean of the values so far that are not NaN, 0 before the first; all 1 where every value is NaN.
fn running_means(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let (mut sum, mut count) = (0.0, 0usize);
    let means: Vec<f64> = values
        .map(|value| {
            if !value.is_nan() {
                sum += value;
                count += 1;
            }
            if count > 0 { sum / count as f64 } else { 0.0 }
        })
        .collect();
    if count > 0 { means } else { vec![1.0; means.len()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolation_takes_the_last_of_equal_positions_and_the_end_values_outside() {
        let (positions, values) = ([0.0, 0.5, 0.5, 1.0], [1.0, 0.8, 0.6, 0.2]);
        assert_eq!(interpolate(0.5, &positions, &values), 0.6);
        assert_eq!(interpolate(0.25, &positions, &values), 0.9);
        assert_eq!(interpolate(-1.0, &positions, &values), 1.0);
        assert_eq!(interpolate(2.0, &positions, &values), 0.2);
    }

    #[test]
    fn running_means_pass_over_what_is_not_annotated() {
        let means = running_means([f64::NAN, 2.0, f64::NAN, 4.0].into_iter());
        assert_eq!(means, vec![0.0, 2.0, 2.0, 3.0]);
        assert_eq!(running_means([f64::NAN; 3].into_iter()), vec![1.0; 3]);
    }
}
