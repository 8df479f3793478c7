//! `percept eval`: detections against truth.

use crate::outcome::{EXIT_CODES, Outcome};
use crate::{bar::Bar, report};
use anyhow::Result;
use clap::Args;
use percept_app::evaluate::{EvaluateSettings, WorstSettings, evaluate};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  percept eval boxes --truth drive                      KITTI's average precision
  percept eval boxes --truth kitti_object --json        truth from KITTI's label files
  percept eval boxes_a boxes_b --truth drive            is A better than B? paired bootstrap over frames
  percept eval boxes --truth drive --worst 5 --pictures worst/

Truth is a bag with /truth topics (percept simulate, percept convert), a bag with a Detection3DArray topic alone
(bird's-eye average precision then), or a KITTI folder.";

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
        resamples: args.resamples as usize,
    };
    let evaluation = evaluate(&args.out, &args.truth, &settings, bar)?;
    report::print(&evaluation, args.json)?;
    Ok(Outcome::Done)
}
