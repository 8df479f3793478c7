//! Managed nodes: their states, transitions and the services that ask for them.

mod services;
mod state;
mod transition;

pub use services::{
    ChangeState, ChangeStateRequest, ChangeStateResponse, GetAvailableStates, GetAvailableStatesRequest,
    GetAvailableStatesResponse, GetAvailableTransitions, GetAvailableTransitionsRequest,
    GetAvailableTransitionsResponse, GetState, GetStateRequest, GetStateResponse,
};
pub use state::State;
pub use transition::{Transition, TransitionDescription, TransitionEvent};
