//! Transposed convolution whose kernel equals its stride: each input pixel becomes a square of output pixels.
//!
//! input (B, Ci, H, W), weight (Ci, Co, k, k) -> (B, Co, k H, k W).
//! It is the adjoint of a convolution with kernel = stride = k and no padding, whose weight it shares: seen from
//! that convolution the *result* is the input side. All three maps are those of [`crate::conv2d`].
//! Limits  kernel = stride, no padding (the necks of PointPillars and CenterPoint: 1, 2, 4).

pub mod autograd;
pub(crate) mod cuda;

use crate::conv2d::{ConvGeometry, ConvShape};
use crate::error::KernelError;

/// The convolution whose adjoint upsamples (batch, `in_channels`, height, width) by `scale`.
///
/// # Errors
/// A scale of 0.
pub fn adjoint_convolution(
    batch: usize,
    in_channels: usize,
    out_channels: usize,
    (height, width): (usize, usize),
    scale: usize,
) -> Result<ConvShape, KernelError> {
    let geometry = ConvGeometry { kernel: scale, stride: scale, padding: 0 };
    let size = (height.saturating_mul(scale), width.saturating_mul(scale));
    ConvShape::forward(batch, out_channels, in_channels, size, geometry)
}

#[cfg(test)]
mod tests;
