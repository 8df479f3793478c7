//! Time as ROS writes it.

mod duration;
mod time;

pub use duration::Duration;
pub use time::Time;
