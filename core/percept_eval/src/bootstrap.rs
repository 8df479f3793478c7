//! Paired bootstrap over frames: is detector A better than B, or were it other frames?
//!
//! Frames are drawn with replacement, the same for both; the metric of each drawn set is computed exactly (KITTI's
//! recall thresholds depend on all scores, so they are found afresh; matching within a frame does not change and is
//! kept). Limits: neighbouring frames of one drive are alike, so an interval over them is too narrow.
//!
//! Source  Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile interval).

use crate::EvalError;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// A figure of a set of frames in which each may occur any number of times.
pub trait FrameMetric: Sync {
    /// Frames there are.
    fn num_frames(&self) -> usize;

    /// The figure of the set in which frame i occurs `weights[i]` times; `None` where it does not exist.
    fn value(&self, weights: &[u32]) -> Option<f64>;
}

/// How to resample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootstrapConfig {
    /// Sets drawn.
    pub num_resamples: usize,
    /// Seed of the drawing.
    pub seed: u64,
    /// Share of the resamples within the interval, between 0 and 1.
    pub confidence: f64,
}

impl Default for BootstrapConfig {
    fn default() -> Self {
        Self { num_resamples: 1000, seed: 0, confidence: 0.95 }
    }
}

/// The difference A - B and how sure it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    /// The metric of A on all frames.
    pub value_a: f64,
    /// The metric of B on all frames.
    pub value_b: f64,
    /// A - B on all frames.
    pub difference: f64,
    /// Lower and upper end of the percentile interval of A - B.
    pub interval: [f64; 2],
    /// Share of the resamples within the interval.
    pub confidence: f64,
    /// Share of the resamples in which A is better than B.
    pub share_above_zero: f64,
    /// Standard deviation of A - B over the resamples.
    pub standard_error: f64,
    /// Frames drawn from.
    pub num_frames: usize,
    /// Resamples in which both metrics exist.
    pub num_resamples: usize,
    /// Resamples without truth, left out.
    pub num_undefined: usize,
    /// Seed of the drawing.
    pub seed: u64,
}

/// Compares two detectors on the same frames.
///
/// # Errors
/// When the frames differ in number or there are none, for a setting out of range, and when the metric does not exist
/// on the whole set.
pub fn paired_difference(
    a: &dyn FrameMetric,
    b: &dyn FrameMetric,
    config: &BootstrapConfig,
) -> Result<PairedDifference, EvalError> {
    check(a.num_frames(), b.num_frames(), config)?;
    let num_frames = a.num_frames();
    let all = vec![1; num_frames];
    let (Some(value_a), Some(value_b)) = (a.value(&all), b.value(&all)) else {
        return Err(EvalError::MetricUndefined);
    };
    let one = |resample: usize| {
        let weights = drawn_weights(num_frames, config.seed, resample as u64);
        Some(a.value(&weights)? - b.value(&weights)?)
    };
    let drawn: Vec<Option<f64>> = (0..config.num_resamples).into_par_iter().map(one).collect();
    let mut differences: Vec<f64> = drawn.iter().flatten().copied().collect();
    differences.sort_by(f64::total_cmp);
    let tail = (1.0 - config.confidence) / 2.0;
    let num_above = differences.iter().filter(|d| **d > 0.0).count();
    Ok(PairedDifference {
        value_a,
        value_b,
        difference: value_a - value_b,
        interval: [quantile(&differences, tail)?, quantile(&differences, 1.0 - tail)?],
        confidence: config.confidence,
        share_above_zero: num_above as f64 / differences.len() as f64,
        standard_error: standard_deviation(&differences),
        num_frames,
        num_resamples: differences.len(),
        num_undefined: config.num_resamples - differences.len(),
        seed: config.seed,
    })
}

fn check(frames_a: usize, frames_b: usize, config: &BootstrapConfig) -> Result<(), EvalError> {
    if frames_a != frames_b {
        return Err(EvalError::FramesDiffer { frames_a, frames_b });
    }
    if frames_a == 0 {
        return Err(EvalError::NoFrames);
    }
    if config.num_resamples == 0 {
        let found = config.num_resamples.to_string();
        return Err(EvalError::BadSetting { setting: "num_resamples", found, expected: "at least 1 is expected" });
    }
    if !(config.confidence > 0.0 && config.confidence < 1.0) {
        let found = config.confidence.to_string();
        return Err(EvalError::BadSetting { setting: "confidence", found, expected: "between 0 and 1 is expected" });
    }
    Ok(())
}

/// How often each frame was drawn. Each resample has its own stream of the generator, so the order in which threads
/// take them does not matter.
fn drawn_weights(num_frames: usize, seed: u64, resample: u64) -> Vec<u32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(resample);
    let mut weights = vec![0; num_frames];
    for _ in 0..num_frames {
        // The upper half of a 128-bit product is uniform to within num_frames / 2^64.
        let drawn = (u128::from(rng.next_u64()) * num_frames as u128) >> 64;
        if let Some(weight) = weights.get_mut(drawn as usize) {
            *weight += 1;
        }
    }
    weights
}

/// Linear between order statistics.
fn quantile(sorted: &[f64], fraction: f64) -> Result<f64, EvalError> {
    let position = fraction * sorted.len().saturating_sub(1) as f64;
    let (below, above) = (position.floor() as usize, position.ceil() as usize);
    match (sorted.get(below), sorted.get(above)) {
        (Some(low), Some(high)) => Ok(low + (high - low) * position.fract()),
        _ => Err(EvalError::MetricUndefined),
    }
}

fn standard_deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (squares / (values.len().max(2) - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean of one number a frame.
    struct MeanOf(Vec<f64>);

    impl FrameMetric for MeanOf {
        fn num_frames(&self) -> usize {
            self.0.len()
        }

        fn value(&self, weights: &[u32]) -> Option<f64> {
            let total: u32 = weights.iter().sum();
            (total > 0)
                .then(|| self.0.iter().zip(weights).map(|(v, w)| v * f64::from(*w)).sum::<f64>() / f64::from(total))
        }
    }

    fn wave(n: usize, shift: f64) -> MeanOf {
        MeanOf((0..n).map(|i| (i as f64 * 0.7).sin() + shift).collect())
    }

    #[test]
    fn a_constant_advantage_is_found_exactly_because_the_draws_are_paired() {
        let result = paired_difference(&wave(80, 0.25), &wave(80, 0.0), &BootstrapConfig::default()).unwrap();
        assert!((result.difference - 0.25).abs() < 1e-12);
        assert!(result.interval.iter().all(|end| (end - 0.25).abs() < 1e-12));
        assert_eq!(result.share_above_zero, 1.0);
    }

    #[test]
    fn the_standard_error_of_a_mean_is_that_of_the_textbook() {
        let a = MeanOf((0..200).map(|i| ((i * 7919) % 200) as f64 / 200.0).collect());
        let b = MeanOf(vec![0.5; 200]);
        let config = BootstrapConfig { num_resamples: 4000, ..Default::default() };
        let result = paired_difference(&a, &b, &config).unwrap();
        let expected = (1.0f64 / 12.0 / 200.0).sqrt();
        assert!((result.standard_error / expected - 1.0).abs() < 0.06, "{}", result.standard_error);
        assert!(result.interval[0] < result.difference && result.difference < result.interval[1]);
    }

    #[test]
    fn the_same_seed_gives_the_same_bits_on_any_number_of_threads() {
        let run = |threads: usize, seed: u64| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let a = MeanOf((0..50).map(|i| (i as f64 * 1.3).cos()).collect());
            let config = BootstrapConfig { seed, ..Default::default() };
            pool.install(|| paired_difference(&a, &wave(50, 0.0), &config).unwrap())
        };
        assert_eq!(run(1, 3), run(4, 3));
        assert_ne!(run(1, 3).interval, run(1, 4).interval);
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let config = BootstrapConfig::default();
        assert_eq!(
            paired_difference(&wave(3, 0.0), &wave(4, 0.0), &config),
            Err(EvalError::FramesDiffer { frames_a: 3, frames_b: 4 })
        );
        assert_eq!(paired_difference(&wave(0, 0.0), &wave(0, 0.0), &config), Err(EvalError::NoFrames));
        let config = BootstrapConfig { confidence: f64::NAN, ..config };
        assert!(matches!(paired_difference(&wave(3, 0.0), &wave(3, 0.0), &config), Err(EvalError::BadSetting { .. })));
    }
}
