//! visualization_msgs/MarkerArray.

use super::Marker;
use crate::message::message;

message! {
    /// Things to draw, carried out in order.
    "visualization_msgs", MarkerArray {
        /// The things.
        markers: Vec<Marker>,
    }
}
