//! The same maps where only some pixels are wanted: their columns side by side, one product, and back to their places.
//!
//! Each value is the chain of multiply-adds that the dense maps compute, so a pixel has the same bytes in both.

use super::cpu_fast::{Epilogue, Transposed, forward_source, forward_taps, tile_pixels};
use super::gather::{Source, Tap};
use super::{ConvShape, check_len};
use crate::error::KernelError;
use crate::matrix::{CellGrid, Cut, MatMut, MatRef, PANEL, Strip, StripList, StripsMut, par_strips};
use crate::scratch::with_scratch;

/// Pixels between two strips up to which both are one: copying them is cheaper than starting anew.
const GAP: usize = 3;

/// Distance between rows of columns: an odd number of panels, so that they spread over all sets of a cache.
fn column_stride(pixels: usize) -> usize {
    (pixels.div_ceil(PANEL) | 1) * PANEL
}

/// The pixels of the result of [`forward_strips`].
pub(crate) fn forward_grid(shape: &ConvShape) -> CellGrid {
    let ConvShape { batch, out_channels, out_height, out_width, .. } = *shape;
    CellGrid { frames: batch, channels: out_channels, height: out_height, width: out_width, unit: 1 }
}

/// How they are cut into blocks.
pub(crate) fn forward_cut(shape: &ConvShape) -> Cut {
    let depth = shape.in_channels * shape.geometry.kernel * shape.geometry.kernel;
    Cut { longest: usize::MAX, block: tile_pixels(depth), gap: GAP }
}

/// Largest scratch, in values, that [`forward_strips`] asks a thread for.
pub(crate) fn forward_scratch_len(shape: &ConvShape) -> usize {
    let depth = shape.in_channels * shape.geometry.kernel * shape.geometry.kernel;
    (depth + shape.out_channels) * column_stride(forward_cut(shape).largest_block())
}

/// The listed pixels of [`super::cpu_fast::forward`].
///
/// # Errors
/// Arrays whose lengths contradict the shape.
pub(crate) fn forward_strips(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    epilogue: Epilogue<'_>,
    list: &StripList,
    output: &mut [f32],
) -> Result<(), KernelError> {
    check_len("convolution input", shape.input_len(), input.len())?;
    check_len("convolution weight", shape.weight_len(), weight.len())?;
    check_len("convolution output", shape.output_len(), output.len())?;
    epilogue.check(shape.out_channels)?;
    let taps = forward_taps(shape);
    let (depth, rows) = (shape.in_channels * taps.len(), shape.out_channels);
    let weight = MatRef::row_major(weight, rows, depth);
    par_strips(output, forward_grid(shape), list, |mut strips| {
        let pixels = cells(strips.strips());
        let stride = column_stride(pixels);
        with_scratch((depth + rows) * stride, |scratch| {
            let (columns, result) = scratch.split_at_mut(depth * stride);
            gather(|frame| forward_source(shape, input, frame), &taps, strips.strips(), stride, columns);
            let columns = MatRef::new(columns, (depth, pixels), (stride, 1));
            MatMut::strided(result, rows, pixels, stride).multiply(false, weight, columns);
            for (channel, values) in result.chunks_exact_mut(stride).enumerate() {
                epilogue.apply(channel, &mut values[..pixels]);
                write_rows(&mut strips, channel, values);
            }
        });
    });
    Ok(())
}

fn cells(strips: &[Strip]) -> usize {
    strips.iter().map(|strip| strip.len).sum()
}

/// (C * taps, stride), the pixels of the strips one after another.
fn gather<'a>(
    source: impl Fn(usize) -> Source<'a>,
    taps: &[Tap],
    strips: &[Strip],
    stride: usize,
    columns: &mut [f32],
) {
    for (index, row) in columns.chunks_exact_mut(stride).enumerate() {
        let mut rest = row;
        for strip in strips {
            let (segment, after) = rest.split_at_mut(strip.len);
            let source = source(strip.frame);
            let start = strip.row * source.grid_width + strip.start;
            source.gather_tap(source.plane(index / taps.len()), taps[index % taps.len()], start, segment);
            rest = after;
        }
    }
}

fn write_rows(strips: &mut StripsMut<'_>, channel: usize, values: &[f32]) {
    let mut rest = values;
    for (index, strip) in strips.strips().iter().enumerate() {
        let (segment, after) = rest.split_at(strip.len);
        strips.row_mut(channel, index, 0).copy_from_slice(segment);
        rest = after;
    }
}

/// The transposed convolution whose kernel is its stride, for some input pixels: each becomes a square of results.
impl Transposed {
    /// The squares of the result.
    pub(crate) fn grid(&self) -> CellGrid {
        let ConvShape { batch, in_channels, height, width, geometry, .. } = self.shape;
        CellGrid { frames: batch, channels: in_channels, height, width, unit: geometry.stride }
    }

    /// How they are cut into blocks.
    pub(crate) fn cut(&self) -> Cut {
        let depth = self.shape.out_channels + self.shape.geometry.stride * self.shape.in_channels;
        Cut { longest: usize::MAX, block: tile_pixels(depth), gap: GAP }
    }

    /// Largest scratch, in values, that [`Self::run_strips`] asks a thread for.
    pub(crate) fn strips_scratch_len(&self) -> usize {
        let depth = self.shape.out_channels + self.shape.geometry.stride * self.shape.in_channels;
        depth * column_stride(self.cut().largest_block())
    }

    /// The listed squares of [`Self::run`].
    ///
    /// # Errors
    /// Arrays whose lengths contradict the shape; a kernel that is not the stride, or padding.
    pub(crate) fn run_strips(
        &self,
        source: &[f32],
        epilogue: Epilogue<'_>,
        list: &StripList,
        out: &mut [f32],
    ) -> Result<(), KernelError> {
        let shape = &self.shape;
        check_len("transposed convolution input", shape.output_len(), source.len())?;
        check_len("transposed convolution output", shape.input_len(), out.len())?;
        check_len("transposed convolution's kernel", shape.geometry.stride, shape.geometry.kernel)?;
        check_len("transposed convolution's padding", 0, shape.geometry.padding)?;
        epilogue.check(shape.in_channels)?;
        let scale = shape.geometry.stride;
        let (depth, rows) = (shape.out_channels, shape.in_channels);
        let here = [Tap { dy: 0, dx: 0 }];
        par_strips(out, self.grid(), list, |mut strips| {
            let pixels = cells(strips.strips());
            let stride = column_stride(pixels);
            with_scratch((depth + scale * rows) * stride, |scratch| {
                let (columns, results) = scratch.split_at_mut(depth * stride);
                gather(|frame| self.source(source, frame, shape.out_width), &here, strips.strips(), stride, columns);
                let columns = MatRef::new(columns, (depth, pixels), (stride, 1));
                for (line, phases) in self.phases.chunks_exact(scale).enumerate() {
                    for (phase, result) in phases.iter().zip(results.chunks_exact_mut(rows * stride)) {
                        let weight = MatRef::row_major(&phase.weight, rows, depth);
                        MatMut::strided(result, rows, pixels, stride).multiply(false, weight, columns);
                    }
                    for channel in 0..rows {
                        for result in results.chunks_exact_mut(rows * stride) {
                            epilogue.apply(channel, &mut result[channel * stride..][..pixels]);
                        }
                        interleave(&mut strips, (channel, line, scale), &results[channel * stride..], rows * stride);
                    }
                }
            });
        });
        Ok(())
    }
}

/// Writes one pixel row of every strip: value `i` of phase `x` goes to pixel `i * scale + x`.
fn interleave(
    strips: &mut StripsMut<'_>,
    (channel, line, scale): (usize, usize, usize),
    values: &[f32],
    phase_stride: usize,
) {
    let mut column = 0;
    for (index, strip) in strips.strips().iter().enumerate() {
        let row = strips.row_mut(channel, index, line);
        for x in 0..scale {
            let phase = &values[x * phase_stride + column..][..strip.len];
            for (pixel, value) in row.iter_mut().skip(x).step_by(scale).zip(phase) {
                *pixel = *value;
            }
        }
        column += strip.len;
    }
}
