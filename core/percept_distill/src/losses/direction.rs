//! Cross entropy over the two halves of the circle, for positive anchors.
//!
//! Input   logits (B, A·2, H, W), channel a·2 + bin.
//! Source  Yan et al., SECOND, Sensors 2018, section 3.2.

use super::BatchTargets;
use super::fused::ValueAndGradient;

/// Halves of the circle.
pub(super) const BINS: usize = 2;

/// Value and gradient on the row-major logits.
pub(super) fn evaluate(targets: &BatchTargets, logits: &[f32]) -> ValueAndGradient {
    let mut evaluated = ValueAndGradient { value: 0.0, gradient: vec![0.0; logits.len()] };
    for (frame, positive) in targets.positives() {
        let weight = f64::from(targets.frame_weights[frame]);
        let wanted = targets.offset(frame, positive.anchor, BINS, positive.direction_bin);
        let other = targets.offset(frame, positive.anchor, BINS, 1 - positive.direction_bin);
        // Two bins: softmax is the sigmoid of the difference.
        let lead = f64::from(logits[wanted]) - f64::from(logits[other]);
        let loss = (-lead.abs()).exp().ln_1p() + (-lead).max(0.0);
        let wrong = 1.0 / (1.0 + lead.exp());
        evaluated.value += weight * loss;
        evaluated.gradient[wanted] = (-weight * wrong) as f32;
        evaluated.gradient[other] = (weight * wrong) as f32;
    }
    evaluated
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::losses::fused::assert_gradient;
    use crate::losses::testing::{targets, wave};

    #[test]
    fn the_gradient_agrees_with_differences() {
        let targets = targets();
        let logits = wave(2 * targets.class_of_kind.len() * BINS * 6, 2.0);
        assert_gradient(|x| evaluate(&targets, x), &logits, 1e-3);
    }

    #[test]
    fn undecided_logits_cost_the_logarithm_of_two() {
        let targets = targets();
        let logits = vec![0.3; 2 * targets.class_of_kind.len() * BINS * 6];
        let weights: f64 = targets.positives().map(|(frame, _)| f64::from(targets.frame_weights[frame])).sum();
        assert!((evaluate(&targets, &logits).value - weights * std::f64::consts::LN_2).abs() < 1e-9);
    }
}
