//! autoware_internal_debug_msgs/Float64Stamped.

use crate::builtin_interfaces::Time;
use crate::message::message;

message! {
    /// A number and its moment; nodes publish their processing time in it.
    #[derive(Copy)]
    "autoware_internal_debug_msgs", Float64Stamped {
        /// Moment.
        stamp: Time,
        /// Number.
        data: f64,
    }
}
