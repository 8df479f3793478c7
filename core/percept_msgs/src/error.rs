//! What can go wrong between bytes, messages and the nouns of Percept.

use crate::cdr::{CdrError, CdrFault};
use crate::convert::CloudFault;
use thiserror::Error;

/// Why bytes are no message or a message is no noun of Percept.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum MsgError {
    /// The bytes are not a message of this type.
    #[error("{type_name}: {place} at byte {offset_bytes}: {fault}", place = place_of(field))]
    Decode {
        /// Type that was expected.
        type_name: &'static str,
        /// Path of the field, empty for the message itself.
        field: String,
        /// Byte of the message where the fault lies, encapsulation header included.
        offset_bytes: usize,
        /// What is wrong there.
        fault: CdrFault,
    },
    /// A cloud whose description does not fit its bytes.
    #[error("sensor_msgs/msg/PointCloud2: {0}")]
    Cloud(#[from] CloudFault),
    /// A number that is not finite or out of its range.
    #[error("{type_name}: field `{field}` is {found}, {expected} expected: check the node that publishes it")]
    Value {
        /// Type of the message.
        type_name: &'static str,
        /// Path of the field.
        field: String,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// A class that the given names do not have.
    #[error(
        "{type_name}: field `{field}` names class {found:?}, one of {known:?} expected: map the class or add its name"
    )]
    UnknownClass {
        /// Type of the message.
        type_name: &'static str,
        /// Path of the field.
        field: String,
        /// The class found.
        found: String,
        /// The classes given.
        known: Vec<String>,
    },
    /// Two things that go together are not of one length.
    #[error("{found} {what} found for {expected} points: give one for each point, in their order")]
    CountMismatch {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A cloud that lacks what a driver tells of each point.
    #[error("the cloud has no column `{missing}`, only {found:?}: record it with ring and time")]
    MissingColumn {
        /// The column.
        missing: &'static str,
        /// The columns there are.
        found: Vec<String>,
    },
    /// A cloud with more points or bytes than the message can count.
    #[error("a cloud of {points} points of {point_step} bytes does not fit PointCloud2's 32-bit sizes: split it")]
    CloudTooLarge {
        /// Points.
        points: usize,
        /// Bytes a point.
        point_step: usize,
    },
    /// A transform that the buffer refuses.
    #[error("tf2_msgs/msg/TFMessage: transforms[{index}]: {error}")]
    Transform {
        /// Which of the message's transforms.
        index: usize,
        /// Why.
        error: percept_types::TransformError,
    },
}

impl MsgError {
    pub(crate) fn decode(type_name: &'static str, error: CdrError) -> Self {
        Self::Decode { type_name, field: error.field, offset_bytes: error.offset_bytes, fault: error.fault }
    }
}

fn place_of(field: &str) -> String {
    if field.is_empty() { "the message".to_owned() } else { format!("field `{field}`") }
}
