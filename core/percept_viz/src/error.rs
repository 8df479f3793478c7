//! Why a picture cannot be drawn.

use thiserror::Error;

/// Why a picture cannot be drawn.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum VizError {
    /// A picture of no or of absurd size.
    #[error(
        "a picture of {width} x {height} pixels asked for, 1 to {limit} on each side expected: change range or scale"
    )]
    Size {
        /// Columns asked for.
        width: usize,
        /// Rows asked for.
        height: usize,
        /// Most allowed on a side.
        limit: usize,
    },
    /// A range that spans nothing.
    #[error("the range {found:?} spans nothing: give x_min < x_max and y_min < y_max, finite, in metres")]
    Range {
        /// What was found.
        found: [f64; 4],
    },
    /// An image whose bytes are not its size.
    #[error("{found} bytes of image found, {width} x {height} x 3 = {expected} expected")]
    ImageBytes {
        /// Bytes found.
        found: usize,
        /// Bytes expected.
        expected: usize,
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// The encoder gave up.
    #[error("the picture could not be encoded as PNG: {reason}")]
    Encode {
        /// What the encoder says.
        reason: String,
    },
}
