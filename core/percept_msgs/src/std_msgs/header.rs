//! std_msgs/Header.

use crate::builtin_interfaces::Time;
use crate::message::message;
use percept_types::{Stamp, Stamped};

message! {
    /// When a message was true, and in which frame.
    #[derive(Eq)]
    "std_msgs", Header {
        /// Time of validity.
        stamp: Time,
        /// Coordinate frame.
        frame_id: String,
    }
}

impl Header {
    /// A header of a moment and a frame.
    pub fn new(stamp: Stamp, frame_id: impl Into<String>) -> Self {
        Self { stamp: stamp.into(), frame_id: frame_id.into() }
    }

    /// The header of something stamped.
    pub fn of<T>(stamped: &Stamped<T>) -> Self {
        Self::new(stamped.stamp, stamped.frame_id.clone())
    }

    /// A payload with this header's moment and frame.
    pub fn stamp_on<T>(&self, payload: T, received_at: Stamp) -> Stamped<T> {
        Stamped { stamp: self.stamp.into(), frame_id: self.frame_id.clone(), received_at, payload }
    }
}
