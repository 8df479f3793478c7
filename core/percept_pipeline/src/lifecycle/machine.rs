//! The machine: which transition may be asked for, what the node answers, where that leads.

use super::table::{PrimaryState, ROWS, TransitionRow, label_of, state};
use percept_msgs::lifecycle_msgs::{State, Transition, TransitionDescription, TransitionEvent};
use percept_types::Stamp;
use thiserror::Error;

/// What a node says of its own transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Success,
    /// Not done, and nothing is broken: the node is where it was.
    Failure,
    /// Broken: error processing decides what is left.
    Error,
}

/// What a node does at each transition.
pub trait Managed {
    /// Loads weights and warms up.
    fn on_configure(&mut self) -> Outcome;
    /// Frees what configure took.
    fn on_cleanup(&mut self) -> Outcome;
    /// Subscribes, and publishes from now on.
    fn on_activate(&mut self) -> Outcome;
    /// Publishes no more.
    fn on_deactivate(&mut self) -> Outcome;
    /// Frees everything.
    fn on_shutdown(&mut self) -> Outcome;
    /// Gets over an error by freeing everything; Success leads back to unconfigured.
    fn on_error(&mut self) -> Outcome;
}

/// Why a transition was not begun.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{asked} cannot be asked for in state {state}: possible are {possible:?}")]
pub struct Refused {
    /// Label or number of what was asked for.
    pub asked: String,
    /// The state the node is in.
    pub state: &'static str,
    /// What may be asked for.
    pub possible: Vec<&'static str>,
}

/// A transition that was gone through.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Whether the node did what was asked.
    pub succeeded: bool,
    /// What `~/transition_event` says, in order.
    pub events: Vec<TransitionEvent>,
}

/// A node's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    state: PrimaryState,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self { state: PrimaryState::Unconfigured }
    }
}

impl Lifecycle {
    /// The state the node rests in.
    pub fn state(&self) -> PrimaryState {
        self.state
    }

    /// The state as a message.
    pub fn state_message(&self) -> State {
        state(self.state.id())
    }

    /// Transitions that may be asked for now.
    pub fn available(&self) -> Vec<TransitionDescription> {
        self.rows().map(TransitionRow::description).collect()
    }

    fn rows(&self) -> impl Iterator<Item = &'static TransitionRow> {
        let id = self.state.id();
        ROWS.iter().filter(move |row| row.start == id)
    }

    /// Goes through a transition, named by its number or, where that is 0, by its label.
    ///
    /// # Errors
    /// When it may not be asked for in this state.
    pub fn change(&mut self, asked: &Transition, now: Stamp, node: &mut impl Managed) -> Result<Change, Refused> {
        let by_label = asked.id == 0 && !asked.label.is_empty();
        let is_asked = |row: &&TransitionRow| if by_label { row.label == asked.label } else { row.id == asked.id };
        let Some(begun) = self.rows().find(is_asked) else {
            let asked = if asked.label.is_empty() { format!("transition {}", asked.id) } else { asked.label.clone() };
            let possible = self.rows().map(|row| row.label).collect();
            return Err(Refused { asked, state: label_of(self.state.id()), possible });
        };
        let mut events = vec![event(begun, now)];
        let outcome = match begun.goal {
            State::TRANSITION_STATE_CONFIGURING => node.on_configure(),
            State::TRANSITION_STATE_CLEANINGUP => node.on_cleanup(),
            State::TRANSITION_STATE_ACTIVATING => node.on_activate(),
            State::TRANSITION_STATE_DEACTIVATING => node.on_deactivate(),
            _ => node.on_shutdown(),
        };
        let mut reached = self.follow(begun.goal, outcome, now, &mut events);
        if reached == State::TRANSITION_STATE_ERRORPROCESSING {
            reached = self.follow(reached, node.on_error(), now, &mut events);
        }
        self.state = PrimaryState::of(reached).unwrap_or(PrimaryState::Finalized);
        Ok(Change { succeeded: outcome == Outcome::Success, events })
    }

    /// Where an outcome leads from a state of transition.
    fn follow(&self, from: u8, outcome: Outcome, now: Stamp, events: &mut Vec<TransitionEvent>) -> u8 {
        let label = match outcome {
            Outcome::Success => "transition_success",
            Outcome::Failure => "transition_failure",
            Outcome::Error => "transition_error",
        };
        match ROWS.iter().find(|row| row.start == from && row.label == label) {
            Some(row) => {
                events.push(event(row, now));
                row.goal
            }
            None => from,
        }
    }
}

fn event(row: &TransitionRow, now: Stamp) -> TransitionEvent {
    TransitionEvent {
        timestamp: now.nanoseconds.unsigned_abs(),
        transition: row.transition(),
        start_state: state(row.start),
        goal_state: state(row.goal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers as told and notes what was asked.
    struct Told {
        outcome: Outcome,
        on_error: Outcome,
        calls: Vec<&'static str>,
    }

    impl Told {
        fn say(&mut self, call: &'static str) -> Outcome {
            self.calls.push(call);
            self.outcome
        }
    }

    impl Managed for Told {
        fn on_configure(&mut self) -> Outcome {
            self.say("configure")
        }
        fn on_cleanup(&mut self) -> Outcome {
            self.say("cleanup")
        }
        fn on_activate(&mut self) -> Outcome {
            self.say("activate")
        }
        fn on_deactivate(&mut self) -> Outcome {
            self.say("deactivate")
        }
        fn on_shutdown(&mut self) -> Outcome {
            self.say("shutdown")
        }
        fn on_error(&mut self) -> Outcome {
            self.calls.push("error");
            self.on_error
        }
    }

    fn told(outcome: Outcome) -> Told {
        Told { outcome, on_error: Outcome::Success, calls: Vec::new() }
    }

    fn ask(lifecycle: &mut Lifecycle, label: &str, node: &mut Told) -> Result<Change, Refused> {
        lifecycle.change(&Transition { id: 0, label: label.to_owned() }, Stamp::from_ns(7), node)
    }

    #[test]
    fn a_node_goes_through_its_life_and_every_step_is_told() {
        let (mut lifecycle, mut node) = (Lifecycle::default(), told(Outcome::Success));
        for (label, state) in [
            ("configure", "inactive"),
            ("activate", "active"),
            ("deactivate", "inactive"),
            ("cleanup", "unconfigured"),
            ("configure", "inactive"),
            ("activate", "active"),
            ("shutdown", "finalized"),
        ] {
            let change = ask(&mut lifecycle, label, &mut node).unwrap();
            let told: Vec<&str> = change.events.iter().map(|event| event.transition.label.as_str()).collect();
            assert_eq!((change.succeeded, told), (true, vec![label, "transition_success"]));
            assert_eq!(lifecycle.state().label(), state);
            assert_eq!(change.events[1].goal_state.label, state);
        }
        assert_eq!(node.calls.last(), Some(&"shutdown"));
        assert!(lifecycle.available().is_empty());
    }

    #[test]
    fn a_transition_of_another_state_is_refused_with_those_possible() {
        let (mut lifecycle, mut node) = (Lifecycle::default(), told(Outcome::Success));
        let refused = ask(&mut lifecycle, "activate", &mut node).unwrap_err();
        assert_eq!(refused.possible, ["configure", "shutdown"]);
        let by_number = Transition { id: Transition::TRANSITION_ACTIVE_SHUTDOWN, label: String::new() };
        assert!(lifecycle.change(&by_number, Stamp::default(), &mut node).is_err());
        assert!(node.calls.is_empty());
    }

    #[test]
    fn a_failure_stays_and_an_error_is_processed() {
        let (mut lifecycle, mut node) = (Lifecycle::default(), told(Outcome::Failure));
        assert!(!ask(&mut lifecycle, "configure", &mut node).unwrap().succeeded);
        assert_eq!(lifecycle.state(), PrimaryState::Unconfigured);
        let mut works = told(Outcome::Success);
        ask(&mut lifecycle, "configure", &mut works).unwrap();
        ask(&mut lifecycle, "activate", &mut works).unwrap();
        ask(&mut lifecycle, "deactivate", &mut node).unwrap();
        assert_eq!(lifecycle.state(), PrimaryState::Active);
        let mut breaks = told(Outcome::Error);
        let change = ask(&mut lifecycle, "deactivate", &mut breaks).unwrap();
        assert_eq!((change.succeeded, change.events.len(), lifecycle.state()), (false, 3, PrimaryState::Unconfigured));
        let mut is_beyond_help = Told { on_error: Outcome::Failure, ..told(Outcome::Error) };
        ask(&mut lifecycle, "configure", &mut is_beyond_help).unwrap();
        assert_eq!(lifecycle.state(), PrimaryState::Finalized);
    }

    #[test]
    fn the_graph_has_rcls_twenty_five_transitions() {
        assert_eq!(super::super::graph().len(), 25);
    }
}
