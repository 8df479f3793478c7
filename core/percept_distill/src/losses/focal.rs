//! Sigmoid focal loss over all anchors that are not ignored.
//!
//! Input   logits (B, A·K, H, W), channel a·K + c; a label an anchor.
//! Output  the sum over anchors and classes, each frame by its weight.
//! Source  Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, equation 5.

use rayon::prelude::*;

use super::BatchTargets;
use super::fused::ValueAndGradient;
use crate::targets::AnchorLabel;

/// Balance and focus of the loss.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FocalShape {
    /// Weight of the positive class; the negative has 1 - alpha.
    pub alpha: f32,
    /// Power by which easy examples fade.
    pub gamma: f32,
}

impl Default for FocalShape {
    fn default() -> Self {
        Self { alpha: 0.25, gamma: 2.0 }
    }
}

impl FocalShape {
    /// Loss and derivative at a logit whose target is 1 or 0.
    ///
    /// Both targets are one formula in z = ±x: with q = sigmoid(-z) the probability of being wrong,
    /// L = a q^g softplus(-z) and dL/dz = -a q^g (g (1 - q) softplus(-z) + q).
    fn at(self, logit: f32, is_target: bool) -> (f32, f32) {
        let (z, a) = if is_target { (logit, self.alpha) } else { (-logit, 1.0 - self.alpha) };
        let small = (-z.abs()).exp();
        let softplus = small.ln_1p() + (-z).max(0.0);
        let q = if z >= 0.0 { small / (1.0 + small) } else { 1.0 / (1.0 + small) };
        let fade = a * if self.gamma == 2.0 { q * q } else { q.powf(self.gamma) };
        let slope = -fade * (self.gamma * (1.0 - q) * softplus + q);
        (fade * softplus, if is_target { slope } else { -slope })
    }
}

/// Value and gradient on the row-major logits; planes in parallel, sums in their order.
pub(super) fn evaluate(shape: FocalShape, targets: &BatchTargets, logits: &[f32]) -> ValueAndGradient {
    let cells = targets.ny * targets.nx;
    let mut gradient = vec![0.0; logits.len()];
    let planes = logits.par_chunks(cells).zip(gradient.par_chunks_mut(cells)).enumerate();
    let sums: Vec<f64> = planes
        .map(|(plane, (logits, gradient))| {
            let (frame, channel) = (plane / targets.class_channels(), plane % targets.class_channels());
            let (kind, class_index) = (channel / targets.num_classes, channel % targets.num_classes);
            let is_own_class = targets.class_of_kind[kind] == class_index;
            let labels = targets.frames[frame].labels.iter().skip(kind).step_by(targets.class_of_kind.len());
            let weight = targets.frame_weights[frame];
            let mut sum = 0.0;
            for ((logit, slope), label) in logits.iter().zip(gradient).zip(labels) {
                let is_target = match label {
                    AnchorLabel::Ignored => continue,
                    AnchorLabel::Background => false,
                    AnchorLabel::Positive => is_own_class,
                };
                let (loss, derivative) = shape.at(*logit, is_target);
                sum += f64::from(loss);
                *slope = derivative * weight;
            }
            sum * f64::from(weight)
        })
        .collect();
    ValueAndGradient { value: sums.iter().sum(), gradient }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::losses::fused::assert_gradient;
    use crate::losses::testing::{targets, wave};

    #[test]
    fn the_gradient_agrees_with_differences() {
        let targets = targets();
        let logits = wave(2 * targets.class_channels() * 6, 3.0);
        assert_gradient(|x| evaluate(FocalShape::default(), &targets, x), &logits, 1e-3);
        assert_gradient(|x| evaluate(FocalShape { alpha: 0.4, gamma: 1.5 }, &targets, x), &logits, 1e-3);
    }

    #[test]
    fn extreme_logits_stay_finite() {
        for logit in [-1e4f32, -90.0, 0.0, 90.0, 1e4] {
            for is_target in [false, true] {
                let (loss, slope) = FocalShape::default().at(logit, is_target);
                assert!(loss.is_finite() && slope.is_finite() && loss >= 0.0, "{logit} {is_target}: {loss} {slope}");
            }
        }
        assert_eq!(FocalShape::default().at(1e4, true).0, 0.0);
        assert!((FocalShape::default().at(0.0, true).0 - 0.25 * 0.25 * std::f32::consts::LN_2).abs() < 1e-7);
    }

    #[test]
    fn ignored_anchors_have_neither_loss_nor_gradient() {
        let mut targets = targets();
        for frame in &mut targets.frames {
            frame.labels.fill(AnchorLabel::Ignored);
        }
        let evaluated = evaluate(FocalShape::default(), &targets, &wave(2 * targets.class_channels() * 6, 3.0));
        assert_eq!(evaluated.value, 0.0);
        assert!(evaluated.gradient.iter().all(|g| *g == 0.0));
    }
}
