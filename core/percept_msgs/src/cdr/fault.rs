//! What can be wrong with a serialised message, and where.

use thiserror::Error;

/// What is wrong with the bytes.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CdrFault {
    /// Not even an encapsulation header.
    #[error(
        "{found_bytes} bytes found, but a message begins with an encapsulation header of 4: the message is truncated"
    )]
    NoEncapsulation {
        /// Bytes of the message.
        found_bytes: usize,
    },
    /// An encapsulation other than plain CDR.
    #[error(
        "encapsulation {found:02x?} ({name}) found, plain CDR (00 00 or 00 01) expected: record the topic with a serialiser of plain ROS 2 messages"
    )]
    Encapsulation {
        /// The first two bytes.
        found: [u8; 2],
        /// Its name in the standard.
        name: &'static str,
    },
    /// The bytes end within a value.
    #[error("{needed_bytes} bytes expected, {left_bytes} left: the message is truncated or of another type")]
    Truncated {
        /// Bytes the value takes.
        needed_bytes: usize,
        /// Bytes left.
        left_bytes: usize,
    },
    /// A sequence that cannot lie in the bytes left.
    #[error(
        "a sequence of {count} elements announced, which takes at least {needed_bytes} bytes, {left_bytes} left: the message is truncated or of another type"
    )]
    SequenceTooLong {
        /// Elements announced.
        count: usize,
        /// Fewest bytes they take.
        needed_bytes: usize,
        /// Bytes left.
        left_bytes: usize,
    },
    /// A boolean that is neither 0 nor 1.
    #[error("a boolean of value {found} found, 0 or 1 expected: the message is of another type or damaged")]
    NotABoolean {
        /// The byte.
        found: u8,
    },
    /// A string without its final NUL.
    #[error(
        "a string of {length_bytes} bytes ends in {found:#04x}, a NUL expected: the message is of another type or damaged"
    )]
    NotTerminated {
        /// Length announced, NUL included.
        length_bytes: usize,
        /// The byte found in the NUL's place.
        found: u8,
    },
    /// A string that is no UTF-8.
    #[error(
        "a string of {length_bytes} bytes is no UTF-8 from byte {valid_up_to} on: the message is of another type or damaged"
    )]
    NotUtf8 {
        /// Length announced, NUL included.
        length_bytes: usize,
        /// Bytes that are valid.
        valid_up_to: usize,
    },
    /// More bytes behind the last field than padding explains.
    #[error(
        "{left_bytes} bytes left behind the last field, at most 3 of padding expected: the message is of another version of its type"
    )]
    TrailingBytes {
        /// Bytes left.
        left_bytes: usize,
    },
}

/// A fault with its place: the path of the field and the byte of the message where reading it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CdrError {
    /// What is wrong.
    pub fault: CdrFault,
    /// Byte offset in the message, encapsulation header included.
    pub offset_bytes: usize,
    /// Path of the field, such as `fields[2].name`; empty for the message itself.
    pub field: String,
}

impl CdrError {
    pub(crate) fn new(fault: CdrFault, offset_bytes: usize) -> Self {
        Self { fault, offset_bytes, field: String::new() }
    }

    /// The same error, seen from the record that holds the field.
    pub fn within_field(mut self, name: &str) -> Self {
        let separator = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        self.field = format!("{name}{separator}{}", self.field);
        self
    }

    /// The same error, seen from the sequence that holds the element.
    pub fn within_element(mut self, index: usize) -> Self {
        let separator = if self.field.is_empty() { "" } else { "." };
        self.field = format!("[{index}]{separator}{}", self.field);
        self
    }
}
