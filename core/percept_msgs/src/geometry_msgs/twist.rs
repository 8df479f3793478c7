//! geometry_msgs/Twist and TwistWithCovariance.

use super::Vector3;
use crate::message::message;

message! {
    /// A velocity, straight and turning.
    #[derive(Copy)]
    "geometry_msgs", Twist {
        /// Metres a second.
        linear: Vector3,
        /// Radians a second.
        angular: Vector3,
    }
}

message! {
    /// A velocity and how sure it is.
    #[derive(Copy)]
    "geometry_msgs", TwistWithCovariance {
        /// The velocity.
        twist: Twist,
        /// Row-major 6x6 over (x, y, z, turns about x, y, z).
        covariance: [f64; 36],
    }
}
