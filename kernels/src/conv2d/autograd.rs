//! The convolution as a candle operation with its gradients; output and gradient of the input through Winograd's
//! transform where it pays.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::cpu_fast::{Epilogue, Transposed, forward, weight_gradient};
use super::winograd::Winograd;
use super::{ConvGeometry, ConvShape};
use crate::tensor_slice::{storage_slice, with_slice};

/// input (B, Ci, H, W), weight (Co, Ci, k, k) -> (B, Co, Ho, Wo), differentiable in both.
///
/// # Errors
/// Shapes that do not fit each other, types other than f32.
pub fn conv2d(input: &Tensor, weight: &Tensor, geometry: ConvGeometry) -> Result<Tensor> {
    input.contiguous()?.apply_op2(&weight.contiguous()?, Conv2d { geometry })
}

struct Conv2d {
    geometry: ConvGeometry,
}

impl Conv2d {
    fn shape(&self, input: &Shape, weight: &Shape) -> Result<ConvShape> {
        let (batch, in_channels, height, width) = input.dims4()?;
        let (out_channels, weight_in, kernel, kernel_x) = weight.dims4()?;
        if weight_in != in_channels || kernel != self.geometry.kernel || kernel_x != kernel {
            candle_core::bail!("convolution: weight {weight:?} does not fit input {input:?} and {:?}", self.geometry)
        }
        ConvShape::forward(batch, in_channels, out_channels, (height, width), self.geometry)
            .map_err(candle_core::Error::wrap)
    }
}

impl CustomOp2 for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let shape = self.shape(l1.shape(), l2.shape())?;
        let mut output = vec![0.0; shape.output_len()];
        let (input, weight) = (storage_slice(s1, l1)?, storage_slice(s2, l2)?);
        if Winograd::suits(&shape) {
            Winograd::new(&shape, weight).and_then(|winograd| winograd.run(input, Epilogue::NONE, &mut output))
        } else {
            forward(&shape, input, weight, Epilogue::NONE, &mut output)
        }
        .map_err(candle_core::Error::wrap)?;
        let dims = (shape.batch, shape.out_channels, shape.out_height, shape.out_width);
        Ok((CpuStorage::F32(output), dims.into()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        _output: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let shape = self.shape(input.shape(), weight.shape())?;
        with_slice(grad, |grad| {
            let grad_input = if input.track_op() {
                let mut values = vec![0.0; shape.input_len()];
                with_slice(weight, |weight| {
                    if Winograd::suits(&shape) {
                        let adjoint = Winograd::adjoint(&shape, weight);
                        adjoint.and_then(|adjoint| adjoint.run(grad, Epilogue::NONE, &mut values))
                    } else {
                        let transposed = Transposed::new(&shape, weight);
                        transposed.and_then(|transposed| transposed.run(grad, Epilogue::NONE, &mut values))
                    }
                    .map_err(candle_core::Error::wrap)
                })?;
                Some(Tensor::from_vec(values, input.shape(), input.device())?)
            } else {
                None
            };
            let mut values = vec![0.0; shape.weight_len()];
            with_slice(input, |input| {
                weight_gradient(&shape, input, grad, &mut values).map_err(candle_core::Error::wrap)
            })?;
            Ok((grad_input, Some(Tensor::from_vec(values, weight.shape(), weight.device())?)))
        })
    }
}
