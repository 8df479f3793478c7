//! LiDAR clouds on their way to a model: latest cloud, TF, further LiDARs, motion compensation, past sweeps, crops.
//!
//! ```text
//!  newest cloud ─┬─ nothing asked for ──────────────────────────────────────────────► its own bytes ─► model
//!                └─► sweep ─compensate─► + further LiDARs ─► + past sweeps ─► crop ─► packed cloud ──► model
//! ```
//! Every part is optional. Where none is asked for the message's bytes go to the model as they came.
//!
//! Order   points of the main LiDAR by arrival, then further LiDARs in the order of their topics, then past sweeps from
//!         the newest to the oldest.
//! Limits  a packed cloud has x, y, z, the intensity and, with past sweeps, `time_lag` (seconds); other fields are lost.

mod assembler;
mod crop;
mod motion;
mod settings;
mod sweep;

pub use assembler::CloudAssembler;
pub use settings::{Bounds, CloudSettings, Mounting};
pub use sweep::Sweep;
