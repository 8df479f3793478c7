//! `percept check`: whether weights, configuration and bag fit together.

use crate::outcome::{EXIT_CODES, Outcome};
use crate::report;
use anyhow::Result;
use clap::Args;
use percept_app::check::{CheckInputs, check};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  percept check --weights W --bag drive
  percept check --weights W --config launch/params/lidar_detector.yaml --bag drive --json";

/// Tell what of weights, configuration and bag fits together, and what to do about what does not
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
#[group(required = true, multiple = true)]
pub struct CheckArgs {
    /// Weights (safetensors)
    #[arg(long, short)]
    weights: Option<PathBuf>,
    /// Parameters in ROS form
    #[arg(long, short)]
    config: Option<PathBuf>,
    /// A rosbag2 folder or storage file
    #[arg(long, short)]
    bag: Option<PathBuf>,
    /// The PointCloud2 topic
    #[arg(long)]
    topic: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &CheckArgs) -> Result<Outcome> {
    let inputs = CheckInputs {
        weights: args.weights.clone(),
        config: args.config.clone(),
        bag: args.bag.clone(),
        topic: args.topic.clone(),
    };
    let findings = check(&inputs);
    report::print(&findings, args.json)?;
    Ok(Outcome::found(findings.has_errors()))
}
