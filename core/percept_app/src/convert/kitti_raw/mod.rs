//! KITTI's raw drives as bags: sweeps, the four cameras, and odometry of the GPS and inertial unit.
//!
//! Input   `DATE/calib_{velo_to_cam, cam_to_cam, imu_to_velo}.txt` and
//!         `DATE/DATE_drive_NNNN_sync/{velodyne_points, oxts, image_00..03}/{data/*, timestamps.txt}`, synchronised and
//!         rectified. Parts that are missing are left out and counted; sweeps must be there.
//! Frames  a sweep with the images and the packet of the same number. The stamp of all but the images is that of
//!         `velodyne_points/timestamps.txt`, when the scanner faced ahead and the cameras were triggered.
//! Stamps  KITTI wrote the clock on the wall of Karlsruhe without its zone: they are taken as UTC.
//! Boxes   from `tracklet_labels.xml` in the drive's folder, where it is.
//! Source  Geiger et al., "Vision meets robotics: the KITTI dataset", IJRR 2013, and its raw data development kit.

mod calibration;
mod oxts;
mod timestamps;
mod tracklets;

use super::ConvertSummary;
use super::data_files::{TextLines, folders_in, numbered_files, read, read_if_there};
use super::drive_source::{DriveSource, Part, convert_drive, provenance};
use super::kitti::{LIDAR_ON_BASE_M, stamp_of_number};
use crate::drive::{DriveCamera, DriveFrame, DriveOptions, EncodedImage};
use crate::kitti_folder::parse_velodyne;
use crate::{AppError, Progress};
use calibration::DateCalibration;
use oxts::OxtsTrack;
use percept_types::{Stamp, Transform};
use std::path::{Path, PathBuf};
use timestamps::Timestamps;
use tracklets::Tracklets;

const DATA_SET: &str = "KITTI's raw data";
const LAYOUT: &str = "DATE_drive_NNNN_sync/velodyne_points/data/0000000000.bin with calib_*.txt in the folder above \
                      (give the drive's folder, or one above with --drive)";

/// The camera whose topics are those of KITTI's object set: left, colour.
const LEFT_COLOUR: usize = 2;

/// What to convert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KittiRawSettings {
    /// Which drive, by a part of its name (`0005`), where the folder has several.
    pub drive: Option<String>,
    /// Whether images are written.
    pub images: bool,
    /// Whether a frame that cannot be understood ends the conversion.
    pub strict: bool,
}

/// Converts every sweep of a drive.
///
/// # Errors
/// When the folder has no such drive, its calibration cannot be understood, or the bag cannot be written; a frame that
/// cannot be understood is skipped and reported, or with `strict` ends it.
pub fn convert_kitti_raw(
    root: &Path,
    out: &Path,
    settings: &KittiRawSettings,
    progress: &mut dyn Progress,
) -> Result<ConvertSummary, AppError> {
    let folder = drive_folder(root, settings.drive.as_deref())?;
    let mut source = RawDrive::open(&folder, settings.images)?;
    let stamps = match source.sweep_times {
        Some(_) => "velodyne_points/timestamps.txt, taken as UTC",
        None => "1317000000 s + frame number * 0.1 s",
    };
    let options = DriveOptions {
        t_base_lidar: Transform::from_yaw(LIDAR_ON_BASE_M, 0.0),
        t_map_odom: None,
        fixed_camera: true,
        labelled_points: false,
        provenance: provenance("KITTI raw drive", &folder, &[("stamps", stamps.to_owned())]),
    };
    convert_drive(&mut source, (&folder, out), options, settings.strict, progress)
}

/// The folder itself, or the one drive below it that is asked for or alone.
fn drive_folder(root: &Path, asked: Option<&str>) -> Result<PathBuf, AppError> {
    if root.join("velodyne_points").is_dir() {
        return Ok(root.to_owned());
    }
    // The drives of a date, or of every date below.
    let mut drives = folders_in(root);
    let dates = drives.clone();
    drives.extend(
        dates
            .iter()
            .flat_map(|date| folders_in(&root.join(date)).into_iter().map(move |name| format!("{date}/{name}"))),
    );
    drives.retain(|name| root.join(name).join("velodyne_points").is_dir());
    let candidates = drives.clone();
    if drives.is_empty() {
        return Err(AppError::not_data_set(root, DATA_SET, LAYOUT));
    }
    drives.retain(|name| asked.is_none_or(|asked| name.contains(asked)));
    match (drives.as_slice(), asked) {
        ([only], _) => Ok(root.join(only)),
        ([], asked) => {
            let asked = format!("drive {}", asked.unwrap_or_default());
            Err(AppError::NoSuchDrive { path: root.to_owned(), asked, candidates })
        }
        _ => {
            let (what, option) = ("drives", "--drive");
            Err(AppError::SeveralDrives { path: root.to_owned(), what, option, candidates: drives })
        }
    }
}

struct RawDrive {
    folder: PathBuf,
    sweeps: Vec<(u64, PathBuf)>,
    sweep_times: Option<Timestamps>,
    calibration: Option<DateCalibration>,
    oxts: Option<OxtsTrack>,
    tracklets: Option<Tracklets>,
    cameras: Vec<CameraFolder>,
    images: bool,
}

/// `image_0N`, where the drive has it.
struct CameraFolder {
    number: usize,
    folder: PathBuf,
    times: Option<Timestamps>,
}

impl RawDrive {
    fn open(folder: &Path, images: bool) -> Result<Self, AppError> {
        let points = folder.join("velodyne_points");
        // Some copies leave out the folder `data`.
        let data = Some(points.join("data")).filter(|data| data.is_dir()).unwrap_or_else(|| points.clone());
        let sweeps = numbered_files(&data, "bin")?;
        if sweeps.is_empty() {
            return Err(AppError::not_data_set(&data, DATA_SET, LAYOUT));
        }
        let date = folder.parent().unwrap_or(folder);
        let calibration = DateCalibration::read_if_there(date)?;
        let t_base_lidar = Transform::from_yaw(LIDAR_ON_BASE_M, 0.0);
        let t_lidar_imu = calibration.as_ref().and_then(|calibration| calibration.t_lidar_imu);
        let oxts = match t_lidar_imu.filter(|_| folder.join("oxts/data").is_dir()) {
            Some(t_lidar_imu) => OxtsTrack::open(&folder.join("oxts"), t_base_lidar * t_lidar_imu)?,
            None => None,
        };
        let camera = |number: usize| {
            let folder = folder.join(format!("image_{number:02}"));
            folder.is_dir().then_some((number, folder))
        };
        let cameras = (0..4).filter_map(camera).map(|(number, folder)| {
            let times = Timestamps::read_if_there(&folder.join("timestamps.txt"))?;
            Ok(CameraFolder { number, folder, times })
        });
        Ok(Self {
            folder: folder.to_owned(),
            sweeps,
            sweep_times: Timestamps::read_if_there(&points.join("timestamps.txt"))?,
            cameras: cameras.collect::<Result<_, AppError>>()?,
            tracklets: Tracklets::read_if_there(&folder.join("tracklet_labels.xml"))?,
            calibration,
            oxts,
            images,
        })
    }

    fn stamp(&self, number: u64) -> Result<Stamp, AppError> {
        match &self.sweep_times {
            Some(times) => times.at(number),
            None => Ok(stamp_of_number(number)),
        }
    }

    fn image(&self, camera: &CameraFolder, number: u64) -> Result<Option<Vec<u8>>, AppError> {
        if !self.images {
            return Ok(None);
        }
        read_if_there(&camera.folder.join("data").join(format!("{number:010}.png")))
    }

    /// The cameras other than the left colour one.
    fn further_cameras(&self, number: u64, stamp: Stamp) -> Result<Vec<DriveCamera>, AppError> {
        let Some(calibration) = &self.calibration else { return Ok(Vec::new()) };
        let mut cameras = Vec::new();
        for folder in self.cameras.iter().filter(|camera| camera.number != LEFT_COLOUR) {
            let image = self.image(folder, number)?;
            cameras.push(DriveCamera {
                name: format!("image_{:02}", folder.number),
                stamp: folder.times.as_ref().map_or(Ok(stamp), |times| times.at(number))?,
                camera: calibration.camera(folder.number)?,
                distortion: None,
                image: image.map(|data| EncodedImage { format: "png", data }),
                truth: None,
            });
        }
        Ok(cameras)
    }
}

impl DriveSource for RawDrive {
    fn len(&self) -> usize {
        self.sweeps.len()
    }

    fn frame_name(&self, index: usize) -> String {
        self.sweeps.get(index).map_or(String::new(), |(number, _)| format!("{number:010}"))
    }

    fn parts(&self) -> &'static [Part] {
        let all: &[Part] = &[Part::Calibration, Part::Pose, Part::Objects, Part::Image];
        if self.images { all } else { &all[..3] }
    }

    fn read(&mut self, index: usize) -> Result<DriveFrame, AppError> {
        let Some((number, path)) = self.sweeps.get(index).cloned() else {
            return Err(AppError::data_file(&self.folder, format!("there is no sweep {index}")));
        };
        let stamp = self.stamp(number)?;
        let cloud = parse_velodyne(&path, &read(&path)?)?;
        let camera = self.calibration.as_ref().map(|calibration| calibration.camera(LEFT_COLOUR)).transpose()?;
        let left_colour = self.cameras.iter().find(|folder| folder.number == LEFT_COLOUR);
        let image_png = left_colour.map(|folder| self.image(folder, number)).transpose()?.flatten();
        let cameras = self.further_cameras(number, stamp)?;
        let motion = self.oxts.as_ref().map(|oxts| oxts.at(number, stamp)).transpose()?.flatten();
        let boxes = self.tracklets.as_ref().map(|tracklets| tracklets.at(number, &cloud)).transpose()?;
        let (objects, object_details) = boxes.unzip();
        Ok(DriveFrame {
            camera,
            image_png,
            cameras,
            t_odom_base: motion.map(|motion| motion.t_odom_base),
            speed_mps_yaw_rate_radps: motion.map(|motion| motion.speed_mps_yaw_rate_radps),
            objects,
            object_details: object_details.unwrap_or_default(),
            ..DriveFrame::of_cloud(stamp, cloud)
        })
    }
}

/// A rotation and a translation on lines of their own, as the raw calibration has them.
fn rotation_and_translation(lines: &TextLines, path: &Path, names: [&str; 2]) -> Result<Transform, AppError> {
    let r: [f64; 9] = lines.numbers_of(names[0])?;
    let t: [f64; 3] = lines.numbers_of(names[1])?;
    let rows = [r[0], r[1], r[2], t[0], r[3], r[4], r[5], t[1], r[6], r[7], r[8], t[2]];
    if !Transform::is_rigid(&rows) {
        return Err(AppError::data_file(path, format!("{} is no rotation, row-major", names[0])));
    }
    Ok(Transform::from_matrix_3x4(&rows))
}
