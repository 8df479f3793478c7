//! The gradient of the weight through the same transforms: dW = G^T (sum over tiles of (A dY A^T) (B^T d B)) G.
//!
//! Tiles of both maps are transformed once, then each of the 36 points is one matrix product over all tiles.
//! Not yet what training uses: whether it is faster than the direct sum is to be measured (benches/convolutions.rs).
//! Order   each product is computed whole by one thread, frame after frame: any number of threads gives the same bytes.
//! Source  the adjoint of Lavin and Gray, CVPR 2016, equation 8, in its weight.

use rayon::prelude::*;

use super::transform::{LANES, LINE, Lane, PATCH, POINTS, TILE, Transform, kernel_adjoint};
use super::{ConvShape, read_line};
use crate::conv2d::check_len;
use crate::error::KernelError;
use crate::matrix::{MatMut, MatRef};

/// input (B, Ci, H, W), `grad_output` (B, Co, Ho, Wo) -> `grad_weight` (Co, Ci, 3, 3), for shapes that
/// [`super::Winograd::suits`].
///
/// # Errors
/// Arrays whose lengths contradict the shape; another kernel or stride.
pub fn weight_gradient(
    shape: &ConvShape,
    input: &[f32],
    grad_output: &[f32],
    grad_weight: &mut [f32],
) -> Result<(), KernelError> {
    check_len("convolution input", shape.input_len(), input.len())?;
    check_len("convolution output gradient", shape.output_len(), grad_output.len())?;
    check_len("convolution weight gradient", shape.weight_len(), grad_weight.len())?;
    super::check_geometry(shape)?;
    let (inputs, outputs) = (shape.in_channels, shape.out_channels);
    let tiles = shape.out_height.div_ceil(TILE) * shape.out_width.div_ceil(TILE);
    let (in_pixels, out_pixels) = (shape.height * shape.width, shape.out_height * shape.out_width);
    if tiles * inputs * outputs == 0 {
        grad_weight.fill(0.0);
        return Ok(());
    }
    let mut points = vec![0.0; inputs * POINTS * tiles];
    let mut grads = vec![0.0; outputs * POINTS * tiles];
    let mut sums = vec![0.0; POINTS * outputs * inputs];
    let transform = Transform::detect();
    for frame in 0..shape.batch {
        let maps = input[frame * inputs * in_pixels..][..inputs * in_pixels].par_chunks_exact(in_pixels);
        let rows = points.par_chunks_exact_mut(POINTS * tiles).zip(maps);
        rows.for_each(|(points, map)| input_points(shape, transform, map, points));
        let maps = grad_output[frame * outputs * out_pixels..][..outputs * out_pixels].par_chunks_exact(out_pixels);
        let rows = grads.par_chunks_exact_mut(POINTS * tiles).zip(maps);
        rows.for_each(|(points, map)| gradient_points(shape, transform, map, points));
        sums.par_chunks_exact_mut(outputs * inputs).enumerate().for_each(|(point, sum)| {
            let stride = (POINTS * tiles, 1);
            let lhs = MatRef::new(&grads[point * tiles..], (outputs, tiles), stride);
            let rhs = MatRef::new(&points[point * tiles..], (inputs, tiles), stride).transposed();
            MatMut::row_major(sum, outputs, inputs).multiply(frame > 0, lhs, rhs);
        });
    }
    grad_weight.par_chunks_exact_mut(9 * inputs).enumerate().for_each(|(co, row)| {
        for (ci, kernel) in row.chunks_exact_mut(9).enumerate() {
            let sum: [f32; POINTS] = std::array::from_fn(|point| sums[(point * outputs + co) * inputs + ci]);
            kernel.copy_from_slice(&kernel_adjoint(&sum));
        }
    });
    Ok(())
}

/// Calls for each run of at most [`LANES`] tiles: row of tiles, first tile of it, tiles, and place in the list of tiles.
fn for_each_run(shape: &ConvShape, mut visit: impl FnMut(usize, usize, usize, usize)) {
    let across = shape.out_width.div_ceil(TILE);
    for row in 0..shape.out_height.div_ceil(TILE) {
        for start in (0..across).step_by(LANES) {
            visit(row, start, LANES.min(across - start), row * across + start);
        }
    }
}

/// (36, tiles) of one channel.
fn store(points: &mut [f32], place: usize, len: usize, transformed: &[Lane; POINTS]) {
    let tiles = points.len() / POINTS;
    for (row, lane) in points.chunks_exact_mut(tiles).zip(transformed) {
        row[place..place + len].copy_from_slice(&lane[..len]);
    }
}

fn input_points(shape: &ConvShape, transform: Transform, map: &[f32], points: &mut [f32]) {
    let padding = shape.geometry.padding;
    let mut lines = [[0.0; LINE]; PATCH];
    let mut transformed: [Lane; POINTS] = [[0.0; LANES]; POINTS];
    for_each_run(shape, |row, start, len, place| {
        for (offset, line) in lines.iter_mut().enumerate() {
            let y = (row * TILE + offset).wrapping_sub(padding);
            let line = &mut line[..TILE * len + PATCH - TILE];
            read_line(map, (shape.height, shape.width), (y, start * TILE, padding), line);
        }
        transform.input(&lines, &mut transformed);
        store(points, place, len, &transformed);
    });
}

fn gradient_points(shape: &ConvShape, transform: Transform, map: &[f32], points: &mut [f32]) {
    let mut lines = [[0.0; TILE * LANES]; TILE];
    let mut transformed: [Lane; POINTS] = [[0.0; LANES]; POINTS];
    for_each_run(shape, |row, start, len, place| {
        for (offset, line) in lines.iter_mut().enumerate() {
            let size = (shape.out_height, shape.out_width);
            read_line(map, size, (row * TILE + offset, start * TILE, 0), &mut line[..TILE * len]);
        }
        transform.gradient(&lines, &mut transformed);
        store(points, place, len, &transformed);
    });
}
