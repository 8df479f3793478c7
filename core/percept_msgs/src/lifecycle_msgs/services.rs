//! lifecycle_msgs/srv: ChangeState, GetState, GetAvailableStates, GetAvailableTransitions.
//!
//! An empty half of a service holds one byte on the wire, as rosidl generates it.

use super::{State, Transition, TransitionDescription};
use crate::message::{message, service};

message! {
    /// Asks for a transition.
    #[derive(Eq)]
    "lifecycle_msgs", ChangeStateRequest as "lifecycle_msgs/srv/ChangeState_Request" {
        /// Which, by its id or, where that is 0, by its label.
        transition: Transition,
    }
}

message! {
    /// Whether it happened.
    #[derive(Copy, Eq)]
    "lifecycle_msgs", ChangeStateResponse as "lifecycle_msgs/srv/ChangeState_Response" {
        /// It did.
        success: bool,
    }
}

service! {
    /// Changes the state of a managed node.
    ChangeState: "lifecycle_msgs/srv/ChangeState", ChangeStateRequest => ChangeStateResponse
}

message! {
    /// Asks for the state.
    #[derive(Copy, Eq)]
    "lifecycle_msgs", GetStateRequest as "lifecycle_msgs/srv/GetState_Request" {
        /// Nothing.
        structure_needs_at_least_one_member: u8,
    }
}

message! {
    /// The state.
    #[derive(Eq)]
    "lifecycle_msgs", GetStateResponse as "lifecycle_msgs/srv/GetState_Response" {
        /// The state the node is in.
        current_state: State,
    }
}

service! {
    /// Tells the state of a managed node.
    GetState: "lifecycle_msgs/srv/GetState", GetStateRequest => GetStateResponse
}

message! {
    /// Asks for the states there are.
    #[derive(Copy, Eq)]
    "lifecycle_msgs", GetAvailableStatesRequest as "lifecycle_msgs/srv/GetAvailableStates_Request" {
        /// Nothing.
        structure_needs_at_least_one_member: u8,
    }
}

message! {
    /// The states there are.
    #[derive(Eq)]
    "lifecycle_msgs", GetAvailableStatesResponse as "lifecycle_msgs/srv/GetAvailableStates_Response" {
        /// All of them.
        available_states: Vec<State>,
    }
}

service! {
    /// Tells the states that a managed node knows.
    GetAvailableStates: "lifecycle_msgs/srv/GetAvailableStates", GetAvailableStatesRequest => GetAvailableStatesResponse
}

message! {
    /// Asks for transitions.
    #[derive(Copy, Eq)]
    "lifecycle_msgs", GetAvailableTransitionsRequest as "lifecycle_msgs/srv/GetAvailableTransitions_Request" {
        /// Nothing.
        structure_needs_at_least_one_member: u8,
    }
}

message! {
    /// Transitions with the states they lead from and to.
    #[derive(Eq)]
    "lifecycle_msgs", GetAvailableTransitionsResponse as "lifecycle_msgs/srv/GetAvailableTransitions_Response" {
        /// Those that may be asked for now, or all of them for `~/get_transition_graph`.
        available_transitions: Vec<TransitionDescription>,
    }
}

service! {
    /// Tells transitions of a managed node; also the type of `~/get_transition_graph`.
    GetAvailableTransitions: "lifecycle_msgs/srv/GetAvailableTransitions",
    GetAvailableTransitionsRequest => GetAvailableTransitionsResponse
}
