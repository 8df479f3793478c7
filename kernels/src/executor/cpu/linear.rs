//! One convolution of either direction with what follows it, in the way that suits its shape.

use std::ops::Range;

use rayon::prelude::*;

use super::Slot;
use crate::conv2d::ConvShape;
use crate::conv2d::cpu_fast::{self, Epilogue, Transposed};
use crate::conv2d::cpu_sparse;
use crate::conv2d::winograd::Winograd;
use crate::error::KernelError;
use crate::matrix::{CellGrid, Cut, StripList};
use crate::plan::Activation;

/// How a linear map is computed.
#[derive(Debug)]
pub(super) enum Method {
    /// Columns and one product.
    Direct { shape: ConvShape, weight: Vec<f32> },
    /// 3 x 3, stride 1.
    Winograd { shape: ConvShape, winograd: Winograd, whole: StripList },
    /// Kernel = stride.
    Transposed { shape: ConvShape, transposed: Transposed },
}

impl Method {
    /// The cheapest for a convolution of this shape, its weight (Co, Ci, k, k).
    ///
    /// # Errors
    /// A weight that contradicts the shape.
    pub fn convolution(shape: ConvShape, weight: Vec<f32>) -> Result<Self, KernelError> {
        if Winograd::suits(&shape) {
            let winograd = Winograd::new(&shape, &weight)?;
            let whole = StripList::whole(&winograd.grid(), winograd.cut());
            return Ok(Self::Winograd { shape, winograd, whole });
        }
        Ok(Self::Direct { shape, weight })
    }

    fn grid(&self) -> CellGrid {
        match self {
            Self::Direct { shape, .. } => cpu_sparse::forward_grid(shape),
            Self::Winograd { winograd, .. } => winograd.grid(),
            Self::Transposed { transposed, .. } => transposed.grid(),
        }
    }

    fn cut(&self) -> Cut {
        match self {
            Self::Direct { shape, .. } => cpu_sparse::forward_cut(shape),
            Self::Winograd { winograd, .. } => winograd.cut(),
            Self::Transposed { transposed, .. } => transposed.cut(),
        }
    }

    /// Largest scratch, in values, that a thread is asked for.
    pub fn scratch_len(&self) -> usize {
        match self {
            Self::Direct { shape, .. } => cpu_fast::scratch_len(shape).max(cpu_sparse::forward_scratch_len(shape)),
            Self::Winograd { winograd, .. } => winograd.scratch_len(),
            Self::Transposed { transposed, .. } => transposed.scratch_len().max(transposed.strips_scratch_len()),
        }
    }

    /// Sets the output pixels that see a set input pixel.
    fn spread(&self, input: &[u8], output: &mut [u8]) {
        match self {
            Self::Direct { shape, .. } | Self::Winograd { shape, .. } => spread(shape, input, output),
            Self::Transposed { shape, .. } => {
                let (scale, width) = (shape.geometry.stride, shape.width);
                for (y, row) in output.chunks_exact_mut(width).enumerate() {
                    let line = &input[y / scale * shape.out_width..][..shape.out_width];
                    for (pixels, set) in row.chunks_mut(scale).zip(line) {
                        pixels.fill(*set);
                    }
                }
            }
        }
    }
}

/// Output pixel (y, x) is set where any input pixel under the kernel is.
fn spread(shape: &ConvShape, input: &[u8], output: &mut [u8]) {
    let (kernel, stride, padding) = (shape.geometry.kernel, shape.geometry.stride, shape.geometry.padding);
    output.fill(0);
    for (y, row) in output.chunks_exact_mut(shape.out_width).enumerate() {
        for tap in 0..kernel * kernel {
            let source_y = (y * stride + tap / kernel).wrapping_sub(padding);
            if source_y >= shape.height {
                continue;
            }
            let line = &input[source_y * shape.width..][..shape.width];
            // The first output pixel whose tap lies in the line.
            let lead = padding.saturating_sub(tap % kernel).div_ceil(stride).min(row.len());
            let from = (lead * stride + tap % kernel).saturating_sub(padding).min(line.len());
            for (pixel, set) in row[lead..].iter_mut().zip(line[from..].iter().step_by(stride)) {
                *pixel |= *set;
            }
        }
    }
}

/// The pixels of a map that may differ from what an empty canvas gives: in this frame and in the last one.
#[derive(Debug, Clone, Default)]
pub(super) struct Mask {
    pub now: Vec<u8>,
    pub last: Vec<u8>,
}

impl Mask {
    /// Nothing set.
    pub fn new(pixels: usize) -> Self {
        Self { now: vec![0; pixels], last: vec![0; pixels] }
    }
}

/// What a map looks like where no pillar is in sight, and what of it is to be computed in this frame.
#[derive(Debug, Default)]
pub(super) struct Sparse {
    /// The whole map of an empty canvas: borders are in it as they are.
    background: Vec<f32>,
    list: StripList,
    /// Runs of pixels to be put back.
    stale: Vec<Range<usize>>,
}

/// A linear map with bias and activation, and where it reads and writes.
#[derive(Debug)]
pub(super) struct Linear {
    pub method: Method,
    pub bias: Vec<f32>,
    pub activation: Activation,
    /// Layers that produce the input and the result.
    pub from: usize,
    pub to: usize,
    pub input: Slot,
    pub out: Slot,
    pub sparse: Option<Sparse>,
}

impl Linear {
    fn epilogue(&self) -> Epilogue<'_> {
        Epilogue { bias: Some(&self.bias), activation: self.activation }
    }

    /// Computes the whole map.
    ///
    /// # Errors
    /// None where slots fit the shapes.
    pub fn run(&self, arena: &mut [f32]) -> Result<(), KernelError> {
        let (input, out) = self.input.read_write(self.out, arena);
        match &self.method {
            Method::Direct { shape, weight } => cpu_fast::forward(shape, input, weight, self.epilogue(), out),
            Method::Winograd { winograd, whole, .. } => winograd.run_strips(input, self.epilogue(), whole, None, out),
            Method::Transposed { transposed, .. } => transposed.run(input, self.epilogue(), out),
        }
    }

    /// Takes what stands in the arena as the map of an empty canvas.
    pub fn remember_empty(&mut self, arena: &[f32]) {
        let mut list = StripList::default();
        let grid = self.method.grid();
        list.reserve(&grid);
        let stale = Vec::with_capacity((grid.height * grid.width).div_ceil(2));
        self.sparse = Some(Sparse { background: arena[self.out.range()].to_vec(), list, stale });
    }

    /// Computes what pillars are in sight of, and puts back what the last frame wrote elsewhere.
    ///
    /// # Errors
    /// None where slots and masks fit the shapes.
    pub fn run_sparse(&mut self, masks: &mut [Mask], arena: &mut [f32]) -> Result<(), KernelError> {
        let Some(mut sparse) = self.sparse.take() else {
            return self.run(arena);
        };
        let result = self.run_listed(&mut sparse, masks, arena);
        self.sparse = Some(sparse);
        result
    }

    fn run_listed(&self, sparse: &mut Sparse, masks: &mut [Mask], arena: &mut [f32]) -> Result<(), KernelError> {
        // A layer reads only earlier layers.
        let (before, after) = masks.split_at_mut(self.to);
        let (input_mask, mask) = (&before[self.from].now, &mut after[0]);
        std::mem::swap(&mut mask.now, &mut mask.last);
        self.method.spread(input_mask, &mut mask.now);
        find_stale(mask, &mut sparse.stale);
        restore(&sparse.stale, mask.now.len(), &sparse.background, &mut arena[self.out.range()]);
        let grid = self.method.grid();
        let cols = grid.cols();
        let unit = grid.unit;
        let set = |row: usize, col: usize| match &self.method {
            Method::Direct { .. } => mask.now[row * cols + col] != 0,
            Method::Transposed { .. } => input_mask[row * cols + col] != 0,
            Method::Winograd { .. } => {
                let (bottom, right) = (((row + 1) * unit).min(grid.height), ((col + 1) * unit).min(grid.width));
                let mut rows = mask.now[row * unit * grid.width..bottom * grid.width].chunks_exact(grid.width);
                rows.any(|line| line[col * unit..right].iter().any(|set| *set != 0))
            }
        };
        sparse.list.fill(&grid, self.method.cut(), set);
        let (input, out) = self.input.read_write(self.out, arena);
        let list = &sparse.list;
        match &self.method {
            Method::Direct { shape, weight } if list.cells() == grid.cells() => {
                cpu_fast::forward(shape, input, weight, self.epilogue(), out)
            }
            Method::Direct { shape, weight } => {
                cpu_sparse::forward_strips(shape, input, weight, self.epilogue(), list, out)
            }
            Method::Winograd { winograd, .. } => {
                winograd.run_strips(input, self.epilogue(), list, Some(&mask.now), out)
            }
            Method::Transposed { transposed, .. } if list.cells() == grid.cells() => {
                transposed.run(input, self.epilogue(), out)
            }
            Method::Transposed { transposed, .. } => transposed.run_strips(input, self.epilogue(), list, out),
        }
    }

    /// Bytes of the remembered map of an empty canvas.
    pub fn background_bytes(&self) -> usize {
        self.sparse.as_ref().map_or(0, |sparse| size_of_val(sparse.background.as_slice()))
    }

    /// Cells computed in the last frame, of how many.
    pub fn cells(&self) -> (usize, usize) {
        let all = self.method.grid().cells();
        (self.sparse.as_ref().map_or(all, |sparse| sparse.list.cells()), all)
    }
}

/// Runs of pixels that the last frame wrote and this one will not.
fn find_stale(mask: &Mask, stale: &mut Vec<Range<usize>>) {
    stale.clear();
    for (pixel, _) in mask.last.iter().zip(&mask.now).enumerate().filter(|(_, (last, now))| last > now) {
        match stale.last_mut() {
            Some(run) if run.end == pixel => run.end += 1,
            _ => stale.push(pixel..pixel + 1),
        }
    }
}

/// Writes the background there, in every channel.
fn restore(stale: &[Range<usize>], pixels: usize, background: &[f32], out: &mut [f32]) {
    if stale.is_empty() {
        return;
    }
    out.par_chunks_exact_mut(pixels).zip(background.par_chunks_exact(pixels)).for_each(|(plane, background)| {
        for run in stale {
            plane[run.clone()].copy_from_slice(&background[run.clone()]);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv2d::ConvGeometry;

    #[test]
    fn a_pixel_is_set_exactly_where_a_set_one_lies_under_the_kernel() {
        for (kernel, stride, padding) in [(3, 1, 1), (3, 2, 1), (1, 1, 0), (2, 2, 0), (5, 1, 2), (3, 3, 2), (3, 1, 0)] {
            for (height, width) in [(7, 9), (12, 5), (3, 30)] {
                let geometry = ConvGeometry { kernel, stride, padding };
                let Ok(shape) = ConvShape::forward(1, 1, 1, (height, width), geometry) else { continue };
                let input: Vec<u8> = (0..height * width).map(|i| u8::from(i * i % 11 == 3)).collect();
                let mut found = vec![7; shape.out_height * shape.out_width];
                spread(&shape, &input, &mut found);
                for (i, found) in found.iter().enumerate() {
                    let (y, x) = (i / shape.out_width * stride, i % shape.out_width * stride);
                    let under = |tap: usize| {
                        let (y, x) = (y + tap / kernel, x + tap % kernel);
                        let inside = y >= padding && x >= padding && y - padding < height && x - padding < width;
                        inside && input[(y - padding) * width + x - padding] == 1
                    };
                    assert_eq!(*found, u8::from((0..kernel * kernel).any(under)), "{geometry:?} at {i}");
                }
            }
        }
    }

    #[test]
    fn the_background_comes_back_where_only_the_last_frame_wrote() {
        let mask = Mask { now: vec![0, 1, 0, 1], last: vec![1, 1, 0, 0] };
        let (mut out, mut stale) = ([9.0; 8], Vec::new());
        find_stale(&mask, &mut stale);
        restore(&stale, 4, &[1.0; 8], &mut out);
        assert_eq!(out, [1.0, 9.0, 9.0, 9.0, 1.0, 9.0, 9.0, 9.0]);
    }
}
