//! Parameters of a plan as named arrays on the host: shapes, first values, checks. No candle here.
//!
//! A [`ParameterMap`] is what weight files are read into and written from, and what inference compiles.
//! Order   by name, so that files and sums over parameters do not depend on anything else.

mod init;
mod widen;

pub use init::{Initializer, initialise};
pub use widen::widen;

use std::collections::BTreeMap;

use crate::error::KernelError;
use crate::plan::Plan;

/// What a named tensor is to training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterRole {
    /// Learnt by gradient.
    Trainable,
    /// Running mean or variance of a batch norm.
    RunningStatistic,
}

/// One named tensor that a plan needs.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterSpec {
    /// The checkpoint's name.
    pub name: String,
    /// Row-major shape.
    pub shape: Vec<usize>,
    /// What it is to training.
    pub role: ParameterRole,
    /// First value.
    pub init: Initializer,
}

impl ParameterSpec {
    /// Number of values.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A row-major f32 array on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct HostTensor {
    /// Shape.
    pub shape: Vec<usize>,
    /// Values; as many as the product of the shape.
    pub data: Vec<f32>,
}

/// All tensors of a network by name.
pub type ParameterMap = BTreeMap<String, HostTensor>;

/// Checks that a map holds exactly the tensors of a plan, with the right shapes and finite values.
///
/// # Errors
/// The first missing, unexpected, misshapen or non-finite tensor, by name.
pub fn check(plan: &Plan, parameters: &ParameterMap) -> Result<(), KernelError> {
    let specs = plan.parameters();
    for spec in &specs {
        let tensor = get(parameters, &spec.name)?;
        if tensor.shape != spec.shape || tensor.data.len() != spec.elements() {
            return Err(KernelError::ParameterShape {
                name: spec.name.clone(),
                expected: spec.shape.clone(),
                found: tensor.shape.clone(),
                values: tensor.data.len(),
            });
        }
        if let Some(index) = tensor.data.iter().position(|value| !value.is_finite()) {
            return Err(KernelError::ParameterNotFinite { name: spec.name.clone(), index });
        }
    }
    let known: std::collections::BTreeSet<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    match parameters.keys().find(|name| !known.contains(name.as_str())) {
        Some(name) => Err(KernelError::UnexpectedParameter { name: name.clone() }),
        None => Ok(()),
    }
}

/// One tensor of a map.
pub(crate) fn get<'a>(parameters: &'a ParameterMap, name: &str) -> Result<&'a HostTensor, KernelError> {
    parameters.get(name).ok_or_else(|| KernelError::UnknownName { kind: "parameter", name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{CanvasSize, Conv, PillarEncoder, PlanBuilder};

    fn plan() -> Plan {
        let mut builder = PlanBuilder::new(CanvasSize { ny: 4, nx: 4 });
        let encoder = PillarEncoder {
            point_features: 10,
            channels: 8,
            max_points_per_voxel: 4,
            weight: "pfn.weight".into(),
            norm: crate::plan::BatchNorm::new("pfn.norm"),
        };
        let pillars = builder.pillar_encode(encoder).unwrap();
        let canvas = builder.scatter(pillars).unwrap();
        let conv = Conv::new("conv.weight", 3, 3).padding(1).bias("conv.bias", Initializer::Constant(-4.5));
        let out = builder.conv(canvas, conv).unwrap();
        builder.output("out", out).unwrap();
        builder.build().unwrap()
    }

    #[test]
    fn the_first_values_depend_on_seed_and_name_alone() {
        let a = initialise(&plan(), 1);
        assert_eq!(a, initialise(&plan(), 1));
        assert_ne!(a["conv.weight"], initialise(&plan(), 2)["conv.weight"]);
        assert_ne!(a["conv.weight"].data[0], a["pfn.weight"].data[0]);
    }

    #[test]
    fn first_values_have_the_bounds_of_pytorch() {
        let map = initialise(&plan(), 7);
        let bound = 1.0 / (8.0f32 * 9.0).sqrt();
        let weights = &map["conv.weight"].data;
        assert!(weights.iter().all(|w| w.abs() <= bound));
        assert!(weights.iter().any(|w| w.abs() > 0.9 * bound));
        assert!(map["conv.bias"].data.iter().all(|&b| b == -4.5));
        assert!(map["pfn.norm.running_var"].data.iter().all(|&v| v == 1.0));
        check(&plan(), &map).unwrap();
    }

    #[test]
    fn a_missing_an_unexpected_a_misshapen_and_a_nan_tensor_are_named() {
        let good = initialise(&plan(), 7);
        let mut missing = good.clone();
        missing.remove("conv.bias");
        assert!(check(&plan(), &missing).unwrap_err().to_string().contains("conv.bias"));
        let mut extra = good.clone();
        extra.insert("other".into(), good["conv.bias"].clone());
        assert!(check(&plan(), &extra).unwrap_err().to_string().contains("other"));
        let mut shape = good.clone();
        shape.get_mut("conv.weight").unwrap().shape = vec![8, 3, 3, 3];
        assert!(check(&plan(), &shape).unwrap_err().to_string().contains("conv.weight"));
        let mut nan = good;
        nan.get_mut("conv.weight").unwrap().data[5] = f32::NAN;
        assert!(check(&plan(), &nan).unwrap_err().to_string().contains("conv.weight"));
    }
}
