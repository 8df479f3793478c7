//! The fast maps against the plain loops, the plain loops against each other, and candle's view of both.

use candle_core::{Device, Tensor, Var};

use super::cpu_fast::{Epilogue, Transposed, forward, weight_gradient};
use super::*;
use crate::plan::Activation;
use crate::test_values::{differences, dot, relative_error, values, wide, with_threads};

/// What may be off where Winograd's transform was at work.
const TRANSFORMED: f64 = 1e-5;

/// Every geometry in use, and some that nobody would choose.
fn shapes() -> Vec<ConvShape> {
    let mut shapes = Vec::new();
    for (kernel, stride, padding) in
        [(3, 1, 1), (3, 2, 1), (1, 1, 0), (2, 2, 0), (4, 4, 0), (1, 2, 0), (3, 3, 2), (5, 2, 0), (2, 1, 1), (3, 1, 0)]
    {
        for (height, width) in [(12, 8), (7, 9), (5, 30)] {
            let geometry = ConvGeometry { kernel, stride, padding };
            shapes.push(ConvShape::forward(2, 3, 5, (height, width), geometry).unwrap());
        }
    }
    let geometry = ConvGeometry { kernel: 3, stride: 1, padding: 1 };
    shapes.push(ConvShape::forward(1, 70, 33, (40, 37), geometry).unwrap());
    let geometry = ConvGeometry { kernel: 3, stride: 2, padding: 1 };
    shapes.push(ConvShape::forward(2, 33, 17, (41, 60), geometry).unwrap());
    shapes
}

#[test]
fn the_plain_maps_are_adjoint_to_each_other() {
    for shape in shapes() {
        let (x, w, g) = (values(1, shape.input_len()), values(2, shape.weight_len()), values(3, shape.output_len()));
        let (x, w, g) = (wide(&x), wide(&w), wide(&g));
        let expected = dot(&cpu::forward(&shape, &x, &w), &g);
        assert!((dot(&cpu::transposed(&shape, &g, &w), &x) - expected).abs() < 1e-8 * expected.abs().max(1.0));
        assert!((dot(&cpu::weight_gradient(&shape, &x, &g), &w) - expected).abs() < 1e-8 * expected.abs().max(1.0));
    }
}

#[test]
fn the_plain_gradients_are_those_of_finite_differences() {
    let geometry = ConvGeometry { kernel: 3, stride: 2, padding: 1 };
    let shape = ConvShape::forward(1, 2, 3, (5, 4), geometry).unwrap();
    let (x, w) = (wide(&values(1, shape.input_len())), wide(&values(2, shape.weight_len())));
    let g = wide(&values(3, shape.output_len()));
    let of_input = differences(&x, |x| dot(&cpu::forward(&shape, x, &w), &g));
    let of_weight = differences(&w, |w| dot(&cpu::forward(&shape, &x, w), &g));
    let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-8);
    assert!(near(&of_input, &cpu::transposed(&shape, &g, &w)));
    assert!(near(&of_weight, &cpu::weight_gradient(&shape, &x, &g)));
}

#[test]
fn the_fast_maps_agree_with_the_plain_loops() {
    for shape in shapes() {
        let (x, w, g) = (values(1, shape.input_len()), values(2, shape.weight_len()), values(3, shape.output_len()));
        let mut y = vec![f32::NAN; shape.output_len()];
        forward(&shape, &x, &w, Epilogue::NONE, &mut y).unwrap();
        assert!(relative_error(&y, &cpu::forward(&shape, &wide(&x), &wide(&w))) < 1e-6, "{shape:?}");
        let mut dx = vec![f32::NAN; shape.input_len()];
        Transposed::new(&shape, &w).unwrap().run(&g, Epilogue::NONE, &mut dx).unwrap();
        assert!(relative_error(&dx, &cpu::transposed(&shape, &wide(&g), &wide(&w))) < 1e-6, "{shape:?}");
        let mut dw = vec![f32::NAN; shape.weight_len()];
        weight_gradient(&shape, &x, &g, &mut dw).unwrap();
        assert!(relative_error(&dw, &cpu::weight_gradient(&shape, &wide(&x), &wide(&g))) < 1e-6, "{shape:?}");
    }
}

#[test]
fn bias_and_activation_follow_the_sum_in_both_directions() {
    for shape in shapes() {
        let (x, w, g) = (values(1, shape.input_len()), values(2, shape.weight_len()), values(3, shape.output_len()));
        let after = |mut plain: Vec<f64>, bias: &[f32], pixels: usize| {
            for (i, value) in plain.iter_mut().enumerate() {
                *value = (*value + f64::from(bias[i / pixels % bias.len()])).max(0.0);
            }
            plain
        };
        let (to_out, to_in) = (values(4, shape.out_channels), values(5, shape.in_channels));
        let epilogue = |bias| Epilogue { bias: Some(bias), activation: Activation::Relu };
        let mut y = vec![f32::NAN; shape.output_len()];
        forward(&shape, &x, &w, epilogue(&to_out), &mut y).unwrap();
        let plain = cpu::forward(&shape, &wide(&x), &wide(&w));
        assert!(relative_error(&y, &after(plain, &to_out, shape.out_height * shape.out_width)) < 1e-6, "{shape:?}");
        let mut dx = vec![f32::NAN; shape.input_len()];
        Transposed::new(&shape, &w).unwrap().run(&g, epilogue(&to_in), &mut dx).unwrap();
        let plain = cpu::transposed(&shape, &wide(&g), &wide(&w));
        assert!(relative_error(&dx, &after(plain, &to_in, shape.height * shape.width)) < 1e-6, "{shape:?}");
    }
}

#[test]
fn candle_gets_the_same_values_and_gradients_from_views_with_strides() {
    let device = Device::Cpu;
    for shape in shapes() {
        let ConvShape { batch, in_channels, out_channels, height, width, geometry, .. } = shape;
        let k = geometry.kernel;
        let (x, w, g) = (values(1, shape.input_len()), values(2, shape.weight_len()), values(3, shape.output_len()));
        let x_var = Var::from_slice(&x, (batch, in_channels, height, width), &device).unwrap();
        let w_var = Var::from_slice(&w, (out_channels, in_channels, k, k), &device).unwrap();
        let strided = |t: &Tensor| t.transpose(1, 2).unwrap().contiguous().unwrap().transpose(1, 2).unwrap();
        let y = conv2d_of(&strided(x_var.as_tensor()), &strided(w_var.as_tensor()), geometry);
        let g_tensor = Tensor::from_slice(&g, y.shape(), &device).unwrap();
        let loss = (y.transpose(2, 3).unwrap() * g_tensor.transpose(2, 3).unwrap()).unwrap().sum_all().unwrap();
        let grads = loss.backward().unwrap();
        let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(relative_error(&flat(&y), &cpu::forward(&shape, &wide(&x), &wide(&w))) < TRANSFORMED);
        let dx = flat(grads.get(x_var.as_tensor()).unwrap());
        assert!(relative_error(&dx, &cpu::transposed(&shape, &wide(&g), &wide(&w))) < TRANSFORMED);
        let dw = flat(grads.get(w_var.as_tensor()).unwrap());
        assert!(relative_error(&dw, &cpu::weight_gradient(&shape, &wide(&x), &wide(&g))) < TRANSFORMED);
    }
}

fn conv2d_of(input: &Tensor, weight: &Tensor, geometry: ConvGeometry) -> Tensor {
    autograd::conv2d(input, weight, geometry).unwrap()
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let geometry = ConvGeometry { kernel: 3, stride: 2, padding: 1 };
    let shape = ConvShape::forward(3, 20, 30, (45, 64), geometry).unwrap();
    let (x, w, g) = (values(1, shape.input_len()), values(2, shape.weight_len()), values(3, shape.output_len()));
    let run = |threads| {
        with_threads(threads, || {
            let mut out = [vec![0.0; g.len()], vec![0.0; x.len()], vec![0.0; w.len()]];
            forward(&shape, &x, &w, Epilogue::NONE, &mut out[0]).unwrap();
            Transposed::new(&shape, &w).unwrap().run(&g, Epilogue::NONE, &mut out[1]).unwrap();
            weight_gradient(&shape, &x, &g, &mut out[2]).unwrap();
            out
        })
    };
    let one = run(1);
    assert!(one == run(2) && one == run(3));
}

#[test]
fn contradictory_sizes_are_typed_errors() {
    let geometry = ConvGeometry { kernel: 3, stride: 1, padding: 0 };
    assert!(matches!(geometry.output_size(2, 9), Err(KernelError::KernelTooLarge { .. })));
    let zero = ConvGeometry { kernel: 0, stride: 1, padding: 0 };
    assert!(zero.output_size(4, 4).is_err());
    assert!(ConvGeometry { stride: 0, ..geometry }.output_size(4, 4).is_err());
    assert!(ConvGeometry { padding: usize::MAX, ..geometry }.output_size(4, 4).is_err());
    let shape = ConvShape::forward(1, 1, 1, (4, 4), geometry).unwrap();
    let short = forward(&shape, &[0.0; 15], &[0.0; 9], Epilogue::NONE, &mut [0.0; 4]);
    assert!(matches!(short, Err(KernelError::Length { expected: 16, found: 15, .. })));
    let bias = Epilogue { bias: Some(&[0.0; 2]), activation: Activation::Identity };
    assert!(forward(&shape, &[0.0; 16], &[0.0; 9], bias, &mut [0.0; 4]).is_err());
}
