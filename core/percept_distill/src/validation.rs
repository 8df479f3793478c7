//! A look at a network in training: boxes of whole frames by given weights, on the CPU executor.
//!
//! What the boxes are worth is for `percept_eval` to say.

use percept_kernels::executor::cpu::{CpuExecutor, Keep};
use percept_kernels::parameters::ParameterMap;
use percept_kernels::plan::CanvasSize;
use percept_models::pointpillars::{
    Anchors, DetectorSettings, OUTPUT_BOX, OUTPUT_CLS, OUTPUT_DIR, Pillarizer, Pillars, PointPillarsConfig,
    PointPillarsOutput, decode, topology,
};
use percept_types::{Detection, PointCloud};

use crate::DistillError;
use crate::data::xyzi;
use crate::train::pillar_input;

/// A network ready to look at whole frames.
pub struct Predictor {
    config: PointPillarsConfig,
    settings: DetectorSettings,
    executor: CpuExecutor,
    anchors: Anchors,
    pillarizer: Pillarizer,
    pillars: Pillars,
    weights_bytes: usize,
}

impl Predictor {
    /// Compiles weights; boxes below `score_threshold` are not told.
    ///
    /// # Errors
    /// Weights of another network.
    pub fn new(
        config: &PointPillarsConfig,
        weights: &ParameterMap,
        score_threshold: f32,
    ) -> Result<Self, DistillError> {
        let window = config.whole_window();
        let plan = topology(config, CanvasSize { ny: window.ny, nx: window.nx })?;
        let mut settings = config.default_settings();
        settings.score_thresholds.fill(score_threshold);
        Ok(Self {
            executor: CpuExecutor::compile(&plan, weights, Keep::Outputs)?,
            anchors: Anchors::new(config, &window)?,
            pillarizer: Pillarizer::new(config, window)?,
            pillars: Pillars::empty(config.pfn_layout().num_features()),
            weights_bytes: weights.values().map(|tensor| size_of_val(tensor.data.as_slice())).sum(),
            config: config.clone(),
            settings,
        })
    }

    /// Memory of the weights and of the executor's buffers, bytes.
    pub fn memory_bytes(&self) -> u64 {
        (self.executor.arena_bytes() + self.weights_bytes) as u64
    }

    /// The boxes of a cloud.
    ///
    /// # Errors
    /// When an operation fails or predictions are no numbers.
    pub fn detect(&mut self, cloud: &PointCloud) -> Result<Vec<Detection>, DistillError> {
        self.pillarizer.pillarize(&xyzi(cloud), &mut self.pillars)?;
        self.executor.run(&pillar_input(&self.pillars))?;
        let output = PointPillarsOutput::new(
            &self.config,
            self.config.whole_window(),
            self.executor.value(OUTPUT_CLS)?.data,
            self.executor.value(OUTPUT_BOX)?.data,
            self.executor.value(OUTPUT_DIR)?.data,
        )?;
        Ok(decode(&self.config, &self.settings, &self.anchors, &output)?)
    }
}
