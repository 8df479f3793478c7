//! What a candidate must keep to.

use crate::training::TrainingError;
use percept_eval::bootstrap::BootstrapConfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Limits of the gate; the defaults are those of the design (core set 0.3 points overall, 1.0 for a safety class).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GateLimits {
    /// Largest drop of the mean over classes, points of AP.
    pub overall_drop: f64,
    /// Largest drop of a class, points of AP; classes that are not named count in the mean alone.
    pub class_drop: BTreeMap<String, f64>,
    /// A drop beyond its limit blocks when this share of the resamples shows the candidate below the deployed model.
    pub confidence: f64,
    /// Sets drawn.
    pub resamples: usize,
    /// Seed of the drawing.
    pub seed: u64,
    /// A set on which the difference of a safety class is less sure than this (standard error, points) cannot clear a
    /// candidate: more frames are needed.
    pub max_standard_error: f64,
    /// Time a frame, 99th percentile, milliseconds; measured and told where left out.
    pub latency_p99_ms: Option<f64>,
    /// Memory of weights and buffers, bytes; told where left out.
    pub memory_bytes: Option<u64>,
}

impl Default for GateLimits {
    fn default() -> Self {
        Self {
            overall_drop: 0.3,
            class_drop: [("Pedestrian".to_owned(), 1.0), ("Cyclist".to_owned(), 1.0)].into(),
            confidence: 0.95,
            resamples: 1000,
            seed: 0,
            max_standard_error: 2.0,
            latency_p99_ms: None,
            memory_bytes: None,
        }
    }
}

impl GateLimits {
    pub(super) fn check(&self) -> Result<(), TrainingError> {
        let refuse =
            |name, found: f64, expected| Err(TrainingError::Setting { name, found: found.to_string(), expected });
        let drops = self.class_drop.values().chain([&self.overall_drop, &self.max_standard_error]);
        if let Some(wrong) = drops.into_iter().find(|limit| !(**limit >= 0.0 && limit.is_finite())) {
            return refuse("limit of the gate", *wrong, "0 or more");
        }
        if !(self.confidence > 0.5 && self.confidence < 1.0) {
            return refuse("confidence", self.confidence, "above 0.5 and below 1");
        }
        if self.resamples == 0 {
            return refuse("resamples", 0.0, "at least 1");
        }
        Ok(())
    }

    pub(super) fn bootstrap(&self) -> BootstrapConfig {
        BootstrapConfig { num_resamples: self.resamples, seed: self.seed, confidence: self.confidence }
    }
}
