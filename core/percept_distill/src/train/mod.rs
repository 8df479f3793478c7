//! The loop: one step, a run of steps, checkpoints, curves.

mod calibrate;
mod checkpoint;
mod curves;
mod run;
mod settings;
mod trainer;

pub use calibrate::NormCalibration;
pub use checkpoint::{Checkpoint, CheckpointState};
pub use curves::{CurveWriter, StepRecord};
pub use run::{Observe, RunEnd, RunPlan, run};
pub use settings::TrainSettings;
pub(crate) use trainer::pillar_input;
pub use trainer::{StepReport, Trainer};
