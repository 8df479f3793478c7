//! Two-dimensional convolution and the two maps adjoint to it.
//!
//! Forward     input (B, Ci, H, W), weight (Co, Ci, k, k) -> output (B, Co, Ho, Wo), Ho = (H + 2p - k) / s + 1.
//! Transposed  (B, Co, Ho, Wo) -> (B, Ci, H, W): the gradient of the input, and a transposed convolution's forward.
//! Weight      (B, Ci, H, W), (B, Co, Ho, Wo) -> (Co, Ci, k, k): the gradient of the weight.
//! Order   tiles and reduction groups depend on shapes alone, so any number of threads gives the same bytes.
//! Limits  square kernels, equal stride and padding along y and x, no dilation, no groups.
//! Source  cross-correlation as in the field's networks; tiled im2col: Chellapilla et al., 2006.

pub mod autograd;
pub mod cpu;
pub mod cpu_fast;
pub(crate) mod cpu_sparse;
pub(crate) mod cuda;
mod gather;
pub mod winograd;

use crate::error::KernelError;

/// Kernel, stride and padding of a convolution; the same along y and x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvGeometry {
    /// Side of the kernel.
    pub kernel: usize,
    /// Step.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
}

impl ConvGeometry {
    /// (Ho, Wo) for a map of (height, width).
    ///
    /// # Errors
    /// A kernel or stride of 0, or a kernel larger than the padded map.
    pub fn output_size(self, height: usize, width: usize) -> Result<(usize, usize), KernelError> {
        let Self { kernel, stride, padding } = self;
        let side = |size: usize| {
            let padded = size.checked_add(padding.checked_mul(2)?)?;
            padded.checked_sub(kernel)?.checked_div(stride).map(|steps| steps + 1)
        };
        match (side(height), side(width)) {
            (Some(height_out), Some(width_out)) if kernel > 0 => Ok((height_out, width_out)),
            _ => Err(KernelError::KernelTooLarge { kernel, stride, padding, height, width }),
        }
    }
}

/// All sizes of one convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// B.
    pub batch: usize,
    /// Ci.
    pub in_channels: usize,
    /// Co.
    pub out_channels: usize,
    /// H.
    pub height: usize,
    /// W.
    pub width: usize,
    /// Ho.
    pub out_height: usize,
    /// Wo.
    pub out_width: usize,
    /// Kernel, stride, padding.
    pub geometry: ConvGeometry,
}

impl ConvShape {
    /// Sizes of a convolution of (batch, `in_channels`, height, width).
    ///
    /// # Errors
    /// As [`ConvGeometry::output_size`].
    pub fn forward(
        batch: usize,
        in_channels: usize,
        out_channels: usize,
        (height, width): (usize, usize),
        geometry: ConvGeometry,
    ) -> Result<Self, KernelError> {
        let (out_height, out_width) = geometry.output_size(height, width)?;
        Ok(Self { batch, in_channels, out_channels, height, width, out_height, out_width, geometry })
    }

    /// Values of (B, Ci, H, W).
    pub fn input_len(&self) -> usize {
        self.batch * self.in_channels * self.height * self.width
    }

    /// Values of (B, Co, Ho, Wo).
    pub fn output_len(&self) -> usize {
        self.batch * self.out_channels * self.out_height * self.out_width
    }

    /// Values of (Co, Ci, k, k).
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.in_channels * self.geometry.kernel * self.geometry.kernel
    }
}

/// Refuses an array whose length contradicts the shape.
pub(crate) fn check_len(what: &'static str, expected: usize, found: usize) -> Result<(), KernelError> {
    if expected == found { Ok(()) } else { Err(KernelError::Length { what, expected, found }) }
}

#[cfg(test)]
mod tests;
