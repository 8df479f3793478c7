//! nav_msgs/Odometry.

use crate::geometry_msgs::{PoseWithCovariance, TwistWithCovariance};
use crate::message::message;
use crate::std_msgs::Header;

message! {
    /// A pose in `header.frame_id` and a velocity in `child_frame_id`.
    "nav_msgs", Odometry {
        /// Moment and frame of the pose.
        header: Header,
        /// Frame of the velocity, and what the pose is of.
        child_frame_id: String,
        /// The pose.
        pose: PoseWithCovariance,
        /// The velocity.
        twist: TwistWithCovariance,
    }
}
