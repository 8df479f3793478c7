//! A loss as one operation: value and gradient computed together from the network's output.
//!
//! Forward gives a scalar; backward scales the gradient that forward kept. Written out by hand, a loss over 500 000
//! logits is one pass over memory, where a chain of tensor operations would be twenty.
//! Limits  f32 on the CPU. The gradient is that of the loss with respect to its one input; targets are constants.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, WithDType};

/// Value of a loss and its gradient, element by element of the input.
pub(super) struct ValueAndGradient {
    pub(super) value: f64,
    pub(super) gradient: Vec<f32>,
}

/// Applies a hand-written loss to a tensor; `evaluate` reads the row-major values.
pub(super) fn apply(
    name: &'static str,
    input: &Tensor,
    evaluate: impl Fn(&[f32]) -> ValueAndGradient + Send + Sync + 'static,
) -> candle_core::Result<Tensor> {
    input.contiguous()?.apply_op1(FusedLoss { name, evaluate, gradient: Arc::new(OnceLock::new()) })
}

struct FusedLoss<F> {
    name: &'static str,
    evaluate: F,
    gradient: Arc<OnceLock<Vec<f32>>>,
}

impl<F: Fn(&[f32]) -> ValueAndGradient + Send + Sync> CustomOp1 for FusedLoss<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let values = f32::cpu_storage_as_slice(storage)?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            return Err(candle_core::Error::RequiresContiguous { op: self.name }.bt());
        };
        let evaluated = (self.evaluate)(&values[start..end]);
        // The operation is applied once: a second forward of the same object cannot happen.
        let _ = self.gradient.set(evaluated.gradient);
        Ok((CpuStorage::F32(vec![evaluated.value as f32]), Shape::from(())))
    }

    fn bwd(&self, arg: &Tensor, _res: &Tensor, grad_res: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let Some(gradient) = self.gradient.get() else {
            return Err(candle_core::Error::BackwardNotSupported { op: self.name }.bt());
        };
        let scale = f64::from(grad_res.to_scalar::<f32>()?);
        let gradient = Tensor::from_slice(gradient, arg.shape(), arg.device())?;
        Ok(Some(if scale == 1.0 { gradient } else { (gradient * scale)? }))
    }
}

/// Central differences of a loss against its own gradient: for the tests of every loss.
#[cfg(test)]
pub(super) fn assert_gradient(evaluate: impl Fn(&[f32]) -> ValueAndGradient, at: &[f32], tolerance: f64) {
    let gradient = evaluate(at).gradient;
    let step = 1e-2f32;
    for i in 0..at.len() {
        let mut moved = at.to_vec();
        moved[i] = at[i] + step;
        let above = evaluate(&moved).value;
        moved[i] = at[i] - step;
        let below = evaluate(&moved).value;
        let expected = (above - below) / (2.0 * f64::from(step));
        assert!(
            (expected - f64::from(gradient[i])).abs() <= tolerance * (1.0 + expected.abs()),
            "element {i}: differences give {expected}, the gradient says {}",
            gradient[i]
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn the_gradient_reaches_the_variable_scaled_by_what_follows() {
        let x = Var::from_tensor(&Tensor::new(&[[1f32, 2.], [3., 4.]], &Device::Cpu).unwrap()).unwrap();
        let squares = |v: &[f32]| ValueAndGradient {
            value: v.iter().map(|x| f64::from(x * x)).sum(),
            gradient: v.iter().map(|x| 2.0 * x).collect(),
        };
        let loss = (apply("squares", &x.t().unwrap(), squares).unwrap() * 0.5).unwrap();
        assert_eq!(loss.to_scalar::<f32>().unwrap(), 15.0);
        let gradient = loss.backward().unwrap().get(&x).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(gradient, vec![vec![1., 2.], vec![3., 4.]]);
    }
}
