//! The figures, as text and for JSON.

use super::ScalingPoint;
use percept_eval::latency::{StageLatency, table};
use percept_eval::table::Table;
use percept_kernels::machine::MachinePeak;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// The machine's best rates, measured at the start.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MachineFigures {
    /// Threads that the network runs on.
    pub threads: usize,
    /// Multiply-adds a second, f32, all threads, operands in the level-1 cache.
    pub multiply_adds_per_s: f64,
    /// Bytes a second, all threads, reading in order.
    pub bytes_per_s: f64,
}

impl MachineFigures {
    pub(super) fn new(peak: &MachinePeak) -> Self {
        let MachinePeak { multiply_adds_per_s, bytes_per_s, threads } = *peak;
        Self { threads, multiply_adds_per_s, bytes_per_s }
    }
}

/// One layer of the network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerFigures {
    /// Its time.
    #[serde(flatten)]
    pub latency: StageLatency,
    /// Multiply-adds of the whole layer, computed directly.
    pub multiply_adds: u64,
    /// Least bytes moved for the whole layer.
    pub bytes: u64,
    /// The least time for these at the machine's best rates.
    pub floor_ms: f64,
    /// Share of the layer's cells that was computed: the others see no pillar.
    pub share_computed: f64,
}

/// What `percept bench` found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BenchReport {
    /// Best rates.
    pub machine: MachineFigures,
    /// Where the network ran.
    pub device: String,
    /// The bag.
    pub bag: PathBuf,
    /// The weights.
    pub weights: PathBuf,
    /// Clouds taken in turns.
    pub clouds: usize,
    /// Pillars a frame.
    pub pillars_mean: f64,
    /// Bytes of maps that the executor keeps.
    pub kept_bytes: usize,
    /// Stages of a frame, then the whole frame.
    pub stages: Vec<StageLatency>,
    /// Layers of the network.
    pub layers: Vec<LayerFigures>,
    /// Sum of the layers' floors.
    pub network_floor_ms: f64,
    /// Growth with points.
    pub points: Vec<ScalingPoint>,
    /// Growth with pillars.
    pub pillars: Vec<ScalingPoint>,
    /// Whether Ctrl-C ended it early.
    pub interrupted: bool,
}

impl fmt::Display for BenchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, .. } = self;
        writeln!(f, "{} on {}, {} clouds of {}", self.weights.display(), self.device, self.clouds, self.bag.display())?;
        writeln!(
            f,
            "{} threads; measured at the start: {:.0} G multiply-adds/s in cache, {:.1} GB/s read in order",
            machine.threads,
            machine.multiply_adds_per_s / 1e9,
            machine.bytes_per_s / 1e9
        )?;
        writeln!(
            f,
            "{:.0} pillars a frame, {:.0} MiB of maps\n",
            self.pillars_mean,
            self.kept_bytes as f64 / 1_048_576.0
        )?;
        writeln!(f, "{}", table(&self.stages))?;
        let mut layers =
            Table::new(&["layer", "M mult-adds", "MB", "floor ms", "computed", "p50 ms", "p99 ms", "max ms"]);
        for layer in &self.layers {
            let (latency, share) = (&layer.latency, format!("{:.0} %", 100.0 * layer.share_computed));
            let work = [layer.multiply_adds as f64 / 1e6, layer.bytes as f64 / 1e6].map(|v| format!("{v:.1}"));
            let times = [latency.p50_ms, latency.p99_ms, latency.max_ms].map(|ms| format!("{ms:.3}"));
            let floor = format!("{:.3}", layer.floor_ms);
            layers.push([vec![latency.stage.clone()], work.to_vec(), vec![floor, share], times.to_vec()].concat());
        }
        writeln!(f, "{layers}")?;
        writeln!(f, "network: floor {:.1} ms (every cell, direct convolutions)", self.network_floor_ms)?;
        for (name, points) in [("points", &self.points), ("pillars", &self.pillars)] {
            if points.is_empty() {
                continue;
            }
            let mut growth =
                Table::new(&[name, "in", "pillars", "input ms", "network ms", "frame p50 ms", "p99 ms", "max ms"]);
            for point in points {
                let times =
                    [point.input_ms, point.network_ms, point.frame.p50_ms, point.frame.p99_ms, point.frame.max_ms];
                let times = times.map(|ms| format!("{ms:.2}"));
                let counts = [point.points.to_string(), point.points_in_range.to_string(), point.pillars.to_string()];
                growth.push([counts.to_vec(), times.to_vec()].concat());
            }
            write!(f, "\n{growth}")?;
        }
        Ok(())
    }
}
