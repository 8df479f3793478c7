//! The transposed convolution from its definition: each input pixel paints a square.

use candle_core::{Device, Tensor, Var};

use super::autograd::conv_transpose2d;
use crate::test_values::{differences, dot, relative_error, values, wide};

/// Straight from the definition.
fn paint(x: &[f64], w: &[f64], (ci, co): (usize, usize), (h, wd): (usize, usize), k: usize) -> Vec<f64> {
    let batch = x.len() / (ci * h * wd);
    let mut out = vec![0.0; batch * co * h * wd * k * k];
    for (i, value) in x.iter().enumerate() {
        let (column, row, channel, b) = (i % wd, i / wd % h, i / (wd * h) % ci, i / (wd * h * ci));
        for o in 0..co {
            for tap in 0..k * k {
                let (y, xx) = (row * k + tap / k, column * k + tap % k);
                out[((b * co + o) * h * k + y) * wd * k + xx] += value * w[(channel * co + o) * k * k + tap];
            }
        }
    }
    out
}

#[test]
fn values_and_gradients_are_those_of_the_definition() {
    let device = Device::Cpu;
    for (k, batch, ci, co, h, w) in [(1, 2, 3, 4, 5, 6), (2, 2, 3, 4, 5, 7), (4, 1, 6, 2, 3, 5), (3, 2, 1, 1, 1, 1)] {
        let (x, weight) = (values(1, batch * ci * h * w), values(2, ci * co * k * k));
        let g = values(3, batch * co * h * w * k * k);
        let x_var = Var::from_slice(&x, (batch, ci, h, w), &device).unwrap();
        let w_var = Var::from_slice(&weight, (ci, co, k, k), &device).unwrap();
        let y = conv_transpose2d(x_var.as_tensor(), w_var.as_tensor()).unwrap();
        assert_eq!(y.dims(), [batch, co, h * k, w * k]);
        let loss = (&y * Tensor::from_slice(&g, y.shape(), &device).unwrap()).unwrap().sum_all().unwrap();
        let grads = loss.backward().unwrap();
        let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let (x, weight, g) = (wide(&x), wide(&weight), wide(&g));
        let sizes = ((ci, co), (h, w), k);
        assert!(relative_error(&flat(&y), &paint(&x, &weight, sizes.0, sizes.1, k)) < 1e-6);
        let of_x = differences(&x, |x| dot(&paint(x, &weight, sizes.0, sizes.1, k), &g));
        let of_w = differences(&weight, |weight| dot(&paint(&x, weight, sizes.0, sizes.1, k), &g));
        assert!(relative_error(&flat(grads.get(x_var.as_tensor()).unwrap()), &of_x) < 1e-6);
        assert!(relative_error(&flat(grads.get(w_var.as_tensor()).unwrap()), &of_w) < 1e-6);
    }
}
