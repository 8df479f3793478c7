//! Everything that decides the result of a run besides its frames.

use percept_models::pointpillars::{PointPillarsConfig, RawPointPillarsConfig};
use serde::{Deserialize, Serialize};

use crate::DistillError;
use crate::augment::AugmentationSettings;
use crate::data::WindowSettings;
use crate::losses::{DistillationSettings, SupervisedLoss};
use crate::optimiser::{AdamWSettings, OneCycle};
use crate::targets::{AssignmentRules, Normaliser};
use crate::teacher::{check_pair, shortened};

/// Settings of a training run; written into every checkpoint, which refuses to go on under others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainSettings {
    /// The network.
    pub model: RawPointPillarsConfig,
    /// Seed of first weights, frames, augmentation, windows.
    pub seed: u64,
    /// Frames a step.
    pub frames_per_step: usize,
    /// Windows of each frame.
    pub windows: WindowSettings,
    /// What is asked of each anchor.
    pub rules: AssignmentRules,
    /// By what losses are divided.
    pub normaliser: Normaliser,
    /// What is minimised.
    pub loss: SupervisedLoss,
    /// What a teacher adds to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distillation: Option<DistillationSettings>,
    /// How frames are varied.
    pub augmentation: AugmentationSettings,
    /// Learning rate and beta1 by step; its length is the run's.
    pub schedule: OneCycle,
    /// The optimiser.
    pub optimiser: AdamWSettings,
    /// Gradients are shortened to this common length.
    pub max_gradient_norm: f64,
    /// Decay of the averaged weights.
    pub average_decay: f64,
    /// Where the frames come from, in words: two runs on different sources are different runs.
    pub source: String,
}

impl TrainSettings {
    /// The published recipe for a network on simulated frames of one source.
    pub fn recipe(model: RawPointPillarsConfig, seed: u64, steps: u64, source: String) -> Self {
        let rules = AssignmentRules::for_classes(&model.class_names);
        Self {
            model,
            seed,
            frames_per_step: 4,
            windows: WindowSettings { nx: 216, ny: 248, per_frame: 1, on_object_probability: 0.9 },
            rules,
            normaliser: Normaliser::PerBatch,
            loss: SupervisedLoss::default(),
            distillation: None,
            augmentation: AugmentationSettings::default(),
            schedule: OneCycle::new(steps),
            optimiser: AdamWSettings::default(),
            max_gradient_norm: 10.0,
            average_decay: 0.999,
            source,
        }
    }

    /// Checks everything that can be checked without frames; gives the checked network.
    ///
    /// # Errors
    /// The first setting outside its limits.
    pub fn validate(&self) -> Result<PointPillarsConfig, DistillError> {
        let config = PointPillarsConfig::try_from(self.model.clone())?;
        self.windows.validate(&config)?;
        self.schedule.validate()?;
        if let Some(distillation) = &self.distillation {
            distillation.validate()?;
            let teacher = PointPillarsConfig::try_from(distillation.teacher.clone())?;
            check_pair(&config, &teacher, &shortened(&distillation.teacher_sha256))?;
        }
        let refuse = |name, found: String, expected| Err(DistillError::Setting { name, found, expected });
        if self.frames_per_step == 0 || self.frames_per_step > 1024 {
            return refuse("frames_per_step", self.frames_per_step.to_string(), "1 to 1024");
        }
        if !(self.max_gradient_norm > 0.0 && self.max_gradient_norm.is_finite()) {
            return refuse("max_gradient_norm", self.max_gradient_norm.to_string(), "a number above 0");
        }
        if !(0.0..1.0).contains(&self.average_decay) {
            return refuse("average_decay", self.average_decay.to_string(), "0 or more and below 1");
        }
        Ok(config)
    }

    /// Indices of the frames of a step.
    pub fn frames_of(&self, step: u64) -> std::ops::Range<u64> {
        let frames = self.frames_per_step as u64;
        step.saturating_mul(frames)..step.saturating_add(1).saturating_mul(frames)
    }
}
