//! autoware_perception_msgs/Shape.

use crate::geometry_msgs::{Polygon, Vector3};
use crate::message::message;

message! {
    /// The form of an object.
    "autoware_perception_msgs", Shape {
        /// One of the constants below.
        kind("type"): u8,
        /// Outline, for polygons.
        footprint: Polygon,
        /// Length (x), width (y), height (z) in metres; a cylinder's diameter in x and y.
        dimensions: Vector3,
    }
    constants {
        /// A cuboid.
        BOUNDING_BOX: u8 = 0,
        /// An upright cylinder.
        CYLINDER: u8 = 1,
        /// A footprint with a height.
        POLYGON: u8 = 2,
    }
}
