//! Scatter against the plain loop, and its gradient as the adjoint.

use std::sync::Arc;

use candle_core::{Device, Tensor, Var};

use super::*;
use crate::plan::CanvasSize;
use crate::test_values::{dot, relative_error, values, wide};

const CANVAS: CanvasSize = CanvasSize { ny: 4, nx: 3 };
const COORDS: [[u32; 3]; 5] = [[0, 0, 0], [0, 3, 2], [2, 0, 1], [2, 1, 0], [2, 3, 2]];

#[test]
fn pillars_land_in_their_cells_and_gradients_come_back_from_there() {
    for channels in [1, 16, 37] {
        let features = values(1, COORDS.len() * channels);
        let var = Var::from_slice(&features, (COORDS.len(), channels), &Device::Cpu).unwrap();
        let map = autograd::pillar_scatter(var.as_tensor(), Arc::new(COORDS), 3, CANVAS).unwrap();
        assert_eq!(map.dims(), [3, channels, 4, 3]);
        let plain = cpu::scatter(&wide(&features), &COORDS, channels, 3, CANVAS);
        let found: Vec<f32> = map.flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(relative_error(&found, &plain), 0.0);
        let g = values(2, plain.len());
        let g_tensor = Tensor::from_slice(&g, map.shape(), &Device::Cpu).unwrap();
        let grads = (map * g_tensor).unwrap().sum_all().unwrap().backward().unwrap();
        let grad: Vec<f32> = grads.get(var.as_tensor()).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        assert!((dot(&wide(&grad), &wide(&features)) - dot(&plain, &wide(&g))).abs() < 1e-5);
    }
}

#[test]
fn clearing_the_written_cells_leaves_a_zero_canvas() {
    let coords = [[0, 0, 1], [0, 2, 2], [0, 3, 0]];
    let mut map = vec![0.0; 20 * CANVAS.cells()];
    cpu_fast::scatter(&values(1, 3 * 20), &coords, 20, CANVAS, &mut map);
    assert!(map.iter().any(|v| *v != 0.0));
    cpu_fast::clear(&coords, CANVAS, &mut map);
    assert!(map.iter().all(|v| *v == 0.0));
}

#[test]
fn no_pillar_gives_an_empty_canvas_and_misplaced_ones_are_refused() {
    let none = Tensor::from_vec(Vec::<f32>::new(), (0, 4), &Device::Cpu).unwrap();
    let map = autograd::pillar_scatter(&none, Arc::new([]), 2, CANVAS).unwrap();
    assert_eq!(map.abs().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap(), 0.0);
    let two = Tensor::zeros((2, 4), candle_core::DType::F32, &Device::Cpu).unwrap();
    for wrong in [vec![[0, 0, 0]], vec![[0, 1, 0], [0, 1, 0]], vec![[0, 0, 0], [0, 4, 0]], vec![[0, 1, 1], [0, 1, 0]]] {
        assert!(autograd::pillar_scatter(&two, wrong.into(), 1, CANVAS).is_err());
    }
}
