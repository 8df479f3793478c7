//! sensor_msgs/Image.

use crate::message::message;
use crate::std_msgs::Header;

message! {
    /// An image, uncompressed.
    #[derive(Eq)]
    "sensor_msgs", Image {
        /// Moment and optical frame.
        header: Header,
        /// Rows.
        height: u32,
        /// Pixels a row.
        width: u32,
        /// Such as `rgb8`, `bgr8`, `mono8`.
        encoding: String,
        /// Whether values wider than a byte are big-endian.
        is_bigendian: u8,
        /// Bytes from a row to the next.
        step: u32,
        /// The pixels.
        data: Vec<u8>,
    }
}
