//! What a replay tells at its end, and the tally it is made from.

use super::Source;
use super::frames::CloudFrame;
use crate::inspect::{LossReport, describe_losses};
use crate::mounting::BagMounting;
use percept_bag::{Losses, TopicInfo};
use percept_types::{Detections, DomainReason, FrameReport, ModelCard};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Failed frames that are listed; beyond it they are only counted.
const LISTED_FAILURES: usize = 20;

/// A frame without a result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailedFrame {
    /// Its number on the topic, from 0.
    pub frame: u64,
    /// The source's log time.
    pub log_time_ns: i64,
    /// What failed.
    pub reason: String,
}

/// Percentiles of one stage's wall time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageLatency {
    /// Name of the stage; `total` is all of them together.
    pub stage: String,
    /// Median.
    pub p50_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Largest.
    pub max_ms: f64,
    /// One a frame, ascending.
    #[serde(skip)]
    pub samples_ms: Vec<f64>,
}

/// What a replay did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplaySummary {
    /// The input bag.
    pub bag: PathBuf,
    /// The output bag.
    pub out: PathBuf,
    /// The topic read.
    pub topic: String,
    /// SHA-256 of the weights.
    pub weights_sha256: String,
    /// Where the network ran.
    pub device: String,
    /// How clouds came into the frame of training.
    pub model_frame: String,
    /// Frames read.
    pub frames: u64,
    /// Frames without a result.
    pub frames_failed: u64,
    /// The first of them.
    pub failures: Vec<FailedFrame>,
    /// Clouds without points.
    pub frames_empty: u64,
    /// Boxes by class.
    pub boxes: BTreeMap<String, u64>,
    /// Points announced, not finite, outside of the grid, over the cap of a pillar.
    pub points: PointCounts,
    /// Pillars beyond what the network takes.
    pub pillars_over_cap: u64,
    /// Wall time by stage.
    pub latency: Vec<StageLatency>,
    /// Pictures drawn.
    pub pictures: Vec<PathBuf>,
    /// What of the input could not be read.
    pub losses: Vec<LossReport>,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
    /// What is unusual about the input, and what to do.
    pub warnings: Vec<String>,
}

/// Where the points went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PointCounts {
    /// Announced by the messages.
    pub read: u64,
    /// Dropped: a coordinate was not finite.
    pub not_finite: u64,
    /// Dropped: outside of the grid.
    pub out_of_range: u64,
    /// Dropped: the pillar was full.
    pub over_pillar_cap: u64,
}

/// The counts of a replay under way.
pub(crate) struct Tally {
    summary: ReplaySummary,
    stages: Vec<(&'static str, Vec<Duration>)>,
    totals: Vec<Duration>,
    pub(crate) frames_read: u64,
    pub(crate) interrupted: bool,
    pub(crate) pictures: Vec<PathBuf>,
    /// What was unlike training, each kind once, with the frame at which it showed.
    unlike_training: Vec<(DomainReason, u64)>,
}

impl Tally {
    pub(crate) fn new(source: &Source<'_>, topic: &TopicInfo, card: &ModelCard) -> Self {
        let summary = ReplaySummary {
            bag: source.bag.to_owned(),
            out: PathBuf::new(),
            topic: topic.name.clone(),
            weights_sha256: card.weights_sha256.clone(),
            device: card.device.clone(),
            model_frame: String::new(),
            frames: 0,
            frames_failed: 0,
            failures: Vec::new(),
            frames_empty: 0,
            boxes: card.class_names.iter().map(|name| (name.clone(), 0)).collect(),
            points: PointCounts::default(),
            pillars_over_cap: 0,
            latency: Vec::new(),
            pictures: Vec::new(),
            losses: Vec::new(),
            interrupted: false,
            warnings: Vec::new(),
        };
        let (stages, totals) = (Vec::new(), Vec::new());
        Self {
            summary,
            stages,
            totals,
            frames_read: 0,
            interrupted: false,
            pictures: Vec::new(),
            unlike_training: Vec::new(),
        }
    }

    /// Number of the frame counted last, from 0.
    pub(crate) fn frame_index(&self) -> u64 {
        self.frames_read.saturating_sub(1)
    }

    pub(crate) fn frames_failed(&self) -> u64 {
        self.summary.frames_failed
    }

    pub(crate) fn points(&self) -> PointCounts {
        self.summary.points
    }

    /// Time of the last frame that succeeded.
    pub(crate) fn last_total(&self) -> Option<Duration> {
        self.totals.last().copied()
    }

    /// A kind of reason is told once, as it first showed.
    pub(crate) fn unlike_training(&mut self, reason: &DomainReason) {
        let same = |(known, _): &(DomainReason, u64)| std::mem::discriminant(known) == std::mem::discriminant(reason);
        if !self.unlike_training.iter().any(same) {
            self.unlike_training.push((*reason, self.frame_index()));
        }
    }

    pub(crate) fn failed(&mut self, log_time_ns: i64, reason: String) {
        if self.summary.failures.len() < LISTED_FAILURES {
            self.summary.failures.push(FailedFrame { frame: self.frames_read, log_time_ns, reason });
        }
        self.summary.frames_failed += 1;
        self.frames_read += 1;
    }

    pub(crate) fn succeeded(&mut self, frame: &CloudFrame, report: &FrameReport, detections: &Detections) {
        self.frames_read += 1;
        let summary = &mut self.summary;
        summary.frames_empty += u64::from(frame.cloud.payload.cloud.num_points() == 0);
        summary.points.read += report.points_in as u64;
        summary.points.not_finite += report.points_not_finite as u64;
        summary.points.out_of_range += report.points_out_of_range as u64;
        summary.points.over_pillar_cap += report.points_over_pillar_cap as u64;
        summary.pillars_over_cap += report.pillars_over_cap as u64;
        for name in detections.boxes.iter().filter_map(|b| detections.class_name(b)) {
            *summary.boxes.entry(name.to_owned()).or_default() += 1;
        }
        for stage in &report.stages {
            match self.stages.iter_mut().find(|(name, _)| *name == stage.stage) {
                Some((_, times)) => times.push(stage.time),
                None => self.stages.push((stage.stage, vec![stage.time])),
            }
        }
        self.totals.push(report.total());
    }

    pub(crate) fn finish(self, out: &Path, losses: &Losses, mounting: Option<&BagMounting>) -> ReplaySummary {
        let mut latency: Vec<StageLatency> =
            self.stages.into_iter().filter_map(|(stage, times)| percentiles(stage, times)).collect();
        latency.extend(percentiles("total", self.totals));
        let mut summary = ReplaySummary {
            out: out.to_owned(),
            frames: self.frames_read,
            latency,
            pictures: self.pictures,
            losses: describe_losses(losses),
            interrupted: self.interrupted,
            ..self.summary
        };
        summary.warnings = super::health::warnings(&summary);
        let unlike = self.unlike_training.iter().map(|(reason, frame)| format!("from frame {frame} on: {reason}"));
        summary.warnings.extend(unlike);
        if let Some(mounting) = mounting {
            summary.model_frame = mounting.description().to_owned();
            summary.warnings.extend(mounting.warnings());
        }
        summary
    }
}

fn percentiles(stage: &str, mut times: Vec<Duration>) -> Option<StageLatency> {
    times.sort_unstable();
    // Nearest rank: the smallest time that at least this share of the frames does not exceed.
    let rank = |percent: usize| times.get((times.len() * percent).div_ceil(100).max(1) - 1).copied();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    Some(StageLatency {
        stage: stage.to_owned(),
        p50_ms: ms(rank(50)?),
        p99_ms: ms(rank(99)?),
        max_ms: ms(*times.last()?),
        samples_ms: times.iter().copied().map(ms).collect(),
    })
}

impl fmt::Display for ReplaySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} frames of {} from {}", self.frames, self.topic, self.bag.display())?;
        if !self.model_frame.is_empty() {
            writeln!(f, "clouds    {}", self.model_frame)?;
        }
        let boxes: Vec<String> = self.boxes.iter().map(|(name, count)| format!("{count} {name}")).collect();
        writeln!(f, "boxes     {}", boxes.join(", "))?;
        let p = &self.points;
        writeln!(
            f,
            "points    {} read, {} outside the grid, {} over a pillar's cap, {} not finite",
            p.read, p.out_of_range, p.over_pillar_cap, p.not_finite
        )?;
        let mut table = percept_eval::table::Table::new(&["stage", "p50 ms", "p99 ms", "max ms"]);
        for s in &self.latency {
            let ms = [s.p50_ms, s.p99_ms, s.max_ms].map(|v| format!("{v:.2}"));
            table.push([s.stage.clone()].into_iter().chain(ms).collect());
        }
        write!(f, "{table}")?;
        for failure in &self.failures {
            writeln!(f, "frame {} failed: {}", failure.frame, failure.reason)?;
        }
        let unlisted = self.frames_failed.saturating_sub(self.failures.len() as u64);
        if unlisted > 0 {
            writeln!(f, "{unlisted} more frames failed")?;
        }
        self.losses.iter().try_for_each(|loss| writeln!(f, "lost      {loss}"))?;
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning   {warning}"))?;
        if self.interrupted {
            writeln!(f, "stopped before the end")?;
        }
        writeln!(f, "written   {}", self.out.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_occurred() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let latency = percentiles("network", times).unwrap();
        assert_eq!((latency.p50_ms, latency.p99_ms, latency.max_ms), (100.0, 198.0, 200.0));
        assert_eq!(percentiles("network", Vec::new()), None);
    }
}
