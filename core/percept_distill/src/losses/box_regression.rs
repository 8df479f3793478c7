//! Smooth L1 on the box codes of positive anchors, the yaw compared by the sine of its error.
//!
//! Input   codes (B, A·7, H, W), channel a·7 + i.
//! Source  Yan et al., SECOND, Sensors 2018, section 3.2 (sine error); Girshick, Fast R-CNN, ICCV 2015 (smooth L1).

use super::BatchTargets;
use super::fused::ValueAndGradient;

/// Values a box code has.
pub(super) const CODE_SIZE: usize = 7;
/// Which of them is the yaw.
const YAW: usize = 6;

/// 0.5 d²/beta below beta, |d| - beta/2 above; and its derivative.
pub(super) fn smooth_l1(error: f64, beta: f64) -> (f64, f64) {
    if error.abs() < beta {
        (0.5 * error * error / beta, error / beta)
    } else {
        (error.abs() - 0.5 * beta, error.signum())
    }
}

/// Value and gradient on the row-major codes.
pub(super) fn evaluate(beta: f64, targets: &BatchTargets, codes: &[f32]) -> ValueAndGradient {
    let mut evaluated = ValueAndGradient { value: 0.0, gradient: vec![0.0; codes.len()] };
    for (frame, positive) in targets.positives() {
        let weight = f64::from(targets.frame_weights[frame]);
        for (i, wanted) in positive.box_code.iter().enumerate() {
            let at = targets.offset(frame, positive.anchor, CODE_SIZE, i);
            let error = f64::from(codes[at]) - f64::from(*wanted);
            let (loss, slope) = if i == YAW {
                let (loss, slope) = smooth_l1(error.sin(), beta);
                (loss, slope * error.cos())
            } else {
                smooth_l1(error, beta)
            };
            evaluated.value += weight * loss;
            evaluated.gradient[at] = (weight * slope) as f32;
        }
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
        let codes = wave(2 * targets.class_of_kind.len() * CODE_SIZE * 6, 1.3);
        assert_gradient(|x| evaluate(1.0 / 9.0, &targets, x), &codes, 1e-2);
    }

    #[test]
    fn a_yaw_half_a_turn_off_costs_nothing() {
        let targets = targets();
        let mut codes = vec![0.0; 2 * targets.class_of_kind.len() * CODE_SIZE * 6];
        for (frame, positive) in targets.positives() {
            for (i, wanted) in positive.box_code.iter().enumerate() {
                codes[targets.offset(frame, positive.anchor, CODE_SIZE, i)] = *wanted;
            }
            codes[targets.offset(frame, positive.anchor, CODE_SIZE, YAW)] += std::f32::consts::PI;
        }
        assert!(evaluate(1.0 / 9.0, &targets, &codes).value < 1e-9);
    }
}
