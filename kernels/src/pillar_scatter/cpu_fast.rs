//! Scatter and gather in parallel over groups of channels, a cache line of a pillar's features at a time.

use rayon::prelude::*;

use crate::plan::CanvasSize;

/// Channels of one group: a cache line of f32.
const GROUP: usize = 16;
/// Pillars of one task of the gather.
const PILLARS: usize = 256;

/// Pillars of frame `b`, where coords are sorted.
fn frame_rows(coords: &[[u32; 3]], b: usize) -> std::ops::Range<usize> {
    let before = |limit: usize| coords.partition_point(|coord| (coord[0] as usize) < limit);
    before(b)..before(b + 1)
}

fn cell(coord: &[u32; 3], canvas: CanvasSize) -> usize {
    coord[1] as usize * canvas.nx + coord[2] as usize
}

/// features (P, C) into canvas (B, C, ny, nx), which is zero beforehand. coords are sorted, inside, one a cell.
pub(crate) fn scatter(features: &[f32], coords: &[[u32; 3]], channels: usize, canvas: CanvasSize, out: &mut [f32]) {
    for (b, frame) in out.chunks_exact_mut(channels * canvas.cells()).enumerate() {
        let rows = frame_rows(coords, b);
        let (coords, features) = (&coords[rows.clone()], &features[rows.start * channels..rows.end * channels]);
        frame.par_chunks_mut(GROUP * canvas.cells()).enumerate().for_each(|(group, planes)| {
            let first = group * GROUP;
            for (row, coord) in features.chunks_exact(channels).zip(coords) {
                let cell = cell(coord, canvas);
                for (plane, value) in planes.chunks_exact_mut(canvas.cells()).zip(&row[first..]) {
                    plane[cell] = *value;
                }
            }
        });
    }
}

/// Sets the given cells of every channel of one frame (C, ny, nx) to zero.
pub(crate) fn clear(coords: &[[u32; 3]], canvas: CanvasSize, frame: &mut [f32]) {
    frame.par_chunks_mut(GROUP * canvas.cells()).for_each(|planes| {
        for plane in planes.chunks_exact_mut(canvas.cells()) {
            coords.iter().for_each(|coord| plane[cell(coord, canvas)] = 0.0);
        }
    });
}

/// canvas (B, C, ny, nx) at coords -> (P, C): the adjoint of [`scatter`].
pub(crate) fn gather(map: &[f32], coords: &[[u32; 3]], channels: usize, canvas: CanvasSize) -> Vec<f32> {
    let mut out = vec![0.0; coords.len() * channels];
    let tasks = out.par_chunks_mut(PILLARS * channels).zip(coords.par_chunks(PILLARS));
    tasks.for_each(|(rows, coords)| {
        for c in 0..channels {
            for (row, coord) in rows.chunks_exact_mut(channels).zip(coords) {
                row[c] = map[(coord[0] as usize * channels + c) * canvas.cells() + cell(coord, canvas)];
            }
        }
    });
    out
}
