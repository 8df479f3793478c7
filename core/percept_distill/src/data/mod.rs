//! From frames to batches: sources, windows of the canvas, samples, the loader's threads, statistics of the input.
//!
//! ```text
//! FrameSource ─index─► LabelledFrame ─augment─► windows ─pillarize·assign─► FrameSamples ─Loader, in order─► Batch
//! ```

mod batch;
mod loader;
mod sample;
mod source;
mod statistics;
mod window;

pub use batch::Batch;
pub use loader::Loader;
pub use sample::{FrameSamples, InputFrame, SampleMaker, WindowSample, xyzi};
pub use source::{FixedFrames, FrameSource};
pub use statistics::{FrameStatistics, StatisticsSum};
pub use window::{WindowSettings, place_window};
