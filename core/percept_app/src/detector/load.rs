//! From a configuration to a detector that runs.

use super::disagreements;
use crate::config::{DetectorConfig, DeviceChoice};
use crate::{AppError, ConfigError};
use percept_kernels::cuda::{CudaDevice, DeviceError};
use percept_models::ModelError;
use percept_models::pointpillars::{
    DetectorSettings, IntensityTreatment, PointPillars, PointPillarsConfig, SensorOptions,
};
use percept_models::weights::{ReadyConfig, Weights};
use percept_types::{InputStatistics, Perceive};
use std::path::{Path, PathBuf};

/// A detector with the threads it runs on.
pub struct LidarDetector {
    /// The network with its pre- and post-processing.
    pub model: PointPillars,
    /// Its threads; run it inside.
    pub pool: rayon::ThreadPool,
    /// The weights file.
    pub weights: PathBuf,
    /// Why it runs on the CPU although the device was left to choice; for people, told once.
    pub fallback: Option<String>,
}

/// Weights that were read and checked.
pub struct OpenedWeights {
    /// What the network is.
    pub config: PointPillarsConfig,
    /// What its training inputs looked like, where recorded.
    pub statistics: Option<InputStatistics>,
    /// The weights.
    pub weights: Weights,
}

/// Reads and checks a weights file.
///
/// # Errors
/// When it cannot be read, is damaged, or is no file of `percept train` or `percept import`.
pub fn open_weights(path: &Path) -> Result<OpenedWeights, AppError> {
    let weights =
        Weights::read(path).map_err(|error| AppError::Weights { path: path.to_owned(), reason: error.to_string() })?;
    let ReadyConfig::PointPillars(config) = weights.config();
    Ok(OpenedWeights { config: config.clone(), statistics: weights.metadata().input_statistics.clone(), weights })
}

/// Builds the detector that a configuration asks for.
///
/// # Errors
/// Without weights, with weights that contradict the configuration, and for a device that is not there.
pub fn load_detector(config: &DetectorConfig) -> Result<LidarDetector, AppError> {
    let Some(path) = config.weights.clone() else {
        let (key, expected) = ("weights".to_owned(), "the path of a .safetensors file (--weights)".to_owned());
        return Err(ConfigError::OutOfRange { key, found: "not set".to_owned(), expected }.into());
    };
    let opened = open_weights(&path)?;
    if let Some(d) = disagreements(config, &opened.config).into_iter().next() {
        return Err(AppError::Contradiction {
            weights: path,
            key: d.key,
            configured: d.configured,
            found: d.found,
            way_out: d.way_out,
        });
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(config.threads.unwrap_or(0))
        .build()
        .map_err(AppError::stage("starting threads"))?;
    let refused = |reason: String| AppError::Weights { path: path.clone(), reason };
    let sensor = sensor_options(config, &opened.config);
    let (mut model, fallback) = pool.install(|| on_device(config.device, &opened.weights, &sensor, &refused))?;
    model.apply(settings(config, &opened.config)?).map_err(|error| refused(error.to_string()))?;
    Ok(LidarDetector { model, pool, weights: path, fallback })
}

/// The network on the device that was chosen. A named GPU never falls back to the CPU; `auto` does, and says why.
fn on_device(
    choice: DeviceChoice,
    weights: &Weights,
    sensor: &SensorOptions,
    refused: &dyn Fn(String) -> AppError,
) -> Result<(PointPillars, Option<String>), AppError> {
    let on_cpu = || PointPillars::new(weights, sensor).map_err(|error| refused(error.to_string()));
    let ordinal = match choice {
        DeviceChoice::Cpu => return Ok((on_cpu()?, None)),
        DeviceChoice::Auto => 0,
        DeviceChoice::Cuda(ordinal) => ordinal,
    };
    let on_cuda = || -> Result<PointPillars, ModelError> {
        let device = CudaDevice::open(ordinal).map_err(percept_kernels::error::KernelError::from)?;
        PointPillars::on_cuda(weights, sensor, &device)
    };
    let error = match on_cuda() {
        Ok(model) => return Ok((model, None)),
        Err(error) => error,
    };
    match (choice, error.device_error()) {
        (_, None) => Err(refused(error.to_string())),
        // No process gets further with such a device, and its memory may be full of what is half done.
        (_, Some(DeviceError::Sticky { .. })) => Err(AppError::DeviceLost { reason: error.to_string() }),
        (DeviceChoice::Auto, Some(reason)) => Ok((on_cpu()?, Some(format!("device auto is the CPU: {reason}")))),
        (_, Some(DeviceError::OutOfMemory { .. })) => Err(AppError::DeviceLost { reason: error.to_string() }),
        (_, Some(reason)) => Err(AppError::Unavailable {
            what: format!("device cuda:{ordinal} was asked for: {reason}"),
            way_out: "or set device to auto or cpu".to_owned(),
        }),
    }
}

fn sensor_options(config: &DetectorConfig, model: &PointPillarsConfig) -> SensorOptions {
    let trained = model.input().intensity;
    let intensity = match trained {
        IntensityTreatment::Used { scale, clip } => IntensityTreatment::Used {
            scale: config.intensity_scale.map_or(scale, |scale| scale as f32),
            clip: config.intensity_clip.map_or(clip, |clip| Some(clip as f32)),
        },
        IntensityTreatment::Ignored => IntensityTreatment::Ignored,
    };
    let default = SensorOptions::default();
    SensorOptions {
        intensity_field: config.intensity_field.clone().unwrap_or(default.intensity_field),
        missing_intensity: config.missing_intensity.map(|value| value as f32),
        intensity: Some(intensity),
    }
}

/// What of a configuration may change at run time, for a network.
///
/// # Errors
/// A threshold for a class that the network does not know.
pub fn settings(config: &DetectorConfig, model: &PointPillarsConfig) -> Result<DetectorSettings, ConfigError> {
    let mut settings = model.default_settings();
    if let Some(threshold) = config.score_threshold {
        settings.score_thresholds.fill(threshold as f32);
    }
    check_thresholds(config, model.class_names())?;
    for (name, threshold) in model.class_names().iter().zip(&mut settings.score_thresholds) {
        if let Some(own) = config.class_score_thresholds.get(name) {
            *threshold = *own as f32;
        }
    }
    settings.nms_iou_threshold = config.nms_iou_threshold.unwrap_or(settings.nms_iou_threshold);
    settings.max_detections = config.max_detections.unwrap_or(settings.max_detections);
    Ok(settings)
}

/// Whether every class with a threshold of its own is one of these.
///
/// # Errors
/// Names the first that is not.
pub fn check_thresholds(config: &DetectorConfig, class_names: &[String]) -> Result<(), ConfigError> {
    match config.class_score_thresholds.keys().find(|name| !class_names.contains(name)) {
        None => Ok(()),
        Some(unknown) => Err(ConfigError::OutOfRange {
            key: format!("score_thresholds.{unknown}"),
            found: format!("for {unknown:?}"),
            expected: format!("one of the weights' classes {class_names:?}"),
        }),
    }
}
