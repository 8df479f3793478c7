//! What every message can do, and the form in which one is written down.

use crate::MsgError;
use crate::cdr::{CdrReader, CdrWriter, Definitions, Field};

/// A ROS 2 message: a record with a name.
pub trait Message: Field {
    /// Full name, `sensor_msgs/msg/PointCloud2`.
    const TYPE_NAME: &'static str;

    /// Reads a message with its encapsulation header.
    ///
    /// # Errors
    /// [`MsgError::Decode`] with the field, the byte and what was expected there.
    fn decode(bytes: &[u8]) -> Result<Self, MsgError> {
        let read = || {
            let mut reader = CdrReader::new(bytes)?;
            let message = Self::read(&mut reader)?;
            reader.finish()?;
            Ok(message)
        };
        read().map_err(|error| MsgError::decode(Self::TYPE_NAME, error))
    }

    /// The message with its encapsulation header, little-endian; the same message gives the same bytes.
    fn encode(&self) -> Vec<u8> {
        let mut writer = CdrWriter::new();
        self.write(&mut writer);
        writer.finish()
    }

    /// The definition as bags keep it (schema encoding `ros2msg`): the `.msg` text without comments, then that of each
    /// record it uses behind a line of 80 `=` and `MSG: pkg/Type`.
    fn definition() -> String {
        let mut definitions = Definitions::default();
        Self::define(&mut definitions);
        let separator = "=".repeat(80);
        let mut text = String::new();
        for (index, (name, fields)) in definitions.records.iter().enumerate() {
            if index > 0 {
                text.push_str(&format!("{separator}\nMSG: {name}\n"));
            }
            text.push_str(fields);
        }
        text
    }
}

/// A ROS 2 service: a request, a response and a name.
pub trait Service: 'static {
    /// What is asked.
    type Request: Message;
    /// What is answered.
    type Response: Message;
    /// Full name, `lifecycle_msgs/srv/ChangeState`.
    const TYPE_NAME: &'static str;
}

/// Writes a service down: its name and the two messages it is made of.
macro_rules! service {
    ($(#[$meta:meta])* $name:ident: $full_name:literal, $request:ty => $response:ty) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {}

        impl $crate::Service for $name {
            type Request = $request;
            type Response = $response;
            const TYPE_NAME: &'static str = $full_name;
        }
    };
}
pub(crate) use service;

/// Writes a message down once: struct, wire form, default and definition follow from it.
///
/// `"package", Name { ... }`, for the halves of a service `Name as "package/srv/Service_Request"`. Then
/// `field: Type`, where needed with `("name")` for a wire name that is a Rust keyword, `as "byte"` for a ROS type of
/// another name, and `= value` for an initial value that the definition states.
macro_rules! message {
    (
        $(#[$meta:meta])*
        $package:literal, $name:ident $(as $full_name:literal)? {
            $(
                $(#[$field_meta:meta])*
                $field:ident $(($wire_name:literal))? : $type:ty $(as $ros_type:literal)? $(= $initial:literal)?
            ),* $(,)?
        }
        $( constants {
            $(
                $(#[$const_meta:meta])*
                $constant:ident: $const_type:ty $(as $const_ros_type:literal)? = $value:literal
            ),* $(,)?
        } )?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        impl $name {
            $($( $(#[$const_meta])* pub const $constant: $const_type = $value; )*)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $crate::message::message!(@initial $type $(, $initial)?), )* }
            }
        }

        impl $crate::cdr::Field for $name {
            const MIN_BYTES: usize = 0 $( + <$type as $crate::cdr::Field>::MIN_BYTES )*;

            fn ros_type() -> ::std::string::String {
                concat!($package, "/", stringify!($name)).to_owned()
            }

            fn initial() -> Self {
                Self::default()
            }

            fn read(reader: &mut $crate::cdr::CdrReader<'_>) -> Result<Self, $crate::cdr::CdrError> {
                Ok(Self { $(
                    $field: <$type as $crate::cdr::Field>::read(reader).map_err(|error| {
                        error.within_field($crate::message::message!(@name $field $(, $wire_name)?))
                    })?,
                )* })
            }

            fn write(&self, writer: &mut $crate::cdr::CdrWriter) {
                $( $crate::cdr::Field::write(&self.$field, writer); )*
            }

            fn define(definitions: &mut $crate::cdr::Definitions) {
                let name = Self::ros_type();
                if definitions.records.iter().any(|(known, _)| *known == name) {
                    return;
                }
                let lines = [
                    $($( format!(
                        "{} {}={}\n",
                        $crate::message::message!(@ros_type $const_type $(, $const_ros_type)?),
                        stringify!($constant),
                        $value
                    ), )*)?
                    $( format!(
                        "{} {}{}\n",
                        $crate::message::message!(@ros_type $type $(, $ros_type)?),
                        $crate::message::message!(@name $field $(, $wire_name)?),
                        $crate::message::message!(@initial_text $($initial)?)
                    ), )*
                ];
                definitions.records.push((name, lines.concat()));
                $( <$type as $crate::cdr::Field>::define(definitions); )*
            }
        }

        impl $crate::Message for $name {
            const TYPE_NAME: &'static str = $crate::message::message!(@full_name $package, $name $(, $full_name)?);
        }
    };
    (@full_name $package:literal, $name:ident) => { concat!($package, "/msg/", stringify!($name)) };
    (@full_name $package:literal, $name:ident, $full_name:literal) => { $full_name };
    (@initial $type:ty) => { <$type as $crate::cdr::Field>::initial() };
    (@initial $type:ty, $initial:literal) => { $initial };
    (@initial_text) => { "" };
    (@initial_text $initial:literal) => { format!(" {}", $initial) };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident, $wire_name:literal) => { $wire_name };
    (@ros_type $type:ty) => { <$type as $crate::cdr::Field>::ros_type() };
    (@ros_type $type:ty, $ros_type:literal) => { $ros_type };
}
pub(crate) use message;
