//! What the CUDA executor asks of a device, and the two devices there are: a GPU behind NVIDIA's driver, and the emulator
//! of the tests.
//!
//! Kernels   `src/<op>/<op>.cu`, compiled ahead to the PTX beside them (`kernels/ptx/build.py`); the driver turns it into
//!           machine code when a device is opened.
//! Launches  are data (`Launch`), made at configure time; a [`Program`] of them runs as one CUDA graph, in order, on one
//!           stream. Both devices run the same launches, so what the emulator shows of sizes and parameters holds for both.
//! Libraries the driver is opened at run time: a machine without CUDA gets [`DeviceError::NoDriver`], never a link error.

mod buffer;
mod driver;
#[cfg(any(test, feature = "emulator"))]
mod emulated;
mod error;
mod launch;

pub use buffer::Buffer;
pub use error::DeviceError;
pub(crate) use launch::{Arguments, Kernel, Launch, blocks};

use std::fmt;
use std::sync::Arc;

/// What a device does. Addresses and launches come from this crate alone; that is what makes them valid.
trait RawDevice: Send + Sync + fmt::Debug {
    /// Its name, for people.
    fn name(&self) -> String;
    /// Zeroed memory, aligned to 256 bytes (the emulator: 16).
    fn allocate(&self, bytes: usize) -> Result<u64, DeviceError>;
    /// Gives memory back once all work has ended.
    fn free(&self, address: u64, bytes: usize);
    /// Queues a copy to the device; the bytes may change once this returns.
    fn upload(&self, address: u64, bytes: &[u8]) -> Result<(), DeviceError>;
    /// Waits for all work queued before, then copies from the device: the one synchronisation of a frame.
    fn download(&self, address: u64, bytes: &mut [u8]) -> Result<(), DeviceError>;
    /// Makes launches ready to run together.
    fn prepare(&self, launches: Vec<Launch>) -> Result<Box<dyn Prepared>, DeviceError>;
}

/// Launches that are ready to run.
trait Prepared: Send + fmt::Debug {
    /// Queues all of them.
    fn run(&self) -> Result<(), DeviceError>;
}

/// A device that runs the kernels of this crate.
#[derive(Clone, Debug)]
pub struct CudaDevice {
    raw: Arc<dyn RawDevice>,
}

impl CudaDevice {
    /// Opens GPU number `ordinal` and compiles the kernels for it.
    ///
    /// # Errors
    /// No driver; one before CUDA 12.2; no such GPU; a GPU before Ampere; what the driver says.
    pub fn open(ordinal: usize) -> Result<Self, DeviceError> {
        Ok(Self { raw: driver::Gpu::open(ordinal)? })
    }

    /// The device that tests run on: the GPU that `PERCEPT_TEST_DEVICE` (as `cuda:0`) names, else the emulator, which runs
    /// every kernel on the CPU, thread by thread. The emulator needs a C++ compiler (`CXX`, else g++); without one it says
    /// so loudly and gives none, unless `PERCEPT_REQUIRE_EMULATOR` is set.
    ///
    /// # Errors
    /// Those of [`Self::open`]; when the compiler refuses the sources; without one where it is required.
    #[cfg(any(test, feature = "emulator"))]
    pub fn for_tests(order: EmulatedOrder) -> Result<Option<Self>, DeviceError> {
        if let Ok(name) = std::env::var("PERCEPT_TEST_DEVICE") {
            let ordinal = name.strip_prefix("cuda:").and_then(|ordinal| ordinal.parse().ok());
            let refused = || DeviceError::Driver { call: "PERCEPT_TEST_DEVICE", reason: format!("{name}: not cuda:N") };
            return Self::open(ordinal.ok_or_else(refused)?).map(Some);
        }
        let is_required = std::env::var_os("PERCEPT_REQUIRE_EMULATOR").is_some();
        match emulated::Emulator::open(order) {
            Ok(emulator) => Ok(Some(Self { raw: Arc::new(emulator) })),
            Err(emulated::OpenError::NoCompiler(reason)) if !is_required => {
                eprintln!("SKIPPED: the CUDA kernels were not emulated: {reason}");
                Ok(None)
            }
            Err(emulated::OpenError::NoCompiler(reason) | emulated::OpenError::Failed(reason)) => {
                Err(DeviceError::Kernel { kernel: "of the emulator".to_owned(), reason })
            }
        }
    }

    /// Its name, for people.
    pub fn name(&self) -> String {
        self.raw.name()
    }

    /// Zeroed memory for `len` values.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`]; what the driver says.
    pub fn allocate<T>(&self, len: usize) -> Result<Buffer, DeviceError> {
        let bytes = len.checked_mul(size_of::<T>()).ok_or(DeviceError::OutOfMemory { bytes: usize::MAX })?;
        Buffer::new(Arc::clone(&self.raw), bytes)
    }

    /// Memory with these values.
    ///
    /// # Errors
    /// As [`Self::allocate`].
    pub fn with_values<T: bytemuck::Pod>(&self, values: &[T]) -> Result<Buffer, DeviceError> {
        let buffer = self.allocate::<T>(values.len())?;
        buffer.upload(values)?;
        Ok(buffer)
    }

    /// Makes launches ready to run together.
    pub(crate) fn program(&self, launches: Vec<Launch>) -> Result<Program, DeviceError> {
        Ok(Program { prepared: self.raw.prepare(launches)? })
    }
}

/// Launches that run together, in order: on a GPU one graph.
#[derive(Debug)]
pub struct Program {
    prepared: Box<dyn Prepared>,
}

impl Program {
    /// Queues them; their results are there after the next download.
    ///
    /// # Errors
    /// What the driver says.
    pub fn run(&self) -> Result<(), DeviceError> {
        self.prepared.run()
    }
}

/// In which order the emulator runs the threads of a block and the blocks of a grid: results must not depend on it.
#[cfg(any(test, feature = "emulator"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmulatedOrder {
    /// First to last.
    Forward,
    /// Threads and blocks last to first.
    Backward,
}

#[cfg(test)]
mod tests;
