//! A quick look at a network in training: boxes on held-out frames, and how many are right.
//!
//! The exact protocols are in `percept_eval`; these numbers are for curves.

mod average_precision;
mod predict;

pub use average_precision::{Metric, ScoredFrame, average_precision};
pub use predict::Predictor;
