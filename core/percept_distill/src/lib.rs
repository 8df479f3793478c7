//! Training of detectors: targets, losses, optimiser, augmentation, loading, the loop itself.
//!
//! This is the supervised part; a loss of another method is one more file under `losses`.

pub mod augment;
pub mod data;
mod error;
pub mod losses;
pub mod optimiser;
pub mod random;
pub mod targets;
pub mod train;
pub mod validation;

pub use error::DistillError;
