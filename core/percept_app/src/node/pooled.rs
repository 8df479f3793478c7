//! The detector with its threads, as a pipeline drives it.

use crate::detector::{LidarDetector, load_detector, settings};
use crate::{AppError, DetectorConfig};
use percept_models::ModelError;
use percept_types::{
    BoxError, Detections, FieldType, FrameReport, ModelCard, MountedCloud, Perceive, RawCloud, RawField, RawLayout,
    VoxelGrid,
};
use std::sync::{Arc, OnceLock};

/// Set to the reason once a GPU is lost: whoever runs the node then ends it.
pub type DeviceLoss = Arc<OnceLock<String>>;

/// PointPillars inside its own pool of threads; what may change at run time comes as a whole configuration.
pub struct PooledDetector {
    detector: LidarDetector,
    loss: DeviceLoss,
}

impl PooledDetector {
    /// Loads the weights that a configuration names and runs one frame, so that the first cloud finds everything warm.
    ///
    /// # Errors
    /// As [`load_detector`]; weights that fail on a cloud of their own grid.
    pub fn load(config: &DetectorConfig) -> Result<Self, AppError> {
        Self::load_watched(config, DeviceLoss::default())
    }

    /// The same, and tells `loss` when the GPU fails in a way from which only a new process recovers.
    ///
    /// # Errors
    /// Those of [`Self::load`].
    pub fn load_watched(config: &DetectorConfig, loss: DeviceLoss) -> Result<Self, AppError> {
        let detector = load_detector(config).inspect_err(|error| {
            if let AppError::DeviceLost { reason } = error {
                // Set once: the first reason is the one that counts.
                let _ = loss.set(reason.clone());
            }
        })?;
        let mut pooled = Self { detector, loss };
        let field = config.intensity_field.as_deref().unwrap_or("intensity");
        let cloud = MountedCloud::from(cloud_across(&pooled.card().grid, field));
        pooled
            .perceive(&cloud, &mut FrameReport::default())
            .map_err(AppError::stage::<BoxError>("the first run of the weights"))?;
        Ok(pooled)
    }

    /// Why it runs on the CPU although the device was left to choice.
    pub fn fallback(&self) -> Option<&str> {
        self.detector.fallback.as_deref()
    }
}

/// Whether an error of a model says that the GPU is lost.
pub(crate) fn is_device_loss(error: &BoxError) -> bool {
    let model = error.downcast_ref::<ModelError>();
    model.and_then(ModelError::device_error).is_some_and(percept_kernels::cuda::DeviceError::is_fatal)
}

/// A few hundred points all over a grid.
fn cloud_across(grid: &VoxelGrid, intensity_field: &str) -> RawCloud {
    const SIDE: usize = 20;
    let [x0, y0, z0, x1, y1, z1] = grid.range_m();
    let mut bytes = Vec::with_capacity(SIDE * SIDE * 16);
    for index in 0..SIDE * SIDE {
        let along = |from: f64, to: f64, at: usize| from + (to - from) * (at as f64 + 0.5) / SIDE as f64;
        let point = [along(x0, x1, index % SIDE), along(y0, y1, index / SIDE), (z0 + z1) / 2.0, 0.5];
        point.iter().for_each(|value| bytes.extend_from_slice(&(*value as f32).to_le_bytes()));
    }
    let fields = ["x", "y", "z", intensity_field].into_iter().enumerate();
    let fields =
        fields.map(|(i, name)| RawField { name: name.to_owned(), offset: 4 * i, datatype: FieldType::F32, count: 1 });
    RawCloud {
        row_step: bytes.len(),
        bytes,
        layout: RawLayout { fields: fields.collect() },
        width: SIDE * SIDE,
        height: 1,
        point_step: 16,
        big_endian: false,
    }
}

impl Perceive for PooledDetector {
    type Input = MountedCloud;
    type Output = Detections;
    type Settings = DetectorConfig;

    fn perceive(&mut self, input: &MountedCloud, report: &mut FrameReport) -> Result<Detections, BoxError> {
        if let Some(reason) = self.loss.get() {
            return Err(format!("the device is lost: {reason}").into());
        }
        let LidarDetector { model, pool, .. } = &mut self.detector;
        let result = pool.install(|| model.perceive(input, report));
        if let Err(error) = &result
            && is_device_loss(error)
        {
            // Set once: the first reason is the one that counts.
            let _ = self.loss.set(error.to_string());
        }
        result
    }

    fn apply(&mut self, config: DetectorConfig) -> Result<(), BoxError> {
        let settings = settings(&config, self.detector.model.config())?;
        self.detector.model.apply(settings)
    }

    fn card(&self) -> &ModelCard {
        self.detector.model.card()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_kernels::cuda::DeviceError;
    use percept_kernels::error::KernelError;

    #[test]
    fn a_lost_gpu_is_told_from_a_frame_that_failed() {
        let of = |error: DeviceError| BoxError::from(ModelError::from(KernelError::from(error)));
        assert!(is_device_loss(&of(DeviceError::OutOfMemory { bytes: 7 })));
        assert!(is_device_loss(&of(DeviceError::Sticky { call: "cuGraphLaunch", reason: "gone".to_owned() })));
        assert!(!is_device_loss(&of(DeviceError::NoDriver)));
        assert!(!is_device_loss(&BoxError::from("no channel intensity")));
    }
}
