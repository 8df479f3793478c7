//! Parameters that a distillation loss trains beside the student and that are never deployed.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor, Var};
use percept_kernels::parameters::{HostTensor, ParameterMap};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::DistillError;

/// First values of a parameter.
#[derive(Clone, Debug, PartialEq)]
enum First {
    /// The same everywhere.
    Constant(f32),
    /// Uniform within ± this.
    Uniform(f32),
    /// 1 where output and input channel are the same.
    Identity,
}

/// A parameter that a method needs.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterSpec {
    name: String,
    shape: Vec<usize>,
    first: First,
}

impl AdapterSpec {
    pub(super) fn constant(name: String, shape: Vec<usize>, value: f32) -> Self {
        Self { name, shape, first: First::Constant(value) }
    }

    /// PyTorch's first values of a linear map: uniform within ± 1 / sqrt(fan-in).
    pub(super) fn uniform(name: String, shape: Vec<usize>, fan_in: usize) -> Self {
        let bound = 1.0 / (fan_in.max(1) as f32).sqrt();
        Self { name, shape, first: First::Uniform(bound) }
    }

    /// A linear map that begins as the identity; a square one.
    pub(super) fn identity(name: String, shape: Vec<usize>) -> Self {
        Self { name, shape, first: First::Identity }
    }

    fn tensor(&self, rng: &mut ChaCha8Rng) -> HostTensor {
        let elements = self.shape.iter().product();
        let columns = self.shape.get(1).copied().unwrap_or(1);
        let data = match self.first {
            First::Constant(value) => vec![value; elements],
            First::Uniform(bound) => (0..elements).map(|_| (rng.random::<f32>() * 2.0 - 1.0) * bound).collect(),
            First::Identity => (0..elements).map(|i| f32::from(i / columns == i % columns)).collect(),
        };
        HostTensor { shape: self.shape.clone(), data }
    }
}

/// The trained parameters of one method, by name.
#[derive(Clone, Debug, Default)]
pub struct Adapters {
    vars: BTreeMap<String, Var>,
}

impl Adapters {
    /// First values drawn from a seed.
    pub(super) fn first(specs: &[AdapterSpec], seed: u64) -> Result<Self, DistillError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let map = specs.iter().map(|spec| (spec.name.clone(), spec.tensor(&mut rng))).collect();
        Self::from_map(&map)
    }

    /// From saved values.
    pub(super) fn from_map(map: &ParameterMap) -> Result<Self, DistillError> {
        let var = |tensor: &HostTensor| Var::from_slice(&tensor.data, tensor.shape.as_slice(), &Device::Cpu);
        let vars = map.iter().map(|(name, tensor)| Ok((name.clone(), var(tensor)?)));
        Ok(Self { vars: vars.collect::<Result<_, DistillError>>()? })
    }

    /// Whether a map holds exactly these parameters with these shapes.
    pub(super) fn fits(specs: &[AdapterSpec], map: &ParameterMap) -> bool {
        let fits = |spec: &AdapterSpec| map.get(&spec.name).is_some_and(|tensor| tensor.shape == spec.shape);
        specs.len() == map.len() && specs.iter().all(fits)
    }

    /// The values.
    pub(super) fn to_map(&self) -> Result<ParameterMap, DistillError> {
        let host = |var: &Var| -> Result<HostTensor, DistillError> {
            let data = Tensor::flatten_all(var.as_tensor())?.to_vec1()?;
            Ok(HostTensor { shape: var.dims().to_vec(), data })
        };
        self.vars.iter().map(|(name, var)| Ok((name.clone(), host(var)?))).collect()
    }

    /// One of them.
    pub(super) fn get(&self, name: &str) -> Result<&Var, DistillError> {
        self.vars.get(name).ok_or_else(|| DistillError::Adapter { name: name.to_owned() })
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.vars.iter().map(|(name, var)| (name.as_str(), var))
    }
}
