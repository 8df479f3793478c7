//! autoware_perception_msgs/DetectedObjects and what it is made of.

use super::{ObjectClassification, Shape};
use crate::geometry_msgs::{PoseWithCovariance, TwistWithCovariance};
use crate::message::message;
use crate::std_msgs::Header;

message! {
    /// Pose and velocity of an object, and which of them are known.
    #[derive(Copy)]
    "autoware_perception_msgs", DetectedObjectKinematics {
        /// Centre and turn in the header's frame.
        pose_with_covariance: PoseWithCovariance,
        /// Whether the position's covariance is filled.
        has_position_covariance: bool,
        /// What of the turn is known, one of the constants below.
        orientation_availability: u8,
        /// Velocity in the object's own axes.
        twist_with_covariance: TwistWithCovariance,
        /// Whether the velocity is filled.
        has_twist: bool,
        /// Whether its covariance is filled.
        has_twist_covariance: bool,
    }
    constants {
        /// Nothing.
        UNAVAILABLE: u8 = 0,
        /// The axis, not which end is the front.
        SIGN_UNKNOWN: u8 = 1,
        /// All.
        AVAILABLE: u8 = 2,
    }
}

message! {
    /// One object.
    "autoware_perception_msgs", DetectedObject {
        /// How sure it is that there is something.
        existence_probability: f32,
        /// What it may be.
        classification: Vec<ObjectClassification>,
        /// Pose and velocity.
        kinematics: DetectedObjectKinematics,
        /// Form and size.
        shape: Shape,
    }
}

message! {
    /// The objects of one frame.
    "autoware_perception_msgs", DetectedObjects {
        /// Moment and frame.
        header: Header,
        /// The objects.
        objects: Vec<DetectedObject>,
    }
}
