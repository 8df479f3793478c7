//! The plain computation with every padded slot: the specification, in double precision.

/// Sizes of a padded pillar encoder.
#[derive(Debug, Clone, Copy)]
pub struct PaddedSizes {
    /// M.
    pub max_points: usize,
    /// D.
    pub point_features: usize,
    /// C.
    pub channels: usize,
}

/// Mean and biased variance of each channel over all P M rows of W x.
pub fn statistics(sizes: PaddedSizes, padded: &[f64], weight: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let rows = linear(sizes, padded, weight);
    let count = (rows.len() / sizes.channels) as f64;
    let of = |c: usize| rows.iter().skip(c).step_by(sizes.channels);
    let mean: Vec<f64> = (0..sizes.channels).map(|c| of(c).sum::<f64>() / count).collect();
    let var = mean.iter().enumerate().map(|(c, m)| of(c).map(|z| (z - m) * (z - m)).sum::<f64>() / count).collect();
    (mean, var)
}

/// padded (P, M, D), zero in empty slots; weight (C, D); norm (C) each -> (P, C).
pub fn forward(
    sizes: PaddedSizes,
    padded: &[f64],
    weight: &[f64],
    (mean, var): (&[f64], &[f64]),
    (norm_weight, norm_bias): (&[f64], &[f64]),
    eps: f64,
) -> Vec<f64> {
    let rows = linear(sizes, padded, weight);
    let mut out = Vec::new();
    for pillar in rows.chunks_exact(sizes.max_points * sizes.channels) {
        for c in 0..sizes.channels {
            let slots = pillar.iter().skip(c).step_by(sizes.channels);
            let activated =
                slots.map(|z| ((z - mean[c]) / (var[c] + eps).sqrt() * norm_weight[c] + norm_bias[c]).max(0.0));
            out.push(activated.fold(0.0, f64::max));
        }
    }
    out
}

fn linear(sizes: PaddedSizes, padded: &[f64], weight: &[f64]) -> Vec<f64> {
    let dot = |point: &[f64], row: &[f64]| point.iter().zip(row).map(|(x, w)| x * w).sum::<f64>();
    let points = padded.chunks_exact(sizes.point_features);
    points.flat_map(|point| weight.chunks_exact(sizes.point_features).map(move |row| dot(point, row))).collect()
}
