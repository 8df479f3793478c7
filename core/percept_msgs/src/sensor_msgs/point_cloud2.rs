//! sensor_msgs/PointCloud2 and PointField.

use crate::message::message;
use crate::std_msgs::Header;

message! {
    /// One named value of each point.
    #[derive(Eq)]
    "sensor_msgs", PointField {
        /// Name as the driver writes it.
        name: String,
        /// Byte offset within a point.
        offset: u32,
        /// One of the constants below.
        datatype: u8,
        /// Values of this name in a point.
        count: u32,
    }
    constants {
        /// Signed byte.
        INT8: u8 = 1,
        /// Unsigned byte.
        UINT8: u8 = 2,
        /// Signed 16 bits.
        INT16: u8 = 3,
        /// Unsigned 16 bits.
        UINT16: u8 = 4,
        /// Signed 32 bits.
        INT32: u8 = 5,
        /// Unsigned 32 bits.
        UINT32: u8 = 6,
        /// Single precision.
        FLOAT32: u8 = 7,
        /// Double precision.
        FLOAT64: u8 = 8,
    }
}

message! {
    /// Points as bytes with a description of them, as drivers send it; nothing of it is validated here.
    ///
    /// `RawCloud::try_from(cloud)` validates it and takes `data` without a copy.
    #[derive(Eq)]
    "sensor_msgs", PointCloud2 {
        /// Moment and frame.
        header: Header,
        /// Rows; 1 for a cloud without order.
        height: u32,
        /// Points a row.
        width: u32,
        /// Values of each point.
        fields: Vec<PointField>,
        /// Whether the values are big-endian, whatever the message is.
        is_bigendian: bool,
        /// Bytes from a point to the next.
        point_step: u32,
        /// Bytes from a row to the next.
        row_step: u32,
        /// The points.
        data: Vec<u8>,
        /// Whether every value is finite.
        is_dense: bool,
    }
}
