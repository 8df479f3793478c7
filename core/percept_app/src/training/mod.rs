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
mod distil;
mod error;
mod export;
mod held_out;
mod near_cars;
mod ranges;
mod records;
mod run_config;
mod session;
mod simulated;
mod study;
mod watch;
mod widened;

pub use bag_frames::BagFrames;
pub use card::model_card;
pub use distil::{AugmentationLevel, Distillation, METHOD_NAMES, method_of_name};
pub use error::TrainingError;
pub use export::{Exported, export};
pub use held_out::{HeldOut, HeldOutFrame, Judged, Scores};
pub use near_cars::NearCars;
pub(crate) use near_cars::near_config;
pub use records::{RecordIdentity, RecordSettings, RecordSummary, RecordedBag, Shard, content_sha256, record};
pub use run_config::{DEFAULT_STEPS, RunConfig};
pub use session::{SessionEnd, SessionPlan, train};
pub use simulated::SimulatedFrames;
pub use study::{
    Cell, CellEnd, CellRun, CellSettings, Column, FinishedCell, Judge, Row, Study, StudyPlan, StudyTable, TableRow,
    held_out_sha256, run_study, write_report,
};
pub use widened::widened;

// What a command needs besides to describe a run.
pub use percept_distill::data::FrameSource;
pub use percept_distill::losses::DistillationTerm;
pub use percept_distill::teacher::FeatureCodec;
pub use percept_distill::train::{RunEnd, TrainSettings};
pub use percept_kernels::parameters::ParameterMap;
pub use percept_models::pointpillars::{GridPreset, Width};
pub use percept_models::weights::Weights;
