//! The plain loops: the specification, in double precision so that gradients can be checked by differences.

use crate::plan::Activation;

/// Mean and biased variance of each channel of (B, C, pixels).
pub fn statistics(input: &[f64], channels: usize, pixels: usize) -> (Vec<f64>, Vec<f64>) {
    let rows = (input.len() / channels.max(1)) as f64;
    let of = |channel: usize| input.chunks(pixels).skip(channel).step_by(channels).flatten();
    let mean: Vec<f64> = (0..channels).map(|c| of(c).sum::<f64>() / rows).collect();
    let var = mean.iter().enumerate().map(|(c, m)| of(c).map(|x| (x - m) * (x - m)).sum::<f64>() / rows);
    let var = var.collect();
    (mean, var)
}

/// act((x - mean) / sqrt(var + eps) * weight + bias) for (B, C, pixels).
pub fn forward(
    input: &[f64],
    (mean, var): (&[f64], &[f64]),
    (weight, bias): (&[f64], &[f64]),
    (eps, activation): (f64, Activation),
    pixels: usize,
) -> Vec<f64> {
    let normalise = |(i, x): (usize, &f64)| {
        let c = i / pixels % mean.len();
        let y = (x - mean[c]) / (var[c] + eps).sqrt() * weight[c] + bias[c];
        match activation {
            Activation::Identity => y,
            Activation::Relu => y.max(0.0),
        }
    };
    input.iter().enumerate().map(normalise).collect()
}
