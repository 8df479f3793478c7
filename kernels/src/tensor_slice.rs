//! Candle tensors as slices: views with strides or offsets are made plain first.

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor};

/// The values of a contiguous f32 argument of a custom operation (its offset respected).
pub(crate) fn storage_slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let values = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets() {
        Some((start, end)) if end <= values.len() => Ok(&values[start..end]),
        _ => candle_core::bail!("an operand with strides {:?} must be made contiguous first", layout.stride()),
    }
}

/// Runs a computation on the values of a tensor on the CPU, whatever its strides.
pub(crate) fn with_slice<T>(tensor: &Tensor, compute: impl FnOnce(&[f32]) -> Result<T>) -> Result<T> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => compute(storage_slice(storage, layout)?),
        Storage::Cuda(_) | Storage::Metal(_) => candle_core::bail!("this operation has no twin off the CPU yet"),
    }
}
