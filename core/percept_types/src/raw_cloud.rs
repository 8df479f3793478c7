//! A point cloud as it arrived: the message's own bytes with a validated description of them.
//!
//! `percept_msgs` is the only maker: once a `RawCloud` exists every field of every point lies inside `bytes`.
//! Decoding (`percept_kernels::decode_points`) runs where the network runs.

/// Datatypes of `sensor_msgs/PointField`, with their wire numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FieldType {
    /// INT8
    I8 = 1,
    /// UINT8
    U8 = 2,
    /// INT16
    I16 = 3,
    /// UINT16
    U16 = 4,
    /// INT32
    I32 = 5,
    /// UINT32
    U32 = 6,
    /// FLOAT32
    F32 = 7,
    /// FLOAT64
    F64 = 8,
}

impl FieldType {
    /// The type with this wire number, if there is one.
    pub fn from_wire(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::I8,
            2 => Self::U8,
            3 => Self::I16,
            4 => Self::U16,
            5 => Self::I32,
            6 => Self::U32,
            7 => Self::F32,
            8 => Self::F64,
            _ => return None,
        })
    }

    /// Size of one value in bytes.
    pub const fn size_bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// One named value of a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawField {
    /// Name as the driver wrote it.
    pub name: String,
    /// Byte offset within a point.
    pub offset: usize,
    /// Type of each value.
    pub datatype: FieldType,
    /// Values of this name in a point; the first one is read.
    pub count: usize,
}

/// The fields of a point, in the message's order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RawLayout {
    /// Fields in the order of the message.
    pub fields: Vec<RawField>,
}

impl RawLayout {
    /// The first field of this name.
    pub fn field(&self, name: &str) -> Option<&RawField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A validated `PointCloud2` that still holds the message's own buffer.
///
/// Guarantee of the maker: for every row < `height`, column < `width` and field, the byte range
/// `row*row_step + column*point_step + offset .. + size*count` lies within `bytes`; `row_step` is never 0 unless the
/// cloud is empty; `x`, `y`, `z` exist.
#[derive(Clone, Debug, PartialEq)]
pub struct RawCloud {
    /// The message's `data`, untouched.
    pub bytes: Vec<u8>,
    /// Named fields.
    pub layout: RawLayout,
    /// Points a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes from a point to the next.
    pub point_step: usize,
    /// Bytes from a row to the next, resolved (a message's 0 has become `width * point_step`).
    pub row_step: usize,
    /// Whether values are big-endian.
    pub big_endian: bool,
}

impl RawCloud {
    /// Number of points, finite or not.
    pub fn num_points(&self) -> usize {
        self.width * self.height
    }
}
