//! The supervised loss of an anchor head: classification, box and direction, weighted and summed.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use super::fused;
use super::{BatchTargets, FocalShape, box_regression, direction, focal};
use crate::DistillError;

/// Weights and shapes of the three parts; the defaults are the published ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SupervisedLoss {
    /// Weight of the classification.
    pub classification: f64,
    /// Weight of the box codes.
    pub box_regression: f64,
    /// Weight of the direction.
    pub direction: f64,
    /// Balance and focus of the classification.
    pub focal: FocalShape,
    /// Where smooth L1 turns from a square to a line.
    pub smooth_l1_beta: f64,
}

impl Default for SupervisedLoss {
    fn default() -> Self {
        Self {
            classification: 1.0,
            box_regression: 2.0,
            direction: 0.2,
            focal: FocalShape::default(),
            smooth_l1_beta: 1.0 / 9.0,
        }
    }
}

/// The parts of a loss, weighted, and their differentiable sum.
#[derive(Debug)]
pub struct LossTerms {
    /// Classification.
    pub classification: f64,
    /// Box codes.
    pub box_regression: f64,
    /// Direction.
    pub direction: f64,
    /// Scalar to call `backward` on.
    pub total: Tensor,
}

impl SupervisedLoss {
    /// The loss of the three maps of a head: class logits (B, A·K, H, W), box codes (B, A·7, H, W) and direction
    /// logits (B, A·2, H, W).
    ///
    /// # Errors
    /// When a map's shape is not the targets', or a tensor operation fails.
    pub fn evaluate(
        &self,
        class_logits: &Tensor,
        box_codes: &Tensor,
        direction_logits: &Tensor,
        targets: &Arc<BatchTargets>,
    ) -> Result<LossTerms, DistillError> {
        let kinds = targets.class_of_kind.len();
        check_shape("class logits", class_logits, targets, targets.class_channels())?;
        check_shape("box codes", box_codes, targets, kinds * box_regression::CODE_SIZE)?;
        check_shape("direction logits", direction_logits, targets, kinds * direction::BINS)?;

        let (shape, t) = (self.focal, targets.clone());
        let classification = fused::apply("focal loss", class_logits, move |x| focal::evaluate(shape, &t, x))?;
        let (beta, t) = (self.smooth_l1_beta, targets.clone());
        let boxes = fused::apply("box loss", box_codes, move |x| box_regression::evaluate(beta, &t, x))?;
        let t = targets.clone();
        let direction = fused::apply("direction loss", direction_logits, move |x| direction::evaluate(&t, x))?;

        let classification = (classification * self.classification)?;
        let boxes = (boxes * self.box_regression)?;
        let direction = (direction * self.direction)?;
        Ok(LossTerms {
            classification: scalar(&classification)?,
            box_regression: scalar(&boxes)?,
            direction: scalar(&direction)?,
            total: ((classification + boxes)? + direction)?,
        })
    }
}

fn scalar(tensor: &Tensor) -> Result<f64, DistillError> {
    Ok(f64::from(tensor.to_scalar::<f32>()?))
}

fn check_shape(what: &'static str, map: &Tensor, targets: &BatchTargets, channels: usize) -> Result<(), DistillError> {
    let expected = vec![targets.frames.len(), channels, targets.ny, targets.nx];
    if map.dims() != expected {
        return Err(DistillError::Shape { what, expected, found: map.dims().to_vec() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::losses::testing::{targets, wave};
    use candle_core::{Device, Var};

    fn map(channels: usize, amplitude: f32) -> Var {
        let values = wave(2 * channels * 6, amplitude);
        Var::from_tensor(&Tensor::from_vec(values, (2, channels, 2, 3), &Device::Cpu).unwrap()).unwrap()
    }

    #[test]
    fn the_parts_sum_to_the_total_and_every_map_gets_a_gradient() {
        let targets = Arc::new(targets());
        let maps = [map(6, 2.0), map(21, 1.0), map(6, 1.0)];
        let terms = SupervisedLoss::default().evaluate(&maps[0], &maps[1], &maps[2], &targets).unwrap();
        let total = scalar(&terms.total).unwrap();
        assert!((terms.classification + terms.box_regression + terms.direction - total).abs() < 1e-5);
        let gradients = terms.total.backward().unwrap();
        for map in &maps {
            let gradient = gradients.get(map).unwrap().abs().unwrap().sum_all().unwrap();
            assert!(scalar(&gradient).unwrap() > 0.0);
        }
    }

    #[test]
    fn maps_of_another_size_are_refused_by_name() {
        let targets = Arc::new(targets());
        let error =
            SupervisedLoss::default().evaluate(&map(6, 1.0), &map(14, 1.0), &map(6, 1.0), &targets).unwrap_err();
        assert!(error.to_string().contains("box codes"), "{error}");
    }
}
