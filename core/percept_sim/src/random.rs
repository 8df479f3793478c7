//! Seeded random draws: one named stream for each purpose, and hashes where a draw belongs to a ray.
//!
//! A stream depends on the seed and its name alone, so drawing more buildings never moves a car.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Mixes two words into one (the finaliser of splitmix64, Steele et al. 2014).
pub fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_add(b.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A hash as a number in [0, 1).
pub fn unit_from_hash(hash: u64) -> f32 {
    (hash >> 40) as f32 * (1.0 / (1u64 << 24) as f32)
}

/// A standard normal number from a hash (Box and Muller 1958).
pub fn normal_from_hash(hash: u64) -> f32 {
    let radius = (-2.0 * (1.0 - unit_from_hash(hash)).ln()).sqrt();
    radius * (std::f32::consts::TAU * unit_from_hash(mix(hash, 0x6e6f_726d))).cos()
}

/// A stream of draws.
#[derive(Clone, Debug)]
pub struct Sampler(ChaCha8Rng);

impl Sampler {
    /// The stream called `name` of a seed.
    pub fn new(seed: u64, name: &str) -> Self {
        let stream = name.bytes().fold(seed, |hash, byte| mix(hash, u64::from(byte)));
        Self(ChaCha8Rng::seed_from_u64(stream))
    }

    /// A raw word.
    pub fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A number in [low, high).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A number from a range of two.
    pub fn within(&mut self, range: [f64; 2]) -> f64 {
        self.uniform(range[0], range[1])
    }

    /// A whole number in [low, high].
    pub fn integer(&mut self, low: usize, high: usize) -> usize {
        low + (self.unit() * (high.saturating_sub(low) + 1) as f64) as usize
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Plus or minus one.
    pub fn sign(&mut self) -> f64 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }

    /// A normal draw (Box and Muller 1958).
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        mean + deviation * radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A normal draw kept within two and a half deviations.
    pub fn bounded_normal(&mut self, mean: f64, deviation: f64) -> f64 {
        mean + self.normal(0.0, 1.0).clamp(-2.5, 2.5) * deviation
    }

    /// An exponential draw of this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// The index of a weight, drawn in proportion; 0 where all weights are 0.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut rest = self.unit() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            rest -= weight;
            if rest < 0.0 {
                return index;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_other_names_differ_and_the_same_name_repeats() {
        let draw = |name: &str| Sampler::new(7, name).unit();
        assert_eq!(draw("cars"), draw("cars"));
        assert_ne!(draw("cars"), draw("trees"));
    }

    #[test]
    fn normal_draws_have_their_mean_and_deviation() {
        let mut sampler = Sampler::new(1, "normal");
        let draws: Vec<f64> = (0..20_000).map(|_| sampler.normal(3.0, 0.5)).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!((mean - 3.0).abs() < 0.02 && (variance.sqrt() - 0.5).abs() < 0.02);
    }
}
