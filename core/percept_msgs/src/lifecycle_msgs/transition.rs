//! lifecycle_msgs/Transition, TransitionDescription and TransitionEvent.

use super::State;
use crate::message::message;

message! {
    /// A transition that may be asked for.
    #[derive(Eq)]
    "lifecycle_msgs", Transition {
        /// One of the constants below.
        id: u8,
        /// Its name; read where the id is 0.
        label: String,
    }
    constants {
        /// Reserved.
        TRANSITION_CREATE: u8 = 0,
        /// Load.
        TRANSITION_CONFIGURE: u8 = 1,
        /// Free.
        TRANSITION_CLEANUP: u8 = 2,
        /// Take up work.
        TRANSITION_ACTIVATE: u8 = 3,
        /// Lay down work.
        TRANSITION_DEACTIVATE: u8 = 4,
        /// End, from the state unconfigured.
        TRANSITION_UNCONFIGURED_SHUTDOWN: u8 = 5,
        /// End, from the state inactive.
        TRANSITION_INACTIVE_SHUTDOWN: u8 = 6,
        /// End, from the state active.
        TRANSITION_ACTIVE_SHUTDOWN: u8 = 7,
        /// Reserved.
        TRANSITION_DESTROY: u8 = 8,
        /// configure succeeded.
        TRANSITION_ON_CONFIGURE_SUCCESS: u8 = 10,
        /// configure failed.
        TRANSITION_ON_CONFIGURE_FAILURE: u8 = 11,
        /// configure broke.
        TRANSITION_ON_CONFIGURE_ERROR: u8 = 12,
        /// cleanup succeeded.
        TRANSITION_ON_CLEANUP_SUCCESS: u8 = 20,
        /// cleanup failed.
        TRANSITION_ON_CLEANUP_FAILURE: u8 = 21,
        /// cleanup broke.
        TRANSITION_ON_CLEANUP_ERROR: u8 = 22,
        /// activate succeeded.
        TRANSITION_ON_ACTIVATE_SUCCESS: u8 = 30,
        /// activate failed.
        TRANSITION_ON_ACTIVATE_FAILURE: u8 = 31,
        /// activate broke.
        TRANSITION_ON_ACTIVATE_ERROR: u8 = 32,
        /// deactivate succeeded.
        TRANSITION_ON_DEACTIVATE_SUCCESS: u8 = 40,
        /// deactivate failed.
        TRANSITION_ON_DEACTIVATE_FAILURE: u8 = 41,
        /// deactivate broke.
        TRANSITION_ON_DEACTIVATE_ERROR: u8 = 42,
        /// shutdown succeeded.
        TRANSITION_ON_SHUTDOWN_SUCCESS: u8 = 50,
        /// shutdown failed.
        TRANSITION_ON_SHUTDOWN_FAILURE: u8 = 51,
        /// shutdown broke.
        TRANSITION_ON_SHUTDOWN_ERROR: u8 = 52,
        /// The error was got over.
        TRANSITION_ON_ERROR_SUCCESS: u8 = 60,
        /// The error was not got over.
        TRANSITION_ON_ERROR_FAILURE: u8 = 61,
        /// Getting over the error broke.
        TRANSITION_ON_ERROR_ERROR: u8 = 62,
        /// What a callback returns.
        TRANSITION_CALLBACK_SUCCESS: u8 = 97,
        /// What a callback returns.
        TRANSITION_CALLBACK_FAILURE: u8 = 98,
        /// What a callback returns.
        TRANSITION_CALLBACK_ERROR: u8 = 99,
    }
}

message! {
    /// A transition with the states it leads from and to.
    #[derive(Eq)]
    "lifecycle_msgs", TransitionDescription {
        /// The transition.
        transition: Transition,
        /// Where it begins.
        start_state: State,
        /// Where it ends.
        goal_state: State,
    }
}

message! {
    /// Published at every change of state.
    #[derive(Eq)]
    "lifecycle_msgs", TransitionEvent {
        /// When, in nanoseconds since the epoch.
        timestamp: u64,
        /// The transition.
        transition: Transition,
        /// Where it began.
        start_state: State,
        /// Where it ended.
        goal_state: State,
    }
}
