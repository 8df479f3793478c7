//! A drive through a simulated world, as a bag with its truth.

use crate::drive::{DriveCamera, DriveFrame, DriveOptions, DriveWriter, EncodeOptions, UnfinishedDrive, encode_camera};
use crate::pictures::draw_camera_sheet;
use crate::{AppError, Progress};
use percept_eval::kitti::{annotations_of_truth, write_label_line};
use percept_msgs::DriverLayout;
use percept_sim::{
    CameraRig, Drive, LidarModel, PointDriver, RenderSettings, SceneConfig, SceneMix, View, WorldConfig, camera_beside,
    t_base_lidar,
};
use percept_types::{Camera, Stamp, Transform};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// When every simulated drive begins: 1 January 2026, so that no consumer takes it for a clock that was never set.
const START: Stamp = Stamp::from_ns(1_767_225_600 * 1_000_000_000);

/// The sensor of KITTI's car, for which the shipped weights were trained.
pub const DEFAULT_SENSOR: &str = "hdl-64e-kitti";

/// The scene in which the shipped weights were trained.
pub const DEFAULT_SCENE: &str = "mixed";

/// The names of the shipped scenes.
pub fn scene_names() -> Vec<&'static str> {
    SceneConfig::shipped().collect()
}

/// The names of the shipped sensors.
pub fn sensor_names() -> Vec<&'static str> {
    LidarModel::shipped().collect()
}

/// The names of the shipped camera rigs.
pub fn rig_names() -> Vec<&'static str> {
    CameraRig::shipped().collect()
}

/// Which cameras look, and what is kept of their images.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraSettings {
    /// A shipped rig's name or a rig file.
    pub rig: String,
    /// Columns and rows of the images; `None`: the rig's own.
    pub image_size: Option<[usize; 2]>,
    /// How images are written.
    pub encode: EncodeOptions,
    /// Folder for a picture a frame: all views with true boxes and LiDAR points.
    pub pictures: Option<PathBuf>,
}

impl CameraSettings {
    fn rig(&self) -> Result<CameraRig, AppError> {
        let rig = CameraRig::named_or_from_file(&self.rig);
        let rig = match self.image_size {
            Some(size) => rig.and_then(|rig| rig.resized(size)),
            None => rig,
        };
        rig.map_err(AppError::stage("simulation"))
    }
}

/// What part of each revolution is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SimulatedView {
    /// All of it.
    #[default]
    Full,
    /// What KITTI's camera sees, cropped to its image as KITTI's benchmark does.
    KittiCamera,
}

/// What to simulate.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulateSettings {
    /// A shipped sensor's name or a sensor file.
    pub sensor: String,
    /// A shipped scene's name or a scene file.
    pub scene: String,
    /// Which world and drive.
    pub seed: u64,
    /// Revolutions.
    pub frames: u64,
    /// Speed of the vehicle in metres a second.
    pub speed_mps: f64,
    /// What part of each revolution is kept.
    pub view: SimulatedView,
    /// Whether the labelled cloud is written.
    pub labelled_points: bool,
    /// The cameras; none by default.
    pub cameras: Option<CameraSettings>,
    /// Whether to go on with a drive that was stopped or killed.
    pub resume: bool,
}

impl Default for SimulateSettings {
    fn default() -> Self {
        Self {
            sensor: DEFAULT_SENSOR.to_owned(),
            scene: DEFAULT_SCENE.to_owned(),
            seed: 1,
            frames: 100,
            speed_mps: 8.0,
            view: SimulatedView::Full,
            labelled_points: true,
            cameras: None,
            resume: false,
        }
    }
}

/// What was simulated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SimulateSummary {
    /// The bag.
    pub out: PathBuf,
    /// The seed.
    pub seed: u64,
    /// Frames of an earlier attempt, copied as they were.
    pub copied: u64,
    /// Frames simulated.
    pub frames: u64,
    /// Returns of the frames simulated.
    pub points: u64,
    /// Images of the frames simulated, by camera.
    pub images: BTreeMap<String, u64>,
    /// True boxes of the frames simulated, by class.
    pub objects: BTreeMap<String, u64>,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
}

/// Simulates a drive into a new bag; the same settings give the same bytes.
///
/// # Errors
/// When the settings are impossible or the bag cannot be written.
pub fn simulate(
    out: &Path,
    settings: &SimulateSettings,
    progress: &mut dyn Progress,
) -> Result<SimulateSummary, AppError> {
    let config = world_of(settings)?;
    let sensor = config.sensor.clone();
    let options = DriveOptions {
        t_base_lidar: t_base_lidar(&config.sensor),
        t_map_odom: None,
        fixed_camera: true,
        labelled_points: settings.labelled_points,
        provenance: provenance(settings, &config.sensor.name),
    };
    let mut drive = Drive::new(config, settings.seed, settings.view.into(), settings.speed_mps, settings.frames, START)
        .map_err(AppError::stage("simulation"))?;
    let rig = settings.cameras.as_ref().map(CameraSettings::rig).transpose()?;
    let names: Vec<String> = rig.iter().flat_map(|rig| &rig.cameras).map(|camera| camera.name.clone()).collect();
    if let Some(rig) = rig {
        drive = drive.with_cameras(rig, RenderSettings::default()).map_err(AppError::stage("simulation"))?;
    }
    let mut summary = SimulateSummary::new(out, settings.seed);
    let provenance = options.provenance.clone();
    let unfinished = settings.resume.then(|| UnfinishedDrive::set_aside(out, &provenance)).transpose()?;
    let mut writer = DriveWriter::create(out, options)?.in_layout(layout_of(&sensor));
    if let Some(unfinished) = unfinished.filter(|unfinished| unfinished.frames() > 0) {
        summary.copied = unfinished.frames();
        writer.cameras_are_mounted(names.iter().map(String::as_str));
        summary.interrupted = !unfinished.copy_into(&mut writer, progress)?;
    }
    if !summary.interrupted {
        let after_ns = (sensor.period_s() * 1e9).round() as i64;
        let end = write_frames(drive.starting_at(summary.copied), settings, &mut writer, &mut summary, progress)?;
        // The last sweep rolls on to the moment after it.
        if let Some((stamp, t_odom_base)) = end.filter(|_| sensor.is_rolling()) {
            writer.write_pose(Stamp::from_ns(stamp.nanoseconds + after_ns), t_odom_base)?;
        }
    }
    writer.finish()?;
    progress.end();
    Ok(summary)
}

/// Writes the frames that a drive has left; gives the stamp of the last and where the vehicle is one revolution later.
fn write_frames(
    drive: Drive,
    settings: &SimulateSettings,
    writer: &mut DriveWriter,
    summary: &mut SimulateSummary,
    progress: &mut dyn Progress,
) -> Result<Option<(Stamp, Transform)>, AppError> {
    let camera = camera_beside(drive.sensor());
    let mut end = None;
    progress.begin("simulate", Some(settings.frames.saturating_sub(summary.copied)));
    for frame in drive {
        let frame = frame.map_err(AppError::stage("simulation"))?;
        end = Some((frame.stamp, frame.t_odom_base_after));
        let index = summary.copied + summary.frames;
        let cameras = encode_cameras(&frame, settings.cameras.as_ref())?;
        if let Some(folder) = settings.cameras.as_ref().and_then(|cameras| cameras.pictures.as_ref()) {
            draw_camera_sheet(&folder.join(format!("{index:06}.jpg")), &frame)?;
        }
        let frame = DriveFrame { cameras, ..drive_frame(index, frame, &camera, settings.speed_mps)? };
        summary.count(&frame);
        writer.write(&frame)?;
        progress.advance(1);
        if progress.stop_asked() {
            summary.interrupted = summary.copied + summary.frames < settings.frames;
            break;
        }
    }
    Ok(end)
}

/// The world that settings describe, and the sensor in it; of several scenes the one that the seed draws.
pub(crate) fn world_of(settings: &SimulateSettings) -> Result<WorldConfig, AppError> {
    let sensor = LidarModel::named_or_from_file(&settings.sensor).map_err(AppError::stage("simulation"))?;
    let kitti = WorldConfig::kitti().map_err(AppError::stage("simulation"))?;
    let scenes = SceneMix::parse(&settings.scene).map_err(AppError::stage("simulation"))?;
    let scene = scenes.draw(settings.seed).clone();
    // What a far-sighted sensor sees is told as far as it sees.
    let truth_range_m = kitti.truth_range_m.max(f64::from(sensor.range_m[1]));
    Ok(WorldConfig { scene, sensor, ring_and_time: true, truth_range_m, ..kitti })
}

impl From<SimulatedView> for View {
    fn from(view: SimulatedView) -> Self {
        match view {
            SimulatedView::Full => Self::Full,
            SimulatedView::KittiCamera => Self::KittiCamera,
        }
    }
}

fn layout_of(sensor: &LidarModel) -> DriverLayout {
    match sensor.driver {
        PointDriver::Velodyne => DriverLayout::Velodyne,
        PointDriver::Ouster => DriverLayout::Ouster { rows: sensor.rings.len() },
        PointDriver::Hesai => DriverLayout::Hesai,
    }
}

fn provenance(settings: &SimulateSettings, sensor: &str) -> BTreeMap<String, String> {
    let entries = [
        ("percept_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("source", "percept simulate".to_owned()),
        ("seed", settings.seed.to_string()),
        ("frames", settings.frames.to_string()),
        ("speed_mps", settings.speed_mps.to_string()),
        ("view", format!("{:?}", settings.view)),
        ("sensor", sensor.to_owned()),
        ("scene", settings.scene.clone()),
    ];
    let size = |[width, height]: [usize; 2]| format!("{width}x{height}");
    let cameras = settings.cameras.iter().flat_map(|cameras| {
        [
            ("cameras", cameras.rig.clone()),
            ("image_size", cameras.image_size.map_or_else(|| "native".to_owned(), size)),
            ("jpeg_quality", cameras.encode.jpeg_quality.to_string()),
        ]
    });
    entries.into_iter().chain(cameras).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The images of a frame, each on a core of its own.
fn encode_cameras(
    frame: &percept_sim::DriveFrame,
    settings: Option<&CameraSettings>,
) -> Result<Vec<DriveCamera>, AppError> {
    let Some(settings) = settings else { return Ok(Vec::new()) };
    frame.cameras.par_iter().map(|camera| encode_camera(camera, settings.encode)).collect()
}

fn drive_frame(
    index: u64,
    simulated: percept_sim::DriveFrame,
    camera: &Camera,
    speed_mps: f64,
) -> Result<DriveFrame, AppError> {
    let truth = simulated.frame;
    let labels = annotations_of_truth(index as usize, &truth.objects, camera).map_err(AppError::stage("labelling"))?;
    let kitti_text = labels.iter().map(|(_, label)| write_label_line(label) + "\n").collect();
    Ok(DriveFrame {
        camera: Some(camera.clone()),
        t_odom_base: Some(simulated.t_odom_base),
        speed_mps_yaw_rate_radps: Some([speed_mps, 0.0]),
        objects: Some(truth.objects),
        labels: truth.point_labels,
        kitti_text: Some(kitti_text),
        ..DriveFrame::of_cloud(simulated.stamp, truth.cloud)
    })
}

impl SimulateSummary {
    fn new(out: &Path, seed: u64) -> Self {
        Self {
            out: out.to_owned(),
            seed,
            copied: 0,
            frames: 0,
            points: 0,
            images: BTreeMap::new(),
            objects: BTreeMap::new(),
            interrupted: false,
        }
    }

    fn count(&mut self, frame: &DriveFrame) {
        self.frames += 1;
        self.points += frame.cloud.points().filter(|point| point[..3] != [0.0; 3]).count() as u64;
        for camera in &frame.cameras {
            *self.images.entry(camera.name.clone()).or_default() += 1;
        }
        for object in frame.objects.iter().flatten() {
            *self.objects.entry(object.class_name.clone()).or_default() += 1;
        }
    }
}

impl fmt::Display for SimulateSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mean = self.points / self.frames.max(1);
        if self.copied > 0 {
            writeln!(f, "{} frames were there", self.copied)?;
        }
        writeln!(f, "{} frames of {mean} points, seed {}", self.frames, self.seed)?;
        let objects: Vec<String> = self.objects.iter().map(|(name, count)| format!("{count} {name}")).collect();
        writeln!(f, "true boxes  {}", objects.join(", "))?;
        if !self.images.is_empty() {
            let images: Vec<String> = self.images.iter().map(|(name, count)| format!("{count} {name}")).collect();
            writeln!(f, "images      {}", images.join(", "))?;
        }
        if self.interrupted {
            writeln!(f, "stopped before the end; --resume goes on")?;
        }
        writeln!(f, "written     {}", self.out.display())
    }
}
