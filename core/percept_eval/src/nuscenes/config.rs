//! Settings of the detection task.

use super::DetectionClass;
use crate::EvalError;
use serde::{Deserialize, Serialize};

/// What to evaluate and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NuscenesConfig {
    /// Horizontal distance from the vehicle in metres up to which a class counts.
    pub class_range_m: Vec<(DetectionClass, f64)>,
    /// Centre distances under which a prediction matches, metres.
    pub distance_thresholds_m: Vec<f64>,
    /// The one of them at which errors of true positives are measured, metres.
    pub true_positive_distance_m: f64,
    /// Recalls up to this one are left out.
    pub min_recall: f64,
    /// Precision up to this one counts as none.
    pub min_precision: f64,
    /// Predictions allowed a frame.
    pub max_boxes_per_frame: usize,
    /// Weight of the mAP in the NDS; each of the five errors weighs 1.
    pub mean_ap_weight: f64,
}

impl Default for NuscenesConfig {
    /// `detection_cvpr_2019`.
    fn default() -> Self {
        let range_m = |class| match class {
            DetectionClass::Car
            | DetectionClass::Truck
            | DetectionClass::Bus
            | DetectionClass::Trailer
            | DetectionClass::ConstructionVehicle => 50.0,
            DetectionClass::Pedestrian | DetectionClass::Motorcycle | DetectionClass::Bicycle => 40.0,
            DetectionClass::TrafficCone | DetectionClass::Barrier => 30.0,
        };
        Self {
            class_range_m: DetectionClass::ALL.into_iter().map(|class| (class, range_m(class))).collect(),
            distance_thresholds_m: vec![0.5, 1.0, 2.0, 4.0],
            true_positive_distance_m: 2.0,
            min_recall: 0.1,
            min_precision: 0.1,
            max_boxes_per_frame: 500,
            mean_ap_weight: 5.0,
        }
    }
}

impl NuscenesConfig {
    /// Range of a class in metres; `None` for one that is not evaluated.
    pub fn range_m(&self, class: DetectionClass) -> Option<f64> {
        self.class_range_m.iter().find(|(c, _)| *c == class).map(|(_, range_m)| *range_m)
    }

    /// Refuses settings under which the figures mean nothing.
    ///
    /// # Errors
    /// Names the setting.
    pub fn check(&self) -> Result<(), EvalError> {
        let bad = |setting, found: String, expected| Err(EvalError::BadSetting { setting, found, expected });
        if self.class_range_m.is_empty() {
            return bad("class_range_m", "empty".to_owned(), "at least one class is expected");
        }
        if !self.distance_thresholds_m.iter().all(|d| d.is_finite() && *d > 0.0) {
            let found = format!("{:?}", self.distance_thresholds_m);
            return bad("distance_thresholds_m", found, "positive distances are expected");
        }
        if !self.distance_thresholds_m.contains(&self.true_positive_distance_m) {
            let found = self.true_positive_distance_m.to_string();
            return bad("true_positive_distance_m", found, "one of distance_thresholds_m is expected");
        }
        for (setting, value) in [("min_recall", self.min_recall), ("min_precision", self.min_precision)] {
            if !(0.0..1.0).contains(&value) {
                return bad(setting, value.to_string(), "0 to below 1 is expected");
            }
        }
        Ok(())
    }
}
