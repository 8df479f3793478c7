//! Checkpoints of OpenPCDet and mmdetection3d, read without executing anything.

mod archive;
mod conventions;
mod error;
mod names;
mod pickle;
mod tensors;

pub use error::{ImportError, PickleError};
pub use names::Origin;
pub use tensors::CheckpointTensor;

use std::collections::BTreeMap;

/// The tensors of a checkpoint by the names it gives them.
///
/// # Errors
/// When the bytes are no checkpoint of torch, or damaged. Nothing in them is executed.
pub fn read_tensors(bytes: &[u8]) -> Result<BTreeMap<String, CheckpointTensor>, ImportError> {
    tensors::state_dict(&archive::Container::open(bytes)?)
}
