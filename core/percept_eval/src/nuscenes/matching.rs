//! Matching by centre distance within a frame, and the errors of what matched.
//!
//! Order   predictions by falling score (of equal ones the later first, as the devkit's reversed sort has it); each takes
//!         the nearest free truth of its class, and is right where that is nearer than the threshold.

use super::{DetectionClass, NuscenesFrame, PredictedBox, TruthBox};
use crate::EvalError;

/// A prediction with its fate.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judged {
    pub score: f64,
    /// Errors where it is right.
    pub errors: Option<MatchErrors>,
}

/// How far a right prediction is off; NaN where the truth says nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MatchErrors {
    pub translation_m: f64,
    pub scale: f64,
    pub orientation_rad: f64,
    pub velocity_mps: f64,
    pub attribute: f64,
}

/// Judges the predictions of one class in one frame, in the order of falling score.
pub(super) fn judge(frame: &NuscenesFrame, class: DetectionClass, distance_threshold_m: f64) -> Vec<Judged> {
    let truth: Vec<&TruthBox> = frame.truth.iter().filter(|t| t.class == class).collect();
    let mut taken = vec![false; truth.len()];
    let mut predictions: Vec<&PredictedBox> = frame.predictions.iter().filter(|p| p.class == class).rev().collect();
    predictions.sort_by(|a, b| b.score.total_cmp(&a.score));
    let judge_one = |prediction: &PredictedBox| {
        let mut nearest: Option<(usize, f64)> = None;
        for (index, t) in truth.iter().enumerate().filter(|(index, _)| !taken[*index]) {
            let distance_m = center_distance_m(t, prediction);
            if nearest.is_none_or(|(_, nearest_m)| distance_m < nearest_m) {
                nearest = Some((index, distance_m));
            }
        }
        let matched = nearest.filter(|(_, distance_m)| *distance_m < distance_threshold_m);
        let errors = matched.map(|(index, _)| {
            taken[index] = true;
            MatchErrors::between(truth[index], prediction)
        });
        Judged { score: prediction.score, errors }
    };
    predictions.into_iter().map(judge_one).collect()
}

fn center_distance_m(truth: &TruthBox, prediction: &PredictedBox) -> f64 {
    let (t, p) = (truth.box3d.center_m, prediction.box3d.center_m);
    length([p[0] - t[0], p[1] - t[1]])
}

/// As numpy's norm computes it: a distance that just meets a threshold decides between right and wrong.
fn length([x, y]: [f64; 2]) -> f64 {
    (x * x + y * y).sqrt()
}

impl MatchErrors {
    fn between(truth: &TruthBox, prediction: &PredictedBox) -> Self {
        let velocity_mps = match (truth.velocity_mps, prediction.velocity_mps) {
            (Some(t), Some(p)) => length([p[0] - t[0], p[1] - t[1]]),
            _ => f64::NAN,
        };
        let attribute = match truth.attribute {
            Some(attribute) => f64::from(u8::from(prediction.attribute != Some(attribute))),
            None => f64::NAN,
        };
        Self {
            translation_m: center_distance_m(truth, prediction),
            scale: 1.0 - aligned_overlap(&truth.box3d.size_m, &prediction.box3d.size_m),
            orientation_rad: yaw_error_rad(truth.box3d.yaw_rad, prediction.box3d.yaw_rad, truth.class.yaw_period_rad()),
            velocity_mps,
            attribute,
        }
    }
}

/// Intersection over union of two boxes laid into each other.
fn aligned_overlap(a_m: &[f64; 3], b_m: &[f64; 3]) -> f64 {
    let shared: f64 = a_m.iter().zip(b_m).map(|(a, b)| a.min(*b)).product();
    shared / (a_m.iter().product::<f64>() + b_m.iter().product::<f64>() - shared)
}

/// Smallest turn between two headings that repeat with a period.
fn yaw_error_rad(a_rad: f64, b_rad: f64, period_rad: f64) -> f64 {
    ((a_rad - b_rad + period_rad / 2.0).rem_euclid(period_rad) - period_rad / 2.0).abs()
}

/// Refuses what cannot be compared: scores and numbers that are not finite, sides that are not positive, too many boxes.
pub(super) fn check(frames: &[NuscenesFrame], max_boxes_per_frame: usize) -> Result<(), EvalError> {
    if frames.is_empty() {
        return Err(EvalError::NoFrames);
    }
    for (frame, f) in frames.iter().enumerate() {
        if f.predictions.len() > max_boxes_per_frame {
            return Err(EvalError::TooManyBoxes { frame, found: f.predictions.len(), max: max_boxes_per_frame });
        }
        for (detection, p) in f.predictions.iter().enumerate() {
            if !p.score.is_finite() {
                let class_name = p.class.name().to_owned();
                return Err(EvalError::ScoreNotFinite { frame, detection, class_name, score: p.score });
            }
        }
        let truth = f.truth.iter().enumerate().map(|(i, t)| ("truth", i, t.class, &t.box3d, t.velocity_mps));
        let predictions =
            f.predictions.iter().enumerate().map(|(i, p)| ("detection", i, p.class, &p.box3d, p.velocity_mps));
        for (what, index, class, b, velocity_mps) in truth.chain(predictions) {
            crate::kitti::check_finite(frame, what, index, class.name(), b)?;
            let field = if b.size_m.iter().any(|side| *side <= 0.0) {
                Some("size (a side is not positive)")
            } else if velocity_mps.is_some_and(|v| v.iter().any(|v| !v.is_finite())) {
                Some("velocity (leave it out where it is unknown)")
            } else {
                None
            };
            if let Some(field) = field {
                return Err(EvalError::BadBox { frame, what, index, class_name: class.name().to_owned(), field });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    #[test]
    fn headings_differ_by_the_shorter_way_and_a_barrier_by_half_a_turn_at_most() {
        assert!((yaw_error_rad(3.0, -3.0, 2.0 * PI) - (2.0 * PI - 6.0)).abs() < 1e-12);
        assert!((yaw_error_rad(0.0, PI, 2.0 * PI) - PI).abs() < 1e-12);
        assert!(yaw_error_rad(0.1, 0.1 + PI, PI) < 1e-12);
    }

    #[test]
    fn sizes_are_compared_as_if_laid_into_each_other() {
        assert_eq!(aligned_overlap(&[4.0, 2.0, 1.0], &[4.0, 2.0, 1.0]), 1.0);
        assert_eq!(aligned_overlap(&[4.0, 2.0, 1.0], &[2.0, 2.0, 1.0]), 0.5);
    }
}
