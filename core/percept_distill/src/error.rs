//! What can go wrong in training.

use std::path::PathBuf;

/// An error of this crate: what was found, what was expected, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DistillError {
    /// A number of the configuration outside its limits.
    #[error("training setting {name} is {found}, expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A frame source that failed.
    #[error("frame {index} cannot be made: {source}")]
    Source {
        /// Index asked for.
        index: u64,
        /// Why.
        source: percept_types::BoxError,
    },
    /// A source without frames.
    #[error("the frame source holds no frame: give a bag with a labelled cloud, or the simulator")]
    EmptySource,
    /// A loader thread ended before its frames were delivered.
    #[error("the loader thread that makes frame {index} ended without delivering it; see the log above for its panic")]
    LoaderStopped {
        /// Frame waited for.
        index: u64,
    },
    /// Model outputs and targets of different sizes.
    #[error("{what}: the targets ask for shape {expected:?}, the network gave {found:?}")]
    Shape {
        /// Which output.
        what: &'static str,
        /// Shape by the targets.
        expected: Vec<usize>,
        /// Shape found.
        found: Vec<usize>,
    },
    /// A parameter or tap of a distillation term that is not there.
    #[error(
        "distillation: {name} is not there, or of another term or network: start anew, or give the terms of the run"
    )]
    Adapter {
        /// The parameter, tap or term.
        name: String,
    },
    /// A teacher that cannot teach this student.
    #[error("teacher {teacher}: {reason}")]
    Teacher {
        /// Its hash, shortened, or its file.
        teacher: String,
        /// What does not fit and what to do.
        reason: String,
    },
    /// A record of teacher outputs that cannot be used.
    #[error("teacher record: {reason}")]
    Record {
        /// What was found, what was expected, what to do.
        reason: String,
    },
    /// Too many steps in a row whose loss or gradient was not finite.
    #[error(
        "{steps} steps in a row up to step {step} had a loss or gradient that is not finite: lower the learning rate, or resume from an earlier checkpoint"
    )]
    NotFinite {
        /// How many in a row.
        steps: u64,
        /// The last of them.
        step: u64,
    },
    /// A checkpoint that is no checkpoint, or of another network or run.
    #[error("checkpoint {path}: {reason}")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What does not fit and what to do.
        reason: String,
    },
    /// A file that cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Tensors that cannot be serialised.
    #[error("tensors cannot be serialised: {0}")]
    Safetensors(#[from] safetensors::SafeTensorError),
    /// JSON that cannot be written or read.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// An error of the model's code.
    #[error(transparent)]
    Model(#[from] percept_models::ModelError),
    /// An error of the operations.
    #[error(transparent)]
    Kernel(#[from] percept_kernels::error::KernelError),
    /// An error of the tensor library.
    #[error("tensor operation: {0}")]
    Candle(#[from] candle_core::Error),
}

impl DistillError {
    /// An I/O error with its file.
    pub(crate) fn io(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}
