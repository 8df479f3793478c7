//! builtin_interfaces/Time.

use crate::message::message;
use percept_types::Stamp;

message! {
    /// A moment: seconds since the epoch and the nanoseconds above them.
    #[derive(Copy, Eq)]
    "builtin_interfaces", Time {
        /// Whole seconds, rounded down.
        sec: i32,
        /// Nanoseconds above them, below 10^9.
        nanosec: u32,
    }
}

impl From<Stamp> for Time {
    fn from(stamp: Stamp) -> Self {
        let (sec, nanosec) = stamp.to_parts();
        Self { sec, nanosec }
    }
}

impl From<Time> for Stamp {
    fn from(time: Time) -> Self {
        Self::from_parts(time.sec, time.nanosec)
    }
}
