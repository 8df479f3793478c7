//! builtin_interfaces/Duration.

use crate::message::message;

message! {
    /// A span of time: seconds and the nanoseconds above them.
    #[derive(Copy, Eq)]
    "builtin_interfaces", Duration {
        /// Whole seconds, rounded down.
        sec: i32,
        /// Nanoseconds above them, below 10^9.
        nanosec: u32,
    }
}

impl Duration {
    /// A span of whole milliseconds.
    pub fn from_ms(milliseconds: u32) -> Self {
        Self { sec: (milliseconds / 1000) as i32, nanosec: milliseconds % 1000 * 1_000_000 }
    }
}
