//! Threads and time of a node: assemble inputs, perceive, publish. Knows no model and no middleware.
//!
//! ```text
//!  topics ─► Inbox (latest wins) ─► Assemble ─► TimeWatch ─► Perceive ─► Publish ─► topics
//!                                      │             │           │ panics and errors stay inside the frame
//!                                      └─────────────┴───────────┴──► Metrics ─► Diagnostics (1 Hz and on change)
//!  Lifecycle decides whether there is a Pipeline and whether it publishes; Controls hands it settings and new models.
//! ```
//!
//! [`Pipeline::turn`] is one step and never waits: a node's thread calls it whenever its transport's `Signal` says that
//! something arrived, a test calls it by hand with a manual clock. All that happens to a frame is counted in
//! [`Metrics`]; nothing is dropped in silence.
//!
//! Limits  one input is perceived at a time, in the order of arrival; the newest cloud waits alone.

pub mod cloud;
mod controls;
mod diagnostics;
mod latency;
pub mod lifecycle;
mod metrics;
mod pipeline;
mod stage;
mod time_watch;
mod transforms;

pub use controls::{Controls, swap_in_background};
pub use diagnostics::{Diagnostics, NodeCondition};
pub use latency::{LatencyRing, RateMeter};
pub use metrics::{Event, EventKind, Level, Metrics, Task};
pub use pipeline::{Pipeline, Turn};
pub use stage::{Arrival, Assemble, Assembled, Frame, FrameTimes, InputFault, Publish};
pub use time_watch::{TimeFault, TimeSettings, TimeWatch};
pub use transforms::TransformListener;
