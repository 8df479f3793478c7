//! Checkpoints of OpenPCDet and mmdetection3d, read without executing anything.
//!
//! ```text
//! .pth (zip, or the stream before torch 1.6) -pickle-> tensors -names, conventions-> configuration and weights of ours
//! ```

mod archive;
mod checkpoint;
mod conventions;
mod error;
mod names;
mod pickle;
mod tensors;

pub use checkpoint::{ImportOptions, ImportedCheckpoint, Toolbox, import_checkpoint};
pub use error::{ImportError, PickleError};

use percept_kernels::parameters::ParameterMap;

/// The tensors of a checkpoint by the names it gives them.
///
/// # Errors
/// When the bytes are no checkpoint of torch, or damaged. Nothing in them is executed.
pub fn read_tensors(bytes: &[u8]) -> Result<ParameterMap, ImportError> {
    tensors::state_dict(&archive::Container::open(bytes)?)
}
