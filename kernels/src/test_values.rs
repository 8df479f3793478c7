//! Reproducible values for tests, and the comparison that parity is stated in.

/// `count` values in (-1, 1), the same for the same seed.
pub fn values(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..8).for_each(|_| {
        next();
    });
    (0..count).map(|_| next()).collect()
}

/// In double precision.
pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// max|found - reference| / max|reference|.
pub fn relative_error(found: &[f32], reference: &[f64]) -> f64 {
    assert_eq!(found.len(), reference.len());
    let largest = reference.iter().fold(0.0f64, |m, r| m.max(r.abs()));
    let difference = found.iter().zip(reference).fold(0.0f64, |m, (f, r)| m.max((f64::from(*f) - r).abs()));
    assert!(found.iter().all(|f| f.is_finite()));
    if difference == 0.0 { 0.0 } else { difference / largest.max(1e-30) }
}

/// Central differences of a scalar function of `point`.
pub fn differences(point: &[f64], function: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let step = 1e-7; // small against the distance to the next kink of a maximum or ReLU
    let mut moved = point.to_vec();
    (0..point.len())
        .map(|i| {
            moved[i] = point[i] + step;
            let above = function(&moved);
            moved[i] = point[i] - step;
            let below = function(&moved);
            moved[i] = point[i];
            (above - below) / (2.0 * step)
        })
        .collect()
}

/// Sum of products.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Runs something in a pool of its own.
pub fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}
