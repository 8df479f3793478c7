//! What a detector says about a frame.

use crate::Box3d;
use serde::{Deserialize, Serialize};

/// One box with its class and score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// The box in the cloud's frame.
    pub box3d: Box3d,
    /// Index into the class names that come with the detections.
    pub class_index: usize,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// Velocity (x, y) in metres a second in the cloud's frame, where the network tells one.
    pub velocity_mps: Option<[f64; 2]>,
}

/// The boxes of one frame, best score first, with the names their class indices mean.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Detections {
    /// Names of the classes, in the order of the network's head.
    pub class_names: Vec<String>,
    /// Boxes, best score first.
    pub boxes: Vec<Detection>,
}

impl Detections {
    /// Name of a detection's class; `None` for an index beyond the names.
    pub fn class_name(&self, detection: &Detection) -> Option<&str> {
        self.class_names.get(detection.class_index).map(String::as_str)
    }

    /// Those with at least this score, in the same order.
    pub fn scoring_at_least(&self, score: f32) -> Self {
        let boxes = self.boxes.iter().filter(|detection| detection.score >= score).cloned().collect();
        Self { class_names: self.class_names.clone(), boxes }
    }
}
