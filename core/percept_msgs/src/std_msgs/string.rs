//! std_msgs/String.

use crate::message::message;

message! {
    /// A text.
    #[derive(Eq)]
    "std_msgs", String {
        /// The text.
        data: ::std::string::String,
    }
}
