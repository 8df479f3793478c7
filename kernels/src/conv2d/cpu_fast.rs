//! Convolutions as matrix products over tiles of pixels, one tile a thread.
//!
//! Forward and transposed: each tile gathers its columns into the thread's scratch and is one product, with bias
//! and activation while it is in cache. Weight gradient: a fixed number of groups of tiles, each summed in order,
//! then the groups in order.

use rayon::prelude::*;

use super::gather::{Source, Tap};
use super::{ConvShape, check_len};
use crate::error::KernelError;
use crate::matrix::{MatMut, MatRef, PANEL, Tile, par_column_tiles};
use crate::plan::Activation;
use crate::scratch::with_scratch;

/// Values of a tile's columns that stay in a core's level-2 cache beside the weights.
const COLUMN_VALUES: usize = 192 * 1024;
/// Widest tile: beyond it nothing is gained.
const MAX_TILE: usize = 9 * PANEL;
/// Groups of the weight gradient's sum: fixed, so that the sum does not depend on the threads.
const REDUCTION_GROUPS: usize = 8;

/// What is done to each output value after the sum.
#[derive(Debug, Clone, Copy)]
pub struct Epilogue<'a> {
    /// Added per output channel.
    pub bias: Option<&'a [f32]>,
    /// Applied last.
    pub activation: Activation,
}

impl Epilogue<'_> {
    /// Nothing.
    pub const NONE: Self = Self { bias: None, activation: Activation::Identity };

    pub(super) fn apply(&self, channel: usize, values: &mut [f32]) {
        let bias = self.bias.and_then(|bias| bias.get(channel)).copied();
        match (bias, self.activation) {
            (None, Activation::Identity) => {}
            (Some(bias), Activation::Identity) => values.iter_mut().for_each(|v| *v += bias),
            (bias, Activation::Relu) => {
                let bias = bias.unwrap_or(0.0);
                values.iter_mut().for_each(|v| *v = (*v + bias).max(0.0));
            }
        }
    }

    pub(super) fn check(&self, channels: usize) -> Result<(), KernelError> {
        self.bias.map_or(Ok(()), |bias| check_len("bias", channels, bias.len()))
    }
}

/// Pixels a tile for columns of this depth: an odd number of panels, so that the rows of a panel spread over all sets
/// of a cache.
pub(super) fn tile_pixels(depth: usize) -> usize {
    let panels = (COLUMN_VALUES / depth.max(1) / PANEL).clamp(1, MAX_TILE / PANEL);
    (panels - (panels + 1) % 2) * PANEL
}

/// Largest scratch, in values, that [`forward`] of this shape asks a thread for.
pub fn scratch_len(shape: &ConvShape) -> usize {
    let depth = shape.in_channels * shape.geometry.kernel * shape.geometry.kernel;
    depth * tile_pixels(depth)
}

/// input (B, Ci, H, W), weight (Co, Ci, k, k) -> output (B, Co, Ho, Wo).
///
/// # Errors
/// Arrays whose lengths contradict the shape.
pub fn forward(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    epilogue: Epilogue<'_>,
    output: &mut [f32],
) -> Result<(), KernelError> {
    check_len("convolution input", shape.input_len(), input.len())?;
    check_len("convolution weight", shape.weight_len(), weight.len())?;
    check_len("convolution output", shape.output_len(), output.len())?;
    epilogue.check(shape.out_channels)?;
    let taps = forward_taps(shape);
    let depth = shape.in_channels * taps.len();
    let weight = MatRef::row_major(weight, shape.out_channels, depth);
    let sizes = (shape.batch, shape.out_channels, shape.out_height * shape.out_width);
    par_column_tiles(output, sizes, tile_pixels(depth), |tile, mut out| {
        let source = forward_source(shape, input, tile.block);
        with_columns(&source, &taps, shape.in_channels, tile, |columns| out.multiply(false, weight, columns));
        for channel in 0..shape.out_channels {
            epilogue.apply(channel, out.row_mut(channel));
        }
    });
    Ok(())
}

pub(super) fn forward_taps(shape: &ConvShape) -> Vec<Tap> {
    let (kernel, padding) = (shape.geometry.kernel, shape.geometry.padding as isize);
    (0..kernel * kernel)
        .map(|tap| Tap { dy: (tap / kernel) as isize - padding, dx: (tap % kernel) as isize - padding })
        .collect()
}

pub(super) fn forward_source<'a>(shape: &ConvShape, input: &'a [f32], frame: usize) -> Source<'a> {
    let values = shape.in_channels * shape.height * shape.width;
    Source {
        map: &input[frame * values..][..values],
        height: shape.height,
        width: shape.width,
        stride: shape.geometry.stride,
        grid_width: shape.out_width,
    }
}

/// The columns (C * taps, pixels) of a tile: gathered, or the map itself where that is the same.
fn with_columns(source: &Source<'_>, taps: &[Tap], channels: usize, tile: Tile, product: impl FnOnce(MatRef<'_>)) {
    if source.is_identity(taps, tile.start + tile.cols) {
        let map = MatRef::row_major(source.map, channels, source.height * source.width);
        product(map.columns(tile.start, tile.cols));
    } else {
        let depth = channels * taps.len();
        with_scratch(depth * tile.cols, |columns| {
            source.gather(taps, tile.start, tile.cols, columns);
            product(MatRef::row_major(columns, depth, tile.cols));
        });
    }
}

/// The input pixels of one phase (y, x modulo the stride) and the kernel taps that reach them.
#[derive(Debug, Clone)]
pub(super) struct Phase {
    y: usize,
    x: usize,
    taps: Vec<Tap>,
    /// (Ci, Co * taps).
    pub(super) weight: Vec<f32>,
}

/// A transposed convolution, its weight sorted by phase: at stride s, input pixels of one phase (y mod s, x mod s)
/// see the same taps, so that each phase is a plain convolution of the output side and nothing is added twice.
#[derive(Debug, Clone)]
pub struct Transposed {
    pub(super) shape: ConvShape,
    pub(super) phases: Vec<Phase>,
}

impl Transposed {
    /// Sorts a weight (Co, Ci, k, k).
    ///
    /// # Errors
    /// A weight whose length contradicts the shape.
    pub fn new(shape: &ConvShape, weight: &[f32]) -> Result<Self, KernelError> {
        check_len("convolution weight", shape.weight_len(), weight.len())?;
        let stride = shape.geometry.stride;
        let phases = (0..stride * stride).map(|phase| new_phase(shape, weight, phase / stride, phase % stride));
        Ok(Self { shape: *shape, phases: phases.collect() })
    }

    /// source (B, Co, Ho, Wo) -> out (B, Ci, H, W), with the epilogue per channel of Ci.
    ///
    /// # Errors
    /// Arrays whose lengths contradict the shape.
    pub fn run(&self, source: &[f32], epilogue: Epilogue<'_>, out: &mut [f32]) -> Result<(), KernelError> {
        let shape = &self.shape;
        check_len("transposed convolution input", shape.output_len(), source.len())?;
        check_len("transposed convolution output", shape.input_len(), out.len())?;
        epilogue.check(shape.in_channels)?;
        let sizes = (shape.batch, shape.in_channels, shape.height * shape.width);
        if shape.geometry.stride == 1 {
            let depth = shape.out_channels * shape.geometry.kernel * shape.geometry.kernel;
            par_column_tiles(out, sizes, tile_pixels(depth), |tile, out| {
                self.run_stride_1(source, epilogue, tile, out);
            });
        } else {
            let tile_cols = transposed_tile_rows(shape) * shape.width;
            par_column_tiles(out, sizes, tile_cols, |tile, out| self.run_rows(source, epilogue, tile, out));
        }
        Ok(())
    }

    /// Largest scratch, in values, that [`Self::run`] asks a thread for.
    pub fn scratch_len(&self) -> usize {
        let shape = &self.shape;
        let stride = shape.geometry.stride;
        let taps = self.phases.iter().map(|phase| phase.taps.len()).max().unwrap_or(0);
        let depth = shape.out_channels * taps;
        if stride == 1 {
            return depth * tile_pixels(depth);
        }
        let pixels = transposed_tile_rows(shape) / stride * shape.width.div_ceil(stride);
        (depth + shape.in_channels) * pixels
    }

    pub(super) fn source<'a>(&self, source: &'a [f32], frame: usize, grid_width: usize) -> Source<'a> {
        let shape = &self.shape;
        let values = shape.out_channels * shape.out_height * shape.out_width;
        Source {
            map: &source[frame * values..][..values],
            height: shape.out_height,
            width: shape.out_width,
            stride: 1,
            grid_width,
        }
    }

    fn run_stride_1(&self, source: &[f32], epilogue: Epilogue<'_>, tile: Tile, mut out: MatMut<'_>) {
        let source = self.source(source, tile.block, self.shape.width);
        for phase in &self.phases {
            let weight = MatRef::row_major(&phase.weight, out.rows(), self.shape.out_channels * phase.taps.len());
            with_columns(&source, &phase.taps, self.shape.out_channels, tile, |columns| {
                out.multiply(false, weight, columns);
            });
        }
        for channel in 0..out.rows() {
            epilogue.apply(channel, out.row_mut(channel));
        }
    }

    /// Whole rows of the result, phase by phase, each phase spread over every `stride`-th pixel.
    fn run_rows(&self, source: &[f32], epilogue: Epilogue<'_>, tile: Tile, mut out: MatMut<'_>) {
        let (stride, width) = (self.shape.geometry.stride, self.shape.width);
        let (first_row, rows) = (tile.start / width, tile.cols / width);
        for phase in &self.phases {
            let grid_width = (width + stride - 1 - phase.x) / stride;
            let grid_rows = (rows + stride - 1 - phase.y) / stride;
            if grid_width == 0 || grid_rows == 0 {
                continue;
            }
            let pixels = grid_rows * grid_width;
            let depth = self.shape.out_channels * phase.taps.len();
            let weight = MatRef::row_major(&phase.weight, out.rows(), depth);
            let source = self.source(source, tile.block, grid_width);
            with_scratch((depth + out.rows()) * pixels, |scratch| {
                let (columns, result) = scratch.split_at_mut(depth * pixels);
                let mut product = MatMut::row_major(result, out.rows(), pixels);
                let start = first_row / stride * grid_width;
                if source.is_identity(&phase.taps, start + pixels) {
                    let map = MatRef::row_major(source.map, depth, source.height * source.width);
                    product.multiply(false, weight, map.columns(start, pixels));
                } else {
                    source.gather(&phase.taps, start, pixels, columns);
                    product.multiply(false, weight, MatRef::row_major(columns, depth, pixels));
                }
                for channel in 0..out.rows() {
                    let values = &mut result[channel * pixels..][..pixels];
                    epilogue.apply(channel, values);
                    spread(values, grid_width, (phase.y, phase.x), (stride, width), out.row_mut(channel));
                }
            });
        }
    }
}

/// Rows a tile of a strided transposed convolution: a multiple of the stride, so that phases start alike.
fn transposed_tile_rows(shape: &ConvShape) -> usize {
    let stride = shape.geometry.stride.max(1);
    let depth = shape.out_channels * (shape.geometry.kernel.div_ceil(stride)).pow(2) + shape.in_channels;
    let pixels = (COLUMN_VALUES / depth.max(1)).clamp(PANEL, MAX_TILE) * stride * stride;
    (pixels / shape.width.max(1) / stride).max(1) * stride
}

fn new_phase(shape: &ConvShape, weight: &[f32], y: usize, x: usize) -> Phase {
    let (kernel, stride, padding) = (shape.geometry.kernel, shape.geometry.stride, shape.geometry.padding);
    let reaches = |phase: usize, tap: usize| (phase + padding + stride * kernel - tap).is_multiple_of(stride);
    let offset = |phase: usize, tap: usize| ((phase + padding) as isize - tap as isize) / stride as isize;
    let used: Vec<usize> =
        (0..kernel * kernel).filter(|tap| reaches(y, tap / kernel) && reaches(x, tap % kernel)).collect();
    let taps = used.iter().map(|tap| Tap { dy: offset(y, tap / kernel), dx: offset(x, tap % kernel) }).collect();
    let mut sorted = Vec::with_capacity(shape.in_channels * shape.out_channels * used.len());
    for ci in 0..shape.in_channels {
        for co in 0..shape.out_channels {
            let taps = &weight[(co * shape.in_channels + ci) * kernel * kernel..][..kernel * kernel];
            sorted.extend(used.iter().map(|&tap| taps[tap]));
        }
    }
    Phase { y, x, taps, weight: sorted }
}

/// Writes the pixels of one phase to every `stride`-th pixel of whole rows.
fn spread(values: &[f32], grid_width: usize, (y, x): (usize, usize), (stride, width): (usize, usize), out: &mut [f32]) {
    let rows = out.chunks_exact_mut(width).skip(y).step_by(stride);
    for (row, line) in rows.zip(values.chunks_exact(grid_width)) {
        for (pixel, value) in row[x..].iter_mut().step_by(stride).zip(line) {
            *pixel = *value;
        }
    }
}

/// input (B, Ci, H, W), `grad_output` (B, Co, Ho, Wo) -> `grad_weight` (Co, Ci, k, k).
///
/// # Errors
/// Arrays whose lengths contradict the shape.
pub fn weight_gradient(
    shape: &ConvShape,
    input: &[f32],
    grad_output: &[f32],
    grad_weight: &mut [f32],
) -> Result<(), KernelError> {
    check_len("convolution input", shape.input_len(), input.len())?;
    check_len("convolution output gradient", shape.output_len(), grad_output.len())?;
    check_len("convolution weight gradient", shape.weight_len(), grad_weight.len())?;
    let taps = forward_taps(shape);
    let pixels = shape.out_height * shape.out_width;
    let tile_cols = tile_pixels(shape.in_channels * taps.len());
    let tiles: Vec<Tile> = (0..shape.batch)
        .flat_map(|block| (0..pixels).step_by(tile_cols).map(move |start| (block, start)))
        .map(|(block, start)| Tile { block, start, cols: tile_cols.min(pixels - start) })
        .collect();
    let groups = tiles.par_chunks(tiles.len().div_ceil(REDUCTION_GROUPS).max(1));
    let partial: Vec<Vec<f32>> =
        groups.map(|tiles| weight_gradient_of(shape, &taps, input, grad_output, tiles)).collect();
    let depth = shape.in_channels * taps.len();
    for (co, row) in grad_weight.chunks_exact_mut(depth).enumerate() {
        for (index, value) in row.iter_mut().enumerate() {
            *value = partial.iter().map(|group| group[index * shape.out_channels + co]).sum();
        }
    }
    Ok(())
}

/// (Ci * k * k, Co): transposed, because this way the many columns need no packing, only the few gradients do.
fn weight_gradient_of(shape: &ConvShape, taps: &[Tap], input: &[f32], grad_output: &[f32], tiles: &[Tile]) -> Vec<f32> {
    let depth = shape.in_channels * taps.len();
    let pixels = shape.out_height * shape.out_width;
    let mut sum = vec![0.0; shape.weight_len()];
    for &tile in tiles {
        let frame = &grad_output[tile.block * shape.out_channels * pixels..][..shape.out_channels * pixels];
        let grad = MatRef::row_major(frame, shape.out_channels, pixels).columns(tile.start, tile.cols);
        let source = forward_source(shape, input, tile.block);
        let mut product = MatMut::row_major(&mut sum, depth, shape.out_channels);
        with_columns(&source, taps, shape.in_channels, tile, |columns| {
            product.multiply(true, columns, grad.transposed());
        });
    }
    sum
}
