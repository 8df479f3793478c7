//! `percept inspect`: what a bag holds.

use crate::outcome::{EXIT_CODES, Outcome};
use crate::{bar::Bar, report};
use anyhow::Result;
use clap::Args;
use percept_app::inspect::inspect;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  percept inspect drive/              a rosbag2 folder
  percept inspect drive_0.db3 --json  one storage file, for machines";

/// List the topics of a bag, their types, messages and rates, its duration, and what of it is damaged
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct InspectArgs {
    /// A rosbag2 folder or storage file: .mcap, .db3, either also with .zstd
    bag: PathBuf,
    /// Print JSON: {topics: [{name, type, messages, ...}], duration_s, losses, ...}
    #[arg(long)]
    json: bool,
    /// Trust the bag's index instead of reading every message: fast, but damage may go unseen
    #[arg(long)]
    no_scan: bool,
    /// End with exit code 1 where anything of the bag cannot be read
    #[arg(long)]
    strict: bool,
}

/// Runs the command.
pub fn run(args: &InspectArgs, bar: &mut Bar) -> Result<Outcome> {
    let inspection = inspect(&args.bag, !args.no_scan, bar)?;
    report::print(&inspection, args.json)?;
    Ok(Outcome::found(args.strict && !inspection.losses.is_empty()))
}
