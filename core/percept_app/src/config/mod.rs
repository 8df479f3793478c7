//! Configuration of the LiDAR detector: one YAML file in ROS form serves the node and the command line.
//!
//! ```text
//! YAML or node parameters ─► RawConfig (one flattened name-to-value map) ─► DetectorConfig (validated, units resolved)
//! ```
//! Unknown keys are errors that name the nearest valid one; numbers out of range name the key, what was found and
//! what is allowed. Nothing that can be computed (grid size, strides) is a key.

mod detector;
mod error;
mod keys;
mod mounting;
mod node;
mod raw;
mod ros_parameters;
mod yaml;

pub use detector::{AnchorConfig, DetectorConfig, DeviceChoice};
pub use error::ConfigError;
pub use keys::{DETECTOR_KEYS, Key, Kind, Preset, find_key, nearest_key};
pub use mounting::{MountingConfig, MountingSource};
pub use node::{NodeConfig, OutputType};
pub use raw::{RawConfig, Value};
