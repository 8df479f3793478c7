//! Gradients by name, and their common length.

use std::collections::BTreeMap;

use candle_core::{Tensor, Var, backprop::GradStore};

/// Gradients of the trained tensors, by name, so that sums over them have one order.
pub type Gradients = BTreeMap<String, Tensor>;

/// The gradients of some variables out of a backward pass; variables that the loss does not touch are left out.
pub fn collect<'a>(store: &GradStore, variables: impl Iterator<Item = (&'a str, &'a Var)>) -> Gradients {
    variables.filter_map(|(name, var)| Some((name.to_owned(), store.get(var)?.clone()))).collect()
}

/// Euclidean length of all gradients as one vector.
///
/// # Errors
/// When a tensor operation fails.
pub fn global_norm(gradients: &Gradients) -> candle_core::Result<f64> {
    let mut sum = 0.0;
    for gradient in gradients.values() {
        sum += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
    Ok(sum.sqrt())
}

/// Shortens the gradients to a common length of at most `max_norm`; gives the length they had.
///
/// # Errors
/// When a tensor operation fails.
pub fn clip_global_norm(gradients: &mut Gradients, max_norm: f64) -> candle_core::Result<f64> {
    let norm = global_norm(gradients)?;
    if norm.is_finite() && norm > max_norm {
        let scale = max_norm / norm;
        for gradient in gradients.values_mut() {
            *gradient = (&*gradient * scale)?;
        }
    }
    Ok(norm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn long_gradients_are_shortened_together_and_short_ones_left() {
        let tensor = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap();
        let mut gradients = Gradients::from([("a".into(), tensor(&[3.0, 0.0])), ("b".into(), tensor(&[4.0]))]);
        assert_eq!(clip_global_norm(&mut gradients, 10.0).unwrap(), 5.0);
        assert_eq!(global_norm(&gradients).unwrap(), 5.0);
        assert_eq!(clip_global_norm(&mut gradients, 1.0).unwrap(), 5.0);
        assert!((global_norm(&gradients).unwrap() - 1.0).abs() < 1e-6);
        assert!((gradients["a"].to_vec1::<f32>().unwrap()[0] - 0.6).abs() < 1e-6);
    }
}
