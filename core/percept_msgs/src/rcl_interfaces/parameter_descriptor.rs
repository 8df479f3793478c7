//! rcl_interfaces/ParameterDescriptor, its ranges, and SetParametersResult.

use crate::message::message;

message! {
    /// The numbers that are allowed.
    #[derive(Copy)]
    "rcl_interfaces", FloatingPointRange {
        /// Least.
        from_value: f64,
        /// Greatest.
        to_value: f64,
        /// Distance between two, 0 for any.
        step: f64,
    }
}

message! {
    /// The whole numbers that are allowed.
    #[derive(Copy, Eq)]
    "rcl_interfaces", IntegerRange {
        /// Least.
        from_value: i64,
        /// Greatest.
        to_value: i64,
        /// Distance between two, 0 for any.
        step: u64,
    }
}

message! {
    /// What a parameter is.
    "rcl_interfaces", ParameterDescriptor {
        /// Its name.
        name: String,
        /// One of the constants of `ParameterType`.
        r#type("type"): u8,
        /// What it does.
        description: String,
        /// Limits in words.
        additional_constraints: String,
        /// Whether it stays as it was at the start.
        read_only: bool,
        /// Whether its type may change.
        dynamic_typing: bool,
        /// At most one range of numbers.
        floating_point_range: Vec<FloatingPointRange> as "rcl_interfaces/FloatingPointRange[<=1]",
        /// At most one range of whole numbers.
        integer_range: Vec<IntegerRange> as "rcl_interfaces/IntegerRange[<=1]",
    }
}

message! {
    /// Whether parameters were set.
    #[derive(Eq)]
    "rcl_interfaces", SetParametersResult {
        /// They were.
        successful: bool,
        /// Why not.
        reason: String,
    }
}
