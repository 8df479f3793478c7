//! Memory on a device.

use std::sync::Arc;

use super::{DeviceError, RawDevice};

/// Memory on a device; given back when dropped.
#[derive(Debug)]
pub struct Buffer {
    device: Arc<dyn RawDevice>,
    address: u64,
    bytes: usize,
}

impl Buffer {
    pub(super) fn new(device: Arc<dyn RawDevice>, bytes: usize) -> Result<Self, DeviceError> {
        // A buffer of nothing still has an address.
        let bytes = bytes.max(16);
        Ok(Self { address: device.allocate(bytes)?, device, bytes })
    }

    /// Its bytes.
    pub fn len_bytes(&self) -> usize {
        self.bytes
    }

    /// Where it begins, for the arguments of a launch.
    pub(crate) fn address(&self) -> u64 {
        self.address
    }

    /// Values to its beginning.
    ///
    /// # Errors
    /// More bytes than it has; what the driver says.
    pub fn upload<T: bytemuck::Pod>(&self, values: &[T]) -> Result<(), DeviceError> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        self.check(0, bytes.len())?;
        if bytes.is_empty() { Ok(()) } else { self.device.upload(self.address, bytes) }
    }

    /// Values from `offset_bytes` on, once all work queued before has ended.
    ///
    /// # Errors
    /// More bytes than it has; what the driver says, also of the work before.
    pub fn download<T: bytemuck::Pod>(&self, offset_bytes: usize, values: &mut [T]) -> Result<(), DeviceError> {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(values);
        self.check(offset_bytes, bytes.len())?;
        if bytes.is_empty() { Ok(()) } else { self.device.download(self.address + offset_bytes as u64, bytes) }
    }

    /// The first `len` values.
    ///
    /// # Errors
    /// As [`Self::download`].
    pub fn values<T: bytemuck::Pod>(&self, len: usize) -> Result<Vec<T>, DeviceError> {
        let mut values = vec![T::zeroed(); len];
        self.download(0, &mut values)?;
        Ok(values)
    }

    fn check(&self, offset: usize, bytes: usize) -> Result<(), DeviceError> {
        if offset.checked_add(bytes).is_some_and(|end| end <= self.bytes) {
            return Ok(());
        }
        Err(DeviceError::Copy { bytes, offset, capacity: self.bytes })
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.device.free(self.address, self.bytes);
    }
}
