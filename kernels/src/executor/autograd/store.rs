//! The parameters of a plan as candle variables, with the running statistics beside them.

use std::collections::BTreeMap;

use candle_core::{DType, Tensor, Var};

use super::DEVICE;
use crate::batch_norm::BatchStatistics;
use crate::error::KernelError;
use crate::parameters::{HostTensor, ParameterMap, ParameterRole, check, get};
use crate::plan::{BatchNorm, Plan};

/// Trainable variables and running statistics of one network, by the checkpoint's names.
#[derive(Debug)]
pub struct ParameterStore {
    trainable: BTreeMap<String, Var>,
    running: BTreeMap<String, Vec<f32>>,
}

impl ParameterStore {
    /// Takes exactly the tensors of a plan.
    ///
    /// # Errors
    /// As [`check`]: missing, unexpected, misshapen or non-finite tensors.
    pub fn new(plan: &Plan, parameters: &ParameterMap) -> Result<Self, KernelError> {
        check(plan, parameters)?;
        let (mut trainable, mut running) = (BTreeMap::new(), BTreeMap::new());
        for spec in plan.parameters() {
            let tensor = get(parameters, &spec.name)?;
            match spec.role {
                ParameterRole::Trainable => {
                    let var = Var::from_slice(&tensor.data, tensor.shape.as_slice(), &DEVICE)?;
                    trainable.insert(spec.name, var);
                }
                ParameterRole::RunningStatistic => {
                    running.insert(spec.name, tensor.data.clone());
                }
            }
        }
        Ok(Self { trainable, running })
    }

    /// A copy on the host of everything, trainable and running.
    ///
    /// # Errors
    /// A variable whose values cannot be read.
    pub fn to_map(&self) -> Result<ParameterMap, KernelError> {
        let mut map = ParameterMap::new();
        for (name, var) in &self.trainable {
            let data = var.as_tensor().to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
            map.insert(name.clone(), HostTensor { shape: var.dims().to_vec(), data });
        }
        for (name, values) in &self.running {
            map.insert(name.clone(), HostTensor { shape: vec![values.len()], data: values.clone() });
        }
        Ok(map)
    }

    /// The trainable variables, by name: what an optimiser steps.
    pub fn trainable(&self) -> impl ExactSizeIterator<Item = (&str, &Var)> {
        self.trainable.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// One trainable variable.
    ///
    /// # Errors
    /// A name that is not trainable here.
    pub fn var(&self, name: &str) -> Result<&Var, KernelError> {
        self.trainable
            .get(name)
            .ok_or_else(|| KernelError::UnknownName { kind: "trainable parameter", name: name.to_owned() })
    }

    /// One running statistic.
    ///
    /// # Errors
    /// A name that is not a running statistic here.
    pub fn running(&self, name: &str) -> Result<&[f32], KernelError> {
        self.running
            .get(name)
            .map(Vec::as_slice)
            .ok_or_else(|| KernelError::UnknownName { kind: "running statistic", name: name.to_owned() })
    }

    /// Overwrites one trainable variable, for example with an optimiser's result.
    ///
    /// # Errors
    /// An unknown name or another shape.
    pub fn set(&mut self, name: &str, value: &Tensor) -> Result<(), KernelError> {
        Ok(self.var(name)?.set(value)?)
    }

    pub(super) fn update_running(&mut self, norm: &BatchNorm, batch: &BatchStatistics) -> Result<(), KernelError> {
        let (mean_name, var_name) = (norm.running_mean(), norm.running_var());
        let mut mean = self.running(&mean_name)?.to_vec();
        let mut var = self.running(&var_name)?.to_vec();
        batch.update(norm.momentum, &mut mean, &mut var);
        self.running.insert(mean_name, mean);
        self.running.insert(var_name, var);
        Ok(())
    }
}
