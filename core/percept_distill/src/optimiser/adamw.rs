//! AdamW with moments that can be saved (candle's are private).
//!
//! Source  Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019; bias corrections by the step's own
//!         betas, as PyTorch does under a schedule that moves beta1.

use std::collections::BTreeMap;

use candle_core::{Tensor, Var};
use serde::{Deserialize, Serialize};

use super::Gradients;
use crate::DistillError;

/// What does not change from step to step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamWSettings {
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay, multiplied by the learning rate.
    pub weight_decay: f64,
}

impl Default for AdamWSettings {
    fn default() -> Self {
        Self { beta2: 0.99, epsilon: 1e-8, weight_decay: 0.01 }
    }
}

/// First and second moment of one tensor's gradient.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Running mean of the gradient.
    pub first: Tensor,
    /// Running mean of its square.
    pub second: Tensor,
}

/// The optimiser's state: moments by parameter name and the number of updates made.
#[derive(Clone, Debug)]
pub struct AdamW {
    settings: AdamWSettings,
    moments: BTreeMap<String, Moments>,
    updates: u64,
}

impl AdamW {
    /// No moments yet.
    pub fn new(settings: AdamWSettings) -> Self {
        Self { settings, moments: BTreeMap::new(), updates: 0 }
    }

    /// With the state of an earlier run.
    pub fn restored(settings: AdamWSettings, moments: BTreeMap<String, Moments>, updates: u64) -> Self {
        Self { settings, moments, updates }
    }

    /// Moments by parameter name.
    pub fn moments(&self) -> &BTreeMap<String, Moments> {
        &self.moments
    }

    /// Updates made.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Moves the variables against their gradients; variables without one stay.
    ///
    /// # Errors
    /// When a tensor operation fails (shapes that differ).
    pub fn step<'a>(
        &mut self,
        variables: impl Iterator<Item = (&'a str, &'a Var)>,
        gradients: &Gradients,
        learning_rate: f64,
        beta1: f64,
    ) -> Result<(), DistillError> {
        self.updates += 1;
        let AdamWSettings { beta2, epsilon, weight_decay } = self.settings;
        let power = self.updates.min(i32::MAX as u64) as i32;
        let (correction1, correction2) = (1.0 - beta1.powi(power), 1.0 - beta2.powi(power));
        for (name, variable) in variables {
            let Some(gradient) = gradients.get(name) else { continue };
            let value = variable.as_tensor().detach();
            let gradient = gradient.detach();
            let zero = || Tensor::zeros_like(&value);
            let (first, second) = match self.moments.get(name) {
                Some(moments) => (moments.first.clone(), moments.second.clone()),
                None => (zero()?, zero()?),
            };
            let first = ((first * beta1)? + (&gradient * (1.0 - beta1))?)?;
            let second = ((second * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
            let scale = ((&second / correction2)?.sqrt()? + epsilon)?;
            let direction = ((&first / correction1)? / scale)?;
            let decayed = (&value * (1.0 - learning_rate * weight_decay))?;
            variable.set(&(decayed - (direction * learning_rate)?)?)?;
            self.moments.insert(name.to_owned(), Moments { first, second });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn variables(values: &[f32]) -> BTreeMap<String, Var> {
        BTreeMap::from([("w".to_owned(), Var::from_tensor(&Tensor::new(values, &Device::Cpu).unwrap()).unwrap())])
    }

    fn named(variables: &BTreeMap<String, Var>) -> impl Iterator<Item = (&str, &Var)> {
        variables.iter().map(|(name, var)| (name.as_str(), var))
    }

    fn gradient(values: &[f32]) -> Gradients {
        Gradients::from([("w".to_owned(), Tensor::new(values, &Device::Cpu).unwrap())])
    }

    /// The second computation is written out in f64, value by value.
    #[test]
    fn three_steps_agree_with_the_formula_worked_in_f64() {
        let vars = variables(&[1.0, -1.0]);
        let mut optimiser = AdamW::new(AdamWSettings { beta2: 0.99, epsilon: 1e-8, weight_decay: 0.1 });
        let steps = [[1.0, -2.0], [0.5, 0.5], [0.0, 4.0]];
        let mut expected = [1.0f64, -1.0];
        let (mut m, mut v) = ([0.0f64; 2], [0.0f64; 2]);
        for (t, g) in steps.iter().enumerate() {
            let power = t as i32 + 1;
            optimiser.step(named(&vars), &gradient(g), 0.1, 0.9).unwrap();
            for i in 0..2 {
                let g = f64::from(g[i]);
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.99 * v[i] + 0.01 * g * g;
                let (mh, vh) = (m[i] / (1.0 - 0.9f64.powi(power)), v[i] / (1.0 - 0.99f64.powi(power)));
                expected[i] = expected[i] * (1.0 - 0.1 * 0.1) - 0.1 * mh / (vh.sqrt() + 1e-8);
            }
        }
        let found = vars["w"].to_vec1::<f32>().unwrap();
        for i in 0..2 {
            assert!((f64::from(found[i]) - expected[i]).abs() < 1e-6, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn a_restored_optimiser_goes_on_as_if_never_stopped() {
        let (a, b) = (variables(&[0.3, 0.7]), variables(&[0.3, 0.7]));
        let mut one = AdamW::new(AdamWSettings::default());
        one.step(named(&a), &gradient(&[1.0, 2.0]), 0.01, 0.9).unwrap();
        let mut first = AdamW::new(AdamWSettings::default());
        first.step(named(&b), &gradient(&[1.0, 2.0]), 0.01, 0.9).unwrap();
        let mut second = AdamW::restored(AdamWSettings::default(), first.moments().clone(), first.updates());
        one.step(named(&a), &gradient(&[-3.0, 0.5]), 0.02, 0.8).unwrap();
        second.step(named(&b), &gradient(&[-3.0, 0.5]), 0.02, 0.8).unwrap();
        assert_eq!(a["w"].to_vec1::<f32>().unwrap(), b["w"].to_vec1::<f32>().unwrap());
    }
}
