//! Batch norm folded into the linear map before it.

use crate::batch_norm::channels;
use crate::error::KernelError;
use crate::parameters::{ParameterMap, get};
use crate::plan::{BatchNorm, Bias, Deconv};

/// A linear map and a bias, with nothing left to normalise.
#[derive(Debug)]
pub(in crate::executor) struct Folded {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

impl Folded {
    /// For weights whose first dimension is the output channel.
    pub fn new(
        parameters: &ParameterMap,
        weight: &[f32],
        channels: usize,
        bias: Option<&Bias>,
        norm: Option<&BatchNorm>,
    ) -> Result<Self, KernelError> {
        let (scale, bias) = scale_and_bias(parameters, channels, bias, norm)?;
        let rows = weight.chunks_exact(weight.len() / channels.max(1));
        let weight = rows.zip(&scale).flat_map(|(row, scale)| row.iter().map(move |w| w * scale)).collect();
        Ok(Self { weight, bias })
    }

    /// For the weight (in, out, k, k) of a transposed convolution.
    pub fn deconv(parameters: &ParameterMap, weight: &[f32], deconv: &Deconv) -> Result<Self, KernelError> {
        let (scale, bias) = scale_and_bias(parameters, deconv.out_channels, None, deconv.norm.as_ref())?;
        let kernels = weight.chunks_exact(deconv.scale * deconv.scale);
        let scaled =
            kernels.zip(scale.iter().cycle()).flat_map(|(kernel, scale)| kernel.iter().map(move |w| w * scale));
        Ok(Self { weight: scaled.collect(), bias })
    }
}

/// `norm(x + bias) = scale x + shift`, per channel.
fn scale_and_bias(
    parameters: &ParameterMap,
    count: usize,
    bias: Option<&Bias>,
    norm: Option<&BatchNorm>,
) -> Result<(Vec<f32>, Vec<f32>), KernelError> {
    let bias = match bias {
        Some(bias) => get(parameters, &bias.name)?.data.clone(),
        None => vec![0.0; count],
    };
    let Some(norm) = norm else {
        return Ok((vec![1.0; count], bias));
    };
    let of = |name: String| Ok::<_, KernelError>(get(parameters, &name)?.data.as_slice());
    let (mean, var) = (of(norm.running_mean())?, of(norm.running_var())?);
    let normalise = channels(mean, var, of(norm.weight())?, of(norm.bias())?, norm.eps);
    let shift = normalise.iter().zip(&bias).map(|(channel, bias)| channel.scale * bias + channel.shift).collect();
    Ok((normalise.iter().map(|channel| channel.scale).collect(), shift))
}
