//! Exact percentiles of stage times.
//!
//! A percentile is the smallest time that at least that share of the frames did not exceed (nearest rank): a time that
//! was measured, never one in between.

use percept_types::FrameReport;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Name under which the sum over the stages of a frame is kept.
pub const TOTAL: &str = "total";

/// Times of each stage, a value a frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageTimes {
    /// Stages in order of first appearance.
    stages: Vec<(String, Vec<Duration>)>,
    totals: Vec<Duration>,
}

/// Percentiles of one stage, milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageLatency {
    /// Name of the stage.
    pub stage: String,
    /// Times measured.
    pub count: usize,
    /// Mean.
    pub mean_ms: f64,
    /// Half of the frames took no longer.
    pub p50_ms: f64,
    /// 99 of 100 frames took no longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl StageTimes {
    /// Adds the stages of a frame and their sum; a stage that a frame runs twice counts with both times together.
    pub fn record(&mut self, report: &FrameReport) {
        let mut of_frame: Vec<(&str, Duration)> = Vec::with_capacity(report.stages.len());
        for stage in &report.stages {
            match of_frame.iter_mut().find(|(name, _)| *name == stage.stage) {
                Some((_, time)) => *time += stage.time,
                None => of_frame.push((stage.stage, stage.time)),
            }
        }
        for (name, time) in of_frame {
            self.record_stage(name, time);
        }
        self.totals.push(report.total());
    }

    /// Adds one time of one stage, outside any total.
    pub fn record_stage(&mut self, stage: &str, time: Duration) {
        match self.stages.iter_mut().find(|(name, _)| name == stage) {
            Some((_, times)) => times.push(time),
            None => self.stages.push((stage.to_owned(), vec![time])),
        }
    }

    /// Percentiles of each stage in order of first appearance, then of the total; nothing without measurements.
    pub fn summary(&self) -> Vec<StageLatency> {
        let stages = self.stages.iter().filter_map(|(name, times)| StageLatency::of(name, times));
        stages.chain(StageLatency::of(TOTAL, &self.totals)).collect()
    }
}

impl StageLatency {
    /// Percentiles of some times; `None` of none.
    pub fn of(stage: &str, times: &[Duration]) -> Option<Self> {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        let max = sorted.last()?;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        Some(Self {
            stage: stage.to_owned(),
            count: sorted.len(),
            mean_ms: ms(sorted.iter().sum()) / sorted.len() as f64,
            p50_ms: ms(nearest_rank(&sorted, 50)?),
            p99_ms: ms(nearest_rank(&sorted, 99)?),
            max_ms: ms(*max),
        })
    }
}

/// The smallest value that at least `percent` of a hundred do not exceed.
fn nearest_rank(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// A table for people.
pub fn table(latencies: &[StageLatency]) -> crate::table::Table {
    let mut table = crate::table::Table::new(&["stage", "frames", "mean ms", "p50 ms", "p99 ms", "max ms"]);
    for l in latencies {
        let figures = [l.mean_ms, l.p50_ms, l.p99_ms, l.max_ms].map(|ms| format!("{ms:.3}"));
        table.push([vec![l.stage.clone(), l.count.to_string()], figures.to_vec()].concat());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::StageTime;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        let latency = StageLatency::of("backbone", &times).unwrap();
        assert_eq!((latency.p50_ms, latency.p99_ms, latency.max_ms, latency.count), (100.0, 198.0, 200.0, 200));
        assert!((latency.mean_ms - 100.5).abs() < 1e-9);
        let one = StageLatency::of("x", &[Duration::from_millis(7)]).unwrap();
        assert_eq!((one.p50_ms, one.p99_ms, one.max_ms), (7.0, 7.0, 7.0));
    }

    #[test]
    fn stages_keep_their_order_and_the_total_comes_last() {
        let time = Duration::from_millis(2);
        let stage = |stage| StageTime { stage, time };
        let report = FrameReport { stages: vec![stage("voxelize"), stage("nms"), stage("nms")], ..Default::default() };
        let mut times = StageTimes::default();
        times.record(&report);
        let summary = times.summary();
        let found: Vec<(&str, f64)> = summary.iter().map(|s| (s.stage.as_str(), s.max_ms)).collect();
        assert_eq!(found, vec![("voxelize", 2.0), ("nms", 4.0), ("total", 6.0)]);
        assert!(StageTimes::default().summary().is_empty());
    }
}
