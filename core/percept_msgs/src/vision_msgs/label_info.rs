//! vision_msgs/LabelInfo and VisionClass.

use crate::message::message;
use crate::std_msgs::Header;

message! {
    /// The number and the name of a class.
    #[derive(Eq)]
    "vision_msgs", VisionClass {
        /// Number.
        class_id: u16,
        /// Name.
        class_name: String,
    }
}

message! {
    /// The classes that a node tells apart, published latched.
    "vision_msgs", LabelInfo {
        /// Moment and frame.
        header: Header,
        /// Numbers and names.
        class_map: Vec<VisionClass>,
        /// Score above which something is published.
        threshold: f32,
    }
}
