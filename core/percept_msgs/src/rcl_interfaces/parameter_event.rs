//! rcl_interfaces/ParameterEvent.

use super::Parameter;
use crate::builtin_interfaces::Time;
use crate::message::message;

message! {
    /// What changed among a node's parameters; published on /parameter_events.
    "rcl_interfaces", ParameterEvent {
        /// When.
        stamp: Time,
        /// Full name of the node.
        node: String,
        /// Those that are new.
        new_parameters: Vec<Parameter>,
        /// Those that changed.
        changed_parameters: Vec<Parameter>,
        /// Those that are gone.
        deleted_parameters: Vec<Parameter>,
    }
}
