//! Training a detector: frames from the simulator or from labelled bags, validation by KITTI's protocol, export.
//!
//! ```text
//! SimulatedFrames ┐                                     ┌─► curves, checkpoint
//! BagFrames ──────┴─FrameSource─► percept_distill ─run──┼─► KITTI AP on held-out frames
//!                                                       └─► weights (fp16 safetensors) with model card
//! ```

mod bag_frames;
mod card;
mod curves;
mod error;
mod export;
mod held_out;
mod near_cars;
mod run_config;
mod session;
mod simulated;
mod study;
mod watch;
mod widened;

pub use bag_frames::BagFrames;
pub use card::model_card;
pub use error::TrainingError;
pub use export::{Exported, export};
pub use held_out::{HeldOut, HeldOutFrame, Scores};
pub use near_cars::NearCars;
pub(crate) use near_cars::near_config;
pub use run_config::{DEFAULT_STEPS, RunConfig};
pub use session::{SessionEnd, SessionPlan, train};
pub use simulated::SimulatedFrames;
pub use study::{
    Cell, CellSettings, Column, FinishedCell, Judge, Row, Study, StudyPlan, StudyTable, TableRow, run_study,
};
pub use widened::widened;

// What a command needs besides to describe a run.
pub use percept_distill::data::FrameSource;
pub use percept_distill::train::{RunEnd, TrainSettings};
pub use percept_kernels::parameters::ParameterMap;
pub use percept_models::pointpillars::{GridPreset, Width};
pub use percept_models::weights::Weights;
