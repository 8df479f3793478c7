//! What is summed over frames: ratios with the error that few frames leave, and whole numbers with their quantiles.
//!
//! Memory does not grow with the number of frames.

use std::collections::BTreeMap;

/// A ratio of two sums over frames, such as returns of a ring over all returns.
///
/// Error: linearised variance of a ratio estimator over frames (Cochran, Sampling Techniques, 3rd edition, section 2.11),
/// at least that of counting: frames, not points, are independent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrameRatio {
    frames: u64,
    part: f64,
    whole: f64,
    part_part: f64,
    part_whole: f64,
    whole_whole: f64,
}

impl FrameRatio {
    /// A frame's part and whole; one without a whole says nothing.
    pub fn add(&mut self, part: f64, whole: f64) {
        if whole <= 0.0 {
            return;
        }
        self.frames += 1;
        self.part += part;
        self.whole += whole;
        self.part_part += part * part;
        self.part_whole += part * whole;
        self.whole_whole += whole * whole;
    }

    /// The ratio; `None` where nothing was seen.
    pub fn value(&self) -> Option<f64> {
        (self.whole > 0.0).then(|| self.part / self.whole)
    }

    /// Sum of the wholes.
    pub fn whole(&self) -> f64 {
        self.whole
    }

    /// Standard error over the ratio itself.
    pub fn relative_error(&self) -> f64 {
        let counting = 1.0 / self.part.max(0.5).sqrt();
        let (Some(ratio), 2..) = (self.value().filter(|ratio| *ratio > 0.0), self.frames) else {
            // One frame says nothing of how frames differ: taken as half as large or as small.
            return counting.max(0.5);
        };
        let squares = self.part_part - 2.0 * ratio * self.part_whole + ratio * ratio * self.whole_whole;
        let frames = self.frames as f64;
        let over_frames = (squares.max(0.0) * frames / (frames - 1.0)).sqrt() / self.part;
        over_frames.max(counting.min(0.5))
    }

    /// The value where it is not 0; half a count where it is, so that it can be compared.
    pub(super) fn comparable(&self) -> f64 {
        self.part.max(0.5) / self.whole.max(1.0)
    }
}

/// How often each whole number occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tallied {
    counts: BTreeMap<u64, u64>,
    total: u64,
}

impl Tallied {
    /// Counts a value.
    pub fn add(&mut self, value: u64) {
        *self.counts.entry(value).or_default() += 1;
        self.total += 1;
    }

    /// Values counted.
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Whether none was counted.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The value below which a share of the others lies, halfway between neighbours where it falls between; `None`
    /// without values.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let place = share.clamp(0.0, 1.0) * (self.total.checked_sub(1)?) as f64;
        let (low, high) = (self.at(place.floor() as u64)?, self.at(place.ceil() as u64)?);
        Some((low + high) as f64 / 2.0)
    }

    /// Standard error of the median over the median: from the ranks between which it lies with 95 %.
    pub fn relative_error_of_median(&self) -> f64 {
        let total = self.total as f64;
        let reach = total.sqrt() / total.max(1.0);
        let (Some(low), Some(high)) = (self.quantile(0.5 - reach), self.quantile(0.5 + reach)) else { return 1.0 };
        (high.max(1.0) / low.max(1.0)).ln() / 4.0
    }

    fn at(&self, rank: u64) -> Option<u64> {
        let mut before = 0;
        self.counts
            .iter()
            .find(|(_, count)| {
                before += **count;
                before > rank
            })
            .map(|(value, _)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_agree_leave_the_error_of_counting_and_frames_that_differ_leave_more() {
        let ratio = |parts: [f64; 4]| {
            let mut ratio = FrameRatio::default();
            parts.iter().for_each(|part| ratio.add(*part, 1000.0));
            ratio
        };
        let (alike, unlike) = (ratio([100.0; 4]), ratio([10.0, 190.0, 20.0, 180.0]));
        assert_eq!((alike.value(), unlike.value()), (Some(0.1), Some(0.1)));
        assert!((alike.relative_error() - 0.05).abs() < 1e-9, "{}", alike.relative_error());
        assert!(unlike.relative_error() > 0.4, "{}", unlike.relative_error());
        assert_eq!(FrameRatio::default().value(), None);
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values() {
        let mut tallied = Tallied::default();
        [5, 1, 1, 9, 7].into_iter().for_each(|value| tallied.add(value));
        assert_eq!(tallied.quantile(0.5), Some(5.0));
        assert_eq!((tallied.quantile(0.0), tallied.quantile(1.0)), (Some(1.0), Some(9.0)));
        tallied.add(6);
        assert_eq!(tallied.quantile(0.5), Some(5.5));
        assert_eq!(Tallied::default().quantile(0.5), None);
    }
}
