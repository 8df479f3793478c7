//! The launch of conv_transpose2d.cu.

use crate::conv2d::cuda::{GEMM_THREADS, GemmShape, Operands, TILE_ROWS};
use crate::cuda::{Kernel, Launch, blocks};

const TRANSPOSED: Kernel = Kernel { name: "conv_transpose2d", ptx: include_str!("conv_transpose2d.ptx") };
const COLUMNS: u32 = 64;

pub(crate) fn launch(shape: &GemmShape, operands: &Operands<'_>) -> Launch {
    let rows = blocks((shape.rows_y * shape.rows_x) as usize, TILE_ROWS as u32);
    let grid = [rows as u32, (shape.scale * shape.scale * shape.out_channels).div_ceil(COLUMNS), 1];
    Launch { kernel: TRANSPOSED, grid, block: GEMM_THREADS, arguments: operands.arguments(shape) }
}
