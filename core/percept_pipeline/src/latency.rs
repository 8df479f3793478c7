//! Percentiles and rates of the recent past, in constant memory.

use std::collections::VecDeque;
use std::time::Duration;

const KEPT: usize = 512;
/// Arrivals whose span tells the rate.
const ARRIVALS: usize = 20;

/// The last 512 times.
#[derive(Clone, Debug, Default)]
pub struct LatencyRing {
    times: VecDeque<Duration>,
}

impl LatencyRing {
    /// Adds a time; the oldest falls out.
    pub fn push(&mut self, time: Duration) {
        if self.times.len() == KEPT {
            self.times.pop_front();
        }
        self.times.push_back(time);
    }

    /// The smallest time that at least this share of the kept ones does not exceed (nearest rank); `None` without any.
    pub fn percentile_ms(&self, percent: usize) -> Option<f64> {
        let mut sorted: Vec<Duration> = self.times.iter().copied().collect();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent.min(100)).div_ceil(100).max(1);
        sorted.get(rank - 1).map(|time| time.as_secs_f64() * 1e3)
    }

    /// The time added last.
    pub fn last(&self) -> Option<Duration> {
        self.times.back().copied()
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

/// The rate of the last arrivals.
#[derive(Clone, Debug, Default)]
pub struct RateMeter {
    seen: u64,
    arrivals: VecDeque<(Duration, u64)>,
}

impl RateMeter {
    /// Tells how many have arrived in all and when the last one did.
    pub fn update(&mut self, total: u64, last: Duration) {
        if total <= self.seen {
            return;
        }
        self.seen = total;
        if self.arrivals.len() == ARRIVALS {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back((last, total));
    }

    /// Arrivals a second; `None` before the second one.
    pub fn hz(&self) -> Option<f64> {
        let ((first, before), (last, total)) = (self.arrivals.front()?, self.arrivals.back()?);
        let span_s = last.saturating_sub(*first).as_secs_f64();
        (span_s > 0.0).then(|| (total - before) as f64 / span_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_occurred_among_the_last_ones() {
        let mut ring = LatencyRing::default();
        assert_eq!(ring.percentile_ms(50), None);
        (1..=1000).map(Duration::from_millis).for_each(|time| ring.push(time));
        assert_eq!((ring.len(), ring.percentile_ms(50), ring.percentile_ms(100)), (512, Some(744.0), Some(1000.0)));
    }

    #[test]
    fn ten_arrivals_a_second_are_ten_hertz_even_when_seen_in_bursts() {
        let mut meter = RateMeter::default();
        for second in 0..3u64 {
            meter.update((second + 1) * 10, Duration::from_millis(second * 1000 + 900));
        }
        assert_eq!(meter.hz(), Some(10.0));
    }
}
