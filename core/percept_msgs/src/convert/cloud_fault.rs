//! What keeps a `PointCloud2` from being a cloud.

use thiserror::Error;

/// A description that does not fit its bytes, or bytes that describe no points.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloudFault {
    /// A coordinate is missing.
    #[error("no field {missing:?} among {found:?}: a cloud needs x, y and z; remap the topic or rename the fields")]
    MissingCoordinate {
        /// x, y or z.
        missing: char,
        /// Names found.
        found: Vec<String>,
    },
    /// A datatype that PointField does not know.
    #[error(
        "field {name:?} has datatype {found}, 1 (INT8) to 8 (FLOAT64) expected: the driver writes a foreign format"
    )]
    UnknownDatatype {
        /// Name of the field.
        name: String,
        /// The number found.
        found: u8,
    },
    /// Two fields of one name.
    #[error("field {name:?} occurs twice, once expected: it is not known which one to read; rename one")]
    DuplicateField {
        /// The name.
        name: String,
    },
    /// A coordinate shares its bytes with another field.
    #[error(
        "field {name:?} overlaps field {other:?} in bytes {from}..{to} of a point: check the offsets that the driver writes"
    )]
    OverlappingFields {
        /// One of x, y, z.
        name: String,
        /// The other field.
        other: String,
        /// First byte shared.
        from: u64,
        /// One behind the last byte shared.
        to: u64,
    },
    /// A field that ends beyond its point.
    #[error(
        "field {name:?} ends at byte {end} of a point, but point_step is {point_step}: check offset, datatype and count"
    )]
    FieldBeyondPoint {
        /// Name of the field.
        name: String,
        /// One behind its last byte.
        end: u64,
        /// Bytes from a point to the next.
        point_step: u32,
    },
    /// Points of no size.
    #[error("point_step is 0 with {width} x {height} points, at least the end of the last field expected")]
    ZeroPointStep {
        /// Points a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// Rows that overlap.
    #[error("row_step is {row_step}, 0 or at least width * point_step = {expected} expected: rows would overlap")]
    RowStepTooSmall {
        /// What was found.
        row_step: u32,
        /// The least allowed.
        expected: u64,
    },
    /// Sizes whose product no machine can address.
    #[error("{width} x {height} points of {point_step} bytes are more than can be addressed: the header is damaged")]
    SizeOverflow {
        /// Points a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes a point.
        point_step: u32,
    },
    /// Fewer bytes than the points announced.
    #[error(
        "data holds {found} bytes, {expected} expected for {width} x {height} points of {point_step} bytes: the message was cut or its header is wrong"
    )]
    DataTooShort {
        /// Bytes found.
        found: usize,
        /// Bytes that the header asks for.
        expected: usize,
        /// Points a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes a point.
        point_step: u32,
    },
    /// A label channel is missing or of a type that holds no labels.
    #[error(
        "no field {missing:?} of an unsigned type of at most 16 bits or of 32 bits: this cloud carries no labels; fields are {found:?}"
    )]
    MissingLabels {
        /// `label` or `instance`.
        missing: &'static str,
        /// Names found.
        found: Vec<String>,
    },
    /// A label too large for what holds labels.
    #[error("{channel} of point {point} is {found}, at most 65535 expected: split class and instance into two fields")]
    LabelTooLarge {
        /// `label` or `instance`.
        channel: &'static str,
        /// Which point.
        point: usize,
        /// The value.
        found: u32,
    },
}
