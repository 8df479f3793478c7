//! Time of validity and time of arrival, kept apart.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A moment on the clock of the data (ROS time), in nanoseconds since its epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Nanoseconds since the epoch.
    pub nanoseconds: i64,
}

impl Stamp {
    /// A stamp from nanoseconds since the epoch.
    pub const fn from_ns(nanoseconds: i64) -> Self {
        Self { nanoseconds }
    }

    /// A stamp from ROS's pair (`builtin_interfaces/Time`).
    pub const fn from_parts(sec: i32, nanosec: u32) -> Self {
        Self { nanoseconds: sec as i64 * 1_000_000_000 + nanosec as i64 }
    }

    /// ROS's pair: whole seconds (floor, saturating at the range of `i32`) and the nanoseconds above them.
    pub fn to_parts(self) -> (i32, u32) {
        let sec = self.nanoseconds.div_euclid(1_000_000_000);
        let nanosec = self.nanoseconds.rem_euclid(1_000_000_000) as u32;
        (sec.clamp(i32::MIN as i64, i32::MAX as i64) as i32, nanosec)
    }

    /// Seconds since the epoch; exact to about 0.2 us for dates of this century.
    pub fn as_secs_f64(self) -> f64 {
        self.nanoseconds as f64 * 1e-9
    }

    /// `self - earlier` in seconds, exact for spans under a hundred days.
    pub fn seconds_since(self, earlier: Stamp) -> f64 {
        self.nanoseconds.saturating_sub(earlier.nanoseconds) as f64 * 1e-9
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sec, nanosec) = (self.nanoseconds.div_euclid(1_000_000_000), self.nanoseconds.rem_euclid(1_000_000_000));
        write!(f, "{sec}.{nanosec:09}")
    }
}

/// Anything that crosses a thread or a process: the payload, when it was true, where, and when it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamped<T> {
    /// Time of validity, from the message's header.
    pub stamp: Stamp,
    /// Coordinate frame of the payload.
    pub frame_id: String,
    /// Time of arrival on the receiver's clock (a bag's log time in replay).
    pub received_at: Stamp,
    /// What was sent.
    pub payload: T,
}

impl<T> Stamped<T> {
    /// The same moment and frame with another payload.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Stamped<U> {
        Stamped { stamp: self.stamp, frame_id: self.frame_id, received_at: self.received_at, payload: f(self.payload) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_stamp_before_the_epoch_still_have_positive_nanoseconds() {
        assert_eq!(Stamp::from_ns(-1).to_parts(), (-1, 999_999_999));
        assert_eq!(Stamp::from_parts(-1, 999_999_999), Stamp::from_ns(-1));
    }
}
