//! First values of parameters: seeded, and independent of the order of layers.

use super::{HostTensor, ParameterMap, ParameterSpec};
use crate::plan::Plan;

/// How a tensor starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initializer {
    /// U(-b, b), b = 1 / sqrt(fan in), where fan in = second dimension times the kernel's area: the default of
    /// PyTorch's Linear, Conv2d and ConvTranspose2d (kaiming_uniform with a = sqrt(5)).
    FanInUniform,
    /// N(0, std).
    Normal {
        /// Standard deviation.
        std: f32,
    },
    /// One value everywhere.
    Constant(f32),
}

/// First values of all tensors of a plan. The same seed gives the same values; each tensor's depend on the seed
/// and its own name alone.
pub fn initialise(plan: &Plan, seed: u64) -> ParameterMap {
    plan.parameters()
        .into_iter()
        .map(|spec| {
            let data = first_values(&spec, seed);
            let ParameterSpec { name, shape, .. } = spec;
            (name, HostTensor { shape, data })
        })
        .collect()
}

fn first_values(spec: &ParameterSpec, seed: u64) -> Vec<f32> {
    let mut random = SplitMix64(seed ^ fnv1a(spec.name.as_bytes()));
    let count = spec.elements();
    match spec.init {
        Initializer::Constant(value) => vec![value; count],
        Initializer::Normal { std } => (0..count).map(|_| std * random.normal()).collect(),
        Initializer::FanInUniform => {
            let fan_in: usize = spec.shape.iter().skip(1).product();
            let bound = 1.0 / (fan_in.max(1) as f64).sqrt();
            (0..count).map(|_| ((2.0 * random.unit() - 1.0) * bound) as f32).collect()
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood, 2014): enough for first weights, and the same on every machine.
pub(super) struct SplitMix64(u64);

impl SplitMix64 {
    /// From a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// U(0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// N(0, 1) by Box and Muller.
    fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        (radius * (std::f64::consts::TAU * self.unit()).cos()) as f32
    }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
