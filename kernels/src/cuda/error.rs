//! What can keep a GPU from its work.

/// A device that is not there, not enough, or broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No driver on this machine.
    #[error("no NVIDIA driver: libcuda.so.1 was not found; install it")]
    NoDriver,
    /// A driver that cannot take this build's PTX.
    #[error("the NVIDIA driver supports CUDA {found}, and the kernels need {needed} (driver 535): update the driver")]
    DriverTooOld {
        /// What it supports.
        found: String,
        /// What is needed.
        needed: &'static str,
    },
    /// A GPU that is not there.
    #[error("there is no GPU cuda:{ordinal}, this machine has {count}")]
    NoSuchGpu {
        /// The number asked for.
        ordinal: usize,
        /// How many there are.
        count: usize,
    },
    /// A GPU without the instructions of the kernels.
    #[error("{name} has compute capability {found}, the kernels need 8.0 (Ampere) or newer")]
    TooOld {
        /// The GPU.
        name: String,
        /// Its capability.
        found: String,
    },
    /// Memory that is not there.
    #[error("out of memory on the GPU: {bytes} bytes were asked for; free it from other processes")]
    OutOfMemory {
        /// Bytes of the request.
        bytes: usize,
    },
    /// A fault after which the driver refuses all further work of this process.
    #[error("the GPU failed in {call}: {reason}; the process must be started anew")]
    Sticky {
        /// What was called.
        call: &'static str,
        /// What the driver says.
        reason: String,
    },
    /// Any other refusal of the driver.
    #[error("the NVIDIA driver refused {call}: {reason}")]
    Driver {
        /// What was called.
        call: &'static str,
        /// What it says.
        reason: String,
    },
    /// Kernels that the driver could not compile or find.
    #[error("kernel {kernel}: {reason}")]
    Kernel {
        /// Which.
        kernel: String,
        /// Why.
        reason: String,
    },
    /// A network that the kernels do not cover.
    #[error("{what} is {found}, on a GPU at most {limit}")]
    Unsupported {
        /// Which property.
        what: String,
        /// What the network has.
        found: usize,
        /// What the kernels cover.
        limit: usize,
    },
    /// Weights beyond the range of half precision.
    #[error("parameter {name}: {value} is beyond the range of half precision on a GPU")]
    HalfOverflow {
        /// The parameter, with its norm folded in.
        name: String,
        /// Its value.
        value: String,
    },
    /// A copy beyond the end of a buffer.
    #[error("a copy of {bytes} bytes at {offset} does not fit a buffer of {capacity}")]
    Copy {
        /// Bytes of the copy.
        bytes: usize,
        /// Where it begins.
        offset: usize,
        /// Bytes of the buffer.
        capacity: usize,
    },
}

impl DeviceError {
    /// Whether the process cannot go on with this device, and its supervisor should start it anew.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::OutOfMemory { .. } | Self::Sticky { .. })
    }
}
