//! `percept demo`: the committed bag through the committed weights, with pictures and a report.

use crate::outcome::{EXIT_CODES, Outcome};
use crate::{bar::Bar, report};
use anyhow::Result;
use clap::Args;
use percept_app::demo::{DemoSettings, DistilDemoSettings, demo, demo_distil};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  percept demo                                      the committed street, into out/demo
  percept demo --distill                            record, distil, gate, swap: the whole chain in small
  percept demo --bag drive --weights W --out report a drive of your own, with metrics where it has truth";

/// See boxes on a recorded drive: output bag, bird's-eye pictures, HTML report
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct DemoArgs {
    /// The bag to replay [default: bags/demo_street of the workspace]
    #[arg(long)]
    bag: Option<PathBuf>,
    /// The weights [default: pointpillars_4x_kitti.safetensors of percept_models_data]
    #[arg(long, short)]
    weights: Option<PathBuf>,
    /// Folder for everything that is written; an earlier demo in it is replaced
    #[arg(long, short, default_value = "out/demo")]
    out: PathBuf,
    /// The PointCloud2 topic; needed where the bag has several
    #[arg(long)]
    topic: Option<String>,
    /// A picture every n frames
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Show distillation instead: record the bag with the weights as teacher, teach a sixteenth of a network, gate, swap
    #[arg(long)]
    distill: bool,
    /// Steps of the distilled student
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..), requires = "distill")]
    steps: u64,
    /// Print a JSON summary
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &DemoArgs, bar: &mut Bar) -> Result<Outcome> {
    if args.distill {
        return distil(args, bar);
    }
    let settings = DemoSettings {
        bag: args.bag.clone(),
        weights: args.weights.clone(),
        topic: args.topic.clone(),
        every: args.every,
    };
    let summary = demo(&args.out, &settings, bar)?;
    report::print(&summary, args.json)?;
    Ok(match summary.replay.interrupted {
        true => Outcome::Interrupted,
        false => Outcome::found(summary.replay.frames_failed > 0),
    })
}

fn distil(args: &DemoArgs, bar: &mut Bar) -> Result<Outcome> {
    let settings = DistilDemoSettings { bag: args.bag.clone(), teacher: args.weights.clone(), steps: args.steps };
    let Some(summary) = demo_distil(&args.out, &settings, bar)? else { return Ok(Outcome::Interrupted) };
    report::print(&summary, args.json)?;
    Ok(Outcome::found(summary.deployed.is_none()))
}
