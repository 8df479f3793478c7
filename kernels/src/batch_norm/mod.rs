//! Batch normalisation of a map, with the activation that follows, in one pass.
//!
//! input (B, C, H, W), weight (C), bias (C) -> act((x - mean) / sqrt(var + eps) * weight + bias).
//! Training normalises with the batch's mean and biased variance over (B, H, W); inference with running ones,
//! which training moves by `momentum` towards the batch's mean and *unbiased* variance (PyTorch's convention).
//! Order   each channel is summed by one thread, in order: any number of threads gives the same bytes.
//! Limits  ReLU has gradient 0 at 0.
//! Source  Ioffe and Szegedy, Batch Normalization, ICML 2015, algorithm 1 and its gradients.

pub mod autograd;
pub mod cpu;
pub mod cpu_fast;

/// Mean and biased variance of each channel over a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchStatistics {
    /// Mean (C).
    pub mean: Vec<f32>,
    /// Biased variance (C).
    pub var: Vec<f32>,
    /// Rows that both are taken over: B H W, or P M for pillars.
    pub rows: usize,
}

impl BatchStatistics {
    /// Moves running statistics towards this batch's.
    pub fn update(&self, momentum: f32, running_mean: &mut [f32], running_var: &mut [f32]) {
        let unbiased = self.rows as f32 / (self.rows.max(2) - 1) as f32;
        for (running, mean) in running_mean.iter_mut().zip(&self.mean) {
            *running += momentum * (mean - *running);
        }
        for (running, var) in running_var.iter_mut().zip(&self.var) {
            *running += momentum * (var * unbiased - *running);
        }
    }
}

/// What a forward pass normalises with.
#[derive(Debug, Clone, Copy)]
pub enum Statistics<'a> {
    /// The batch's own (training).
    Batch,
    /// Running ones (inference, frozen norms).
    Running {
        /// Mean (C).
        mean: &'a [f32],
        /// Variance (C).
        var: &'a [f32],
    },
}

/// The normalisation of one channel as `scale * x + shift`, and what its gradient needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channel {
    pub mean: f32,
    pub inv_std: f32,
    pub scale: f32,
    pub shift: f32,
}

/// Every channel's normalisation.
pub(crate) fn channels(mean: &[f32], var: &[f32], weight: &[f32], bias: &[f32], eps: f32) -> Vec<Channel> {
    let parameters = weight.iter().zip(bias);
    let channel = |((&mean, &var), (&weight, &bias)): ((&f32, &f32), (&f32, &f32))| {
        let inv_std = 1.0 / (f64::from(var) + f64::from(eps)).sqrt();
        let scale = f64::from(weight) * inv_std;
        let shift = f64::from(bias) - f64::from(mean) * scale;
        Channel { mean, inv_std: inv_std as f32, scale: scale as f32, shift: shift as f32 }
    };
    mean.iter().zip(var).zip(parameters).map(channel).collect()
}

#[cfg(test)]
mod tests;
