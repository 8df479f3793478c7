//! What can go wrong in configurations, weights and frames.

use percept_kernels::error::KernelError;
use percept_types::{CloudError, GridError};
use std::path::PathBuf;

/// An error of this crate: what was found, what was expected, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A range and voxel size that make no grid.
    #[error("grid: {0}")]
    Grid(#[from] GridError),
    /// A value of a configuration out of its bounds.
    #[error("{key} is {found}: it must be {expected}")]
    ConfigValue {
        /// The key.
        key: String,
        /// The value found.
        found: String,
        /// What is allowed.
        expected: String,
    },
    /// Anchors and class names that do not belong together.
    #[error("class_names are {class_names:?}, but anchors are given for {anchors:?}: give each class one anchor")]
    AnchorClasses {
        /// Classes of the head.
        class_names: Vec<String>,
        /// Classes with an anchor.
        anchors: Vec<String>,
    },
    /// A window that does not fit the network's strides.
    #[error("a window of {nx} x {ny} cells at ({x0}, {y0}): each number must be a multiple of {multiple} cells")]
    WindowStride {
        /// First cell along x.
        x0: usize,
        /// First cell along y.
        y0: usize,
        /// Cells along x.
        nx: usize,
        /// Cells along y.
        ny: usize,
        /// What divides them all.
        multiple: usize,
    },
    /// An array of the wrong length.
    #[error("{what}: expected {expected} values, found {found}")]
    Length {
        /// Which array.
        what: &'static str,
        /// Length that the shapes ask for.
        expected: usize,
        /// Length found.
        found: usize,
    },
    /// A prediction that is no number.
    #[error("{what}: value {index} is {value}: the weights or the input hold numbers that overflow")]
    NotFinite {
        /// Which array.
        what: &'static str,
        /// Position of the first such value.
        index: usize,
        /// The value.
        value: f32,
    },
    /// An operation failed.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// Points that are no cloud.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// A weights file that cannot be read or written.
    #[error("weights {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Bytes that are no weights file.
    #[error("weights: {reason}: the file is damaged or no safetensors file; convert or download it again")]
    WeightsFormat {
        /// What is wrong with them.
        reason: String,
    },
    /// A weights file without, or with damaged metadata.
    #[error("weights metadata {key}: {reason}: this file was not written by percept; use `percept import`")]
    WeightsMetadata {
        /// The key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor that the network needs and the file lacks, or the other way round.
    #[error(
        "weights: missing tensors {missing:?}, superfluous tensors {superfluous:?}: they belong to another network"
    )]
    TensorNames {
        /// Needed and not there.
        missing: Vec<String>,
        /// There and not needed.
        superfluous: Vec<String>,
    },
    /// A tensor of the wrong shape.
    #[error("weights: tensor {name} has shape {found:?}, the configuration in the metadata needs {expected:?}")]
    TensorShape {
        /// The tensor.
        name: String,
        /// Shape that the network needs.
        expected: Vec<usize>,
        /// Shape in the file.
        found: Vec<usize>,
    },
    /// A tensor of a type that holds no weights.
    #[error("weights: tensor {name} is stored as {found}: expected F32 or F16")]
    TensorType {
        /// The tensor.
        name: String,
        /// The type found.
        found: String,
    },
    /// A tensor with a NaN or an infinity.
    #[error("weights: tensor {name}: value {index} is {value} ({when}): train again or store as F32")]
    TensorNotFinite {
        /// The tensor.
        name: String,
        /// Position of the first such value.
        index: usize,
        /// The value.
        value: f32,
        /// When it was noticed.
        when: &'static str,
    },
    /// An output or feature tap that the network does not have.
    #[error("no {what} is called {name:?}: the network has {known:?}")]
    UnknownTap {
        /// Output or feature tap.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
}

impl ModelError {
    /// The GPU's fault behind this error, where there is one.
    pub fn device_error(&self) -> Option<&percept_kernels::cuda::DeviceError> {
        match self {
            Self::Kernel(KernelError::Device(error)) => Some(error),
            _ => None,
        }
    }

    /// A configuration value out of its bounds.
    pub(crate) fn value(key: &str, found: impl std::fmt::Debug, expected: &str) -> Self {
        Self::ConfigValue { key: key.to_owned(), found: format!("{found:?}"), expected: expected.to_owned() }
    }
}
