//! `percept replay`: a bag through the LiDAR detector, frame by frame and without loss.

use crate::outcome::{EXIT_CODES, Outcome};
use crate::{bar::Bar, report};
use anyhow::Result;
use clap::Args;
use percept_app::DetectorConfig;
use percept_app::replay::{PictureSettings, ReplaySettings, replay};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  percept replay drive --weights pointpillars.safetensors --out boxes
  percept replay drive --config lidar_detector.yaml --topic /lidar_top --out boxes --pictures boxes/png

Output topics: /perception/objects (Detection3DArray), /perception/markers (MarkerArray), /perception/label_info,
/perception/debug/processing_time_ms, /diagnostics. Log times are those of the clouds. Every frame is read; messages
are the same for any number of threads, diagnostics and times excepted.

The network sees each cloud from the frame of its training: the bag's TF tells how the sensor is mounted (height, axes,
tilt), else --sensor-height or sensor_rotation of the configuration; boxes come back in the cloud's frame. The summary
tells which transform was used.";

/// Run the LiDAR detector on every cloud of a bag and write an output bag
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct ReplayArgs {
    /// A rosbag2 folder or storage file
    bag: PathBuf,
    /// Weights (safetensors); overrides the configuration's
    #[arg(long, short)]
    weights: Option<PathBuf>,
    /// Folder of the output bag; must not exist or be empty
    #[arg(long, short)]
    out: PathBuf,
    /// Parameters in ROS form, such as launch/params/lidar_detector.yaml
    #[arg(long, short)]
    config: Option<PathBuf>,
    /// The PointCloud2 topic; needed where the bag has several
    #[arg(long)]
    topic: Option<String>,
    /// Threads of the network [default: as many as cores]
    #[arg(long)]
    threads: Option<usize>,
    /// Boxes below this score are dropped
    #[arg(long)]
    score_threshold: Option<f64>,
    /// What intensities are divided by (255 for drivers that give 0..255)
    #[arg(long)]
    intensity_scale: Option<f64>,
    /// Whence the sensor's mounting is known: auto (TF where it tells, else as in training), tf or parameters
    #[arg(long, value_name = "WHENCE")]
    model_frame: Option<String>,
    /// TF frame on the ground below the vehicle, x forward [default: base_footprint, else base_link]
    #[arg(long, value_name = "FRAME")]
    base_frame: Option<String>,
    /// Height of the cloud's origin above the ground in metres, instead of TF's
    #[arg(long, value_name = "METRES")]
    sensor_height: Option<f64>,
    /// Write bird's-eye pictures into this folder
    #[arg(long)]
    pictures: Option<PathBuf>,
    /// A picture every n frames
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Stop after this many frames
    #[arg(long)]
    frames: Option<u64>,
    /// End with exit code 1 where anything of the input bag cannot be read
    #[arg(long)]
    strict: bool,
    /// Print a JSON summary
    #[arg(long)]
    json: bool,
}

impl ReplayArgs {
    /// The configuration file with the command line on top.
    fn config(&self) -> Result<DetectorConfig> {
        let mut config = match &self.config {
            Some(path) => DetectorConfig::from_yaml_file(path)?,
            None => DetectorConfig::default(),
        };
        let Self { weights, topic, threads, score_threshold, intensity_scale, .. } = self;
        config.weights = weights.clone().or(config.weights);
        config.input_topic = topic.clone().or(config.input_topic);
        config.set_overrides(*threads, *score_threshold, *intensity_scale)?;
        config.set_mounting(self.model_frame.as_deref(), self.base_frame.as_deref(), self.sensor_height)?;
        Ok(config)
    }
}

/// Runs the command.
pub fn run(args: &ReplayArgs, bar: &mut Bar) -> Result<Outcome> {
    let settings = ReplaySettings {
        config: args.config()?,
        pictures: args.pictures.clone().map(|folder| PictureSettings { folder, every: args.every }),
        max_frames: args.frames,
    };
    let summary = replay(&args.bag, &args.out, &settings, bar)?;
    report::print(&summary, args.json)?;
    let losses = args.strict && !summary.losses.is_empty();
    Ok(match summary.interrupted {
        true => Outcome::Interrupted,
        false => Outcome::found(summary.frames_failed > 0 || losses),
    })
}
