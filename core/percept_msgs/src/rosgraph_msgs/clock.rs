//! rosgraph_msgs/Clock.

use crate::builtin_interfaces::Time;
use crate::message::message;

message! {
    /// What time it is.
    #[derive(Copy, Eq)]
    "rosgraph_msgs", Clock {
        /// Now.
        clock: Time,
    }
}
