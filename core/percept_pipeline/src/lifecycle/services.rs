//! The five services of a managed node and its event topic.

use super::{Lifecycle, Managed, graph};
use crate::lifecycle::table::{STATES, state};
use percept_msgs::lifecycle_msgs::{
    ChangeState, ChangeStateResponse, GetAvailableStates, GetAvailableStatesResponse, GetAvailableTransitions,
    GetAvailableTransitionsResponse, GetState, GetStateResponse, Transition, TransitionEvent,
};
use percept_transport::{Clock, Publisher, QosProfile, Server, Transport, TransportError};

/// What a managed node offers.
#[derive(Debug)]
pub struct LifecycleServices {
    change_state: Server<ChangeState>,
    get_state: Server<GetState>,
    get_available_states: Server<GetAvailableStates>,
    get_available_transitions: Server<GetAvailableTransitions>,
    get_transition_graph: Server<GetAvailableTransitions>,
    transition_event: Publisher<TransitionEvent>,
    clock: Clock,
}

impl LifecycleServices {
    /// Offers the services; they answer when [`LifecycleServices::answer`] is called.
    ///
    /// # Errors
    /// What the transport refuses.
    pub fn new(transport: &Transport) -> Result<Self, TransportError> {
        Ok(Self {
            change_state: transport.serve("~/change_state")?,
            get_state: transport.serve("~/get_state")?,
            get_available_states: transport.serve("~/get_available_states")?,
            get_available_transitions: transport.serve("~/get_available_transitions")?,
            get_transition_graph: transport.serve("~/get_transition_graph")?,
            transition_event: transport.advertise("~/transition_event", QosProfile::RELIABLE)?,
            clock: transport.clock().clone(),
        })
    }

    /// Answers every request that waits; `note` hears of transitions that were refused or did not succeed.
    pub fn answer(&self, lifecycle: &mut Lifecycle, node: &mut impl Managed, mut note: impl FnMut(String)) {
        while let Some(call) = self.change_state.take() {
            match call {
                Ok(call) => {
                    let success = self.change(&call.request.transition, lifecycle, node, &mut note);
                    call.reply.send(&ChangeStateResponse { success });
                }
                Err(error) => note(error.to_string()),
            }
        }
        let answered = [
            self.get_state.answer(|_| GetStateResponse { current_state: lifecycle.state_message() }),
            self.get_available_states.answer(|_| GetAvailableStatesResponse {
                available_states: STATES.iter().map(|id| state(*id)).collect(),
            }),
            self.get_available_transitions
                .answer(|_| GetAvailableTransitionsResponse { available_transitions: lifecycle.available() }),
            self.get_transition_graph.answer(|_| GetAvailableTransitionsResponse { available_transitions: graph() }),
        ];
        answered.into_iter().filter_map(Result::err).for_each(|error| note(error.to_string()));
    }

    /// Goes through a transition and publishes its events; whether it succeeded.
    pub fn change(
        &self,
        asked: &Transition,
        lifecycle: &mut Lifecycle,
        node: &mut impl Managed,
        note: &mut impl FnMut(String),
    ) -> bool {
        match lifecycle.change(asked, self.clock.now(), node) {
            Ok(change) => {
                for event in &change.events {
                    if let Err(error) = self.transition_event.publish(event) {
                        note(error.to_string());
                    }
                }
                change.succeeded
            }
            Err(refused) => {
                note(refused.to_string());
                false
            }
        }
    }
}
