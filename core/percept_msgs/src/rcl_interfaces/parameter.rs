//! rcl_interfaces/Parameter, ParameterValue and ParameterType.

use crate::message::message;

message! {
    /// The numbers of the types; never sent by itself.
    #[derive(Copy, Eq)]
    "rcl_interfaces", ParameterType {
        /// Nothing.
        structure_needs_at_least_one_member: u8,
    }
    constants {
        /// No such parameter.
        PARAMETER_NOT_SET: u8 = 0,
        /// `bool_value`
        PARAMETER_BOOL: u8 = 1,
        /// `integer_value`
        PARAMETER_INTEGER: u8 = 2,
        /// `double_value`
        PARAMETER_DOUBLE: u8 = 3,
        /// `string_value`
        PARAMETER_STRING: u8 = 4,
        /// `byte_array_value`
        PARAMETER_BYTE_ARRAY: u8 = 5,
        /// `bool_array_value`
        PARAMETER_BOOL_ARRAY: u8 = 6,
        /// `integer_array_value`
        PARAMETER_INTEGER_ARRAY: u8 = 7,
        /// `double_array_value`
        PARAMETER_DOUBLE_ARRAY: u8 = 8,
        /// `string_array_value`
        PARAMETER_STRING_ARRAY: u8 = 9,
    }
}

message! {
    /// A value: the type says which of the fields counts.
    "rcl_interfaces", ParameterValue {
        /// One of the constants of [`ParameterType`].
        r#type("type"): u8,
        /// A boolean.
        bool_value: bool,
        /// A whole number.
        integer_value: i64,
        /// A number.
        double_value: f64,
        /// Text.
        string_value: String,
        /// Bytes.
        byte_array_value: Vec<u8> as "byte[]",
        /// Booleans.
        bool_array_value: Vec<bool>,
        /// Whole numbers.
        integer_array_value: Vec<i64>,
        /// Numbers.
        double_array_value: Vec<f64>,
        /// Texts.
        string_array_value: Vec<String>,
    }
}

message! {
    /// A name and a value.
    "rcl_interfaces", Parameter {
        /// The full name, `anchors.Car.size`.
        name: String,
        /// The value.
        value: ParameterValue,
    }
}
