//! The seam between networks and the pipelines that drive them.

use crate::{InputFigures, InputStatistics, TrainedMounting, VoxelGrid};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Any error a model may give; the pipeline reports it and goes on with the next frame.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a node runs on each frame: implemented by models, driven by the pipeline; neither knows the other.
pub trait Perceive: Send {
    /// What one frame brings.
    type Input;
    /// What is made of it.
    type Output;
    /// What may change at run time (thresholds, switches).
    type Settings;

    /// Runs one frame.
    ///
    /// # Errors
    /// Whatever keeps the frame from a true result; the model stays usable.
    fn perceive(&mut self, input: &Self::Input, report: &mut FrameReport) -> Result<Self::Output, BoxError>;

    /// Takes new settings between two frames.
    ///
    /// # Errors
    /// When they are out of range; the old ones stay.
    fn apply(&mut self, settings: Self::Settings) -> Result<(), BoxError>;

    /// Identity, classes, grid, input statistics, device.
    fn card(&self) -> &ModelCard;
}

/// Who a model is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// Name of the architecture and preset.
    pub model_id: String,
    /// SHA-256 of the weights file, hexadecimal.
    pub weights_sha256: String,
    /// Classes in the order of the head.
    pub class_names: Vec<String>,
    /// The grid the network sees.
    pub grid: VoxelGrid,
    /// How the sensor of training was mounted, for networks that read clouds.
    #[serde(default)]
    pub trained_mounting: Option<TrainedMounting>,
    /// What inputs looked like in training, where recorded.
    pub input_statistics: Option<InputStatistics>,
    /// Where it runs, for people: "cpu, 2 threads".
    pub device: String,
}

/// Time of one stage of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageTime {
    /// Name of the stage.
    pub stage: &'static str,
    /// Wall time.
    pub time: Duration,
}

/// What happened inside one frame: stage times and drop counts. Times are for people and never part of a result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrameReport {
    /// Stages in order.
    pub stages: Vec<StageTime>,
    /// Points the message announced.
    pub points_in: usize,
    /// Points dropped because a coordinate was not finite.
    pub points_not_finite: usize,
    /// Points outside the grid.
    pub points_out_of_range: usize,
    /// Points dropped because a GPU's buffers hold no more: the last to arrive.
    pub points_over_capacity: usize,
    /// Points dropped because their pillar was full.
    pub points_over_pillar_cap: usize,
    /// Pillars dropped because the network takes no more.
    pub pillars_over_cap: usize,
    /// Pillars the network saw.
    pub pillars: usize,
    /// What the input looked like, for a [`crate::DomainWatch`]; where the model tells.
    pub input: Option<InputFigures>,
}

impl FrameReport {
    /// Runs a stage and notes its time.
    pub fn time<T>(&mut self, stage: &'static str, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = work();
        self.stages.push(StageTime { stage, time: started.elapsed() });
        result
    }

    /// Sum over the stages.
    pub fn total(&self) -> Duration {
        self.stages.iter().map(|stage| stage.time).sum()
    }
}
