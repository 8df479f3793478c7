//! geometry_msgs/Vector3.

use crate::message::message;

message! {
    /// A direction, a size or a velocity.
    #[derive(Copy)]
    "geometry_msgs", Vector3 {
        /// Along x.
        x: f64,
        /// Along y.
        y: f64,
        /// Along z.
        z: f64,
    }
}

impl From<[f64; 3]> for Vector3 {
    fn from([x, y, z]: [f64; 3]) -> Self {
        Self { x, y, z }
    }
}

impl From<Vector3> for [f64; 3] {
    fn from(v: Vector3) -> Self {
        [v.x, v.y, v.z]
    }
}
