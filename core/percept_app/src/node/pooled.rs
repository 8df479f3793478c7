//! The detector with its threads, as a pipeline drives it.

use crate::detector::{LidarDetector, load_detector, settings};
use crate::{AppError, DetectorConfig};
use percept_types::{
    BoxError, Detections, FieldType, FrameReport, ModelCard, MountedCloud, Perceive, RawCloud, RawField, RawLayout,
    VoxelGrid,
};

/// PointPillars inside its own pool of threads; what may change at run time comes as a whole configuration.
pub struct PooledDetector {
    detector: LidarDetector,
}

impl PooledDetector {
    /// Loads the weights that a configuration names and runs one frame, so that the first cloud finds everything warm.
    ///
    /// # Errors
    /// As [`load_detector`]; weights that fail on a cloud of their own grid.
    pub fn load(config: &DetectorConfig) -> Result<Self, AppError> {
        let mut pooled = Self { detector: load_detector(config)? };
        let field = config.intensity_field.as_deref().unwrap_or("intensity");
        let cloud = MountedCloud::from(cloud_across(&pooled.card().grid, field));
        pooled
            .perceive(&cloud, &mut FrameReport::default())
            .map_err(AppError::stage::<BoxError>("the first run of the weights"))?;
        Ok(pooled)
    }
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
        let LidarDetector { model, pool, .. } = &mut self.detector;
        pool.install(|| model.perceive(input, report))
    }

    fn apply(&mut self, config: DetectorConfig) -> Result<(), BoxError> {
        let settings = settings(&config, self.detector.model.config())?;
        self.detector.model.apply(settings)
    }

    fn card(&self) -> &ModelCard {
        self.detector.model.card()
    }
}
