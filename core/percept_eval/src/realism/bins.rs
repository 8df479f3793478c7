//! Histograms whose bins are ratios over frames.

use super::ratio::FrameRatio;

/// Bins of even width; what lies beyond either end counts to the bin there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Binned {
    from: f64,
    width: f64,
    ratios: Vec<FrameRatio>,
}

/// One frame's parts of the bins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FrameBins {
    from: f64,
    width: f64,
    /// A sum a bin.
    pub parts: Vec<f64>,
}

impl Binned {
    /// `count` bins of a width.
    pub fn even(from: f64, width: f64, count: usize) -> Self {
        Self { from, width, ratios: vec![FrameRatio::default(); count] }
    }

    /// Bins for a frame's parts.
    pub fn empty(&self) -> FrameBins {
        FrameBins { from: self.from, width: self.width, parts: vec![0.0; self.ratios.len()] }
    }

    /// Adds a frame of which `whole` is the whole of every bin.
    pub fn add_frame(&mut self, frame: &FrameBins, whole: f64) {
        self.ratios.iter_mut().zip(&frame.parts).for_each(|(ratio, part)| ratio.add(*part, whole));
    }

    /// Adds a frame whose parts are shares of their own sum.
    pub fn add_shares(&mut self, frame: &FrameBins) {
        self.add_frame(frame, frame.parts.iter().sum());
    }

    /// Adds a frame whose bins have each a whole of their own.
    pub fn add_rates(&mut self, parts: &FrameBins, wholes: &FrameBins) {
        let pairs = parts.parts.iter().zip(&wholes.parts);
        self.ratios.iter_mut().zip(pairs).for_each(|(ratio, (part, whole))| ratio.add(*part, *whole));
    }

    /// Bins.
    pub fn len(&self) -> usize {
        self.ratios.len()
    }

    /// A bin; empty beyond the last.
    pub fn ratio(&self, bin: usize) -> FrameRatio {
        self.ratios.get(bin).copied().unwrap_or_default()
    }

    /// Where a bin begins and ends.
    pub fn edges(&self, bin: usize) -> [f64; 2] {
        // Multiples first: 0.1 * 3 reads better than three sums of 0.1.
        let at = |bin: usize| ((self.from + self.width * bin as f64) * 1e9).round() / 1e9;
        [at(bin), at(bin + 1)]
    }
}

impl FrameBins {
    /// Adds a weight to the bin of a value.
    pub fn add(&mut self, value: f64, weight: f64) {
        let place = ((value - self.from) / self.width).max(0.0) as usize;
        let last = self.parts.len().saturating_sub(1);
        if let Some(part) = self.parts.get_mut(place.min(last)).filter(|_| value.is_finite()) {
            *part += weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_the_ends_counts_to_the_bins_there() {
        let mut binned = Binned::even(0.0, 0.1, 3);
        let mut frame = binned.empty();
        [-5.0, 0.05, 0.15, 0.25, 99.0, f64::NAN].iter().for_each(|v| frame.add(*v, 1.0));
        binned.add_shares(&frame);
        let values: Vec<_> = (0..3).map(|i| binned.ratio(i).value().unwrap()).collect();
        assert_eq!(values, [0.4, 0.2, 0.4]);
        assert_eq!(binned.edges(2), [0.2, 0.3]);
    }
}
