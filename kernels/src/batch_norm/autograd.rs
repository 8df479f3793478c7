//! Batch norm and activation as one candle operation with gradients.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::{BatchStatistics, Channel, Statistics, channels, cpu_fast};
use crate::plan::Activation;
use crate::tensor_slice::{storage_slice, with_slice};

/// input (B, C, H, W), weight (C), bias (C) -> (B, C, H, W), differentiable in all three; with
/// [`Statistics::Batch`] also the batch's statistics.
///
/// # Errors
/// Shapes that do not fit each other, types other than f32, batch statistics over fewer than two rows.
pub fn batch_norm(
    input: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    statistics: Statistics<'_>,
    eps: f32,
    activation: Activation,
) -> Result<(Tensor, Option<BatchStatistics>)> {
    let (_, channels, ..) = input.dims4()?;
    let fixed = match statistics {
        Statistics::Batch => None,
        Statistics::Running { mean, var } if mean.len() == channels && var.len() == channels => {
            Some((mean.to_vec(), var.to_vec()))
        }
        Statistics::Running { mean, .. } => {
            candle_core::bail!("batch norm: {} running means for {channels} channels", mean.len())
        }
    };
    let record = Arc::new(OnceLock::new());
    let op = BatchNormActivation { fixed, eps, activation, record: record.clone() };
    let output = input.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)?;
    Ok((output, record.get().and_then(|record: &Record| record.batch.clone())))
}

/// What the forward pass leaves for the backward pass.
struct Record {
    channels: Vec<Channel>,
    batch: Option<BatchStatistics>,
}

struct BatchNormActivation {
    fixed: Option<(Vec<f32>, Vec<f32>)>,
    eps: f32,
    activation: Activation,
    record: Arc<OnceLock<Record>>,
}

impl CustomOp3 for BatchNormActivation {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, channel_count, height, width) = l1.shape().dims4()?;
        let (input, weight, bias) = (storage_slice(s1, l1)?, storage_slice(s2, l2)?, storage_slice(s3, l3)?);
        if weight.len() != channel_count || bias.len() != channel_count {
            candle_core::bail!("batch norm: {} weights, {} biases, {channel_count} channels", weight.len(), bias.len())
        }
        let pixels = height * width;
        let own = match &self.fixed {
            Some(_) => None,
            None if batch * pixels < 2 => candle_core::bail!("batch norm: {} rows, need 2", batch * pixels),
            None => Some(cpu_fast::statistics(input, channel_count, pixels)),
        };
        let (mean, var) = match (&self.fixed, &own) {
            (Some((mean, var)), _) => (mean, var),
            (None, Some(own)) => (&own.mean, &own.var),
            (None, None) => candle_core::bail!("batch norm without statistics"),
        };
        let channels = channels(mean, var, weight, bias, self.eps);
        let mut output = vec![0.0; input.len()];
        if pixels > 0 {
            cpu_fast::forward(input, &channels, self.activation, pixels, &mut output);
        }
        self.record.get_or_init(|| Record { channels, batch: own });
        Ok((CpuStorage::F32(output), l1.shape().clone()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        output: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Some(record) = self.record.get() else { candle_core::bail!("batch norm: backward before forward") };
        let (_, _, height, width) = input.dims4()?;
        let of_batch = self.fixed.is_none();
        let gradients = with_slice(input, |input| {
            with_slice(output, |output| {
                with_slice(grad, |grad| {
                    let maps = (input, output, grad);
                    Ok(cpu_fast::backward(maps, &record.channels, self.activation, height * width, of_batch))
                })
            })
        })?;
        let device = input.device();
        Ok((
            Some(Tensor::from_vec(gradients.input, input.shape(), device)?),
            Some(Tensor::from_vec(gradients.weight, weight.shape(), device)?),
            Some(Tensor::from_vec(gradients.bias, bias.shape(), device)?),
        ))
    }
}
