//! 3 x 3 convolutions of stride 1 by F(4x4, 3x3): a quarter of the multiplications.
//!
//! Tiles of 4 x 4 output pixels are transformed, multiplied as 36 matrix products over the channels (one a point of
//! the transformed tile) and transformed back with bias and activation. A block of tiles stays in a core's level-2
//! cache from its input to its output. Weights are transformed once.
//! Order   each tile has its own lane and each product its own chain: any cut into blocks gives the same bytes.
//! Limits  kernel 3, stride 1, padding up to 2. Rounding: 1e-4 of the tensor's maximum at most, about 1e-6 a layer.
//! Source  Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016.

pub mod gradient;
mod transform;

use rayon::prelude::*;

use super::cpu_fast::Epilogue;
use super::{ConvShape, check_len};
use crate::error::KernelError;
use crate::matrix::{CellGrid, Cut, MatMut, MatRef, PANEL, StripList, StripsMut, par_strips};
use crate::plan::Activation;
use crate::scratch::with_scratch;
use transform::{LANES, LINE, Lane, PATCH, POINTS, TILE, Transform};

/// Rows of a block of weights: those that the micro-kernel computes at once.
const ROWS: usize = 8;
/// Output channels whose products are transformed back together.
const GROUP: usize = 4 * ROWS;
/// Values of a block's transformed tiles that leave room for the weights in the level-2 cache.
const BLOCK_VALUES: usize = 192 * 1024;
/// Most tiles of a block.
const MAX_TILES: usize = 3 * PANEL;
/// Fewer multiply-adds a pixel than this do not pay for the transforms.
const LEAST_PRODUCTS: usize = 256;

/// A convolution with transformed weights.
#[derive(Debug, Clone)]
pub struct Winograd {
    shape: ConvShape,
    /// (36, Co / 8, Ci, 8): eight rows of a product side by side.
    weight: Vec<f32>,
}

impl Winograd {
    /// Whether this way is possible and pays.
    pub fn suits(shape: &ConvShape) -> bool {
        let geometry = shape.geometry;
        let possible = geometry.kernel == 3 && geometry.stride == 1 && geometry.padding <= 2;
        possible && shape.in_channels * shape.out_channels >= LEAST_PRODUCTS && shape.output_len() > 0
    }

    /// Transforms a weight (Co, Ci, 3, 3).
    ///
    /// # Errors
    /// A weight whose length contradicts the shape, another kernel or stride.
    pub fn new(shape: &ConvShape, weight: &[f32]) -> Result<Self, KernelError> {
        check_len("convolution weight", shape.weight_len(), weight.len())?;
        let channels = shape.in_channels;
        Self::transform(shape, |co, ci| {
            let kernel = &weight[(co * channels + ci) * 9..][..9];
            std::array::from_fn(|tap| kernel[tap])
        })
    }

    /// For the gradient of the input of a convolution with this shape and weight (Co, Ci, 3, 3): a convolution
    /// (B, Co, Ho, Wo) -> (B, Ci, H, W) with the kernels turned by half a turn.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn adjoint(shape: &ConvShape, weight: &[f32]) -> Result<Self, KernelError> {
        check_len("convolution weight", shape.weight_len(), weight.len())?;
        let channels = shape.in_channels;
        Self::transform(&adjoint_shape(shape)?, |ci, co| {
            let kernel = &weight[(co * channels + ci) * 9..][..9];
            std::array::from_fn(|tap| kernel[8 - tap])
        })
    }

    fn transform(shape: &ConvShape, kernel: impl Fn(usize, usize) -> [f32; 9] + Sync) -> Result<Self, KernelError> {
        check_geometry(shape)?;
        let (inputs, outputs) = (shape.in_channels, shape.out_channels);
        let point_len = outputs.next_multiple_of(ROWS) * inputs;
        // One block of rows a task, all points of it; then brought into the order of use.
        let blocks = (0..outputs.div_ceil(ROWS)).into_par_iter().map(|block| {
            let mut points = vec![0.0f32; POINTS * inputs * ROWS];
            for row in 0..ROWS.min(outputs - block * ROWS) {
                for ci in 0..inputs {
                    let transformed = transform::kernel(&kernel(block * ROWS + row, ci));
                    for (point, value) in transformed.into_iter().enumerate() {
                        points[(point * inputs + ci) * ROWS + row] = value as f32;
                    }
                }
            }
            points
        });
        let blocks: Vec<Vec<f32>> = blocks.collect();
        let mut weight = Vec::with_capacity(POINTS * point_len);
        for point in 0..POINTS {
            let part = |block: &Vec<f32>| block[point * inputs * ROWS..][..inputs * ROWS].to_vec();
            weight.extend(blocks.iter().flat_map(part));
        }
        Ok(Self { shape: *shape, weight })
    }

    /// The grid of output tiles.
    pub(crate) fn grid(&self) -> CellGrid {
        let ConvShape { batch, out_channels, out_height, out_width, .. } = self.shape;
        CellGrid { frames: batch, channels: out_channels, height: out_height, width: out_width, unit: TILE }
    }

    /// How tiles are cut into blocks.
    pub(crate) fn cut(&self) -> Cut {
        let tiles = BLOCK_VALUES / (POINTS * self.shape.in_channels.max(1)) / LANES * LANES;
        Cut { longest: LANES, block: tiles.clamp(PANEL, MAX_TILES), gap: 1 }
    }

    /// Largest scratch, in values, that a thread is asked for.
    pub fn scratch_len(&self) -> usize {
        let stride = self.cut().largest_block().next_multiple_of(LANES) + LANES;
        POINTS * stride * (self.shape.in_channels + GROUP.min(self.shape.out_channels.next_multiple_of(ROWS)))
    }

    /// input (B, Ci, H, W) -> output (B, Co, Ho, Wo).
    ///
    /// # Errors
    /// Arrays whose lengths contradict the shape.
    pub fn run(&self, input: &[f32], epilogue: Epilogue<'_>, output: &mut [f32]) -> Result<(), KernelError> {
        self.run_strips(input, epilogue, &StripList::whole(&self.grid(), self.cut()), None, output)
    }

    /// Computes the listed tiles; with a mask of output pixels, writes only those that are set.
    ///
    /// # Errors
    /// Arrays whose lengths contradict the shape.
    pub(crate) fn run_strips(
        &self,
        input: &[f32],
        epilogue: Epilogue<'_>,
        list: &StripList,
        mask: Option<&[u8]>,
        output: &mut [f32],
    ) -> Result<(), KernelError> {
        check_len("convolution input", self.shape.input_len(), input.len())?;
        check_len("convolution output", self.shape.output_len(), output.len())?;
        epilogue.check(self.shape.out_channels)?;
        if let Some(mask) = mask {
            check_len("mask", self.shape.out_height * self.shape.out_width, mask.len())?;
        }
        let job = Job { winograd: self, input, epilogue, mask, transform: Transform::detect() };
        par_strips(output, self.grid(), list, |strips| job.run(strips));
        Ok(())
    }
}

fn check_geometry(shape: &ConvShape) -> Result<(), KernelError> {
    let geometry = shape.geometry;
    check_len("side of a kernel that Winograd's transform takes", 3, geometry.kernel)?;
    check_len("stride that Winograd's transform takes", 1, geometry.stride)?;
    check_len("most padding that Winograd's transform takes", 2, geometry.padding.max(2))
}

fn adjoint_shape(shape: &ConvShape) -> Result<ConvShape, KernelError> {
    let geometry = super::ConvGeometry { padding: 2 - shape.geometry.padding.min(2), ..shape.geometry };
    let size = (shape.out_height, shape.out_width);
    ConvShape::forward(shape.batch, shape.out_channels, shape.in_channels, size, geometry)
}

/// One run over a map.
struct Job<'a> {
    winograd: &'a Winograd,
    input: &'a [f32],
    epilogue: Epilogue<'a>,
    mask: Option<&'a [u8]>,
    transform: Transform,
}

impl Job<'_> {
    /// One block of tiles: in, 36 products a group of channels, out.
    fn run(&self, mut strips: StripsMut<'_>) {
        let ConvShape { in_channels, out_channels, .. } = self.winograd.shape;
        let tiles: usize = strips.strips().iter().map(|strip| strip.len).sum();
        // The last vector of a strip may reach beyond its tiles.
        let stride = tiles.next_multiple_of(LANES) + LANES;
        let group = GROUP.min(out_channels.next_multiple_of(ROWS));
        with_scratch(POINTS * stride * (in_channels + group), |scratch| {
            let (points, products) = scratch.split_at_mut(POINTS * stride * in_channels);
            self.transform_input(&strips, stride, points);
            for first in (0..out_channels).step_by(group) {
                let channels = first..(first + group).min(out_channels);
                self.multiply(points, (tiles, stride), channels.clone(), products);
                for channel in channels {
                    self.transform_output(
                        &mut strips,
                        channel,
                        &products[(channel - first) * stride..],
                        group * stride,
                    );
                }
            }
        });
    }

    /// (36, Ci, stride).
    fn transform_input(&self, strips: &StripsMut<'_>, stride: usize, points: &mut [f32]) {
        let ConvShape { in_channels, height, width, geometry, .. } = self.winograd.shape;
        let padding = geometry.padding;
        let mut lines = [[0.0; LINE]; PATCH];
        let mut transformed: [Lane; POINTS] = [[0.0; LANES]; POINTS];
        for channel in 0..in_channels {
            let mut column = 0;
            for strip in strips.strips() {
                let map = &self.input[(strip.frame * in_channels + channel) * height * width..][..height * width];
                let pixels = TILE * strip.len + PATCH - TILE;
                for (row, line) in lines.iter_mut().enumerate() {
                    let y = (strip.row * TILE + row).wrapping_sub(padding);
                    read_line(map, (height, width), (y, strip.start * TILE, padding), &mut line[..pixels]);
                }
                self.transform.input(&lines, &mut transformed);
                for (point, lane) in transformed.iter().enumerate() {
                    let start = (point * in_channels + channel) * stride + column;
                    points[start..start + LANES].copy_from_slice(lane);
                }
                column += strip.len;
            }
        }
    }

    /// (36, group, stride).
    fn multiply(
        &self,
        points: &[f32],
        (tiles, stride): (usize, usize),
        channels: std::ops::Range<usize>,
        products: &mut [f32],
    ) {
        let ConvShape { in_channels, out_channels, .. } = self.winograd.shape;
        let point_len = out_channels.next_multiple_of(ROWS) * in_channels;
        let group = GROUP.min(out_channels.next_multiple_of(ROWS));
        let sources = points.chunks_exact(in_channels * stride);
        let weights = self.winograd.weight.chunks_exact(point_len);
        for ((source, weight), result) in sources.zip(weights).zip(products.chunks_exact_mut(group * stride)) {
            let rhs = MatRef::new(source, (in_channels, tiles), (stride, 1));
            let blocks = weight[channels.start * in_channels..].chunks_exact(ROWS * in_channels);
            for (block, result) in blocks.zip(result.chunks_mut(ROWS * stride)).take(channels.len().div_ceil(ROWS)) {
                let rows = ROWS.min(result.len() / stride);
                let lhs = MatRef::new(block, (rows, in_channels), (1, ROWS));
                MatMut::strided(result, rows, tiles, stride).multiply(false, lhs, rhs);
            }
        }
    }

    fn transform_output(&self, strips: &mut StripsMut<'_>, channel: usize, products: &[f32], point_stride: usize) {
        let width = self.winograd.shape.out_width;
        let bias = self.epilogue.bias.and_then(|bias| bias.get(channel)).copied().unwrap_or(0.0);
        let floor = match self.epilogue.activation {
            Activation::Identity => f32::NEG_INFINITY,
            Activation::Relu => 0.0,
        };
        let mut points: [Lane; POINTS] = [[0.0; LANES]; POINTS];
        let mut pixels = [[0.0; TILE * LANES]; TILE];
        let mut column = 0;
        for (index, strip) in strips.strips().iter().enumerate() {
            for (point, lane) in points.iter_mut().enumerate() {
                lane.copy_from_slice(&products[point * point_stride + column..][..LANES]);
            }
            self.transform.output(&points, bias, floor, &mut pixels);
            for (line, values) in pixels.iter().enumerate() {
                let row = strips.row_mut(channel, index, line);
                let from = (strip.row * TILE + line) * width + strip.start * TILE;
                match self.mask.and_then(|mask| mask.get(from..from + row.len())) {
                    None => row.copy_from_slice(&values[..row.len()]),
                    Some(mask) => {
                        for ((pixel, value), set) in row.iter_mut().zip(values).zip(mask) {
                            *pixel = if *set == 0 { *pixel } else { *value };
                        }
                    }
                }
            }
            column += strip.len;
        }
    }
}

/// Pixels `x - padding..` of row `y` of a map, zero outside.
fn read_line(map: &[f32], (height, width): (usize, usize), (y, x, padding): (usize, usize, usize), line: &mut [f32]) {
    if y >= height {
        line.fill(0.0);
        return;
    }
    let row = &map[y * width..][..width];
    let left = padding.saturating_sub(x).min(line.len());
    line[..left].fill(0.0);
    let from = (x + left).saturating_sub(padding).min(width);
    let count = (width - from).min(line.len() - left);
    line[left..left + count].copy_from_slice(&row[from..from + count]);
    line[left + count..].fill(0.0);
}

#[cfg(test)]
mod tests;
