//! `percept study`: a table of training runs, cell by cell.

use crate::bar::Bar;
use crate::outcome::{EXIT_CODES, Outcome};
use crate::report;
use anyhow::Result;
use clap::Args;
use percept_app::Progress;
use percept_app::training::{Study, StudyPlan, run_study};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  percept study world.json --out world            all cells, or those that are left
  percept study world.json --out world --cells 2  two more cells
  percept study world.json --out world --cells 0  the table of what is finished";

/// Run a table of trainings, cell by cell, and go on another day where this one stopped
///
/// Each finished cell leaves cells/ROW_seedN.json in the folder; an unfinished one goes on from its checkpoint. All
/// cells are judged on the same held-out frames.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct StudyArgs {
    /// The study: a JSON file of a base, rows that change it, and seeds
    study: PathBuf,
    /// Folder of the cells and the table
    #[arg(long, short)]
    out: PathBuf,
    /// A KITTI object folder to judge on as well; nothing of it is trained on
    #[arg(long)]
    kitti: Option<PathBuf>,
    /// Run no more than so many cells now
    #[arg(long)]
    cells: Option<usize>,
    /// Threads that make frames
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Print the table as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &StudyArgs, bar: &mut Bar) -> Result<Outcome> {
    let plan = StudyPlan {
        study: Study::read(&args.study)?,
        out: args.out.clone(),
        kitti: args.kitti.clone(),
        threads: args.threads,
        max_cells: args.cells,
    };
    let table = run_study(&plan, bar)?;
    report::print(&table, args.json)?;
    let stopped = bar.stop_asked() && table.finished < table.cells;
    Ok(if stopped { Outcome::Interrupted } else { Outcome::Done })
}
