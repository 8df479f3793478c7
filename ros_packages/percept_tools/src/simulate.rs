//! `percept simulate`: a drive through a simulated world, as a bag with its truth.

use crate::outcome::{EXIT_CODES, Outcome};
use crate::{bar::Bar, report};
use anyhow::Result;
use clap::{Args, ValueEnum};
use percept_app::drive::EncodeOptions;
use percept_app::realism::{RealismSettings, compare_with_real};
use percept_app::simulate::{
    CameraSettings, DEFAULT_SCENE, DEFAULT_SENSOR, SimulateSettings, SimulatedView, rig_names, scene_names,
    sensor_names, simulate,
};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  percept simulate --out street --seed 7 --frames 100     ten seconds at 10 Hz
  percept simulate --out motorway --scene highway --speed 30
  percept simulate --out street --sensor vlp-16           another sensor, its sweeps as its driver gives them
  percept simulate --out street --sensor vlp-32c --cameras nuscenes --image-size 704x256 --depth
  percept simulate --compare kitti --view kitti --frames 60    how real is it? against percept convert kitti's bag
  percept replay street --weights W --out boxes && percept eval boxes --truth street";

/// Write a simulated drive as a rosbag2: clouds, TF, odometry, camera calibration and everything that is true
///
/// The same seed gives the same bytes. With --compare the sweeps are held against real ones: points a ring, ranges and
/// heights, points an object, intensity, drop-out. Without --out each frame is then of a world of its own and nothing is
/// written but the page and the picture of the comparison.
#[derive(Debug, Args)]
#[command(after_help = format!("{}\n\n{EXAMPLES}\n\n{EXIT_CODES}", sensors()))]
pub struct SimulateArgs {
    /// Folder of the new bag; must not exist or be empty
    #[arg(long, short, required_unless_present = "compare")]
    out: Option<PathBuf>,
    /// Compare with a bag of real sweeps, with true boxes or without; findings are bins beyond a factor of 1.5
    #[arg(long, value_name = "REAL_BAG")]
    compare: Option<PathBuf>,
    /// Folder for the page and the picture of --compare
    #[arg(long, value_name = "FOLDER", default_value = "realism")]
    report: PathBuf,
    /// A shipped sensor's name, or a sensor's JSON file
    #[arg(long, default_value = DEFAULT_SENSOR, value_name = "NAME|FILE")]
    sensor: String,
    /// A shipped scene's name, a scene's JSON file, or several with weights (urban=2,residential), of which the seed draws
    #[arg(long, default_value = DEFAULT_SCENE, value_name = "NAME|FILE")]
    scene: String,
    /// Which world and drive
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Sweeps to simulate
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    frames: u64,
    /// Speed of the vehicle in metres a second, 0 to 60
    #[arg(long, default_value_t = 8.0)]
    speed: f64,
    /// What part of each revolution is kept
    #[arg(long, value_enum, default_value_t = View::Full)]
    view: View,
    /// Cameras on the vehicle: a shipped rig's name, or a rig's JSON file
    #[arg(long, value_name = "NAME|FILE")]
    cameras: Option<String>,
    /// Size of images: the rig's own scaled to cover it, then cut evenly from both sides and from the top
    #[arg(long, value_name = "WIDTHxHEIGHT", requires = "cameras", value_parser = image_size)]
    image_size: Option<[usize; 2]>,
    /// Quality of JPEG
    #[arg(long, default_value_t = 92, requires = "cameras", value_parser = clap::value_parser!(u8).range(1..=100))]
    jpeg_quality: u8,
    /// Write depth images (16-bit PNG, millimetres along the optical axis)
    #[arg(long, requires = "cameras")]
    depth: bool,
    /// Write images of the true class and instance of each pixel
    #[arg(long, requires = "cameras")]
    masks: bool,
    /// Folder for a JPEG a frame: all camera views with true boxes and LiDAR points drawn in
    #[arg(long, value_name = "FOLDER", requires = "cameras")]
    pictures: Option<PathBuf>,
    /// Go on with a drive that was stopped or killed, under the same settings: the bag is as if that had not happened
    #[arg(long, requires = "out")]
    resume: bool,
    /// Leave out the labelled cloud (half of the size of the bag)
    #[arg(long)]
    no_labelled_points: bool,
    /// Print a JSON summary
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum View {
    /// All of it
    Full,
    /// What KITTI's camera sees, cropped to its image
    Kitti,
}

/// What the help says of sensors and scenes.
fn sensors() -> String {
    let (names, scenes, rigs) = (sensor_names().join(", "), scene_names().join(", "), rig_names().join(", "));
    format!(
        "Scenes: {scenes}\nCamera rigs: {rigs}\nSensors: {names}\n  Sweeps roll (each point has its own time and is seen from where the vehicle is then) but \
         those of {DEFAULT_SENSOR},\n  from which motion is taken out as in KITTI's recordings."
    )
}

/// `704x256` as columns and rows.
fn image_size(text: &str) -> Result<[usize; 2], String> {
    let sides = text.split_once(['x', 'X']).and_then(|(w, h)| Some([w.trim().parse().ok()?, h.trim().parse().ok()?]));
    sides.ok_or_else(|| format!("{text:?} is no size: give columns and rows like 704x256"))
}

/// Runs the command.
pub fn run(args: &SimulateArgs, bar: &mut Bar) -> Result<Outcome> {
    let settings = SimulateSettings {
        sensor: args.sensor.clone(),
        scene: args.scene.clone(),
        seed: args.seed,
        frames: args.frames,
        speed_mps: args.speed,
        view: match args.view {
            View::Full => SimulatedView::Full,
            View::Kitti => SimulatedView::KittiCamera,
        },
        labelled_points: !args.no_labelled_points,
        resume: args.resume,
        cameras: args.cameras.clone().map(|rig| CameraSettings {
            rig,
            image_size: args.image_size,
            encode: EncodeOptions { jpeg_quality: args.jpeg_quality, depth: args.depth, masks: args.masks },
            pictures: args.pictures.clone(),
        }),
    };
    if let Some(out) = &args.out {
        let summary = simulate(out, &settings, bar)?;
        // With --compare its summary is the one JSON document.
        if args.compare.is_none() || !args.json {
            report::print(&summary, args.json)?;
        }
        if summary.interrupted {
            return Ok(Outcome::Interrupted);
        }
    }
    let Some(real) = &args.compare else { return Ok(Outcome::Done) };
    let comparison = RealismSettings { real: real.clone(), written: args.out.clone(), folder: args.report.clone() };
    let summary = compare_with_real(&comparison, &settings, bar)?;
    report::print(&summary, args.json)?;
    Ok(if summary.interrupted { Outcome::Interrupted } else { Outcome::found(summary.has_findings()) })
}
