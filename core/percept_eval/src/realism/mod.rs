//! How alike simulated and real sweeps are: points by ring, range and height, intensity, drop-out, objects.
//!
//! ```text
//! sweep + truth ─► RealismStatistics (one a side, one code for both) ─┬─► compare ─► ComparedStatistic: bins, verdicts
//! sweep + truth ─► RealismStatistics ─────────────────────────────────┘
//! ```
//! A bin agrees where neither side is more than [`AGREEMENT_FACTOR`] times the other. Frames, not points, are
//! independent draws: where a bin lies beyond the factor by less than two standard errors over frames, the verdict is
//! that the frames are too few to tell. Bins with next to nothing in them on both sides are not judged.
//!
//! Rings are those of the simulated sensor, told by elevation on both sides unless both clouds number their rings.

mod bins;
mod compare;
mod ground;
mod losses;
mod objects;
mod ratio;
mod rows;
mod statistics;
mod surfaces;

pub use compare::{
    AGREEMENT_FACTOR, Agreement, ComparedBin, ComparedStatistic, MIN_SHARE, ObjectSpread, Quantity, compare,
};
pub use ratio::{FrameRatio, Tallied};
pub use rows::{RowSource, SensorRow, SensorRows};
pub use statistics::{RealismStatistics, RowFit, SweepWithTruth};
