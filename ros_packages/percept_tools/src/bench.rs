//! `percept bench`: how long a frame takes, operation by operation, and how that grows.

use crate::bar::Bar;
use crate::outcome::{EXIT_CODES, Outcome};
use crate::report;
use anyhow::Result;
use clap::Args;
use percept_app::DetectorConfig;
use percept_app::bench::{BenchSettings, bench};
use percept_app::config::DeviceChoice;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  percept bench
  percept bench drive --weights pointpillars_1x_kitti.safetensors --threads 2 --json

Runs the detector over the clouds of a bag again and again (each taken as mounted like training's sensor) and prints
median, p99 and maximum of each stage, of each layer of the network and of the whole frame. Beside each layer stands its
floor: the time that its multiply-adds and bytes would take at the best rates of this machine, which are measured at the
start. A layer can be faster than the floor: Winograd's transform needs a quarter of the multiply-adds, and where the
canvas is empty nothing is computed; the share that was computed is told. Let nothing else run meanwhile.";

/// Measure the LiDAR detector: each operation, the whole frame, and how both grow with points and pillars
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct BenchArgs {
    /// A rosbag2 folder or storage file [default: the bag of the demo]
    bag: Option<PathBuf>,
    /// Weights (safetensors) [default: the 4x detector that comes with Percept]
    #[arg(long, short)]
    weights: Option<PathBuf>,
    /// The PointCloud2 topic; needed where the bag has several
    #[arg(long)]
    topic: Option<String>,
    /// Where the network runs: auto, cpu or cuda:N; a GPU that is not there is refused
    #[arg(long, default_value = "auto")]
    device: String,
    /// Threads of the network [default: as many as cores]
    #[arg(long)]
    threads: Option<usize>,
    /// Frames measured; the bag's clouds are taken in turns
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    frames: u32,
    /// Frames of each point of the scaling over points and pillars; 0 leaves both out
    #[arg(long, default_value_t = 10)]
    scaling_frames: u32,
    /// Print a JSON report
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &BenchArgs, bar: &mut Bar) -> Result<Outcome> {
    let device: DeviceChoice = args.device.parse()?;
    let mut config = DetectorConfig { weights: args.weights.clone(), device, ..DetectorConfig::default() };
    config.input_topic = args.topic.clone();
    config.set_overrides(args.threads, None, None)?;
    let settings = BenchSettings {
        bag: args.bag.clone(),
        config,
        frames: args.frames as usize,
        scaling_frames: args.scaling_frames as usize,
    };
    let found = bench(settings, bar)?;
    report::print(&found, args.json)?;
    Ok(if found.interrupted { Outcome::Interrupted } else { Outcome::Done })
}
