//! Managed nodes: the state machine of ROS 2's lifecycle, its services and its events.
//!
//! Source  ROS 2 design, "Managed nodes"; rcl_lifecycle's default state machine for ids, labels and goals.

mod machine;
mod services;
mod table;

pub use machine::{Change, Lifecycle, Managed, Outcome, Refused};
pub use services::LifecycleServices;
pub use table::{PrimaryState, TransitionRow, graph};
