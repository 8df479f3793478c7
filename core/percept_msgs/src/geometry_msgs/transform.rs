//! geometry_msgs/Transform and TransformStamped.

use super::{Quaternion, Vector3};
use crate::message::message;
use crate::std_msgs::Header;

message! {
    /// A rigid motion: rotation, then translation.
    #[derive(Copy)]
    "geometry_msgs", Transform {
        /// Metres.
        translation: Vector3,
        /// Turn.
        rotation: Quaternion,
    }
}

message! {
    /// The motion that takes coordinates of `child_frame_id` into `header.frame_id`.
    "geometry_msgs", TransformStamped {
        /// Moment and parent frame.
        header: Header,
        /// Child frame.
        child_frame_id: String,
        /// `t_parent_child`.
        transform: Transform,
    }
}
