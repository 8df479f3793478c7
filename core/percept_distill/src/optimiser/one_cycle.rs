//! One cycle of the learning rate, beta1 against it.
//!
//! Source  Smith and Topin, Super-Convergence, 2018; OpenPCDet's `adam_onecycle`: cosine up over `rise` of the steps
//!         from peak / `start_division` to the peak, cosine down to that start over 10^4; beta1 the other way.

use serde::{Deserialize, Serialize};

use crate::DistillError;

/// A one-cycle schedule over a known number of steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OneCycle {
    /// Steps of the whole cycle.
    pub steps: u64,
    /// Highest learning rate.
    pub peak_learning_rate: f64,
    /// The first learning rate is the peak over this.
    pub start_division: f64,
    /// Share of the steps that rise.
    pub rise: f64,
    /// beta1 at the ends and at the peak.
    pub beta1: [f64; 2],
}

/// Where the last learning rate lies under the first.
const FINAL_DIVISION: f64 = 1e4;

impl OneCycle {
    /// The published recipe: peak 3e-3, division 10, rise 0.4, beta1 0.95 to 0.85.
    pub fn new(steps: u64) -> Self {
        Self { steps, peak_learning_rate: 3e-3, start_division: 10.0, rise: 0.4, beta1: [0.95, 0.85] }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// The first that is outside its limits, by name.
    pub fn validate(&self) -> Result<(), DistillError> {
        let refuse =
            |name, found: f64, expected| Err(DistillError::Setting { name, found: found.to_string(), expected });
        if self.steps == 0 {
            return refuse("steps", 0.0, "at least 1");
        }
        if !(self.peak_learning_rate > 0.0 && self.peak_learning_rate < 1.0) {
            return refuse("peak_learning_rate", self.peak_learning_rate, "above 0 and below 1");
        }
        if !(self.start_division >= 1.0 && self.start_division.is_finite()) {
            return refuse("start_division", self.start_division, "a finite number of at least 1");
        }
        if !(0.0..1.0).contains(&self.rise) {
            return refuse("rise", self.rise, "0 or more and below 1");
        }
        match self.beta1.iter().find(|beta| !(0.0..1.0).contains(*beta)) {
            Some(beta) => refuse("beta1", *beta, "0 or more and below 1"),
            None => Ok(()),
        }
    }

    /// Learning rate and beta1 of a step, counted from 0; the last values hold beyond the end.
    pub fn at(&self, step: u64) -> (f64, f64) {
        let start = self.peak_learning_rate / self.start_division;
        let progress = step as f64 / self.steps.max(1) as f64;
        if progress < self.rise {
            let t = progress / self.rise;
            (cosine(start, self.peak_learning_rate, t), cosine(self.beta1[0], self.beta1[1], t))
        } else {
            let t = ((progress - self.rise) / (1.0 - self.rise)).min(1.0);
            (cosine(self.peak_learning_rate, start / FINAL_DIVISION, t), cosine(self.beta1[1], self.beta1[0], t))
        }
    }
}

/// From `first` at 0 to `last` at 1.
fn cosine(first: f64, last: f64, t: f64) -> f64 {
    last + (first - last) * 0.5 * (1.0 + (std::f64::consts::PI * t).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_starts_at_a_tenth_peaks_at_two_fifths_and_ends_near_zero() {
        let cycle = OneCycle::new(1000);
        let close = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9;
        assert!(close(cycle.at(0), (3e-4, 0.95)));
        assert!(close(cycle.at(400), (3e-3, 0.85)));
        assert!(close(cycle.at(1000), (3e-8, 0.95)));
        assert!(close(cycle.at(5000), cycle.at(1000)));
        assert!(close(cycle.at(200), (1.65e-3, 0.90)));
    }

    #[test]
    fn a_cycle_without_steps_is_refused() {
        assert!(OneCycle::new(0).validate().is_err());
        assert!(OneCycle { peak_learning_rate: f64::NAN, ..OneCycle::new(5) }.validate().is_err());
        assert!(OneCycle::new(5).validate().is_ok());
    }
}
