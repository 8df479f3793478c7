//! Argoverse 2's sensor logs as bags: sweeps with ring and time, boxes with tracks, cameras, the vehicle's poses.
//!
//! Input   `LOG/{sensors/lidar/NS.feather, sensors/cameras/NAME/NS.jpg, annotations.feather, city_SE3_egovehicle.feather,
//!         calibration/{egovehicle_SE3_sensor, intrinsics}.feather}`; sweeps must be there.
//! Frames  Argoverse tells points and boxes in the vehicle's frame, whose origin is the centre of the rear axle, with
//!         the motion during a sweep taken out: `lidar` and `base_link` coincide and lie an axle's height above the
//!         ground. Odometry starts at the first sweep; its place on the city's map is a fixed transform.
//! Points  x, y, z, intensity 0..255, ring (laser 0 to 63 of the two scanners), time in seconds since the stamp.
//! Images  of each camera the one nearest to the sweep, at most 50 ms from it.
//! Source  Wilson et al., "Argoverse 2", NeurIPS 2021; av2-api, its readme of the sensor data set.

mod blocks;
mod boxes;
mod calibration;
mod feather;

use super::ConvertSummary;
use super::data_files::{folders_in, numbered_files, read_if_there};
use super::drive_source::{DriveSource, Part, convert_drive, provenance};
use crate::drive::{DriveCamera, DriveFrame, DriveOptions, EncodedImage};
use crate::{AppError, Progress};
use boxes::LoggedBoxes;
use calibration::{MountedCamera, read_cameras};
use feather::{FeatherTable, NO_TRANSFORM, RowFaults, transforms};
use percept_types::{PointCloud, PointLayout, Stamp, Transform};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const DATA_SET: &str = "Argoverse 2";
const LAYOUT: &str = "LOG/sensors/lidar/315966265259836000.feather beside annotations.feather and calibration (give the \
                      log's folder, or the one above with --log)";

/// An image further from its sweep than this is not the sweep's.
const MAX_IMAGE_APART_NS: u64 = 50_000_000;

/// What to convert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Argoverse2Settings {
    /// Which log, where the folder has several.
    pub log: Option<String>,
    /// Whether images are written.
    pub images: bool,
    /// Whether a frame that cannot be understood ends the conversion.
    pub strict: bool,
}

/// Converts every sweep of a log.
///
/// # Errors
/// When the folder has no such log, one of its tables cannot be understood, or the bag cannot be written; a sweep that
/// cannot be understood is skipped and reported, or with `strict` ends it.
pub fn convert_argoverse2(
    root: &Path,
    out: &Path,
    settings: &Argoverse2Settings,
    progress: &mut dyn Progress,
) -> Result<ConvertSummary, AppError> {
    let folder = log_folder(root, settings.log.as_deref())?;
    let mut source = Log::open(&folder, settings.images)?;
    let options = DriveOptions {
        t_base_lidar: Transform::identity(),
        t_map_odom: source.t_map_odom,
        fixed_camera: true,
        labelled_points: false,
        provenance: provenance("Argoverse 2 sensor log", &folder, &[("stamps", "Argoverse's own".to_owned())]),
    };
    convert_drive(&mut source, (&folder, out), options, settings.strict, progress)
}

/// The folder itself, or the one log below it that is asked for or alone.
fn log_folder(root: &Path, asked: Option<&str>) -> Result<PathBuf, AppError> {
    if root.join("sensors/lidar").is_dir() {
        return Ok(root.to_owned());
    }
    let mut logs = folders_in(root);
    logs.retain(|name| root.join(name).join("sensors/lidar").is_dir());
    match (asked, logs.as_slice()) {
        (Some(asked), _) if logs.iter().any(|name| name == asked) => Ok(root.join(asked)),
        (None, [only]) => Ok(root.join(only)),
        (_, []) => Err(AppError::not_data_set(root, DATA_SET, LAYOUT)),
        (Some(asked), _) => {
            Err(AppError::NoSuchDrive { path: root.to_owned(), asked: format!("log {asked}"), candidates: logs })
        }
        (None, _) => {
            let (what, option) = ("logs", "--log");
            Err(AppError::SeveralDrives { path: root.to_owned(), what, option, candidates: logs })
        }
    }
}

struct Log {
    folder: PathBuf,
    sweeps: Vec<(u64, PathBuf)>,
    /// The vehicle in the city by nanoseconds.
    poses: BTreeMap<i64, Transform>,
    t_map_odom: Option<Transform>,
    boxes: Option<LoggedBoxes>,
    faults: RowFaults,
    cameras: Vec<LoggedCamera>,
    images: bool,
}

/// A camera and its images by nanoseconds.
struct LoggedCamera {
    mounted: MountedCamera,
    images: BTreeMap<u64, PathBuf>,
}

impl Log {
    fn open(folder: &Path, images: bool) -> Result<Self, AppError> {
        let lidar = folder.join("sensors/lidar");
        let sweeps = numbered_files(&lidar, "feather")?;
        let Some((first, _)) = sweeps.first() else {
            return Err(AppError::not_data_set(&lidar, DATA_SET, LAYOUT));
        };
        let pose_table = FeatherTable::read_if_there(&folder.join("city_SE3_egovehicle.feather"))?;
        let mut faults = RowFaults::new();
        let poses = pose_table.map_or(Ok(BTreeMap::new()), |table| read_poses(&table, &mut faults))?;
        let t_map_odom = poses.get(&(*first as i64)).or_else(|| poses.values().next()).copied();
        let camera = |mounted: MountedCamera| {
            let images = folder.join("sensors/cameras").join(&mounted.name);
            let images = if images.is_dir() { numbered_files(&images, "jpg")? } else { Vec::new() };
            Ok(LoggedCamera { mounted, images: images.into_iter().collect() })
        };
        let cameras = read_cameras(&folder.join("calibration"))?.into_iter().map(camera);
        Ok(Self {
            folder: folder.to_owned(),
            boxes: LoggedBoxes::read_if_there(&folder.join("annotations.feather"), &poses, &mut faults)?,
            faults,
            cameras: cameras.collect::<Result<_, AppError>>()?,
            sweeps,
            poses,
            t_map_odom,
            images,
        })
    }

    fn camera(&self, camera: &LoggedCamera, stamp_ns: u64) -> Result<DriveCamera, AppError> {
        let before = camera.images.range(..=stamp_ns).next_back();
        let after = camera.images.range(stamp_ns..).next();
        let nearest = [before, after].into_iter().flatten().min_by_key(|(time_ns, _)| time_ns.abs_diff(stamp_ns));
        let nearest = nearest.filter(|(time_ns, _)| self.images && time_ns.abs_diff(stamp_ns) <= MAX_IMAGE_APART_NS);
        let data = nearest.map(|(_, path)| read_if_there(path)).transpose()?.flatten();
        let time_ns = nearest.map_or(stamp_ns, |(time_ns, _)| *time_ns);
        Ok(DriveCamera {
            name: camera.mounted.name.clone(),
            stamp: Stamp::from_ns(time_ns as i64),
            camera: camera.mounted.camera.clone(),
            distortion: Some(camera.mounted.distortion),
            image: data.map(|data| EncodedImage { format: "jpeg", data }),
            truth: None,
        })
    }

    fn t_odom_base(&self, stamp: Stamp) -> Option<Transform> {
        Some(self.t_map_odom?.inverse() * *self.poses.get(&stamp.nanoseconds)?)
    }
}

impl DriveSource for Log {
    fn len(&self) -> usize {
        self.sweeps.len()
    }

    fn frame_name(&self, index: usize) -> String {
        self.sweeps.get(index).map_or(String::new(), |(stamp_ns, _)| stamp_ns.to_string())
    }

    fn parts(&self) -> &'static [Part] {
        let all: &[Part] = &[Part::Calibration, Part::Pose, Part::Objects, Part::Image];
        if self.images { all } else { &all[..3] }
    }

    fn read(&mut self, index: usize) -> Result<DriveFrame, AppError> {
        let Some((stamp_ns, path)) = self.sweeps.get(index) else {
            return Err(AppError::data_file(&self.folder, format!("there is no sweep {index}")));
        };
        // A name beyond the clock is told by its stamp.
        let stamp = Stamp::from_ns(i64::try_from(*stamp_ns).unwrap_or(i64::MAX));
        if let Some((path, reason)) = self.faults.get(&stamp.nanoseconds) {
            return Err(AppError::data_file(path, reason.clone()));
        }
        let cloud = read_sweep(path)?;
        let cameras: Vec<DriveCamera> =
            self.cameras.iter().map(|camera| self.camera(camera, *stamp_ns)).collect::<Result<_, _>>()?;
        let pose_at = |camera: &DriveCamera| Some((camera.stamp, self.t_odom_base(camera.stamp)?));
        let mut further_poses: Vec<_> = cameras.iter().filter_map(pose_at).collect();
        further_poses.sort_by_key(|(at, _)| *at);
        further_poses.dedup_by_key(|(at, _)| *at);
        further_poses.retain(|(at, _)| *at != stamp);
        let (objects, object_details) = self.boxes.as_ref().map(|boxes| boxes.at(stamp)).unzip();
        Ok(DriveFrame {
            cameras,
            t_odom_base: self.t_odom_base(stamp),
            further_poses,
            objects,
            object_details: object_details.unwrap_or_default(),
            ..DriveFrame::of_cloud(stamp, cloud)
        })
    }
}

/// The vehicle in the city by nanoseconds.
fn read_poses(table: &FeatherTable, faults: &mut RowFaults) -> Result<BTreeMap<i64, Transform>, AppError> {
    let mut poses = BTreeMap::new();
    for (row, (stamp_ns, pose)) in table.whole_numbers("timestamp_ns")?.into_iter().zip(transforms(table)?).enumerate()
    {
        match pose {
            Some(pose) => drop(poses.insert(stamp_ns, pose)),
            None => table.note_fault(faults, stamp_ns, row, NO_TRANSFORM),
        }
    }
    Ok(poses)
}

/// A sweep as XYZIRT.
fn read_sweep(path: &Path) -> Result<PointCloud, AppError> {
    let table = FeatherTable::read(path)?;
    let [x, y, z] = [table.numbers("x")?, table.numbers("y")?, table.numbers("z")?];
    let (intensity, ring) = (table.numbers("intensity")?, table.numbers("laser_number")?);
    let offset_ns = table.numbers("offset_ns")?;
    let point = |i: usize| [x[i], y[i], z[i], intensity[i], ring[i], offset_ns[i] * 1e-9].map(|value| value as f32);
    let values = (0..x.len()).flat_map(point).collect();
    let layout = PointLayout::xyz_and(&["intensity", "ring", "time"]);
    PointCloud::new(layout, values).map_err(|e| AppError::data_file(path, e.to_string()))
}
