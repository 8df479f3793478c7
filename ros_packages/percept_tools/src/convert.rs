//! `percept convert`: data sets to bags, and bags with truth back to data sets.

use crate::outcome::{EXIT_CODES, Outcome};
use crate::{bar::Bar, report};
use anyhow::Result;
use clap::{Args, Subcommand};
use percept_app::convert::{
    Argoverse2Settings, ConvertSummary, KittiRawSettings, KittiSettings, NuscenesSettings, SemanticKittiSettings,
    ToKittiSettings, ToSemanticKittiSettings, convert_argoverse2, convert_kitti, convert_kitti_raw, convert_nuscenes,
    convert_semantickitti, convert_to_kitti, convert_to_semantickitti,
};
use std::path::PathBuf;

/// Turn a data set into a bag, or a bag with truth into a data set
#[derive(Debug, Args)]
pub struct ConvertArgs {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Debug, Subcommand)]
enum Direction {
    Kitti(KittiArgs),
    KittiRaw(KittiRawArgs),
    Semantickitti(SemanticKittiArgs),
    Nuscenes(NuscenesArgs),
    Argoverse2(Argoverse2Args),
    ToKitti(ToKittiArgs),
    ToSemantickitti(ToSemanticKittiArgs),
}

/// What every conversion takes.
#[derive(Debug, Args)]
struct OutputArgs {
    /// The new bag's or data set's folder; must not exist or be empty
    #[arg(long, short)]
    out: PathBuf,
    /// Stop at the first frame that cannot be understood instead of skipping and counting it
    #[arg(long)]
    strict: bool,
    /// Print a JSON summary
    #[arg(long)]
    json: bool,
}

const KITTI_EXAMPLES: &str = "Examples:
  percept convert kitti kitti_object --out kitti
  percept replay kitti --weights W --out boxes && percept eval boxes --truth kitti

A frame's stamp tells its number: 1317000000 s + number * 0.1 s. Missing calibrations, labels and images are left out
and counted; a camera without its image is taken as 1242 x 375 pixels. Label and calibration texts are kept as they are.";

/// A KITTI object folder: ROOT[/training]/{velodyne, calib, label_2, image_2}
#[derive(Debug, Args)]
#[command(after_help = format!("{KITTI_EXAMPLES}\n\n{EXIT_CODES}"))]
struct KittiArgs {
    /// The folder
    root: PathBuf,
    /// Keep only the points that the left colour image sees, as KITTI's benchmark does
    #[arg(long)]
    image_view_only: bool,
    /// Leave the images out
    #[arg(long)]
    no_images: bool,
    #[command(flatten)]
    output: OutputArgs,
}

const SEMANTICKITTI_EXAMPLES: &str = "Examples:
  percept convert semantickitti dataset --sequence 08 --out kitti08
  percept convert semantickitti dataset/sequences/08 --out kitti08

The labelled cloud has SemanticKITTI's raw class numbers and the instances. Odometry starts where the vehicle stood at
the first row of poses.txt. Stamps are 1317000000 s + times.txt, without it + frame number * 0.1 s. Sweeps without
labels or poses are written without and counted; a camera without its image is taken as 1242 x 375 pixels.";

/// A SemanticKITTI sequence: SEQUENCE/{velodyne, labels, poses.txt, calib.txt, times.txt, image_2}
#[derive(Debug, Args)]
#[command(after_help = format!("{SEMANTICKITTI_EXAMPLES}\n\n{EXIT_CODES}"))]
struct SemanticKittiArgs {
    /// The sequence's folder, or one above `sequences`
    root: PathBuf,
    /// Which sequence, where there are several
    #[arg(long)]
    sequence: Option<String>,
    /// Leave the images out
    #[arg(long)]
    no_images: bool,
    #[command(flatten)]
    output: OutputArgs,
}

const KITTI_RAW_EXAMPLES: &str = "Examples:
  percept convert kitti-raw 2011_09_26/2011_09_26_drive_0005_sync --out drive5
  percept convert kitti-raw 2011_09_26 --drive 0005 --out drive5

The left colour camera is on /camera, the others on /camera/image_0N. Odometry comes from the packets of oxts and starts
where the vehicle stood at the first. Stamps are KITTI's wall clock taken as UTC. Boxes come from tracklet_labels.xml in
the drive's folder, where it is: what the cameras ahead saw.";

/// A KITTI raw drive, synchronised: DATE/DRIVE_sync/{velodyne_points, oxts, image_00..03, tracklet_labels.xml} with DATE/calib_*.txt
#[derive(Debug, Args)]
#[command(after_help = format!("{KITTI_RAW_EXAMPLES}\n\n{EXIT_CODES}"))]
struct KittiRawArgs {
    /// The drive's folder, the date's, or the one above
    root: PathBuf,
    /// Which drive, by a part of its name, where there are several
    #[arg(long)]
    drive: Option<String>,
    /// Leave the images out
    #[arg(long)]
    no_images: bool,
    #[command(flatten)]
    output: OutputArgs,
}

const NUSCENES_EXAMPLES: &str = "Examples:
  percept convert nuscenes nuscenes --scene scene-0061 --out scene61
  percept convert nuscenes nuscenes --tables v1.0-trainval --scene scene-0001 --out scene1

One scene a bag: its key frames, with --sweeps all its clouds and images, of which only key frames have boxes. Clouds keep the LiDAR's own axes (x right, y forward); TF tells its mounting. Boxes have
the detection task's class names; their id tells velocity, points, visibility, attribute and instance.";

/// A nuScenes scene: ROOT/{v1.0-*/*.json, samples, sweeps, lidarseg}
#[derive(Debug, Args)]
#[command(after_help = format!("{NUSCENES_EXAMPLES}\n\n{EXIT_CODES}"))]
struct NuscenesArgs {
    /// The folder
    root: PathBuf,
    /// Folder of the tables, where there are several
    #[arg(long)]
    tables: Option<String>,
    /// Which scene, where there are several
    #[arg(long)]
    scene: Option<String>,
    /// Write the sweeps between key frames too, with the images of their time
    #[arg(long)]
    sweeps: bool,
    /// Leave the images out
    #[arg(long)]
    no_images: bool,
    #[command(flatten)]
    output: OutputArgs,
}

const ARGOVERSE2_EXAMPLES: &str = "Examples:
  percept convert argoverse2 val/7fab2350-7eaf-3b7e-a39d-6937a4c1bede --out log

Points and boxes are in the vehicle's frame, as Argoverse tells them: an axle's height above the ground. Of each camera
the image nearest to a sweep is taken, at most 50 ms from it. Boxes have Argoverse's class names.";

/// An Argoverse 2 sensor log: LOG/{sensors, calibration, annotations.feather, city_SE3_egovehicle.feather}
#[derive(Debug, Args)]
#[command(after_help = format!("{ARGOVERSE2_EXAMPLES}\n\n{EXIT_CODES}"))]
struct Argoverse2Args {
    /// The log's folder, or the one above
    root: PathBuf,
    /// Which log, where there are several
    #[arg(long)]
    log: Option<String>,
    /// Leave the images out
    #[arg(long)]
    no_images: bool,
    #[command(flatten)]
    output: OutputArgs,
}

const TO_KITTI_EXAMPLES: &str = "Examples:
  percept simulate --out street --frames 100 && percept convert to-kitti street --out street_kitti

Frames keep the numbers that percept convert kitti put into their stamps; others are counted from 0. Points, labels,
calibrations and PNG images of such bags come back byte for byte. Of other bags the calibration has R0_rect in
Tr_velo_to_cam and P2 for P0, P1 and P3. What an organised sweep did not see is left out.";

/// A bag with truth as a KITTI object folder: OUT/training/{velodyne, calib, label_2, image_2}
#[derive(Debug, Args)]
#[command(after_help = format!("{TO_KITTI_EXAMPLES}\n\n{EXIT_CODES}"))]
struct ToKittiArgs {
    /// The bag
    bag: PathBuf,
    /// Divide intensities by this: 255 for most drivers and nuScenes, whose scale is not KITTI's 0 to 1
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    intensity_divisor: f32,
    /// Leave the images out
    #[arg(long)]
    no_images: bool,
    #[command(flatten)]
    output: OutputArgs,
}

const TO_SEMANTICKITTI_EXAMPLES: &str = "Examples:
  percept simulate --out street --frames 100 && percept convert to-semantickitti street --out dataset --sequence 30

Frames are counted from 0 in the order of the bag. Poses are the camera's, seen from where it was at the first frame.";

/// A bag with labelled points as a SemanticKITTI sequence: OUT/sequences/NN/{velodyne, labels, calib.txt, poses.txt}
#[derive(Debug, Args)]
#[command(after_help = format!("{TO_SEMANTICKITTI_EXAMPLES}\n\n{EXIT_CODES}"))]
struct ToSemanticKittiArgs {
    /// The bag
    bag: PathBuf,
    /// Name of the sequence
    #[arg(long, default_value = "00")]
    sequence: String,
    /// Divide intensities by this: 255 for most drivers and nuScenes, whose scale is not KITTI's 0 to 1
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    intensity_divisor: f32,
    #[command(flatten)]
    output: OutputArgs,
}

fn positive(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number: &f32| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "expected a number above 0".to_owned())
}

/// Runs the command.
pub fn run(args: &ConvertArgs, bar: &mut Bar) -> Result<Outcome> {
    let (summary, output) = match &args.direction {
        Direction::Kitti(args) => (kitti(args, bar)?, &args.output),
        Direction::KittiRaw(args) => (kitti_raw(args, bar)?, &args.output),
        Direction::Semantickitti(args) => (semantickitti(args, bar)?, &args.output),
        Direction::Nuscenes(args) => (nuscenes(args, bar)?, &args.output),
        Direction::Argoverse2(args) => (argoverse2(args, bar)?, &args.output),
        Direction::ToKitti(args) => (to_kitti(args, bar)?, &args.output),
        Direction::ToSemantickitti(args) => (to_semantickitti(args, bar)?, &args.output),
    };
    report::print(&summary, output.json)?;
    Ok(if summary.interrupted { Outcome::Interrupted } else { Outcome::found(summary.skipped > 0) })
}

fn kitti(args: &KittiArgs, bar: &mut Bar) -> Result<ConvertSummary> {
    let (image_view_only, images, strict) = (args.image_view_only, !args.no_images, args.output.strict);
    let settings = KittiSettings { image_view_only, images, strict };
    Ok(convert_kitti(&args.root, &args.output.out, &settings, bar)?)
}

fn kitti_raw(args: &KittiRawArgs, bar: &mut Bar) -> Result<ConvertSummary> {
    let (drive, images, strict) = (args.drive.clone(), !args.no_images, args.output.strict);
    Ok(convert_kitti_raw(&args.root, &args.output.out, &KittiRawSettings { drive, images, strict }, bar)?)
}

fn semantickitti(args: &SemanticKittiArgs, bar: &mut Bar) -> Result<ConvertSummary> {
    let (sequence, images, strict) = (args.sequence.clone(), !args.no_images, args.output.strict);
    Ok(convert_semantickitti(&args.root, &args.output.out, &SemanticKittiSettings { sequence, images, strict }, bar)?)
}

fn nuscenes(args: &NuscenesArgs, bar: &mut Bar) -> Result<ConvertSummary> {
    let settings = NuscenesSettings {
        tables: args.tables.clone(),
        scene: args.scene.clone(),
        sweeps: args.sweeps,
        images: !args.no_images,
        strict: args.output.strict,
    };
    Ok(convert_nuscenes(&args.root, &args.output.out, &settings, bar)?)
}

fn argoverse2(args: &Argoverse2Args, bar: &mut Bar) -> Result<ConvertSummary> {
    let (log, images, strict) = (args.log.clone(), !args.no_images, args.output.strict);
    Ok(convert_argoverse2(&args.root, &args.output.out, &Argoverse2Settings { log, images, strict }, bar)?)
}

fn to_kitti(args: &ToKittiArgs, bar: &mut Bar) -> Result<ConvertSummary> {
    let (intensity_divisor, images, strict) = (args.intensity_divisor, !args.no_images, args.output.strict);
    Ok(convert_to_kitti(&args.bag, &args.output.out, &ToKittiSettings { intensity_divisor, images, strict }, bar)?)
}

fn to_semantickitti(args: &ToSemanticKittiArgs, bar: &mut Bar) -> Result<ConvertSummary> {
    let settings = ToSemanticKittiSettings {
        sequence: args.sequence.clone(),
        intensity_divisor: args.intensity_divisor,
        strict: args.output.strict,
    };
    Ok(convert_to_semantickitti(&args.bag, &args.output.out, &settings, bar)?)
}
