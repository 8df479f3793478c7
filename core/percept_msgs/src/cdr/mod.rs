//! CDR, the wire form of ROS 2 messages (OMG DDSI-RTPS 2.5, 10.2; classic CDR, "XCDR1").
//!
//! Form    4 bytes of encapsulation header, then the body; numbers are aligned to their size relative to the body.
//! Order   the header says whether the body is big- or little-endian; the writer always writes little-endian.
//! Limits  every length is checked against the bytes left before anything is allocated for it.

mod fault;
mod field;
mod reader;
mod writer;

pub use fault::{CdrError, CdrFault};
pub use field::{Definitions, Field};
pub use reader::CdrReader;
pub use writer::CdrWriter;

/// Bytes before the body.
pub const ENCAPSULATION_BYTES: usize = 4;
/// Bytes of padding that a serialiser may leave behind the last field.
pub const MAX_TRAILING_PADDING_BYTES: usize = 3;
