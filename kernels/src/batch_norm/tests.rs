//! Values and gradients against the plain loops and their finite differences.

use candle_core::{Device, Tensor, Var};

use super::autograd::batch_norm;
use super::*;
use crate::plan::Activation;
use crate::test_values::{differences, dot, relative_error, values, wide, with_threads};

const EPS: f32 = 1e-3;

struct Case {
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    g: Vec<f32>,
    dims: (usize, usize, usize, usize),
}

fn case(dims: (usize, usize, usize, usize)) -> Case {
    let count = dims.0 * dims.1 * dims.2 * dims.3;
    let x = values(1, count).iter().map(|x| 2.0 * x + 0.3).collect();
    Case { x, weight: values(2, dims.1), bias: values(3, dims.1), g: values(4, count), dims }
}

/// (output, gradients of input, weight, bias) by candle.
fn by_candle(case: &Case, statistics: Statistics<'_>, activation: Activation) -> [Vec<f32>; 4] {
    let device = Device::Cpu;
    let x = Var::from_slice(&case.x, case.dims, &device).unwrap();
    let weight = Var::from_slice(&case.weight, case.dims.1, &device).unwrap();
    let bias = Var::from_slice(&case.bias, case.dims.1, &device).unwrap();
    let tensors = (x.as_tensor(), weight.as_tensor(), bias.as_tensor());
    let (y, _) = batch_norm(tensors.0, tensors.1, tensors.2, statistics, EPS, activation).unwrap();
    let g = Tensor::from_slice(&case.g, case.dims, &device).unwrap();
    let grads = (&y * g).unwrap().sum_all().unwrap().backward().unwrap();
    let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let grad = |t: &Tensor| flat(grads.get(t).unwrap());
    [flat(&y), grad(tensors.0), grad(tensors.1), grad(tensors.2)]
}

/// The same from the plain loops.
fn by_differences(case: &Case, fixed: Option<(&[f64], &[f64])>, activation: Activation) -> [Vec<f64>; 4] {
    let (channels, pixels) = (case.dims.1, case.dims.2 * case.dims.3);
    let forward = |x: &[f64], weight: &[f64], bias: &[f64]| {
        let own = cpu::statistics(x, channels, pixels);
        let (mean, var) = fixed.unwrap_or((&own.0, &own.1));
        cpu::forward(x, (mean, var), (weight, bias), (f64::from(EPS), activation), pixels)
    };
    let (x, weight, bias, g) = (wide(&case.x), wide(&case.weight), wide(&case.bias), wide(&case.g));
    [
        forward(&x, &weight, &bias),
        differences(&x, |x| dot(&forward(x, &weight, &bias), &g)),
        differences(&weight, |weight| dot(&forward(&x, weight, &bias), &g)),
        differences(&bias, |bias| dot(&forward(&x, &weight, bias), &g)),
    ]
}

#[test]
fn values_and_gradients_are_those_of_finite_differences() {
    for dims in [(2, 3, 4, 5), (1, 2, 1, 9), (3, 1, 5, 7)] {
        let case = case(dims);
        let (mean, var) = (values(5, dims.1), values(6, dims.1).iter().map(|v| v.abs() + 0.1).collect::<Vec<_>>());
        for activation in [Activation::Identity, Activation::Relu] {
            let found = by_candle(&case, Statistics::Batch, activation);
            for (found, expected) in found.iter().zip(by_differences(&case, None, activation)) {
                assert!(relative_error(found, &expected) < 2e-5, "batch {dims:?} {activation:?}");
            }
            let found = by_candle(&case, Statistics::Running { mean: &mean, var: &var }, activation);
            let fixed = (wide(&mean), wide(&var));
            for (found, expected) in found.iter().zip(by_differences(&case, Some((&fixed.0, &fixed.1)), activation)) {
                assert!(relative_error(found, &expected) < 2e-5, "running {dims:?} {activation:?}");
            }
        }
    }
}

#[test]
fn statistics_are_exact_where_the_mean_is_far_larger_than_the_spread() {
    let x: Vec<f32> = values(1, 3 * 2 * 5000).iter().map(|x| 1000.0 + x).collect();
    let found = cpu_fast::statistics(&x, 2, 5000);
    let (mean, var) = cpu::statistics(&wide(&x), 2, 5000);
    assert_eq!(found.rows, 15_000);
    assert!(relative_error(&found.mean, &mean) < 1e-6);
    assert!(relative_error(&found.var, &var) < 1e-4);
}

#[test]
fn running_statistics_move_by_the_momentum_towards_the_unbiased_variance() {
    let batch = BatchStatistics { mean: vec![2.0], var: vec![3.0], rows: 4 };
    let (mut mean, mut var) = (vec![1.0], vec![1.0]);
    batch.update(0.01, &mut mean, &mut var);
    assert!((mean[0] - 1.01).abs() < 1e-7);
    assert!((var[0] - (0.99 + 0.01 * 4.0)).abs() < 1e-7);
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let case = case((2, 5, 40, 37));
    let run = |threads| with_threads(threads, || by_candle(&case, Statistics::Batch, Activation::Relu));
    let one = run(1);
    assert!(one == run(2) && one == run(3));
}

#[test]
fn one_row_cannot_be_normalised_by_itself() {
    let one = Tensor::zeros((1, 2, 1, 1), candle_core::DType::F32, &Device::Cpu).unwrap();
    let parameter = Tensor::zeros(2, candle_core::DType::F32, &Device::Cpu).unwrap();
    assert!(batch_norm(&one, &parameter, &parameter, Statistics::Batch, EPS, Activation::Relu).is_err());
}
