//! What a person says about a distillation, and the full settings that follow.

use percept_distill::augment::{GeometryRanges, PointRanges};
use percept_distill::losses::{
    DistillationMethod, DistillationSettings, DistillationTerm, FeatureRegressionSettings, PointDistillerSettings,
    ResponseSettings,
};
use percept_distill::train::TrainSettings;
use percept_models::pointpillars::{IntensityTreatment, Width};
use percept_models::weights::{ReadyConfig, Weights};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

use super::TrainingError;

/// Whom a run learns from, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distillation {
    /// The teacher's weights.
    pub teacher: PathBuf,
    /// Its recorded outputs, folders of `percept record`; without any it runs live.
    #[serde(default)]
    pub records: Vec<PathBuf>,
    /// What is added to the supervised loss.
    pub terms: Vec<DistillationTerm>,
}

/// How much frames are varied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AugmentationLevel {
    /// The training recipe's.
    #[default]
    Full,
    /// Flip, rotation and scale alone: what records of logits and boxes can follow.
    Rigid,
    /// Nothing: what records of features ask for.
    None,
}

impl AugmentationLevel {
    pub(super) fn apply(self, settings: &mut TrainSettings) {
        if self == Self::Full {
            return;
        }
        let geometry = &mut settings.augmentation.geometry;
        *geometry = match self {
            Self::Rigid => GeometryRanges { lift_m: 0.0, slope: 0.0, ..*geometry },
            Self::Full | Self::None => GeometryRanges::default(),
        };
        let intensity = match settings.model.input.intensity {
            IntensityTreatment::Ignored => percept_distill::augment::IntensityMode::Ignore,
            IntensityTreatment::Used { .. } => PointRanges::default().intensity,
        };
        settings.augmentation.points = PointRanges { intensity, ..PointRanges::default() };
        settings.augmentation.camera_crop_probability = 0.0;
        settings.augmentation.paste.objects_per_class.clear();
    }
}

/// The names of the methods on the command line.
pub const METHOD_NAMES: [&str; 3] = ["response", "feature", "point-distiller"];

/// A method by its name, with the published numbers for a student of this width.
pub fn method_of_name(name: &str, student: Width) -> Option<DistillationMethod> {
    match name {
        "response" => Some(DistillationMethod::Response(ResponseSettings::default())),
        "feature" => Some(DistillationMethod::FeatureRegression(FeatureRegressionSettings::default())),
        "point-distiller" => Some(DistillationMethod::PointDistiller(PointDistillerSettings::preset(student))),
        _ => None,
    }
}

impl Distillation {
    /// Reads the teacher.
    ///
    /// # Errors
    /// A file that cannot be read, weights of another architecture.
    pub fn open_teacher(&self) -> Result<Arc<Weights>, TrainingError> {
        let fault = |error: percept_models::ModelError| TrainingError::Bag {
            bag: self.teacher.clone(),
            reason: format!("is no teacher: {error}"),
        };
        Ok(Arc::new(Weights::read(&self.teacher).map_err(fault)?))
    }

    /// Part of a run's settings.
    pub fn settings(&self, teacher: &Weights) -> DistillationSettings {
        let ReadyConfig::PointPillars(config) = teacher.config();
        DistillationSettings {
            teacher_sha256: teacher.sha256().to_owned(),
            teacher: config.raw().clone(),
            recorded: !self.records.is_empty(),
            terms: self.terms.clone(),
        }
    }
}
