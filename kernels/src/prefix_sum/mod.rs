//! Exclusive prefix sums on a GPU: the step of a scan that joins tiles.
//!
//! sums (columns, tiles + 1) -> exclusive prefix sums of each column, its total last.

use crate::cuda::{Arguments, Buffer, Kernel, Launch};

const TILES: Kernel = Kernel { name: "prefix_sum_tiles", ptx: include_str!("prefix_sum.ptx") };
/// Threads of its block.
const THREADS: u32 = 1024;

pub(crate) fn launch(sums: &Buffer, columns: usize, tiles: usize) -> Launch {
    Launch::line(TILES, columns, THREADS, Arguments::new().buffer(sums).size(tiles))
}
