//! Truth and predictions of a frame as the metrics see them.

use super::{Attribute, DetectionClass};
use crate::EvalError;
use percept_types::{Box3d, Detections, TruthObject};
use serde::{Deserialize, Serialize};

/// A thing that is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TruthBox {
    /// Class.
    pub class: DetectionClass,
    /// Box, in any frame whose z is up and that predictions share.
    pub box3d: Box3d,
    /// Velocity (x, y) in metres a second; `None` where not annotated.
    pub velocity_mps: Option<[f64; 2]>,
    /// What it is doing; `None` where not annotated.
    pub attribute: Option<Attribute>,
    /// LiDAR and radar points in it; `None` unknown. One with none is not counted.
    pub num_points: Option<usize>,
}

/// A thing that a detector sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedBox {
    /// Class.
    pub class: DetectionClass,
    /// Box, in the frame of the truth.
    pub box3d: Box3d,
    /// Velocity (x, y) in metres a second; `None` leaves its error unmeasured.
    pub velocity_mps: Option<[f64; 2]>,
    /// What it is doing.
    pub attribute: Option<Attribute>,
    /// Confidence.
    pub score: f64,
}

/// One sample.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct NuscenesFrame {
    /// What is there.
    pub truth: Vec<TruthBox>,
    /// What the detector says.
    pub predictions: Vec<PredictedBox>,
    /// Racks in which bicycles and motorcycles are not counted.
    pub bike_racks: Vec<Box3d>,
    /// Where the vehicle is, (x, y) in metres in the frame of the boxes; the origin for boxes of its own frame.
    pub ego_m: [f64; 2],
}

/// A detector's boxes as predictions, without attributes.
///
/// # Errors
/// For a class index without a name and a name that is none of the ten classes.
pub fn predictions_of(detections: &Detections) -> Result<Vec<PredictedBox>, EvalError> {
    let one = |(index, detection): (usize, &percept_types::Detection)| {
        let name = detections.class_name(detection).ok_or_else(|| EvalError::ClassWithoutName {
            detection: index,
            class_index: detection.class_index,
            class_names: detections.class_names.clone(),
        })?;
        let class = DetectionClass::from_name(name).ok_or_else(|| EvalError::UnknownClass {
            class_name: name.to_owned(),
            protocol: "nuScenes",
            known: DetectionClass::ALL.map(|class| class.name().to_owned()).to_vec(),
        })?;
        Ok(PredictedBox {
            class,
            box3d: detection.box3d,
            velocity_mps: detection.velocity_mps,
            attribute: None,
            score: f64::from(detection.score),
        })
    };
    detections.boxes.iter().enumerate().map(one).collect()
}

/// Labelled objects as truth, without attributes; those of other classes are left out, as in the benchmark.
pub fn truth_of(objects: &[TruthObject]) -> Vec<TruthBox> {
    let one = |object: &TruthObject| {
        Some(TruthBox {
            class: DetectionClass::from_name(&object.class_name)?,
            box3d: object.box3d,
            velocity_mps: Some(object.velocity_mps),
            attribute: None,
            num_points: Some(object.num_points),
        })
    };
    objects.iter().filter_map(one).collect()
}
