//! `percept train`: a detector from simulated or recorded frames.

use crate::bar::Bar;
use crate::outcome::{EXIT_CODES, Outcome};
use crate::report;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use percept_app::training::{
    BagFrames, DEFAULT_STEPS, FrameSource, GridPreset, HeldOut, ParameterMap, RunConfig, RunEnd, SessionPlan,
    SimulatedFrames, TrainSettings, Weights, Width, export, train, widened,
};
use percept_app::{DetectorConfig, Progress};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const EXAMPLES: &str = "Examples:
  percept train --preset 4x --grid kitti --steps 6000 --out run      on simulated frames
  percept train --preset 4x --grid kitti --steps 6000 --out run --resume
  percept train --scene urban=2,highway --steps 6000 --out run       on these scenes, twice as many streets
  percept train --bag drive1 --bag drive2 --from W --steps 2000 --out tuned
  percept train --preset 1x --widen W4X --steps 6000 --out teacher   a full network that starts as a 4x one";

/// Train a detector on simulated frames, or on bags with truth
///
/// The folder of a run holds its checkpoint, curves (CSV and PNG), scores, and at the end the weights with their model
/// card. Ctrl-C finishes the step and saves; --resume goes on as if never stopped, on any number of threads.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct TrainArgs {
    /// Folder of the run
    #[arg(long, short)]
    out: PathBuf,
    /// Go on with the run in that folder, under the same settings
    #[arg(long)]
    resume: bool,
    /// A detector's parameter file (launch/params): its classes, grid, anchors and limits instead of the preset's
    #[arg(long)]
    config: Option<PathBuf>,
    /// Width of the network
    #[arg(long, value_enum, default_value_t = Preset::Quarter)]
    preset: Preset,
    /// Grid of the network
    #[arg(long, value_enum, default_value_t = Grid::Kitti)]
    grid: Grid,
    /// Steps of the one-cycle schedule
    #[arg(long, default_value_t = DEFAULT_STEPS, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    steps: u64,
    /// Seed of first weights, frames, augmentation and windows
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Highest learning rate of the cycle
    #[arg(long, default_value_t = 3e-3)]
    learning_rate: f64,
    /// Frames a step
    #[arg(long, default_value_t = 2)]
    frames_per_step: usize,
    /// Windows of each frame
    #[arg(long, default_value_t = 2)]
    windows_per_frame: usize,
    /// Side of the square windows in pillars, a multiple of 8; 0 for the whole grid
    #[arg(long, default_value_t = 168)]
    window: usize,
    /// Let the network read intensity (0..1), varied at random; otherwise it is fed 0 and serves any sensor
    #[arg(long)]
    intensity: bool,
    /// Fill frames up to this many objects of each class with objects of other frames
    #[arg(long, default_value_t = 0)]
    paste: usize,
    /// Scenes to draw simulated frames from, with weights: names of shipped ones or files
    #[arg(long, default_value = SimulatedFrames::DEFAULT_SCENES, value_name = "NAME[=WEIGHT],...")]
    scene: String,
    /// Train on these labelled drives instead of the simulator (may be given several times)
    #[arg(long)]
    bag: Vec<PathBuf>,
    /// Start from these weights under a fresh schedule
    #[arg(long, conflicts_with = "resume")]
    from: Option<PathBuf>,
    /// Start as this narrower detector: its channels are copied until the preset's width is filled (Net2Net)
    #[arg(long, value_name = "WEIGHTS", conflicts_with_all = ["resume", "from"])]
    widen: Option<PathBuf>,
    /// Threads that make frames
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Minutes between checkpoints
    #[arg(long, default_value_t = 3.0)]
    checkpoint_minutes: f64,
    /// Steps between validations; 0 for the end alone
    #[arg(long, default_value_t = 500)]
    validate_every: u64,
    /// Held-out simulated frames to validate on while training
    #[arg(long, default_value_t = 40)]
    validation_frames: u64,
    /// Held-out simulated frames to judge the finished weights on
    #[arg(long, default_value_t = 500)]
    final_frames: u64,
    /// A KITTI object folder to judge on as well; nothing of it is trained on
    #[arg(long)]
    kitti: Option<PathBuf>,
    /// Print a JSON summary
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Preset {
    /// As published: 4.8 M parameters
    #[value(name = "1x")]
    Full,
    /// Half the channels: 1.2 M
    #[value(name = "4x")]
    Quarter,
    /// A quarter of the channels: 0.3 M
    #[value(name = "16x")]
    Sixteenth,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Grid {
    /// 69 m ahead, 40 m to each side
    Kitti,
    /// 51 m all round
    Surround,
}

/// How it went.
#[derive(Debug, Serialize)]
struct Summary {
    out: PathBuf,
    finished: bool,
    steps: u64,
    skipped_steps: u64,
    minutes: f64,
    weights: Option<PathBuf>,
    card: Option<PathBuf>,
    metrics: BTreeMap<String, f64>,
    #[serde(skip)]
    lines: Vec<String>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} steps in {:.0} minutes, {} skipped", self.steps, self.minutes, self.skipped_steps)?;
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        match (&self.weights, &self.card) {
            (Some(weights), Some(card)) => writeln!(f, "weights {}\ncard    {}", weights.display(), card.display()),
            _ => writeln!(f, "saved in {}; go on with --resume", self.out.display()),
        }
    }
}

/// Runs the command.
pub fn run(args: &TrainArgs, bar: &mut Bar) -> Result<Outcome> {
    let config = run_config(args)?;
    let (source, described) = source(args, &config, bar)?;
    let settings = config.settings(described)?;
    let plan = SessionPlan {
        first_weights: first_weights(args, &settings)?,
        settings,
        out: args.out.clone(),
        resume: args.resume,
        teacher: None,
        threads: args.threads,
        checkpoint_every: checkpoint_every(args)?,
        validate_every: args.validate_every,
    };
    let held_out = held_out(args, args.validation_frames)?;
    let end = train(plan, source, &held_out, bar)?;
    let state = end.trainer.state();
    let mut summary = Summary {
        out: args.out.clone(),
        finished: end.end == RunEnd::Finished,
        steps: state.step,
        skipped_steps: state.skipped,
        minutes: state.seconds / 60.0,
        weights: None,
        card: None,
        metrics: BTreeMap::new(),
        lines: Vec::new(),
    };
    if summary.finished {
        bar.note("judging the finished weights");
        let exported = export(&end, &config.model_id(), &command(), &held_out_final(args)?, &args.out)?;
        summary.metrics = exported.scores.iter().flat_map(|scores| scores.metrics()).collect();
        summary.lines = exported.scores.iter().map(|s| s.line(end.trainer.config().class_names())).collect();
        (summary.weights, summary.card) = (Some(exported.weights), Some(exported.card));
    }
    report::print(&summary, args.json)?;
    Ok(if summary.finished { Outcome::Done } else { Outcome::Interrupted })
}

fn run_config(args: &TrainArgs) -> Result<RunConfig> {
    let detector = args.config.as_deref().map(DetectorConfig::from_yaml_file).transpose()?;
    Ok(RunConfig {
        detector,
        width: match args.preset {
            Preset::Full => Width::Full,
            Preset::Quarter => Width::Quarter,
            Preset::Sixteenth => Width::Sixteenth,
        },
        grid: match args.grid {
            Grid::Kitti => GridPreset::Kitti,
            Grid::Surround => GridPreset::Surround,
        },
        seed: args.seed,
        steps: args.steps,
        frames_per_step: args.frames_per_step,
        windows_per_frame: args.windows_per_frame,
        window: (args.window > 0).then_some([args.window; 2]),
        peak_learning_rate: args.learning_rate,
        intensity: args.intensity,
        camera_crop_probability: if args.bag.is_empty() { 0.5 } else { 0.0 },
        paste_objects: args.paste,
    })
}

fn source(args: &TrainArgs, config: &RunConfig, bar: &mut Bar) -> Result<(Arc<dyn FrameSource>, String)> {
    if args.bag.is_empty() {
        let frames = SimulatedFrames::for_training(args.seed, config.half_width_deg(), &args.scene)?;
        let described = frames.describe();
        return Ok((Arc::new(frames), described));
    }
    let frames = BagFrames::open(&args.bag, args.seed)?;
    if frames.without_truth() > 0 {
        bar.note(&format!("{} clouds are left out: no truth has their stamp", frames.without_truth()));
    }
    let described = frames.describe();
    Ok((Arc::new(frames), described))
}

fn first_weights(args: &TrainArgs, settings: &TrainSettings) -> Result<Option<ParameterMap>> {
    let Some(path) = args.from.as_ref().or(args.widen.as_ref()) else { return Ok(None) };
    let weights = Weights::read(path).with_context(|| format!("reading {}", path.display()))?;
    if args.from.is_some() {
        return Ok(Some(weights.parameters().clone()));
    }
    let widened = widened(&weights, settings).with_context(|| format!("widening {}", path.display()))?;
    Ok(Some(widened))
}

fn checkpoint_every(args: &TrainArgs) -> Result<Duration> {
    let seconds = args.checkpoint_minutes * 60.0;
    if !(0.0..=1e7).contains(&seconds) {
        bail!("--checkpoint-minutes is {}: expected 0 or more", args.checkpoint_minutes);
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn held_out(args: &TrainArgs, simulated: u64) -> Result<Vec<HeldOut>> {
    let mut sets = Vec::new();
    if simulated > 0 {
        sets.push(HeldOut::from_source("sim", &SimulatedFrames::held_out(&args.scene)?, simulated)?);
    }
    if let Some(root) = &args.kitti {
        sets.push(HeldOut::from_kitti("kitti", root)?);
    }
    Ok(sets)
}

fn held_out_final(args: &TrainArgs) -> Result<Vec<HeldOut>> {
    held_out(args, args.final_frames)
}

/// The command as typed, for the card.
fn command() -> String {
    let args = std::env::args().skip(1).filter(|arg| arg != "--resume");
    std::iter::once("percept".to_owned()).chain(args).collect::<Vec<_>>().join(" ")
}
