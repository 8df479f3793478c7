//! Detections and the names of their classes (vision_msgs 4, Humble and later).

mod detection2d_array;
mod detection3d_array;
mod label_info;

pub use detection2d_array::{BoundingBox2D, Detection2D, Detection2DArray, Point2D, Pose2D};
pub use detection3d_array::{BoundingBox3D, Detection3D, Detection3DArray, ObjectHypothesis, ObjectHypothesisWithPose};
pub use label_info::{LabelInfo, VisionClass};
