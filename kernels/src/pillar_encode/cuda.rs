//! The launch of pillar_encode.cu.

use crate::cuda::{Arguments, Buffer, Kernel, Launch, blocks};

const ENCODE: Kernel = Kernel { name: "pillar_encode", ptx: include_str!("pillar_encode.ptx") };
const THREADS: u32 = 256;
const WARP: usize = 32;
/// Most features of a decorated point, as in pillar_encode.cu.
pub(crate) const MAX_FEATURES: usize = 16;

/// Sizes and weights of an encoder; `channels` is padded to a multiple of 8.
#[derive(Debug)]
pub(crate) struct Encode {
    pub weight: Buffer,
    pub shift: Buffer,
    pub point_features: usize,
    pub channels: usize,
    pub max_points: usize,
}

impl Encode {
    /// features (R, D), offsets (P + 1) -> out (P, C) half.
    pub fn launch(
        &self,
        (features, offsets): (&Buffer, &Buffer),
        num_pillars: (&Buffer, usize),
        out: &Buffer,
        max_pillars: usize,
    ) -> Launch {
        let arguments = Arguments::new().buffer(features).buffer(offsets).at(num_pillars.0, num_pillars.1);
        let arguments = arguments.buffer(&self.weight).buffer(&self.shift).buffer(out);
        let arguments = arguments.size(self.point_features).size(self.channels).size(self.max_points);
        Launch::line(ENCODE, blocks(max_pillars * WARP, THREADS), THREADS, arguments)
    }
}
