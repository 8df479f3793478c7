//! Places, turns and motions.

mod polygon;
mod pose;
mod transform;
mod twist;
mod vector3;

pub use polygon::{Point32, Polygon};
pub use pose::{Point, Pose, PoseWithCovariance, Quaternion};
pub use transform::{Transform, TransformStamped};
pub use twist::{Twist, TwistWithCovariance};
pub use vector3::Vector3;
