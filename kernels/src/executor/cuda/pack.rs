//! Folded weights in half precision, in the order in which the tensor cores read them.

use half::f16;

use super::memory::padded;
use crate::conv2d::cuda::packed_depth;
use crate::cuda::DeviceError;

/// Rows of packed weights are a multiple of the widest tile.
const ROWS: usize = 64;

/// (rows, depth) halves, zero where the network has no weight.
pub(super) struct Packed {
    values: Vec<f16>,
    depth: usize,
}

impl Packed {
    fn new(rows: usize, taps: usize, in_channels: usize) -> Self {
        let depth = packed_depth(taps, in_channels);
        Self { values: vec![f16::ZERO; rows.next_multiple_of(ROWS) * depth], depth }
    }

    pub fn values(&self) -> &[f16] {
        &self.values
    }

    fn set(&mut self, name: &str, (row, column): (usize, usize), value: f32) -> Result<(), DeviceError> {
        self.values[row * self.depth + column] = to_half(name, value)?;
        Ok(())
    }

    /// weight (Co, Ci, k, k): row = output channel, depth = tap, then input channel.
    pub fn conv(
        name: &str,
        weight: &[f32],
        (out_channels, kernel): (usize, usize),
        (in_width, in_channels): (usize, &[usize]),
    ) -> Result<Self, DeviceError> {
        let taps = kernel * kernel;
        let mut packed = Self::new(padded(out_channels), taps, in_width);
        for (row, of_row) in weight.chunks_exact(in_channels.len() * taps).enumerate() {
            for (of_channel, channel) in of_row.chunks_exact(taps).zip(in_channels) {
                for (tap, value) in of_channel.iter().enumerate() {
                    packed.set(name, (row, tap * in_width + channel), *value)?;
                }
            }
        }
        Ok(packed)
    }

    /// weight (Ci, Co, k, k): row = tap, then output channel; depth = input channel.
    pub fn deconv(
        name: &str,
        weight: &[f32],
        (out_channels, scale): (usize, usize),
        (in_width, in_channels): (usize, &[usize]),
    ) -> Result<Self, DeviceError> {
        let taps = scale * scale;
        let mut packed = Self::new(taps * padded(out_channels), 1, in_width);
        for (of_input, channel) in weight.chunks_exact(out_channels * taps).zip(in_channels) {
            for (out, of_output) in of_input.chunks_exact(taps).enumerate() {
                for (tap, value) in of_output.iter().enumerate() {
                    packed.set(name, (tap * padded(out_channels) + out, *channel), *value)?;
                }
            }
        }
        Ok(packed)
    }
}

fn to_half(name: &str, value: f32) -> Result<f16, DeviceError> {
    let half = f16::from_f32(value);
    if half.is_finite() {
        return Ok(half);
    }
    Err(DeviceError::HalfOverflow { name: name.to_owned(), value: value.to_string() })
}

/// Padded with zeros to a multiple of 8.
pub(super) fn padded_values(values: &[f32]) -> Vec<f32> {
    let mut values = values.to_vec();
    values.resize(padded(values.len()), 0.0);
    values
}
