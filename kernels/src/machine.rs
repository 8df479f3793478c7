//! What this machine can do at best, measured: the ground under floors of time.

use std::time::{Duration, Instant};

use crate::matrix::{MatMut, MatRef, PANEL};
use crate::scratch::with_scratch;

/// Long enough to be right within a few per cent.
const MEASURE: Duration = Duration::from_millis(60);
/// Values of a buffer too large for a core's own caches.
const STREAM_VALUES: usize = 8 << 20;

/// Best rates of the current rayon pool, f32.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MachinePeak {
    /// Multiply-adds a second: a matrix product that stays in the level-1 cache, on every thread.
    pub multiply_adds_per_s: f64,
    /// Bytes a second: reading large buffers in order, on every thread.
    pub bytes_per_s: f64,
    /// Threads of the pool.
    pub threads: usize,
}

impl MachinePeak {
    /// Measures for about an eighth of a second, all threads at once.
    pub fn measure() -> Self {
        let sum = |rates: Vec<f64>| rates.iter().sum();
        Self {
            multiply_adds_per_s: sum(rayon::broadcast(|_| product_rate())),
            bytes_per_s: sum(rayon::broadcast(|_| reading_rate())),
            threads: rayon::current_num_threads(),
        }
    }

    /// The least time for this much work, were both rates reached.
    pub fn floor(&self, multiply_adds: u64, bytes: u64) -> Duration {
        let seconds = (multiply_adds as f64 / self.multiply_adds_per_s).max(bytes as f64 / self.bytes_per_s);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO)
    }
}

/// Runs something again and again for [`MEASURE`]; gives runs a second of the faster half of the time.
fn rate(mut run: impl FnMut()) -> f64 {
    run();
    let begin = Instant::now();
    let mut best = f64::INFINITY;
    while begin.elapsed() < MEASURE {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    1.0 / best.max(1e-9)
}

fn product_rate() -> f64 {
    const ROWS: usize = 8;
    const DEPTH: usize = 96;
    const REPEATS: usize = 64;
    with_scratch(ROWS * DEPTH + DEPTH * PANEL + ROWS * PANEL, |scratch| {
        scratch.fill(0.5);
        let (lhs, rest) = scratch.split_at_mut(ROWS * DEPTH);
        let (rhs, out) = rest.split_at_mut(DEPTH * PANEL);
        let (lhs, rhs) = (MatRef::new(lhs, (ROWS, DEPTH), (1, ROWS)), MatRef::row_major(rhs, DEPTH, PANEL));
        let runs = rate(|| {
            for _ in 0..REPEATS {
                MatMut::row_major(out, ROWS, PANEL).multiply(false, lhs, rhs);
            }
        });
        runs * (REPEATS * ROWS * DEPTH * PANEL) as f64
    })
}

fn reading_rate() -> f64 {
    let values = vec![1.0f32; STREAM_VALUES];
    let mut total = 0.0;
    let runs = rate(|| {
        let mut lanes = [0.0f32; 64];
        for chunk in values.chunks_exact(64) {
            lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += *value);
        }
        total += lanes.iter().sum::<f32>();
    });
    // The sum is used, so that it is computed.
    if total.is_nan() { 0.0 } else { runs * size_of_val(values.as_slice()) as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_a_computer_and_floors_follow_from_them() {
        let peak = MachinePeak::measure();
        assert!(peak.multiply_adds_per_s > 1e7 && peak.bytes_per_s > 1e7, "{peak:?}");
        let peak = MachinePeak { multiply_adds_per_s: 1e9, bytes_per_s: 1e8, threads: 1 };
        assert_eq!(peak.floor(1_000_000, 0), Duration::from_millis(1));
        assert_eq!(peak.floor(1_000_000, 1_000_000), Duration::from_millis(10));
    }
}
