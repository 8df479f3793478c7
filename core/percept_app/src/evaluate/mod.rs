//! Detections against truth: average precision, the difference of two detectors, the worst frames.
//!
//! ```text
//! OUT bag ─► detections by stamp ─┐
//! truth bag or KITTI folder ──────┴─► frames (stamp, truth, detections) ─► percept_eval ─► Evaluation
//! ```
//! Frames belong together by the stamp of the cloud. A frame with truth inside the span of the output but without a
//! message there counts as one in which nothing was found, and is reported.

mod boxes;
mod compare;
mod detections;
mod frames;
mod near;
mod report;
mod truth;
mod worst;

pub use boxes::{BevClassScores, BevScores};
pub use compare::Comparison;
pub use near::{
    ClassThreshold, InstanceClass, InstanceScores, NearClass, NearScores, NearSettings, ThresholdRule, ThresholdSource,
};
pub use report::{Evaluation, FrameCounts, OutputScore};
pub use worst::{WorstFrame, WorstSettings};

use crate::{AppError, Progress};
use detections::{OutputDetections, read_detections};
use frames::{Frames, pair_frames};
use std::path::{Path, PathBuf};
pub(crate) use truth::{TruthFrames, read_truth};

/// What to evaluate beyond average precision.
#[derive(Clone, Debug)]
pub struct EvaluateSettings {
    /// The Detection3DArray topic of the output bags; `None`: the only one, or that of `percept replay`.
    pub topic: Option<String>,
    /// The truth's Detection3DArray topic, where the truth is a bag.
    pub truth_topic: Option<String>,
    /// Whether to compute the nuScenes metrics.
    pub nuscenes: bool,
    /// The worst frames to draw.
    pub worst: Option<WorstSettings>,
    /// What to ask of the objects near the sensor, if anything.
    pub near: Option<NearSettings>,
    /// Resamples of the bootstrap.
    pub resamples: usize,
}

impl Default for EvaluateSettings {
    fn default() -> Self {
        Self { topic: None, truth_topic: None, nuscenes: false, worst: None, near: None, resamples: 1000 }
    }
}

/// Scores one output bag, or two and their difference.
///
/// # Errors
/// When a source cannot be read, or no frame of an output has truth.
pub fn evaluate(
    outputs: &[PathBuf],
    truth: &Path,
    settings: &EvaluateSettings,
    progress: &mut dyn Progress,
) -> Result<Evaluation, AppError> {
    progress.begin("evaluate", None);
    let mut detections = Vec::with_capacity(outputs.len());
    for out in outputs {
        detections.push(read_detections(out, settings.topic.as_deref())?);
        progress.advance(1);
    }
    if let Some(near) = settings.near.as_ref().filter(|_| near::has_labelled_points_alone(truth)) {
        return labelled_points(truth, outputs, &detections, near, progress);
    }
    let truth_frames = read_truth(truth, settings.truth_topic.as_deref(), &detections)?;
    progress.advance(1);
    let frames: Vec<Frames> = pair_frames(truth, &truth_frames, outputs, &detections)?;
    let mut scores = Vec::with_capacity(outputs.len());
    for ((out, frames), detections) in outputs.iter().zip(&frames).zip(&detections) {
        let mut score = report::score(out, frames, settings)?;
        if let Some(near) = &settings.near {
            score.near = Some(near::score_near(truth, detections, frames, near, progress)?);
        }
        scores.push(score);
        progress.advance(1);
    }
    let comparison = match frames.as_slice() {
        [a, b] => compare::compare(a, b, settings.resamples)?,
        _ => Vec::new(),
    };
    let worst = match (&settings.worst, frames.first()) {
        (Some(worst), Some(frames)) => worst::draw_worst(truth, frames, worst)?,
        (Some(_) | None, _) => Vec::new(),
    };
    progress.end();
    Ok(Evaluation { truth: truth.to_owned(), outputs: scores, comparison, worst })
}

/// Outputs on sweeps of which the points are labelled and nothing else is known.
fn labelled_points(
    truth: &Path,
    outputs: &[PathBuf],
    detections: &[OutputDetections],
    settings: &NearSettings,
    progress: &mut dyn Progress,
) -> Result<Evaluation, AppError> {
    let mut scores = Vec::with_capacity(outputs.len());
    for (out, detections) in outputs.iter().zip(detections) {
        let instances = near::score_instances(truth, detections, settings, progress)?;
        scores.push(OutputScore::of_instances(out, instances));
    }
    progress.end();
    Ok(Evaluation { truth: truth.to_owned(), outputs: scores, comparison: Vec::new(), worst: Vec::new() })
}
