//! `percept eval`: detections against truth.

use crate::outcome::{EXIT_CODES, Outcome};
use crate::{bar::Bar, report};
use anyhow::{Result, bail};
use clap::Args;
use percept_app::evaluate::{EvaluateSettings, NearSettings, ThresholdRule, ThresholdSource, WorstSettings, evaluate};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  percept eval boxes --truth drive                      KITTI's average precision
  percept eval boxes --truth kitti_object --json        truth from KITTI's label files
  percept eval boxes_a boxes_b --truth drive            is A better than B? paired bootstrap over frames
  percept eval boxes --truth drive --worst 5 --pictures worst/
  percept eval boxes --truth kitti --near               near cars and people, thresholds from simulated frames

Truth is a bag with /truth topics (percept simulate, percept convert), a bag with a Detection3DArray topic alone
(bird's-eye average precision then), or a KITTI folder; with --near also a bag of labelled points alone.

--near asks for cars with at least 20 points and pedestrians and cyclists with at least 10, within 40 m. Recall and
precision are those at a score threshold that the weights' own output on held-out simulated frames chose, never the
frames judged: the best F1 there, or with --precision the most recall at that precision. Cars are found with an overlap from above of
more than 0.5, people 0.25; names of nuScenes and Argoverse 2 are taken as KITTI's. Where points alone are labelled
(SemanticKITTI), a thing is found by a box that holds more than half of its points from above, or whose centre lies near
their mean (cars 2 m, pedestrians 0.7 m, cyclists 1.2 m); a box is false where it found nothing and holds fewer than 5
points of its class, of one like it or without a label.";

/// Score one output bag, or compare two, against truth
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct EvalArgs {
    /// One output bag of percept replay, or two to compare
    #[arg(required = true, num_args = 1..=2)]
    out: Vec<PathBuf>,
    /// A bag with truth, or a KITTI object folder
    #[arg(long, short)]
    truth: PathBuf,
    /// The Detection3DArray topic of the output bags
    #[arg(long)]
    topic: Option<String>,
    /// The truth's Detection3DArray topic, where there are several
    #[arg(long)]
    truth_topic: Option<String>,
    /// Also the nuScenes metrics: mAP by centre distance, true-positive errors, NDS
    #[arg(long)]
    nuscenes: bool,
    /// Draw the n frames with most misses and false boxes
    #[arg(long, value_name = "N")]
    worst: Option<usize>,
    /// Folder for the pictures of --worst
    #[arg(long, default_value = "worst")]
    pictures: PathBuf,
    /// Also the objects near the sensor, at thresholds chosen on simulated frames
    #[arg(long)]
    near: bool,
    /// Held-out simulated frames on which --near chooses its thresholds
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=100_000), value_name = "N")]
    near_frames: u64,
    /// A score for --near instead of one chosen on simulated frames
    #[arg(long, value_name = "SCORE")]
    near_score: Option<f64>,
    /// Let --near choose the most recall at this precision on simulated frames, 0 to 1, instead of the best F1
    #[arg(long, value_name = "SHARE")]
    precision: Option<f64>,
    /// The weights that made the output, for --near [default: those that the output bag names]
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Resamples of the bootstrap that compares two outputs
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    resamples: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &EvalArgs, bar: &mut Bar) -> Result<Outcome> {
    let settings = EvaluateSettings {
        topic: args.topic.clone(),
        truth_topic: args.truth_topic.clone(),
        nuscenes: args.nuscenes,
        worst: args.worst.map(|frames| WorstSettings { frames, folder: args.pictures.clone() }),
        near: near(args)?,
        resamples: args.resamples as usize,
    };
    let evaluation = evaluate(&args.out, &args.truth, &settings, bar)?;
    report::print(&evaluation, args.json)?;
    Ok(Outcome::Done)
}

fn near(args: &EvalArgs) -> Result<Option<NearSettings>> {
    for (name, value) in [("--precision", args.precision), ("--near-score", args.near_score)] {
        if let Some(value) = value.filter(|value| !(0.0..=1.0).contains(value)) {
            bail!("{name} is {value}: expected 0 to 1");
        }
    }
    Ok(args.near.then(|| NearSettings {
        weights: args.weights.clone(),
        threshold: args.near_score.map_or(ThresholdSource::Simulated(args.near_frames), ThresholdSource::Score),
        rule: args.precision.map_or(ThresholdRule::BestF1, ThresholdRule::Precision),
    }))
}
