//! geometry_msgs/Point32 and Polygon.

use crate::message::message;

message! {
    /// A place in metres, in single precision.
    #[derive(Copy)]
    "geometry_msgs", Point32 {
        /// Along x.
        x: f32,
        /// Along y.
        y: f32,
        /// Along z.
        z: f32,
    }
}

message! {
    /// A closed line.
    "geometry_msgs", Polygon {
        /// Its corners in order.
        points: Vec<Point32>,
    }
}
