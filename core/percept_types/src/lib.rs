//! The nouns of Percept: what flows between bags, networks, metrics and pictures.
//!
//! Nothing here knows ROS, candle or a file. Conventions (REP-103): metres, seconds, radians, right-handed frames
//! with x forward, y left, z up; yaw counter-clockwise from +x; a transform `t_a_b` maps coordinates of frame `b`
//! into frame `a`.

mod boxes;
mod camera;
mod cloud;
mod detections;
mod domain_watch;
mod grid;
mod labels;
mod model_frame;
mod perceive;
mod raw_cloud;
mod stamp;
mod transform;
mod transform_buffer;
mod truth;

pub use boxes::{BevRectangle, Box3d, wrap_to_pi};
pub use camera::{Camera, ImageBox, PinholeProjection};
pub use cloud::{CloudError, PointCloud, PointLayout};
pub use detections::{Detection, Detections};
pub use domain_watch::{DomainReason, DomainWatch, InputFigures, InputStatistics};
pub use grid::{GridError, VoxelGrid};
pub use labels::PointLabels;
pub use model_frame::{ModelFrame, MountedCloud, TrainedMounting};
pub use perceive::{BoxError, FrameReport, ModelCard, Perceive, StageTime};
pub use raw_cloud::{FieldType, RawCloud, RawField, RawLayout};
pub use stamp::{Stamp, Stamped};
pub use transform::Transform;
pub use transform_buffer::{TransformBuffer, TransformError};
pub use truth::{Difficulty, LabelledFrame, Occlusion, TruthObject};
