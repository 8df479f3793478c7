//! Where the columns meet, as a library: bags to typed frames, replay, evaluation, conversion, configuration.
//!
//! ```text
//! simulate, convert ─► drive bag ─► replay ─► output bag ─► evaluate ─► figures
//!                                └──────── check, inspect ────────┘
//! simulate ─► realism ◄─ bag of real sweeps
//! ```
//! The command `percept` and the ROS nodes parse and call what is here.

pub mod bench;
pub mod check;
pub mod config;
pub mod convert;
pub mod demo;
pub mod detector;
pub mod drive;
mod error;
pub mod evaluate;
pub mod gate;
pub mod import;
pub mod inspect;
pub mod kitti_folder;
mod mounting;
pub mod node;
pub mod output_bag;
pub mod pictures;
mod progress;
pub mod realism;
pub mod replay;
pub mod simulate;
pub mod topics;
pub mod training;

pub use config::{ConfigError, DetectorConfig};
pub use error::AppError;
pub use progress::{Progress, Unwatched};
