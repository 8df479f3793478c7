//! Nodes: the same pipeline as replay, over a transport, with parameters, lifecycle and diagnostics.
//!
//! ```text
//!  main.rs ─► RawConfig, Transport, stop ─► run_lidar_detector
//!    caller's thread   services of lifecycle and parameters, diagnostics (every 20 ms, and when something arrives)
//!    frames' thread    Pipeline::turn: cloud ─► MountedCloud ─► PointPillars ─► objects, markers, times
//! ```
//! [`LidarNode::turn`] does what both threads do, once: tests drive a node by hand with it.

mod lidar;
mod log;
mod outputs;
mod parameters;
mod pooled;
mod run;
mod weights_watch;

pub use lidar::{Frames, LidarModel, LidarNode, ModelFactory};
pub use log::{Log, LogLevel, stderr_log};
pub use outputs::DetectorOutputs;
pub use parameters::ParameterServer;
pub(crate) use pooled::is_device_loss;
pub use pooled::{DeviceLoss, PooledDetector};
pub use run::{clock_for, run_lidar_detector, run_lidar_detector_with_log, run_node};
