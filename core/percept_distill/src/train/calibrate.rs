//! Statistics of the norms measured anew for given weights.
//!
//! Averaged weights never normalised a batch themselves: their running statistics are averages over weights long
//! gone. So, at the end of a run, batches are passed forward with the averaged weights, and the mean of each norm's
//! batch statistics takes the place of the running ones.
//! Source  Izmailov et al., Averaging Weights Leads to Wider Optima, UAI 2018, section 3.2.

use std::collections::BTreeMap;

use percept_kernels::executor::autograd::{ParameterStore, forward_train};
use percept_kernels::parameters::ParameterMap;
use percept_kernels::plan::{BatchNorm, Op, Plan};
use percept_models::pointpillars::Pillars;

use super::pillar_input;
use crate::DistillError;

/// Sums of batch statistics over batches.
#[derive(Debug)]
pub struct NormCalibration<'a> {
    plan: &'a Plan,
    weights: ParameterMap,
    momenta: BTreeMap<String, f32>,
    sums: BTreeMap<String, Vec<f64>>,
    batches: u64,
}

impl<'a> NormCalibration<'a> {
    /// For given weights of a plan.
    pub fn new(plan: &'a Plan, weights: &ParameterMap) -> Self {
        let mut momenta = BTreeMap::new();
        for norm in plan.layers().iter().filter_map(|layer| norm_of(&layer.op)) {
            momenta.insert(norm.running_mean(), norm.momentum);
            momenta.insert(norm.running_var(), norm.momentum);
        }
        let mut weights = weights.clone();
        // From 0, one batch leaves momentum times its own statistics behind.
        for name in momenta.keys() {
            if let Some(tensor) = weights.get_mut(name) {
                tensor.data.fill(0.0);
            }
        }
        Self { plan, weights, momenta, sums: BTreeMap::new(), batches: 0 }
    }

    /// Takes in a batch; one without points says nothing.
    ///
    /// # Errors
    /// A batch of another network.
    pub fn add(&mut self, pillars: &Pillars) -> Result<(), DistillError> {
        if pillars.is_empty() {
            return Ok(());
        }
        let mut store = ParameterStore::new(self.plan, &self.weights)?;
        forward_train(self.plan, &mut store, &pillar_input(pillars))?;
        for (name, momentum) in &self.momenta {
            let values = store.running(name)?;
            let sum = self.sums.entry(name.clone()).or_insert_with(|| vec![0.0; values.len()]);
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(value / momentum));
        }
        self.batches += 1;
        Ok(())
    }

    /// The weights with the measured statistics; `None` before the first batch.
    pub fn finish(mut self) -> Option<ParameterMap> {
        if self.batches == 0 {
            return None;
        }
        for (name, sums) in &self.sums {
            if let Some(tensor) = self.weights.get_mut(name) {
                tensor.data = sums.iter().map(|sum| (sum / self.batches as f64) as f32).collect();
            }
        }
        Some(self.weights)
    }
}

fn norm_of(op: &Op) -> Option<&BatchNorm> {
    match op {
        Op::PillarEncode(encoder) => Some(&encoder.norm),
        Op::ConvBnAct { conv, .. } => conv.norm.as_ref(),
        Op::DeconvBnAct { deconv, .. } => deconv.norm.as_ref(),
        Op::Scatter { .. } | Op::Concat { .. } => None,
    }
}
