//! Detections as Autoware takes them.

mod detected_objects;
mod object_classification;
mod shape;

pub use detected_objects::{DetectedObject, DetectedObjectKinematics, DetectedObjects};
pub use object_classification::ObjectClassification;
pub use shape::Shape;
