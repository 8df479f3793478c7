//! nuScenes' scenes as bags: key frames with six cameras, boxes with velocity and visibility, classes of points.
//!
//! Input   `ROOT/{v1.0-*/*.json, samples/..., lidarseg/...}`; one scene a bag, since calibrations belong to a scene.
//! Frames  key frames, with `sweeps` those between them too (clouds and images alone); the LiDAR's own axes (x right, y forward); TF tells its mounting, the vehicle at the stamp of every sensor,
//!         and where odometry starts on nuScenes' map (the first key frame).
//! Boxes   in the LiDAR's frame at its stamp; turned about its z only. Class: the detection task's where it has one,
//!         else nuScenes' category. `id` carries category, visibility, attribute, radar points and the instance's token.
//! Limits  tables are streamed row by row and only the scene's rows are kept. Radars are left out.
//! Source  Caesar et al., "nuScenes", CVPR 2020; schema of nuscenes-devkit, docs/schema_nuscenes.md.

mod classes;
mod objects;
mod scene;
mod tables;

use super::ConvertSummary;
use super::data_files::{folders_in, read, read_if_there};
use super::drive_source::{DriveSource, Part, convert_drive, provenance};
use crate::drive::{DriveCamera, DriveFrame, DriveOptions, EncodedImage};
use crate::{AppError, Progress};
use percept_types::{Camera, PointCloud, PointLabels, PointLayout, Stamp, Transform};
use scene::{Scene, SceneFrame, SensorFile};
use std::path::{Component, Path, PathBuf};
use tables::Tables;

const LAYOUT: &str = "ROOT/v1.0-mini/scene.json (or v1.0-trainval, v1.0-test) beside ROOT/samples";

/// What to convert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NuscenesSettings {
    /// Which tables, `v1.0-mini` and so on, where the folder has several.
    pub tables: Option<String>,
    /// Which scene, by its name, where there are several.
    pub scene: Option<String>,
    /// Whether the sweeps between key frames are written too, with the images of their time.
    pub sweeps: bool,
    /// Whether images are written.
    pub images: bool,
    /// Whether a frame that cannot be understood ends the conversion.
    pub strict: bool,
}

/// Converts the key frames of a scene, or all its sweeps.
///
/// # Errors
/// When the folder has no such tables or scene, a table cannot be understood, or the bag cannot be written; a frame that
/// cannot be understood is skipped and reported, or with `strict` ends it.
pub fn convert_nuscenes(
    root: &Path,
    out: &Path,
    settings: &NuscenesSettings,
    progress: &mut dyn Progress,
) -> Result<ConvertSummary, AppError> {
    let tables = Tables::new(tables_folder(root, settings.tables.as_deref())?);
    let scene = Scene::read(&tables, settings.scene.as_deref(), settings.sweeps)?;
    let (t_base_lidar, t_map_odom) = scene.mounting_and_origin(tables.folder())?;
    let further = [
        ("scene", scene.name.clone()),
        ("stamps", "nuScenes' own".to_owned()),
        ("point_labels", "nuScenes-lidarseg, raw classes 0 to 31".to_owned()),
    ];
    let options = DriveOptions {
        t_base_lidar,
        t_map_odom: Some(t_map_odom),
        fixed_camera: true,
        labelled_points: true,
        provenance: provenance("nuScenes", root, &further),
    };
    let tables = tables.folder().to_owned();
    let mut source = NuscenesScene { root: root.to_owned(), tables, scene, t_map_odom, images: settings.images };
    let mut summary = convert_drive(&mut source, (root, out), options, settings.strict, progress)?;
    summary.notes.extend(source.scene.left_out.in_words());
    Ok(summary)
}

/// The folder of the tables: the one asked for, or the only one.
fn tables_folder(root: &Path, asked: Option<&str>) -> Result<PathBuf, AppError> {
    let mut versions = folders_in(root);
    versions.retain(|name| root.join(name).join("scene.json").is_file());
    match (asked, versions.as_slice()) {
        (Some(asked), _) if versions.iter().any(|name| name == asked) => Ok(root.join(asked)),
        (None, [only]) => Ok(root.join(only)),
        (_, []) => Err(AppError::not_data_set(root, "nuScenes", LAYOUT)),
        (Some(asked), _) => {
            let asked = format!("tables {asked}");
            Err(AppError::NoSuchDrive { path: root.to_owned(), asked, candidates: versions })
        }
        (None, _) => {
            let (what, option) = ("folders of tables", "--tables");
            Err(AppError::SeveralDrives { path: root.to_owned(), what, option, candidates: versions })
        }
    }
}

struct NuscenesScene {
    root: PathBuf,
    tables: PathBuf,
    scene: Scene,
    t_map_odom: Transform,
    images: bool,
}

impl DriveSource for NuscenesScene {
    fn len(&self) -> usize {
        self.scene.frames.len()
    }

    fn frame_name(&self, index: usize) -> String {
        self.scene.frames.get(index).map_or(String::new(), |frame| frame.token.clone())
    }

    fn parts(&self) -> &'static [Part] {
        match (self.images, self.scene.has_point_labels) {
            (true, true) => &[Part::Pose, Part::Objects, Part::Calibration, Part::Image, Part::PointLabels],
            (true, false) => &[Part::Pose, Part::Objects, Part::Calibration, Part::Image],
            (false, _) => &[Part::Pose, Part::Objects, Part::Calibration],
        }
    }

    fn read(&mut self, index: usize) -> Result<DriveFrame, AppError> {
        let Some(frame) = self.scene.frames.get(index) else {
            return Err(AppError::data_file(&self.tables, format!("there is no frame {index}")));
        };
        let lidar = frame.lidar.as_ref().ok_or_else(|| {
            let reason = format!("sample {} has no LiDAR sweep with pose and calibration", frame.token);
            AppError::data_file(&self.tables.join("sample_data.json"), reason)
        })?;
        let path = self.file(&lidar.file)?;
        let cloud = parse_sweep(&path, &read(&path)?)?;
        let labels = match &frame.lidarseg {
            Some(file) => parse_lidarseg(&self.file(file)?, cloud.len())?,
            None => None,
        };
        let t_odom_map = self.t_map_odom.inverse();
        let boxes = frame.is_key.then(|| objects::in_lidar_frame(&self.scene, frame, lidar));
        let (objects, object_details) = boxes.unzip();
        let cameras = frame.cameras.iter().map(|camera| self.camera(camera, lidar));
        Ok(DriveFrame {
            cameras: cameras.collect::<Result<_, _>>()?,
            t_odom_base: Some(t_odom_map * lidar.t_map_base),
            further_poses: further_poses(frame, lidar, t_odom_map),
            objects,
            object_details: object_details.unwrap_or_default(),
            labels,
            ..DriveFrame::of_cloud(lidar.stamp, cloud)
        })
    }
}

impl NuscenesScene {
    /// A file that a table names: below the folder, wherever the tables come from.
    fn file(&self, name: &str) -> Result<PathBuf, AppError> {
        let is_below = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        let fault =
            || AppError::data_file(&self.tables, format!("the file {name:?} is not below {}", self.root.display()));
        is_below.then(|| self.root.join(name)).ok_or_else(fault)
    }

    fn camera(&self, camera: &SensorFile, lidar: &SensorFile) -> Result<DriveCamera, AppError> {
        let path = self.file(&camera.file)?;
        let data = if self.images { read_if_there(&path)? } else { None };
        let is_png = path.extension().is_some_and(|ending| ending == "png");
        let [k0, k1, k2, k3, k4, k5, k6, k7, k8] = camera.intrinsics;
        Ok(DriveCamera {
            name: camera.channel.to_lowercase(),
            stamp: camera.stamp,
            camera: Camera {
                width: camera.size_px[0],
                height: camera.size_px[1],
                projection: [k0, k1, k2, 0.0, k3, k4, k5, 0.0, k6, k7, k8, 0.0],
                t_camera_lidar: camera.t_base_sensor.inverse() * lidar.t_base_sensor,
            },
            distortion: None,
            truth: None,
            image: data.map(|data| EncodedImage { format: if is_png { "png" } else { "jpeg" }, data }),
        })
    }
}

/// The vehicle at the moments of the cameras that differ from the LiDAR's.
fn further_poses(frame: &SceneFrame, lidar: &SensorFile, t_odom_map: Transform) -> Vec<(Stamp, Transform)> {
    let mut poses: Vec<_> = frame.cameras.iter().map(|camera| (camera.stamp, t_odom_map * camera.t_map_base)).collect();
    poses.sort_by_key(|(stamp, _)| *stamp);
    poses.dedup_by_key(|(stamp, _)| *stamp);
    poses.retain(|(stamp, _)| *stamp != lidar.stamp);
    poses
}

/// Reads a sweep: x, y, z, intensity 0..255 and ring as little-endian `f32`.
fn parse_sweep(path: &Path, bytes: &[u8]) -> Result<PointCloud, AppError> {
    const POINT_BYTES: usize = 20;
    if !bytes.len().is_multiple_of(POINT_BYTES) {
        let found = bytes.len();
        let reason = format!("{found} bytes are no whole number of points of {POINT_BYTES} bytes: is it cut off?");
        return Err(AppError::data_file(path, reason));
    }
    let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    PointCloud::new(PointLayout::xyz_and(&["intensity", "ring"]), values)
        .map_err(|e| AppError::data_file(path, e.to_string()))
}

/// Reads a class a point; `None` where the file is missing.
fn parse_lidarseg(path: &Path, num_points: usize) -> Result<Option<PointLabels>, AppError> {
    let Some(bytes) = read_if_there(path)? else { return Ok(None) };
    if bytes.len() != num_points {
        let reason = format!("{} classes for {num_points} points, expected one a point", bytes.len());
        return Err(AppError::data_file(path, reason));
    }
    let class_ids = bytes.into_iter().map(u16::from).collect();
    Ok(Some(PointLabels { class_ids, instance_ids: vec![0; num_points] }))
}
