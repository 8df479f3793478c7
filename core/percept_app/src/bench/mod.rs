//! How long a frame takes: each stage, each layer beside its floor, and growth with points and pillars.
//!
//! ```text
//! bag ─► clouds ─► detector, again and again ─► times of stages and layers ─┐
//! made-up clouds of 5 k to 500 k points ────────────────────────────────────┼─► BenchReport
//! machine ─► best rates ─► floor of each layer ─────────────────────────────┘
//! ```

mod report;
mod scaling;

pub use report::{BenchReport, LayerFigures, MachineFigures};
pub use scaling::ScalingPoint;

use crate::demo::{DEMO_BAG, DEMO_WEIGHTS, find_shipped};
use crate::detector::{LidarDetector, load_detector};
use crate::replay::decode_cloud;
use crate::{AppError, DetectorConfig, Progress, topics};
use percept_bag::{BagReader, ReadOptions, TopicFilter};
use percept_eval::latency::{StageLatency, StageTimes};
use percept_kernels::executor::cpu::CpuExecutor;
use percept_kernels::machine::MachinePeak;
use percept_kernels::plan::{CanvasSize, Plan};
use percept_models::pointpillars::{PointPillars, topology};
use percept_types::{FrameReport, MountedCloud, Perceive};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Clouds of the bag that are kept in memory and taken in turns.
const MAX_CLOUDS: usize = 50;
/// Frames before anything is measured.
const WARM_UP: usize = 3;

/// What to measure.
#[derive(Clone, Debug)]
pub struct BenchSettings {
    /// The bag; `None`: that of the demo.
    pub bag: Option<PathBuf>,
    /// The detector; without weights those of the demo.
    pub config: DetectorConfig,
    /// Frames measured.
    pub frames: usize,
    /// Frames of each point of the scaling; 0: none.
    pub scaling_frames: usize,
}

/// Measures.
///
/// # Errors
/// A device that is not there, weights or a bag that cannot be used, a cloud that the detector refuses.
pub fn bench(settings: BenchSettings, progress: &mut dyn Progress) -> Result<BenchReport, AppError> {
    let BenchSettings { bag, mut config, frames, scaling_frames } = settings;
    if config.weights.is_none() {
        config.weights = Some(find_shipped(DEMO_WEIGHTS, "--weights")?);
    }
    let mut detector = load_detector(&config)?;
    let bag = bag.map_or_else(|| find_shipped(DEMO_BAG, "--bag"), Ok)?;
    let clouds = read_clouds(&bag, config.input_topic.as_deref())?;
    let LidarDetector { model, pool, weights, fallback } = &mut detector;
    if let Some(reason) = fallback {
        progress.note(reason);
    }
    let weights = weights.clone();
    pool.install(|| {
        let machine = MachinePeak::measure();
        let mut measured = Measured::new(model.cpu_executor().map_or(0, |cpu| cpu.layer_times().len()));
        progress.begin("bench", Some(frames as u64));
        for index in 0..frames + WARM_UP {
            if progress.stop_asked() {
                break;
            }
            let report = frame(model, &clouds[index % clouds.len()])?;
            if index >= WARM_UP {
                measured.record(&report, model);
                progress.advance(1);
            }
        }
        progress.end();
        let scaling = scaling::measure(model, scaling_frames, progress)?;
        let layers = measured.layers(&plan_of(model)?, &machine);
        Ok(BenchReport {
            machine: MachineFigures::new(&machine),
            device: model.card().device.clone(),
            bag,
            weights,
            clouds: clouds.len(),
            pillars_mean: measured.pillars as f64 / measured.frames.max(1) as f64,
            kept_bytes: model.cpu_executor().map_or(0, CpuExecutor::kept_bytes),
            stages: measured.stages.summary(),
            network_floor_ms: layers.iter().map(|layer| layer.floor_ms).sum(),
            layers,
            points: scaling.points,
            pillars: scaling.pillars,
            interrupted: progress.stop_asked(),
        })
    })
}

/// The clouds of a bag, the first [`MAX_CLOUDS`].
fn read_clouds(bag: &Path, topic: Option<&str>) -> Result<Vec<MountedCloud>, AppError> {
    let reader = BagReader::open(bag, ReadOptions::default())?;
    let topic = topics::pick_cloud_topic(bag, reader.topics(), topic)?.clone();
    let mut clouds = Vec::new();
    for message in reader.messages(TopicFilter::topics(vec![topic.name.clone()]))?.take(MAX_CLOUDS) {
        let cloud = decode_cloud(&message?).map_err(AppError::stage("reading a cloud"))?;
        clouds.push(MountedCloud::from(cloud.payload));
    }
    if clouds.is_empty() {
        let what = format!("{} has no message on {}", bag.display(), topic.name);
        return Err(AppError::Unavailable { what, way_out: "give another bag or --topic".to_owned() });
    }
    Ok(clouds)
}

/// One frame through the detector.
fn frame(model: &mut PointPillars, cloud: &MountedCloud) -> Result<FrameReport, AppError> {
    let mut report = FrameReport::default();
    model.detect(cloud, &mut report).map_err(AppError::stage("detecting"))?;
    Ok(report)
}

fn plan_of(model: &PointPillars) -> Result<Plan, AppError> {
    let window = model.config().whole_window();
    let canvas = CanvasSize { ny: window.ny, nx: window.nx };
    topology(model.config(), canvas).map_err(AppError::stage("counting the network's work"))
}

/// Times and work, a value a frame.
struct Measured {
    stages: StageTimes,
    /// By layer of the plan.
    times: Vec<Vec<Duration>>,
    /// By layer: cells computed and cells in all.
    cells: Vec<(usize, usize)>,
    pillars: usize,
    frames: usize,
}

impl Measured {
    fn new(layers: usize) -> Self {
        let (times, cells) = (vec![Vec::new(); layers], vec![(0, 0); layers]);
        Self { stages: StageTimes::default(), times, cells, pillars: 0, frames: 0 }
    }

    fn record(&mut self, report: &FrameReport, model: &PointPillars) {
        self.stages.record(report);
        self.frames += 1;
        self.pillars += report.pillars;
        // A frame without pillars does not ask the network, whose times are then those of the frame before. A GPU runs its
        // graph as a whole and tells no layer's time.
        let Some(cpu) = model.cpu_executor().filter(|_| report.pillars > 0) else { return };
        for (times, time) in self.times.iter_mut().zip(cpu.layer_times()) {
            times.push(*time);
        }
        for work in cpu.work() {
            let (computed, cells) = &mut self.cells[work.layer];
            *computed += work.computed;
            *cells += work.cells;
        }
    }

    fn layers(&self, plan: &Plan, machine: &MachinePeak) -> Vec<LayerFigures> {
        let cost = plan.cost(self.pillars / self.frames.max(1));
        let figures =
            |((cost, times), cells): ((&percept_kernels::plan::LayerCost, &Vec<Duration>), &(usize, usize))| {
                let latency = StageLatency::of(&cost.label, times)?;
                let floor_ms = machine.floor(cost.multiply_adds, cost.bytes).as_secs_f64() * 1e3;
                let share = if cells.1 == 0 { 1.0 } else { cells.0 as f64 / cells.1 as f64 };
                let (multiply_adds, bytes) = (cost.multiply_adds, cost.bytes);
                Some(LayerFigures { latency, multiply_adds, bytes, floor_ms, share_computed: share })
            };
        cost.layers.iter().zip(&self.times).zip(&self.cells).filter_map(figures).collect()
    }
}

#[cfg(test)]
mod tests;
