//! Where the columns meet, as a library: bags to typed frames, replay, evaluation, conversion, configuration.
//!
//! ```text
//! simulate, convert_kitti ─► drive bag ─► replay ─► output bag ─► evaluate ─► figures
//!                                └──────── check, inspect ────────┘
//! ```
//! The command `percept` and the ROS nodes parse and call what is here.

pub mod config;
pub mod convert_kitti;
pub mod drive;
mod error;
pub mod inspect;
pub mod kitti_folder;
pub mod output_bag;
mod progress;
pub mod topics;

pub use config::DetectorConfig;
pub use error::AppError;
pub use progress::{Progress, Unwatched};
