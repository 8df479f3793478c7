//! The transposed convolution as a candle operation with its gradients.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::adjoint_convolution;
use crate::conv2d::ConvShape;
use crate::conv2d::cpu_fast::{Epilogue, Transposed, forward, weight_gradient};
use crate::tensor_slice::{storage_slice, with_slice};

/// input (B, Ci, H, W), weight (Ci, Co, k, k) -> (B, Co, k H, k W), stride k, differentiable in both.
///
/// # Errors
/// Shapes that do not fit each other, types other than f32.
pub fn conv_transpose2d(input: &Tensor, weight: &Tensor) -> Result<Tensor> {
    input.contiguous()?.apply_op2(&weight.contiguous()?, ConvTranspose2d)
}

struct ConvTranspose2d;

fn adjoint(input: &Shape, weight: &Shape) -> Result<ConvShape> {
    let (batch, in_channels, height, width) = input.dims4()?;
    let (weight_in, out_channels, kernel, kernel_x) = weight.dims4()?;
    if weight_in != in_channels || kernel != kernel_x {
        candle_core::bail!("transposed convolution: weight {weight:?} does not fit input {input:?}")
    }
    adjoint_convolution(batch, in_channels, out_channels, (height, width), kernel).map_err(candle_core::Error::wrap)
}

impl CustomOp2 for ConvTranspose2d {
    fn name(&self) -> &'static str {
        "conv_transpose2d"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let shape = adjoint(l1.shape(), l2.shape())?;
        let mut output = vec![0.0; shape.input_len()];
        Transposed::new(&shape, storage_slice(s2, l2)?)
            .and_then(|transposed| transposed.run(storage_slice_of(s1, l1)?, Epilogue::NONE, &mut output))
            .map_err(candle_core::Error::wrap)?;
        let dims = (shape.batch, shape.in_channels, shape.height, shape.width);
        Ok((CpuStorage::F32(output), dims.into()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        _output: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let shape = adjoint(input.shape(), weight.shape())?;
        with_slice(grad, |grad| {
            let mut grad_input = vec![0.0; shape.output_len()];
            with_slice(weight, |weight| {
                forward(&shape, grad, weight, Epilogue::NONE, &mut grad_input).map_err(candle_core::Error::wrap)
            })?;
            let mut grad_weight = vec![0.0; shape.weight_len()];
            with_slice(input, |input| {
                weight_gradient(&shape, grad, input, &mut grad_weight).map_err(candle_core::Error::wrap)
            })?;
            Ok((
                Some(Tensor::from_vec(grad_input, input.shape(), input.device())?),
                Some(Tensor::from_vec(grad_weight, weight.shape(), weight.device())?),
            ))
        })
    }
}

fn storage_slice_of<'a>(
    storage: &'a CpuStorage,
    layout: &Layout,
) -> std::result::Result<&'a [f32], crate::error::KernelError> {
    Ok(storage_slice(storage, layout)?)
}
