//! sensor_msgs/CompressedImage.

use crate::message::message;
use crate::std_msgs::Header;

message! {
    /// An image as a JPEG or PNG file.
    #[derive(Eq)]
    "sensor_msgs", CompressedImage {
        /// Moment and optical frame.
        header: Header,
        /// Contains `jpeg` or `png`, often among other words.
        format: String,
        /// The file.
        data: Vec<u8>,
    }
}
