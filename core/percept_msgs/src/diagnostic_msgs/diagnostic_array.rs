//! diagnostic_msgs/DiagnosticArray and what it is made of.

use crate::message::message;
use crate::std_msgs::Header;

message! {
    /// A named value.
    #[derive(Eq)]
    "diagnostic_msgs", KeyValue {
        /// Name.
        key: String,
        /// Value.
        value: String,
    }
}

message! {
    /// How one part of a system is.
    #[derive(Eq)]
    "diagnostic_msgs", DiagnosticStatus {
        /// One of the constants below.
        level: u8 as "byte",
        /// `node: task`.
        name: String,
        /// In words.
        message: String,
        /// The hardware it is about.
        hardware_id: String,
        /// In numbers.
        values: Vec<KeyValue>,
    }
    constants {
        /// As it should be.
        OK: u8 as "byte" = 0,
        /// Works, but look.
        WARN: u8 as "byte" = 1,
        /// Does not work.
        ERROR: u8 as "byte" = 2,
        /// Has not been heard of.
        STALE: u8 as "byte" = 3,
    }
}

impl DiagnosticStatus {
    /// The same status with one more value.
    pub fn with(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.values.push(KeyValue { key: key.into(), value: value.to_string() });
        self
    }
}

message! {
    /// How the parts of a system are.
    #[derive(Eq)]
    "diagnostic_msgs", DiagnosticArray {
        /// Moment.
        header: Header,
        /// One a part.
        status: Vec<DiagnosticStatus>,
    }
}
