//! How weights move: AdamW whose state can be saved, the one-cycle schedule, gradient clipping, averaged weights.

mod adamw;
mod clip;
mod ema;
mod one_cycle;

pub use adamw::{AdamW, AdamWSettings, Moments};
pub use clip::{Gradients, clip_global_norm, collect, global_norm};
pub use ema::WeightAverage;
pub use one_cycle::OneCycle;
