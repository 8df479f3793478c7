//! What can be wrong with a checkpoint.

use std::path::PathBuf;
use thiserror::Error;

/// Why a pickle cannot be read.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PickleError {
    /// The stream ends within a value.
    #[error(
        "the pickle ends early: {expected} bytes expected at offset {at}, {left} left; the file is damaged or cut off"
    )]
    Truncated {
        /// Offset in the pickle.
        at: usize,
        /// Bytes the value needs.
        expected: usize,
        /// Bytes left.
        left: usize,
    },
    /// An opcode this reader does not execute or does not know.
    #[error("opcode {opcode:#04x} at offset {at} is refused: a checkpoint written by torch.save does not use it")]
    OpcodeRefused {
        /// The opcode.
        opcode: u8,
        /// Offset in the pickle.
        at: usize,
    },
    /// Something is taken from an empty stack.
    #[error("the pickle takes more values than it made, at offset {at}: the file is damaged")]
    StackEmpty {
        /// Offset in the pickle.
        at: usize,
    },
    /// A group ends that never began.
    #[error("the pickle closes a group that it never opened, at offset {at}: the file is damaged")]
    MarkMissing {
        /// Offset in the pickle.
        at: usize,
    },
    /// A remembered value is asked for that was never remembered.
    #[error("the pickle refers to a value that it never stored, at offset {at}: the file is damaged")]
    MemoUnknown {
        /// Offset in the pickle.
        at: usize,
    },
    /// Text that is no UTF-8, or no text where text is due.
    #[error("the pickle has no valid text where a name is due, at offset {at}: the file is damaged")]
    TextMalformed {
        /// Offset in the pickle.
        at: usize,
    },
    /// A decimal number that is none.
    #[error("the pickle has {found:?} where a number is due, at offset {at}: the file is damaged")]
    NumberMalformed {
        /// Offset in the pickle.
        at: usize,
        /// What stands there.
        found: String,
    },
    /// Entries are added to what is no list or dict.
    #[error("the pickle adds entries to what is neither list nor dict, at offset {at}: the file is damaged")]
    FilledWrongKind {
        /// Offset in the pickle.
        at: usize,
    },
    /// A dict entry without its value.
    #[error("the pickle has a key without a value, at offset {at}: the file is damaged")]
    KeyWithoutValue {
        /// Offset in the pickle.
        at: usize,
    },
}

/// Why a checkpoint cannot be imported.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Neither of torch's two serialisations.
    #[error(
        "this is no torch checkpoint: it begins with {found:02x?}, neither a zip archive nor the stream torch wrote before 1.6"
    )]
    UnknownSerialisation {
        /// The first bytes.
        found: Vec<u8>,
    },
    /// The zip container is damaged or not as torch writes it.
    #[error("the zip container of the checkpoint: {reason}")]
    Archive {
        /// What is wrong.
        reason: String,
    },
    /// The stream of torch before 1.6 is not as it should be.
    #[error("the stream of the checkpoint (torch before 1.6): {reason}")]
    Stream {
        /// What is wrong.
        reason: String,
    },
    /// The pickle within.
    #[error(transparent)]
    Pickle(#[from] PickleError),
    /// A tensor whose description does not fit its bytes.
    #[error("tensor {name}: {reason}")]
    Tensor {
        /// Name in the checkpoint.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// No table of weights.
    #[error(
        "the checkpoint has no table of weights: expected the key model_state (OpenPCDet) or state_dict (mmdetection3d), found {found:?}"
    )]
    NoStateDict {
        /// The keys at the top.
        found: Vec<String>,
    },
    /// Weights of another network.
    #[error(
        "these are no PointPillars weights of OpenPCDet or mmdetection3d: tensor {missing} is missing; the file has {num_tensors} tensors, the first ones {examples:?}"
    )]
    NotPointPillars {
        /// A tensor every PointPillars has.
        missing: String,
        /// Tensors in the file.
        num_tensors: usize,
        /// Some of their names.
        examples: Vec<String>,
    },
    /// A shape that the network cannot have.
    #[error(
        "tensor {name} has shape {found:?}, expected {expected}; choose the options of the import to fit the checkpoint"
    )]
    Shape {
        /// Name in the checkpoint.
        name: String,
        /// Shape found.
        found: Vec<usize>,
        /// What would fit.
        expected: String,
    },
    /// Options that contradict the checkpoint.
    #[error("{0}")]
    Options(String),
}
