//! lifecycle_msgs/State.

use crate::message::message;

message! {
    /// A state of a managed node.
    #[derive(Eq)]
    "lifecycle_msgs", State {
        /// One of the constants below.
        id: u8,
        /// Its name.
        label: String,
    }
    constants {
        /// Not known.
        PRIMARY_STATE_UNKNOWN: u8 = 0,
        /// Made, and nothing loaded.
        PRIMARY_STATE_UNCONFIGURED: u8 = 1,
        /// Loaded, and silent.
        PRIMARY_STATE_INACTIVE: u8 = 2,
        /// At work.
        PRIMARY_STATE_ACTIVE: u8 = 3,
        /// Gone.
        PRIMARY_STATE_FINALIZED: u8 = 4,
        /// Loading.
        TRANSITION_STATE_CONFIGURING: u8 = 10,
        /// Freeing.
        TRANSITION_STATE_CLEANINGUP: u8 = 11,
        /// Ending.
        TRANSITION_STATE_SHUTTINGDOWN: u8 = 12,
        /// Taking up work.
        TRANSITION_STATE_ACTIVATING: u8 = 13,
        /// Laying down work.
        TRANSITION_STATE_DEACTIVATING: u8 = 14,
        /// Getting over an error.
        TRANSITION_STATE_ERRORPROCESSING: u8 = 15,
    }
}
