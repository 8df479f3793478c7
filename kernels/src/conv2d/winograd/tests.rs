//! Against the plain loops, on random and edge shapes.

use super::*;
use crate::conv2d::{ConvGeometry, cpu};
use crate::test_values::{relative_error, values, wide, with_threads};

fn shape(batch: usize, channels: (usize, usize), size: (usize, usize), padding: usize) -> ConvShape {
    let geometry = ConvGeometry { kernel: 3, stride: 1, padding };
    ConvShape::forward(batch, channels.0, channels.1, size, geometry).unwrap()
}

/// One pixel, odd sizes, sizes that no tile divides, channels that no vector divides, every padding.
fn shapes() -> Vec<ConvShape> {
    let mut shapes = Vec::new();
    for padding in [0, 1, 2] {
        for size in [(3, 3), (4, 4), (5, 7), (8, 8), (6, 70), (9, 131), (33, 5)] {
            for channels in [(1, 1), (3, 5), (8, 8), (17, 33)] {
                shapes.push(shape(2, channels, size, padding));
            }
        }
    }
    shapes.extend([shape(1, (4, 6), (1, 1), 1), shape(1, (5, 9), (2, 1), 1), shape(1, (70, 40), (31, 27), 1)]);
    shapes
}

#[test]
fn it_agrees_with_the_plain_loops_on_every_shape() {
    for shape in shapes() {
        let (x, w) = (values(1, shape.input_len()), values(2, shape.weight_len()));
        let mut y = vec![f32::NAN; shape.output_len()];
        Winograd::new(&shape, &w).unwrap().run(&x, Epilogue::NONE, &mut y).unwrap();
        let error = relative_error(&y, &cpu::forward(&shape, &wide(&x), &wide(&w)));
        assert!(error < 1e-5, "{shape:?}: {error}");
    }
}

#[test]
fn the_adjoint_is_the_gradient_of_the_input() {
    for shape in shapes() {
        let (g, w) = (values(1, shape.output_len()), values(2, shape.weight_len()));
        let mut dx = vec![f32::NAN; shape.input_len()];
        Winograd::adjoint(&shape, &w).unwrap().run(&g, Epilogue::NONE, &mut dx).unwrap();
        let error = relative_error(&dx, &cpu::transposed(&shape, &wide(&g), &wide(&w)));
        assert!(error < 1e-5, "{shape:?}: {error}");
    }
}

#[test]
fn the_gradient_of_the_weight_is_that_of_the_plain_loops() {
    for shape in shapes() {
        let (x, g) = (values(1, shape.input_len()), values(2, shape.output_len()));
        let mut dw = vec![f32::NAN; shape.weight_len()];
        gradient::weight_gradient(&shape, &x, &g, &mut dw).unwrap();
        let error = relative_error(&dw, &cpu::weight_gradient(&shape, &wide(&x), &wide(&g)));
        assert!(error < 2e-5, "{shape:?}: {error}");
    }
}

#[test]
fn bias_and_activation_follow_the_sum() {
    let shape = shape(2, (9, 12), (13, 21), 1);
    let (x, w, b) = (values(1, shape.input_len()), values(2, shape.weight_len()), values(3, 12));
    let mut y = vec![f32::NAN; shape.output_len()];
    let epilogue = Epilogue { bias: Some(&b), activation: Activation::Relu };
    Winograd::new(&shape, &w).unwrap().run(&x, epilogue, &mut y).unwrap();
    let mut plain = cpu::forward(&shape, &wide(&x), &wide(&w));
    for (i, value) in plain.iter_mut().enumerate() {
        *value = (*value + f64::from(b[i / (13 * 21) % 12])).max(0.0);
    }
    assert!(relative_error(&y, &plain) < 1e-5);
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let shape = shape(3, (20, 30), (45, 64), 1);
    let (x, w) = (values(1, shape.input_len()), values(2, shape.weight_len()));
    let run = |threads| {
        with_threads(threads, || {
            let mut y = vec![0.0; shape.output_len()];
            Winograd::new(&shape, &w).unwrap().run(&x, Epilogue::NONE, &mut y).unwrap();
            let mut dw = vec![0.0; shape.weight_len()];
            gradient::weight_gradient(&shape, &x, &y, &mut dw).unwrap();
            (y, dw)
        })
    };
    let one = run(1);
    assert!(one == run(2) && one == run(3) && one == run(7));
}

#[test]
fn listed_tiles_have_the_bytes_of_the_whole_and_the_others_are_left_alone() {
    let shape = shape(1, (12, 10), (22, 150), 1);
    let (x, w) = (values(1, shape.input_len()), values(2, shape.weight_len()));
    let winograd = Winograd::new(&shape, &w).unwrap();
    let mut whole = vec![0.0; shape.output_len()];
    winograd.run(&x, Epilogue::NONE, &mut whole).unwrap();
    let mask: Vec<u8> = (0..22 * 150).map(|i| u8::from((i % 150) / 9 % 3 == i / 150 % 2)).collect();
    let mut list = StripList::default();
    let active = |row: usize, col: usize| {
        (row * 4..(row * 4 + 4).min(22)).any(|y| (col * 4..(col * 4 + 4).min(150)).any(|x| mask[y * 150 + x] != 0))
    };
    list.fill(&winograd.grid(), winograd.cut(), active);
    let mut some = vec![-7.0; shape.output_len()];
    winograd.run_strips(&x, Epilogue::NONE, &list, Some(&mask), &mut some).unwrap();
    for (i, value) in some.iter().enumerate() {
        let expected = if mask[i % (22 * 150)] == 0 { -7.0 } else { whole[i] };
        assert_eq!(*value, expected, "at {i}");
    }
}

#[test]
fn other_kernels_are_refused() {
    let geometry = ConvGeometry { kernel: 3, stride: 2, padding: 1 };
    let strided = ConvShape::forward(1, 64, 64, (8, 8), geometry).unwrap();
    assert!(!Winograd::suits(&strided));
    assert!(Winograd::new(&strided, &vec![0.0; strided.weight_len()]).is_err());
    let good = shape(1, (64, 64), (8, 8), 1);
    assert!(Winograd::suits(&good));
    assert!(Winograd::new(&good, &[0.0; 7]).is_err());
}

#[test]
fn what_fades_away_from_a_lone_value_becomes_zero_and_not_denormal() {
    let shape = shape(1, (16, 16), (64, 64), 1);
    let w: Vec<f32> = values(2, shape.weight_len()).iter().map(|w| 0.1 * w).collect();
    let winograd = Winograd::new(&shape, &w).unwrap();
    let mut map = vec![0.0; shape.input_len()];
    map[0] = 1.0;
    for _ in 0..8 {
        let mut next = vec![f32::NAN; shape.output_len()];
        winograd.run(&map, Epilogue::NONE, &mut next).unwrap();
        assert!(next.iter().all(|v| *v == 0.0 || v.is_normal()));
        map = next;
    }
    assert!(map.iter().any(|v| *v != 0.0));
}
