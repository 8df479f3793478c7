//! The states and transitions there are: one table that the machine and the services read.

use percept_msgs::lifecycle_msgs::{State, Transition, TransitionDescription};

/// The states in which a node rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrimaryState {
    /// Nothing is loaded.
    Unconfigured,
    /// Loaded, and silent.
    Inactive,
    /// At work.
    Active,
    /// Gone.
    Finalized,
}

impl PrimaryState {
    /// Its number in lifecycle_msgs.
    pub fn id(self) -> u8 {
        match self {
            Self::Unconfigured => State::PRIMARY_STATE_UNCONFIGURED,
            Self::Inactive => State::PRIMARY_STATE_INACTIVE,
            Self::Active => State::PRIMARY_STATE_ACTIVE,
            Self::Finalized => State::PRIMARY_STATE_FINALIZED,
        }
    }

    /// Its name.
    pub fn label(self) -> &'static str {
        label_of(self.id())
    }

    pub(crate) fn of(id: u8) -> Option<Self> {
        [Self::Unconfigured, Self::Inactive, Self::Active, Self::Finalized].into_iter().find(|state| state.id() == id)
    }
}

/// One transition: id, label, state it leaves, state it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransitionRow {
    /// Number in lifecycle_msgs.
    pub id: u8,
    /// Name.
    pub label: &'static str,
    /// Where it begins.
    pub start: u8,
    /// Where it ends.
    pub goal: u8,
}

const UNCONFIGURED: u8 = State::PRIMARY_STATE_UNCONFIGURED;
const INACTIVE: u8 = State::PRIMARY_STATE_INACTIVE;
const ACTIVE: u8 = State::PRIMARY_STATE_ACTIVE;
const FINALIZED: u8 = State::PRIMARY_STATE_FINALIZED;
const CONFIGURING: u8 = State::TRANSITION_STATE_CONFIGURING;
const CLEANINGUP: u8 = State::TRANSITION_STATE_CLEANINGUP;
const SHUTTINGDOWN: u8 = State::TRANSITION_STATE_SHUTTINGDOWN;
const ACTIVATING: u8 = State::TRANSITION_STATE_ACTIVATING;
const DEACTIVATING: u8 = State::TRANSITION_STATE_DEACTIVATING;
const ERROR: u8 = State::TRANSITION_STATE_ERRORPROCESSING;
const SUCCESS_LABEL: &str = "transition_success";
const FAILURE_LABEL: &str = "transition_failure";
const ERROR_LABEL: &str = "transition_error";

const fn row(id: u8, label: &'static str, start: u8, goal: u8) -> TransitionRow {
    TransitionRow { id, label, start, goal }
}

/// Every transition of the default state machine, in rcl's order.
pub(crate) const ROWS: &[TransitionRow] = &[
    row(Transition::TRANSITION_CONFIGURE, "configure", UNCONFIGURED, CONFIGURING),
    row(Transition::TRANSITION_ON_CONFIGURE_SUCCESS, SUCCESS_LABEL, CONFIGURING, INACTIVE),
    row(Transition::TRANSITION_ON_CONFIGURE_FAILURE, FAILURE_LABEL, CONFIGURING, UNCONFIGURED),
    row(Transition::TRANSITION_ON_CONFIGURE_ERROR, ERROR_LABEL, CONFIGURING, ERROR),
    row(Transition::TRANSITION_CLEANUP, "cleanup", INACTIVE, CLEANINGUP),
    row(Transition::TRANSITION_ON_CLEANUP_SUCCESS, SUCCESS_LABEL, CLEANINGUP, UNCONFIGURED),
    row(Transition::TRANSITION_ON_CLEANUP_FAILURE, FAILURE_LABEL, CLEANINGUP, INACTIVE),
    row(Transition::TRANSITION_ON_CLEANUP_ERROR, ERROR_LABEL, CLEANINGUP, ERROR),
    row(Transition::TRANSITION_ACTIVATE, "activate", INACTIVE, ACTIVATING),
    row(Transition::TRANSITION_ON_ACTIVATE_SUCCESS, SUCCESS_LABEL, ACTIVATING, ACTIVE),
    row(Transition::TRANSITION_ON_ACTIVATE_FAILURE, FAILURE_LABEL, ACTIVATING, INACTIVE),
    row(Transition::TRANSITION_ON_ACTIVATE_ERROR, ERROR_LABEL, ACTIVATING, ERROR),
    row(Transition::TRANSITION_DEACTIVATE, "deactivate", ACTIVE, DEACTIVATING),
    row(Transition::TRANSITION_ON_DEACTIVATE_SUCCESS, SUCCESS_LABEL, DEACTIVATING, INACTIVE),
    row(Transition::TRANSITION_ON_DEACTIVATE_FAILURE, FAILURE_LABEL, DEACTIVATING, ACTIVE),
    row(Transition::TRANSITION_ON_DEACTIVATE_ERROR, ERROR_LABEL, DEACTIVATING, ERROR),
    row(Transition::TRANSITION_UNCONFIGURED_SHUTDOWN, "shutdown", UNCONFIGURED, SHUTTINGDOWN),
    row(Transition::TRANSITION_INACTIVE_SHUTDOWN, "shutdown", INACTIVE, SHUTTINGDOWN),
    row(Transition::TRANSITION_ACTIVE_SHUTDOWN, "shutdown", ACTIVE, SHUTTINGDOWN),
    row(Transition::TRANSITION_ON_SHUTDOWN_SUCCESS, SUCCESS_LABEL, SHUTTINGDOWN, FINALIZED),
    row(Transition::TRANSITION_ON_SHUTDOWN_FAILURE, FAILURE_LABEL, SHUTTINGDOWN, FINALIZED),
    row(Transition::TRANSITION_ON_SHUTDOWN_ERROR, ERROR_LABEL, SHUTTINGDOWN, ERROR),
    row(Transition::TRANSITION_ON_ERROR_SUCCESS, SUCCESS_LABEL, ERROR, UNCONFIGURED),
    row(Transition::TRANSITION_ON_ERROR_FAILURE, FAILURE_LABEL, ERROR, FINALIZED),
    row(Transition::TRANSITION_ON_ERROR_ERROR, ERROR_LABEL, ERROR, FINALIZED),
];

/// Every state, in the order of `get_available_states`.
pub(crate) const STATES: &[u8] = &[
    State::PRIMARY_STATE_UNKNOWN,
    UNCONFIGURED,
    INACTIVE,
    ACTIVE,
    FINALIZED,
    CONFIGURING,
    CLEANINGUP,
    SHUTTINGDOWN,
    ACTIVATING,
    DEACTIVATING,
    ERROR,
];

/// The name of a state.
pub(crate) fn label_of(id: u8) -> &'static str {
    match id {
        UNCONFIGURED => "unconfigured",
        INACTIVE => "inactive",
        ACTIVE => "active",
        FINALIZED => "finalized",
        CONFIGURING => "configuring",
        CLEANINGUP => "cleaningup",
        SHUTTINGDOWN => "shuttingdown",
        ACTIVATING => "activating",
        DEACTIVATING => "deactivating",
        ERROR => "errorprocessing",
        _ => "unknown",
    }
}

pub(crate) fn state(id: u8) -> State {
    State { id, label: label_of(id).to_owned() }
}

impl TransitionRow {
    pub(crate) fn transition(&self) -> Transition {
        Transition { id: self.id, label: self.label.to_owned() }
    }

    /// As a message.
    pub fn description(&self) -> TransitionDescription {
        TransitionDescription {
            transition: self.transition(),
            start_state: state(self.start),
            goal_state: state(self.goal),
        }
    }
}

/// The whole machine, as `~/get_transition_graph` tells it.
pub fn graph() -> Vec<TransitionDescription> {
    ROWS.iter().map(TransitionRow::description).collect()
}
