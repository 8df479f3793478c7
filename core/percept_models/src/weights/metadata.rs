//! What a weights file says about itself.

use percept_types::InputStatistics;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::ModelError;
use crate::pointpillars::RawPointPillarsConfig;

/// Version of the metadata that this build writes and reads.
pub const FORMAT_VERSION: u32 = 1;
/// Value of the plain key `format`.
const FORMAT: &str = "percept_weights";
/// Key of the JSON text.
const KEY: &str = "percept";

/// The network and its configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// A PointPillars: classes, grid, layouts, anchors, decoding, sensor height and axes.
    #[serde(rename = "pointpillars")]
    PointPillars(RawPointPillarsConfig),
}

impl Architecture {
    /// Name in the metadata.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PointPillars(_) => "pointpillars",
        }
    }
}

/// How the weights came to be, when they were trained here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// The command, as typed.
    pub command: String,
    /// Bags or simulated worlds with their hashes or seeds.
    pub bags: Vec<String>,
    /// Seeds of the run.
    pub seeds: Vec<u64>,
    /// Optimiser steps.
    pub steps: u64,
    /// Frames seen.
    pub frames: u64,
    /// Wall time in seconds.
    pub wall_time_s: f64,
    /// Whom it learnt from, where it was distilled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<TeacherNote>,
}

/// The teacher of a distilled network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeacherNote {
    /// SHA-256 of its weights.
    pub sha256: String,
    /// Methods with their settings, as JSON.
    pub terms: Vec<String>,
    /// Whether its outputs came from records.
    pub recorded: bool,
}

/// Everything said about a set of weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsMetadata {
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// A name for people: architecture, width, grid, version.
    pub model_id: String,
    /// The network.
    pub architecture: Architecture,
    /// How it was trained here.
    pub training: Option<TrainingRecord>,
    /// Where it was imported from: toolbox, file, hash.
    pub imported_from: Option<String>,
    /// Results by name ("sim/Car/3d_ap_r40_moderate").
    pub metrics: BTreeMap<String, f64>,
    /// What inputs looked like in training.
    pub input_statistics: Option<InputStatistics>,
}

impl WeightsMetadata {
    /// Metadata of fresh weights: no training, no metrics yet.
    pub fn new(model_id: &str, architecture: Architecture) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            model_id: model_id.to_owned(),
            architecture,
            training: None,
            imported_from: None,
            metrics: BTreeMap::new(),
            input_statistics: None,
        }
    }

    /// As keys and values of a safetensors file.
    ///
    /// # Errors
    /// Numbers that JSON cannot hold (NaN metrics).
    pub fn to_map(&self) -> Result<BTreeMap<String, String>, ModelError> {
        let broken = |reason: String| ModelError::WeightsMetadata { key: KEY.to_owned(), reason };
        if let Some((name, value)) = self.metrics.iter().find(|(_, value)| !value.is_finite()) {
            return Err(broken(format!("metric {name} is {value}, which a file cannot hold")));
        }
        let Architecture::PointPillars(config) = &self.architecture;
        let json = serde_json::to_string(self).map_err(|error| broken(error.to_string()))?;
        let entries = [
            (KEY, json),
            ("format", FORMAT.to_owned()),
            ("format_version", self.format_version.to_string()),
            ("architecture", self.architecture.name().to_owned()),
            ("model_id", self.model_id.clone()),
            ("class_names", config.class_names.join(",")),
        ];
        Ok(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// From keys and values of a safetensors file; the JSON text counts.
    ///
    /// # Errors
    /// No such text, another format version, an unknown or missing field.
    pub fn from_map(map: &BTreeMap<String, String>) -> Result<Self, ModelError> {
        let broken = |key: &str, reason: String| ModelError::WeightsMetadata { key: key.to_owned(), reason };
        let text = map.get(KEY).ok_or_else(|| broken(KEY, "missing".to_owned()))?;
        let version = map.get("format_version").map(String::as_str).unwrap_or_default();
        if version != FORMAT_VERSION.to_string() {
            let reason = format!("found {version:?}, this build reads {FORMAT_VERSION}");
            return Err(broken("format_version", reason));
        }
        serde_json::from_str(text).map_err(|error| broken(KEY, error.to_string()))
    }
}
