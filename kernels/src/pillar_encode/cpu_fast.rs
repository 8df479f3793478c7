//! Only real points are computed; the padded slots' zeros enter statistics, maximum and gradient in closed form.

use rayon::prelude::*;

use crate::batch_norm::{BatchStatistics, Channel};
use crate::matrix::{MatMut, MatRef};
use crate::scratch::with_scratch;

/// Rows or pillars of one task.
const CHUNK: usize = 256;
/// Groups of the weight gradient's sum: fixed, so that the sum does not depend on the threads.
const REDUCTION_GROUPS: usize = 8;
/// Marks a maximum that lies in a padded slot.
const PADDED: u32 = u32::MAX;

/// Scratch, in values, that `encode` asks a thread for.
pub fn scratch_len(max_points: usize, channels: usize) -> usize {
    CHUNK * max_points * channels
}

/// features (R, D), weight (C, D) -> W x (R, C).
pub(crate) fn linear(features: &[f32], weight: &[f32], point_features: usize) -> Vec<f32> {
    let channels = weight.len() / point_features;
    let mut rows = vec![0.0; features.len() / point_features * channels];
    let chunks = rows.par_chunks_mut(CHUNK * channels).zip(features.par_chunks(CHUNK * point_features));
    chunks.for_each(|(rows, features)| product(features, weight, point_features, rows));
    rows
}

fn product(features: &[f32], weight: &[f32], point_features: usize, rows: &mut [f32]) {
    let (count, channels) = (features.len() / point_features, weight.len() / point_features);
    let weight = MatRef::row_major(weight, channels, point_features).transposed();
    MatMut::row_major(rows, count, channels).multiply(
        false,
        MatRef::row_major(features, count, point_features),
        weight,
    );
}

/// Mean and biased variance over `total_rows` rows, of which those beyond R are zero.
pub(crate) fn statistics(rows: &[f32], channels: usize, total_rows: usize) -> BatchStatistics {
    let zeros = (total_rows - rows.len() / channels) as f64;
    let total = total_rows as f64;
    let mean: Vec<f64> = column_sums(rows, channels, |_, z| z).iter().map(|sum| sum / total).collect();
    let centred = |c: usize, z: f64| (z - mean[c]) * (z - mean[c]);
    let squares = column_sums(rows, channels, centred);
    let var = squares.iter().zip(&mean).map(|(sum, mean)| ((sum + zeros * mean * mean) / total) as f32);
    BatchStatistics { var: var.collect(), mean: mean.iter().map(|&mean| mean as f32).collect(), rows: total_rows }
}

fn column_sums(rows: &[f32], channels: usize, term: impl Fn(usize, f64) -> f64 + Sync) -> Vec<f64> {
    let partial = rows.par_chunks(CHUNK * channels).map(|rows| {
        let mut sums = vec![0.0; channels];
        for row in rows.chunks_exact(channels) {
            for (c, (sum, z)) in sums.iter_mut().zip(row).enumerate() {
                *sum += term(c, f64::from(*z));
            }
        }
        sums
    });
    add_in_order(channels, &partial.collect::<Vec<_>>())
}

fn add_in_order(len: usize, parts: &[Vec<f64>]) -> Vec<f64> {
    let mut sums = vec![0.0; len];
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
    sums
}

/// W x (R, C) -> max over the slots of relu(scale z + shift) (P, C).
pub(crate) fn maximum(rows: &[f32], offsets: &[u32], channels: &[Channel], max_points: usize, out: &mut [f32]) {
    let width = channels.len();
    out.par_chunks_mut(CHUNK * width).enumerate().for_each(|(chunk, out)| {
        let offsets = &offsets[chunk * CHUNK..];
        for (pair, out) in offsets.windows(2).zip(out.chunks_exact_mut(width)) {
            let (start, end) = (pair[0] as usize, pair[1] as usize);
            let padded = end - start < max_points;
            for (out, channel) in out.iter_mut().zip(channels) {
                *out = if padded { channel.shift.max(0.0) } else { 0.0 };
            }
            for row in rows[start * width..end * width].chunks_exact(width) {
                for ((out, z), channel) in out.iter_mut().zip(row).zip(channels) {
                    *out = out.max(channel.scale * z + channel.shift);
                }
            }
        }
    });
}

/// Inference: features (R, D) -> (P, C), with the norm folded into weight (C, D) and shift (C).
pub(crate) fn encode(
    (features, point_features): (&[f32], usize),
    offsets: &[u32],
    (weight, shift): (&[f32], &[f32]),
    max_points: usize,
    out: &mut [f32],
) {
    let width = shift.len();
    out.par_chunks_mut(CHUNK * width).enumerate().for_each(|(chunk, out)| {
        let offsets = &offsets[chunk * CHUNK..][..=out.len() / width];
        let (first, last) = (offsets[0] as usize, offsets[offsets.len() - 1] as usize);
        with_scratch((last - first) * width, |rows| {
            product(&features[first * point_features..last * point_features], weight, point_features, rows);
            for (pair, out) in offsets.windows(2).zip(out.chunks_exact_mut(width)) {
                let (start, end) = (pair[0] as usize - first, pair[1] as usize - first);
                // The shift does not depend on the slot: it is added after the maximum, and a padded slot is z = 0.
                out.fill(if end - start < max_points { 0.0 } else { f32::NEG_INFINITY });
                for row in rows[start * width..end * width].chunks_exact(width) {
                    out.iter_mut().zip(row).for_each(|(out, z)| *out = out.max(*z));
                }
                out.iter_mut().zip(shift).for_each(|(out, shift)| *out = (*out + shift).max(0.0));
            }
        });
    });
}

/// Gradients of the whole encoder.
pub(crate) struct Gradients {
    pub weight: Vec<f32>,
    pub norm_weight: Vec<f32>,
    pub norm_bias: Vec<f32>,
}

/// What the gradient is taken of.
pub(crate) struct Forward<'a> {
    pub features: &'a [f32],
    pub point_features: usize,
    pub offsets: &'a [u32],
    pub max_points: usize,
    /// W x (R, C).
    pub rows: &'a [f32],
    pub channels: &'a [Channel],
    /// Whether mean and variance are the batch's own.
    pub of_batch: bool,
}

/// grad (P, C) -> gradients of the parameters.
pub(crate) fn backward(forward: &Forward<'_>, grad: &[f32]) -> Gradients {
    let width = forward.channels.len();
    let mut winners = vec![PADDED; grad.len()];
    let partial: Vec<Vec<f64>> = winners
        .par_chunks_mut(CHUNK * width)
        .zip(grad.par_chunks(CHUNK * width))
        .enumerate()
        .map(|(chunk, (winners, grad))| route(forward, chunk * CHUNK, winners, grad))
        .collect();
    let sums = add_in_order(2 * width, &partial);
    let (bias_sums, weight_sums) = sums.split_at(width);
    let rows = row_gradients(forward, grad, &winners, bias_sums, weight_sums);
    Gradients {
        weight: weight_gradient(forward, &rows),
        norm_weight: weight_sums.iter().map(|&sum| sum as f32).collect(),
        norm_bias: bias_sums.iter().map(|&sum| sum as f32).collect(),
    }
}

/// Finds the slot of each maximum (the first among equals) and sums (g, g * normalised z) per channel, g being
/// the gradient where the maximum is positive.
fn route(forward: &Forward<'_>, first_pillar: usize, winners: &mut [u32], grad: &[f32]) -> Vec<f64> {
    let width = forward.channels.len();
    let mut sums = vec![0.0; 2 * width];
    let (bias_sums, weight_sums) = sums.split_at_mut(width);
    let mut best = vec![0.0f32; width];
    let mut best_z = vec![0.0f32; width];
    let pillars = winners.chunks_exact_mut(width).zip(grad.chunks_exact(width));
    for ((winners, grad), pair) in pillars.zip(forward.offsets[first_pillar..].windows(2)) {
        best.fill(0.0);
        for row in pair[0]..pair[1] {
            let values = &forward.rows[row as usize * width..][..width];
            for (c, (z, channel)) in values.iter().zip(forward.channels).enumerate() {
                let value = channel.scale * z + channel.shift;
                if value > best[c] {
                    (best[c], best_z[c], winners[c]) = (value, *z, row);
                }
            }
        }
        let padded = ((pair[1] - pair[0]) as usize) < forward.max_points;
        for (c, channel) in forward.channels.iter().enumerate() {
            if padded && channel.shift > best[c] {
                (best[c], best_z[c], winners[c]) = (channel.shift, 0.0, PADDED);
            }
            if best[c] > 0.0 {
                let normalised = (best_z[c] - channel.mean) * channel.inv_std;
                bias_sums[c] += f64::from(grad[c]);
                weight_sums[c] += f64::from(grad[c]) * f64::from(normalised);
            }
        }
    }
    sums
}

/// Gradient of W x (R, C): a dense part through the batch statistics, and the maxima's own.
fn row_gradients(
    forward: &Forward<'_>,
    grad: &[f32],
    winners: &[u32],
    bias_sums: &[f64],
    weight_sums: &[f64],
) -> Vec<f32> {
    let width = forward.channels.len();
    let total = ((forward.offsets.len() - 1) * forward.max_points) as f64;
    let through_statistics = |c: usize, channel: &Channel| {
        let slope = f64::from(channel.scale * channel.inv_std) * weight_sums[c] / total;
        let constant = f64::from(channel.scale) * bias_sums[c] / total - slope * f64::from(channel.mean);
        if forward.of_batch { (constant as f32, slope as f32) } else { (0.0, 0.0) }
    };
    let dense: Vec<(f32, f32)> = forward.channels.iter().enumerate().map(|(c, ch)| through_statistics(c, ch)).collect();
    let mut rows = vec![0.0; forward.rows.len()];
    rows.par_chunks_mut(CHUNK * width).zip(forward.rows.par_chunks(CHUNK * width)).for_each(|(rows, z)| {
        for (row, z) in rows.chunks_exact_mut(width).zip(z.chunks_exact(width)) {
            for ((row, z), (constant, slope)) in row.iter_mut().zip(z).zip(&dense) {
                *row = -constant - slope * z;
            }
        }
    });
    for (winners, grad) in winners.chunks_exact(width).zip(grad.chunks_exact(width)) {
        for (c, (&winner, g)) in winners.iter().zip(grad).enumerate() {
            if winner != PADDED {
                rows[winner as usize * width + c] += forward.channels[c].scale * g;
            }
        }
    }
    rows
}

/// (C, D) = gradient of rows, transposed, times features.
fn weight_gradient(forward: &Forward<'_>, rows: &[f32]) -> Vec<f32> {
    let (width, inputs) = (forward.channels.len(), forward.point_features);
    let chunk = (rows.len() / width).div_ceil(REDUCTION_GROUPS).max(1);
    let groups = rows.par_chunks(chunk * width).zip(forward.features.par_chunks(chunk * inputs));
    let partial: Vec<Vec<f32>> = groups
        .map(|(rows, features)| {
            let count = rows.len() / width;
            let mut sum = vec![0.0; width * inputs];
            let rows = MatRef::row_major(rows, count, width).transposed();
            MatMut::row_major(&mut sum, width, inputs).multiply(
                false,
                rows,
                MatRef::row_major(features, count, inputs),
            );
            sum
        })
        .collect();
    let mut sum = vec![0.0; width * inputs];
    for part in &partial {
        sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
    sum
}
