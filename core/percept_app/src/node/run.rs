//! What every main calls: two threads round a node, until it is told to stop.

use super::{DeviceLoss, LidarModel, LidarNode, Log, LogLevel, PooledDetector, stderr_log};
use crate::AppError;
use crate::config::{DetectorConfig, NodeConfig, RawConfig};
use percept_pipeline::Turn;
use percept_pipeline::lifecycle::PrimaryState;
use percept_transport::{Clock, Transport};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

/// Silence is told to a fifth of what is allowed, and an idle node hardly costs anything.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The clock that these parameters ask for; a transport is made with it.
///
/// # Errors
/// Parameters that are refused.
pub fn clock_for(parameters: &RawConfig) -> Result<Clock, AppError> {
    let is_simulated = NodeConfig::from_raw(parameters)?.use_sim_time;
    Ok(if is_simulated { Clock::simulated() } else { Clock::system() })
}

/// Runs the LiDAR detector over a transport until `stop` is set or a lifecycle client shuts it down.
///
/// # Errors
/// Parameters that are refused; what the transport refuses; with autostart, why the node could not be configured.
pub fn run_lidar_detector(transport: Transport, parameters: RawConfig, stop: &AtomicBool) -> Result<(), AppError> {
    let log = stderr_log(transport.names().full_node().trim_start_matches('/').replace('/', "."));
    run_lidar_detector_with_log(transport, parameters, log, stop)
}

/// The same with a log of its own: where the middleware keeps one.
///
/// # Errors
/// Those of [`run_lidar_detector`].
pub fn run_lidar_detector_with_log(
    transport: Transport,
    parameters: RawConfig,
    log: Log,
    stop: &AtomicBool,
) -> Result<(), AppError> {
    let loss = DeviceLoss::default();
    let factory = {
        let (loss, log, told) = (Arc::clone(&loss), Arc::clone(&log), Once::new());
        move |config: &DetectorConfig| -> Result<PooledDetector, AppError> {
            let detector = PooledDetector::load_watched(config, Arc::clone(&loss))?;
            if let Some(reason) = detector.fallback() {
                told.call_once(|| log(LogLevel::Warn, reason));
            }
            Ok(detector)
        }
    };
    let mut node = LidarNode::new(transport, parameters, Arc::new(factory), Arc::clone(&log))?;
    let result = run_node_until(&mut node, &|| stop.load(Ordering::Acquire) || loss.get().is_some());
    log(LogLevel::Info, "ended");
    match loss.get() {
        Some(reason) => Err(AppError::DeviceLost { reason: reason.clone() }),
        None => result,
    }
}

/// Runs any LiDAR node: frames on a thread of their own, services and diagnostics here.
///
/// # Errors
/// With autostart, why the node could not be configured.
pub fn run_node<P: LidarModel>(node: &mut LidarNode<P>, stop: &AtomicBool) -> Result<(), AppError> {
    run_node_until(node, &|| stop.load(Ordering::Acquire))
}

fn run_node_until<P: LidarModel>(node: &mut LidarNode<P>, must_end: &dyn Fn() -> bool) -> Result<(), AppError> {
    let (frames, signal) = (node.frames(), node.transport().signal().clone());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let frames_signal = signal.clone();
        let thread = std::thread::Builder::new().name("frames".to_owned());
        let over = &is_over;
        let started = thread.spawn_scoped(scope, move || {
            while !over.load(Ordering::Acquire) {
                let seen = frames_signal.count();
                if frames.turn() != Turn::Worked {
                    frames_signal.wait(seen, LOOK_EVERY);
                }
            }
        });
        let result = started.map(drop).map_err(AppError::stage("starting a thread")).and_then(|()| {
            if node.autostarts() {
                node.control_turn();
                node.start()?;
            }
            while !must_end() && node.state() != PrimaryState::Finalized {
                let seen = signal.count();
                node.control_turn();
                signal.wait(seen, LOOK_EVERY);
            }
            Ok(())
        });
        node.control_turn();
        node.shut_down();
        is_over.store(true, Ordering::Release);
        signal.notify();
        result
    })
}
