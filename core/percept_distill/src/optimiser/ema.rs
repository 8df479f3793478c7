//! Exponential moving average of weights: what is exported, since it scores above the last step's weights.
//!
//! Running statistics are averaged as well: they belong to the weights. The decay warms up,
//! min(decay, (1 + n) / (10 + n)), so that the first steps' weights are soon forgotten.

use percept_kernels::parameters::ParameterMap;

/// Averaged tensors by name.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightAverage {
    decay: f64,
    updates: u64,
    tensors: ParameterMap,
}

impl WeightAverage {
    /// Nothing averaged yet.
    pub fn new(decay: f64) -> Self {
        Self { decay, updates: 0, tensors: ParameterMap::new() }
    }

    /// With the state of an earlier run.
    pub fn restored(decay: f64, tensors: ParameterMap, updates: u64) -> Self {
        Self { decay, updates, tensors }
    }

    /// The averages.
    pub fn tensors(&self) -> &ParameterMap {
        &self.tensors
    }

    /// Averages taken.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Takes in the values after a step; the first are taken whole.
    pub fn update(&mut self, values: &ParameterMap) {
        let n = self.updates as f64;
        let decay = self.decay.min((1.0 + n) / (10.0 + n)) as f32;
        self.updates += 1;
        for (name, value) in values {
            match self.tensors.get_mut(name) {
                Some(average) if average.shape == value.shape => {
                    let pairs = average.data.iter_mut().zip(&value.data);
                    pairs.for_each(|(average, value)| *average = decay * *average + (1.0 - decay) * value);
                }
                Some(_) | None => {
                    self.tensors.insert(name.clone(), value.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_kernels::parameters::HostTensor;

    fn map(value: f32) -> ParameterMap {
        ParameterMap::from([("w".to_owned(), HostTensor { shape: vec![1], data: vec![value] })])
    }

    #[test]
    fn the_first_value_is_taken_whole_and_the_decay_warms_up() {
        let mut average = WeightAverage::new(0.5);
        average.update(&map(1.0));
        assert_eq!(average.tensors(), &map(1.0));
        average.update(&map(3.0));
        // Second update: decay min(0.5, 2/11).
        let expected = (2.0 + 3.0 * 9.0) / 11.0;
        assert!((average.tensors()["w"].data[0] - expected).abs() < 1e-6);
    }
}
