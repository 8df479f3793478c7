//! The launches of conv2d.cu and what implicit_gemm.cuh is told.

use bytemuck::{Pod, Zeroable};

use crate::cuda::{Arguments, Buffer, Kernel, Launch, blocks};

const PTX: &str = include_str!("conv2d.ptx");
const CONV_64: Kernel = Kernel { name: "conv2d_64", ptx: PTX };
const CONV_32: Kernel = Kernel { name: "conv2d_32", ptx: PTX };
const COPY: Kernel = Kernel { name: "conv2d_copy_channels", ptx: PTX };
/// As in implicit_gemm.cuh.
pub(crate) const TILE_ROWS: usize = 128;
pub(crate) const GEMM_THREADS: u32 = 128;
const TILE_DEPTH: usize = 32;
const COPY_THREADS: u32 = 256;

/// Sizes, as implicit_gemm.cuh reads them.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub(crate) struct GemmShape {
    pub height: u32,
    pub width: u32,
    pub in_pitch: u32,
    pub in_pieces: u32,
    pub kernel: u32,
    pub stride: u32,
    pub padding: u32,
    pub rows_y: u32,
    pub rows_x: u32,
    pub out_pitch: u32,
    pub out_channels: u32,
    pub scale: u32,
    pub depth_tiles: u32,
    pub relu: u32,
    pub is_f32: u32,
}

/// The operands of a product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operands<'a> {
    pub input: (&'a Buffer, usize),
    pub weight: &'a Buffer,
    pub bias: &'a Buffer,
    pub output: (&'a Buffer, usize),
}

impl Operands<'_> {
    pub fn arguments(&self, shape: &GemmShape) -> Arguments {
        let arguments = Arguments::new().value(*shape).at(self.input.0, self.input.1).buffer(self.weight);
        arguments.buffer(self.bias).at(self.output.0, self.output.1)
    }
}

/// Depth of a product in whole tiles, for `taps` times `channels` (a multiple of 8).
pub(crate) fn depth_tiles(taps: usize, channels: usize) -> usize {
    (taps * channels).div_ceil(TILE_DEPTH)
}

/// Length of a row of packed weights.
pub(crate) fn packed_depth(taps: usize, channels: usize) -> usize {
    depth_tiles(taps, channels) * TILE_DEPTH
}

pub(crate) fn launch(shape: &GemmShape, operands: &Operands<'_>) -> Launch {
    let (kernel, columns) = if shape.out_channels <= 32 { (CONV_32, 32) } else { (CONV_64, 64) };
    let rows = blocks((shape.rows_y * shape.rows_x) as usize, TILE_ROWS as u32);
    let grid = [rows as u32, shape.out_channels.div_ceil(columns), 1];
    Launch { kernel, grid, block: GEMM_THREADS, arguments: operands.arguments(shape) }
}

/// `channels` (a multiple of 8) of each of `pixels` from one map to another.
pub(crate) fn copy_channels(
    (input, in_pitch): ((&Buffer, usize), usize),
    (output, out_pitch): ((&Buffer, usize), usize),
    pixels: usize,
    channels: usize,
) -> Launch {
    let arguments = Arguments::new().at(input.0, input.1).at(output.0, output.1).size(pixels).size(channels / 8);
    let arguments = arguments.size(in_pitch / 8).size(out_pitch / 8);
    Launch::line(COPY, blocks(pixels * channels / 8, COPY_THREADS), COPY_THREADS, arguments)
}
