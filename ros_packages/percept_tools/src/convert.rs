//! `percept convert`: data sets to bags.

use crate::outcome::{EXIT_CODES, Outcome};
use crate::{bar::Bar, report};
use anyhow::Result;
use clap::{Args, Subcommand};
use percept_app::convert_kitti::{ConvertSettings, convert_kitti};
use std::path::PathBuf;

/// Turn a data set into a bag
#[derive(Debug, Args)]
pub struct ConvertArgs {
    #[command(subcommand)]
    data_set: DataSet,
}

#[derive(Debug, Subcommand)]
enum DataSet {
    Kitti(KittiArgs),
}

const KITTI_EXAMPLES: &str = "Examples:
  percept convert kitti kitti_object --out kitti
  percept replay kitti --weights W --out boxes && percept eval boxes --truth kitti

A frame's stamp tells its number: 1317000000 s + number * 0.1 s. Frames without a cloud are skipped and counted;
missing calibrations, labels and images are left out and counted.";

/// A KITTI object folder: ROOT[/training]/{velodyne, calib, label_2, image_2}
#[derive(Debug, Args)]
#[command(after_help = format!("{KITTI_EXAMPLES}\n\n{EXIT_CODES}"))]
struct KittiArgs {
    /// The folder
    root: PathBuf,
    /// Folder of the new bag; must not exist or be empty
    #[arg(long, short)]
    out: PathBuf,
    /// Keep only the points that the left colour image sees, as KITTI's benchmark does
    #[arg(long)]
    image_view_only: bool,
    /// Leave the images out
    #[arg(long)]
    no_images: bool,
    /// Print a JSON summary
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &ConvertArgs, bar: &mut Bar) -> Result<Outcome> {
    let DataSet::Kitti(args) = &args.data_set;
    let settings = ConvertSettings { image_view_only: args.image_view_only, images: !args.no_images };
    let summary = convert_kitti(&args.root, &args.out, &settings, bar)?;
    report::print(&summary, args.json)?;
    Ok(if summary.interrupted { Outcome::Interrupted } else { Outcome::Done })
}
