//! The figures of an evaluation, as a table and as JSON.

use super::frames::Frames;
use super::{Comparison, EvaluateSettings, InstanceScores, NearScores, WorstFrame};
use crate::AppError;
use percept_eval::kitti::{EvalConfig, FramePair, KittiResults, detections_in_image, evaluate};
use percept_eval::table::{Table, figure};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// Which frames were compared and which could not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FrameCounts {
    /// Frames with truth inside the span of the output.
    pub evaluated: usize,
    /// Of these, frames without a message in the output: everything in them counts as missed.
    pub without_detections: usize,
    /// Messages of the output without truth: left out.
    pub without_truth: usize,
    /// Truth outside the span of the output: left out.
    pub outside_span: usize,
    /// Boxes that the image does not show: KITTI's truth ends there, so they are left out of its figures.
    pub boxes_outside_image: usize,
}

/// The figures of one output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputScore {
    /// The output bag.
    pub out: PathBuf,
    /// Its frames.
    pub frames: FrameCounts,
    /// KITTI's figures, where the truth has image labels.
    pub kitti: Option<KittiResults>,
    /// Bird's-eye figures, where the truth has boxes alone.
    pub bev: Option<super::boxes::BevScores>,
    /// nuScenes' figures, where asked for.
    pub nuscenes: Option<percept_eval::nuscenes::NuscenesResults>,
    /// The objects near the sensor, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near: Option<NearScores>,
    /// The same where the truth labels points alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<InstanceScores>,
}

impl OutputScore {
    /// Of sweeps whose points alone are labelled.
    pub(super) fn of_instances(out: &Path, instances: InstanceScores) -> Self {
        let frames = FrameCounts {
            evaluated: instances.frames,
            outside_span: instances.without_detections,
            ..FrameCounts::default()
        };
        let out = out.to_owned();
        Self { out, frames, kitti: None, bev: None, nuscenes: None, near: None, instances: Some(instances) }
    }
}

/// Everything that `percept eval` tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Where truth came from.
    pub truth: PathBuf,
    /// The outputs, in the order given.
    pub outputs: Vec<OutputScore>,
    /// First less second output.
    pub comparison: Vec<Comparison>,
    /// The frames with most misses and false boxes of the first output.
    pub worst: Vec<WorstFrame>,
}

/// KITTI's view of every frame whose truth has one, and the boxes that the images do not show.
pub(super) fn kitti_pairs(frames: &Frames<'_>) -> Result<(Vec<FramePair>, usize), AppError> {
    let mut pairs = Vec::with_capacity(frames.frames.len());
    let mut outside = 0;
    for (index, frame) in frames.frames.iter().enumerate() {
        let Some((truth, camera)) = &frame.truth.kitti else { continue };
        let converted = detections_in_image(index, &frame.detections, camera).map_err(AppError::stage("evaluation"))?;
        outside += converted.num_outside_image;
        pairs.push(FramePair { truth: truth.clone(), detections: converted.annotations });
    }
    Ok((pairs, outside))
}

/// All figures of one output.
pub(super) fn score(out: &Path, frames: &Frames<'_>, settings: &EvaluateSettings) -> Result<OutputScore, AppError> {
    let (pairs, boxes_outside_image) = kitti_pairs(frames)?;
    let kitti = match pairs.is_empty() {
        true => None,
        false => Some(evaluate(&pairs, &EvalConfig::default()).map_err(AppError::stage("evaluation"))?),
    };
    let bev = if kitti.is_none() { super::boxes::bev_scores(frames)? } else { None };
    let nuscenes = if settings.nuscenes { Some(super::boxes::nuscenes_scores(frames)?) } else { None };
    let counts = FrameCounts { boxes_outside_image, ..frames.counts };
    Ok(OutputScore { out: out.to_owned(), frames: counts, kitti, bev, nuscenes, near: None, instances: None })
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for score in &self.outputs {
            writeln!(f, "{} against {}", score.out.display(), self.truth.display())?;
            write_counts(f, &score.frames)?;
            if let Some(kitti) = &score.kitti {
                writeln!(f, "KITTI average precision in percent\n{}", kitti.table())?;
            }
            if let Some(bev) = &score.bev {
                writeln!(f, "{bev}")?;
            }
            if let Some(nuscenes) = &score.nuscenes {
                writeln!(f, "nuScenes\n{}", nuscenes.table())?;
            }
            if let Some(near) = &score.near {
                write!(f, "{near}")?;
            }
            if let Some(instances) = &score.instances {
                write!(f, "{instances}")?;
            }
        }
        write_comparison(f, &self.comparison)?;
        for worst in &self.worst {
            writeln!(f, "{worst}")?;
        }
        Ok(())
    }
}

fn write_counts(f: &mut fmt::Formatter<'_>, counts: &FrameCounts) -> fmt::Result {
    writeln!(f, "{} frames evaluated", counts.evaluated)?;
    let notes = [
        (counts.without_detections, "of them have no message in the output: everything there counts as missed"),
        (counts.without_truth, "frames of the output have no truth and are left out"),
        (counts.outside_span, "frames of the truth lie outside the output's span and are left out"),
        (counts.boxes_outside_image, "boxes lie outside the image, where KITTI's truth ends, and are left out"),
    ];
    notes.iter().filter(|(count, _)| *count > 0).try_for_each(|(count, note)| writeln!(f, "  {count} {note}"))
}

fn write_comparison(f: &mut fmt::Formatter<'_>, comparison: &[Comparison]) -> fmt::Result {
    let Some(first) = comparison.first() else { return Ok(()) };
    let d = &first.difference;
    writeln!(
        f,
        "First less second: AP R40 moderate in percentage points, {:.0} % interval of {} resamples of {} frames",
        d.confidence * 100.0,
        d.num_resamples,
        d.num_frames
    )?;
    let mut table = Table::new(&["class", "metric", "first", "second", "difference", "from", "to", "first better"]);
    for c in comparison {
        let d = &c.difference;
        let mut row = vec![c.class_name.clone(), c.metric.name().to_owned()];
        row.extend([d.value_a, d.value_b, d.difference, d.interval[0], d.interval[1]].map(|v| figure(Some(v), 2)));
        row.push(format!("{:.1} %", d.share_above_zero * 100.0));
        table.push(row);
    }
    writeln!(f, "{table}")
}
