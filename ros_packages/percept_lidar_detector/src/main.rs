//! The LiDAR detector as a node of the ROS graph: `ros2 run percept_lidar_detector lidar_detector --ros-args ...`.
//!
//! Exit code 0 after SIGINT, SIGTERM or a lifecycle shutdown; 2 where it cannot start or the graph is lost; 4 where the GPU
//! failed or ran out of memory, so that a supervisor starts it anew.

use anyhow::Result;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lidar_detector: {error:#}");
            let is_device_lost = error.downcast_ref().is_some_and(percept_app::AppError::is_device_lost);
            ExitCode::from(if is_device_lost { 4 } else { 2 })
        }
    }
}

#[cfg(feature = "r2r")]
fn run() -> Result<()> {
    use anyhow::{Context, bail};
    use percept_app::config::{DetectorConfig, RawConfig};
    use percept_app::node::{Log, LogLevel, run_lidar_detector_with_log};
    use percept_transport::{RosNode, Severity};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, OnceLock};

    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    // `ros2 launch` ends its nodes with SIGINT, container runtimes with SIGTERM.
    ctrlc::set_handler(move || told.store(true, Ordering::Release)).context("installing a handler of signals")?;

    let (fault, told) = (Arc::new(OnceLock::new()), Arc::clone(&stop));
    let noted = Arc::clone(&fault);
    let node = RosNode::join(DetectorConfig::NODE, "", move |reason| {
        // Set once: the thread that spins ends once.
        let _ = noted.set(reason);
        told.store(true, Ordering::Release);
    })?;
    let parameters = RawConfig::from_parameters(&node.parameters)?;
    let ros_log = node.log;
    // rcl's log: the console, its file and /rosout, at the level that `--log-level` sets.
    let log: Log = Arc::new(move |level, text| {
        let severity = match level {
            LogLevel::Info => Severity::Info,
            LogLevel::Warn => Severity::Warn,
            LogLevel::Error => Severity::Error,
        };
        ros_log.write(severity, text);
    });
    run_lidar_detector_with_log(node.transport, parameters, log, &stop)?;
    match fault.get() {
        Some(reason) => bail!("{reason}"),
        None => Ok(()),
    }
}

#[cfg(not(feature = "r2r"))]
fn run() -> Result<()> {
    anyhow::bail!(
        "built without ROS 2: build it with `--features r2r` in a sourced ROS 2 (README.md of percept_lidar_detector), \
         or run the same node without ROS: percept node --transport dds"
    )
}
