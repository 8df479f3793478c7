//! Training of detectors: targets, losses, optimiser, augmentation, loading, the loop itself.
//!
//! A loss of another method is one more file under `losses`; what a teacher says, live or recorded, is in `teacher`.

pub mod augment;
pub mod data;
mod error;
pub mod losses;
pub mod optimiser;
pub mod random;
pub mod targets;
pub mod teacher;
pub mod train;
pub mod validation;

pub use error::DistillError;
