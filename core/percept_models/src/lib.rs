//! The networks of Percept with their pre- and post-processing. No ROS here.
//!
//! Each network is a folder: `config` (raw and ready), the topology as a `Plan` of `percept_kernels`, what stands
//! before it (encoder) and after it (decode), and the detector that implements `percept_types::Perceive`.

pub mod error;
pub mod import;
pub mod outputs;
pub mod pointpillars;
pub mod weights;

pub use error::ModelError;
