//! tf2_msgs/TFMessage.

use crate::geometry_msgs::TransformStamped;
use crate::message::message;

message! {
    /// Transforms, each with its own moment.
    "tf2_msgs", TFMessage {
        /// The transforms.
        transforms: Vec<TransformStamped>,
    }
}
