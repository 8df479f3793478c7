//! Normalisation and activation in one pass, and the gradient in closed form, in parallel over channels.

use rayon::prelude::*;

use super::{BatchStatistics, Channel};
use crate::plan::Activation;

/// Values summed in f32 before the sum goes on in f64.
const BLOCK: usize = 256;
/// Independent partial sums, so that the compiler can use vector registers.
const LANES: usize = 16;

/// Mean and biased variance of each channel of (B, C, pixels).
pub(crate) fn statistics(input: &[f32], channels: usize, pixels: usize) -> BatchStatistics {
    let rows = input.len() / channels.max(1);
    let moments = (0..channels).into_par_iter().map(|channel| {
        let planes = || input.chunks_exact(pixels).skip(channel).step_by(channels);
        let mean = planes().map(|plane| sum(plane, |x| x)).sum::<f64>() / rows as f64;
        let centre = mean as f32;
        let var = planes().map(|plane| sum(plane, |x| (x - centre) * (x - centre))).sum::<f64>() / rows as f64;
        (centre, var as f32)
    });
    let (mean, var) = moments.unzip();
    BatchStatistics { mean, var, rows }
}

fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f64 {
    let block_sum = |block: &[f32]| {
        let mut lanes = [0.0f32; LANES];
        for chunk in block.chunks(LANES) {
            for (lane, x) in lanes.iter_mut().zip(chunk) {
                *lane += term(*x);
            }
        }
        f64::from(lanes.iter().sum::<f32>())
    };
    values.chunks(BLOCK).map(block_sum).sum()
}

/// `output = act(scale * input + shift)` for (B, C, pixels).
pub(crate) fn forward(input: &[f32], channels: &[Channel], activation: Activation, pixels: usize, output: &mut [f32]) {
    let planes = output.par_chunks_exact_mut(pixels).zip(input.par_chunks_exact(pixels));
    planes.enumerate().for_each(|(plane, (output, input))| {
        let Channel { scale, shift, .. } = channels[plane % channels.len()];
        match activation {
            Activation::Identity => output.iter_mut().zip(input).for_each(|(y, x)| *y = scale * x + shift),
            Activation::Relu => output.iter_mut().zip(input).for_each(|(y, x)| *y = (scale * x + shift).max(0.0)),
        }
    });
}

/// Gradients of one normalisation.
pub(crate) struct Gradients {
    pub input: Vec<f32>,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// Gradients of [`forward`]; with `of_batch` also through mean and variance, which then are the input's own.
pub(crate) fn backward(
    (input, output, grad): (&[f32], &[f32], &[f32]),
    channels: &[Channel],
    activation: Activation,
    pixels: usize,
    of_batch: bool,
) -> Gradients {
    let rows = (input.len() / channels.len().max(1)) as f64;
    let masked = |grad: f32, output: f32| match activation {
        Activation::Identity => grad,
        Activation::Relu => {
            if output > 0.0 {
                grad
            } else {
                0.0
            }
        }
    };
    let sums: Vec<(f64, f64)> = (0..channels.len())
        .into_par_iter()
        .map(|channel| channel_sums((input, output, grad), channel, channels, pixels, masked))
        .collect();
    let mut grad_input = vec![0.0; input.len()];
    let sources =
        input.par_chunks_exact(pixels).zip(output.par_chunks_exact(pixels).zip(grad.par_chunks_exact(pixels)));
    grad_input.par_chunks_exact_mut(pixels).zip(sources).enumerate().for_each(|(plane, (dx, (x, (y, g))))| {
        let index = plane % channels.len();
        let (Channel { mean, inv_std, scale, .. }, (bias_sum, weight_sum)) = (channels[index], sums[index]);
        let (constant, slope) = if of_batch {
            let slope = f64::from(scale * inv_std) * weight_sum / rows;
            (f64::from(scale) * bias_sum / rows - slope * f64::from(mean), slope)
        } else {
            (0.0, 0.0)
        };
        let (constant, slope) = (constant as f32, slope as f32);
        for ((dx, x), (y, g)) in dx.iter_mut().zip(x).zip(y.iter().zip(g)) {
            *dx = scale * masked(*g, *y) - constant - slope * x;
        }
    });
    Gradients {
        input: grad_input,
        weight: sums.iter().map(|&(_, weight)| weight as f32).collect(),
        bias: sums.iter().map(|&(bias, _)| bias as f32).collect(),
    }
}

/// (sum of g, sum of g * normalised x) of one channel, g the gradient behind the activation.
fn channel_sums(
    (input, output, grad): (&[f32], &[f32], &[f32]),
    channel: usize,
    channels: &[Channel],
    pixels: usize,
    masked: impl Fn(f32, f32) -> f32,
) -> (f64, f64) {
    let Channel { mean, inv_std, .. } = channels[channel];
    let (mut bias_sum, mut weight_sum) = (0.0, 0.0);
    for start in (channel * pixels..input.len()).step_by(channels.len() * pixels) {
        let plane = start..start + pixels;
        let blocks = input[plane.clone()].chunks(BLOCK).zip(output[plane.clone()].chunks(BLOCK));
        for ((x, y), g) in blocks.zip(grad[plane].chunks(BLOCK)) {
            let (mut bias_lanes, mut weight_lanes) = ([0.0f32; LANES], [0.0f32; LANES]);
            for ((x, y), g) in x.chunks(LANES).zip(y.chunks(LANES)).zip(g.chunks(LANES)) {
                for (lane, ((x, y), g)) in x.iter().zip(y).zip(g).enumerate() {
                    let g = masked(*g, *y);
                    bias_lanes[lane] += g;
                    weight_lanes[lane] += g * (x - mean);
                }
            }
            bias_sum += f64::from(bias_lanes.iter().sum::<f32>());
            weight_sum += f64::from(weight_lanes.iter().sum::<f32>());
        }
    }
    (bias_sum, weight_sum * f64::from(inv_std))
}
