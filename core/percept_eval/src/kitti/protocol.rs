//! Constants of KITTI's protocol: classes, neighbours, difficulties, minimum overlaps, and the role of each box.

use super::Annotation;
use crate::EvalError;
use crate::matching::Role;
use percept_types::Difficulty;
use serde::{Deserialize, Serialize};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Overlap of image hulls.
    Bbox,
    /// Overlap of footprints.
    Bev,
    /// Overlap of volumes ("3d").
    #[serde(rename = "3d")]
    Volume,
    /// Average orientation similarity over the matches of `Bbox`.
    Aos,
}

impl Metric {
    /// All four, in the order of reports.
    pub const ALL: [Self; 4] = [Self::Bbox, Self::Bev, Self::Volume, Self::Aos];

    /// Short name: bbox, bev, 3d, aos.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bbox => "bbox",
            Self::Bev => "bev",
            Self::Volume => "3d",
            Self::Aos => "aos",
        }
    }
}

/// Which minimum overlaps a match needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverlapSet {
    /// The benchmark's: 0.7 for cars, 0.5 for people, everywhere.
    Strict,
    /// For bev and 3d: 0.5 for cars, 0.25 for people; the image box as in `Strict`.
    Loose,
}

impl OverlapSet {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Strict, Self::Loose];
}

/// A class of the benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluatedClass {
    /// Name in labels and detections; case does not matter.
    pub class_name: String,
    /// Class so alike that finding it is neither right nor wrong.
    pub neighbour: Option<String>,
    /// Minimum overlap of the strict set, which is exceeded by a match; all metrics.
    pub strict_overlap: f64,
    /// Minimum overlap of the loose set for bev and 3d.
    pub loose_overlap: f64,
}

impl EvaluatedClass {
    fn new(class_name: &str, neighbour: Option<&str>, strict_overlap: f64, loose_overlap: f64) -> Self {
        Self {
            class_name: class_name.to_owned(),
            neighbour: neighbour.map(str::to_owned),
            strict_overlap,
            loose_overlap,
        }
    }

    /// The benchmark's values for a class by name.
    ///
    /// # Errors
    /// For a class that the benchmark does not evaluate.
    pub fn kitti(class_name: &str) -> Result<Self, EvalError> {
        let known = Self::kitti_three();
        match known.iter().find(|class| class.class_name.eq_ignore_ascii_case(class_name)) {
            Some(class) => Ok(class.clone()),
            None => Err(EvalError::UnknownClass {
                class_name: class_name.to_owned(),
                protocol: "KITTI",
                known: known.into_iter().map(|class| class.class_name).collect(),
            }),
        }
    }

    /// Car, Pedestrian, Cyclist.
    pub fn kitti_three() -> Vec<Self> {
        vec![
            Self::new("Car", Some("Van"), 0.7, 0.5),
            Self::new("Pedestrian", Some("Person_sitting"), 0.5, 0.25),
            Self::new("Cyclist", None, 0.5, 0.25),
        ]
    }

    /// The overlap that a match exceeds.
    pub fn min_overlap(&self, metric: Metric, overlap_set: OverlapSet) -> f64 {
        match (metric, overlap_set) {
            (Metric::Bbox | Metric::Aos, _) | (Metric::Bev | Metric::Volume, OverlapSet::Strict) => self.strict_overlap,
            (Metric::Bev | Metric::Volume, OverlapSet::Loose) => self.loose_overlap,
        }
    }
}

/// What to evaluate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvalConfig {
    /// Classes, in the order of the report.
    pub classes: Vec<EvaluatedClass>,
    /// Difficulties, in the order of the report.
    pub difficulties: Vec<Difficulty>,
    /// Overlap sets, in the order of the report.
    pub overlap_sets: Vec<OverlapSet>,
}

impl Default for EvalConfig {
    /// The benchmark: three classes, three difficulties, both overlap sets.
    fn default() -> Self {
        Self {
            classes: EvaluatedClass::kitti_three(),
            difficulties: vec![Difficulty::Easy, Difficulty::Moderate, Difficulty::Hard],
            overlap_sets: OverlapSet::ALL.to_vec(),
        }
    }
}

/// Limits of a difficulty.
struct DifficultyLimits {
    min_height_px: f64,
    max_occlusion: i32,
    max_truncation: f64,
}

fn limits(difficulty: Difficulty) -> DifficultyLimits {
    let (min_height_px, max_occlusion, max_truncation) = match difficulty {
        Difficulty::Easy => (40.0, 0, 0.15),
        Difficulty::Moderate => (25.0, 1, 0.30),
        Difficulty::Hard => (25.0, 2, 0.50),
    };
    DifficultyLimits { min_height_px, max_occlusion, max_truncation }
}

/// Role of a truth box.
pub(super) fn truth_role(truth: &Annotation, class: &EvaluatedClass, difficulty: Difficulty) -> Role {
    let limits = limits(difficulty);
    let is_class = truth.class_name.eq_ignore_ascii_case(&class.class_name);
    let is_neighbour = class.neighbour.as_ref().is_some_and(|name| truth.class_name.eq_ignore_ascii_case(name));
    let fits = truth.occlusion <= limits.max_occlusion
        && truth.truncation <= limits.max_truncation
        && truth.image_box.height() > limits.min_height_px;
    match (is_class, is_neighbour, fits) {
        (true, _, true) => Role::Counted,
        (true, _, false) | (_, true, _) => Role::Ignored,
        (false, false, _) => Role::Unrelated,
    }
}

/// Role of a detection. One that is too low in the image is ignored whatever its class, as in the development kit.
pub(super) fn detection_role(detection: &Annotation, class: &EvaluatedClass, difficulty: Difficulty) -> Role {
    if detection.image_box.height().abs() < limits(difficulty).min_height_px {
        Role::Ignored
    } else if detection.class_name.eq_ignore_ascii_case(&class.class_name) {
        Role::Counted
    } else {
        Role::Unrelated
    }
}
