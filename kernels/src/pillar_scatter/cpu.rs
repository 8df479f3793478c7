//! The plain loop: the specification.

use crate::plan::CanvasSize;

/// features (P, C), coords (P) of (b, y, x) -> (B, C, ny, nx).
pub fn scatter(features: &[f64], coords: &[[u32; 3]], channels: usize, batch: usize, canvas: CanvasSize) -> Vec<f64> {
    let mut out = vec![0.0; batch * channels * canvas.cells()];
    for (row, &[b, y, x]) in features.chunks_exact(channels).zip(coords) {
        for (c, value) in row.iter().enumerate() {
            out[((b as usize * channels + c) * canvas.ny + y as usize) * canvas.nx + x as usize] = *value;
        }
    }
    out
}
