//! SemanticKITTI's sequences as bags: sweeps, a class and an instance a point, poses, the left colour camera.
//!
//! Input   `SEQUENCE/{velodyne/NNNNNN.bin, labels/NNNNNN.label, poses.txt, calib.txt, times.txt, image_2/NNNNNN.png}`;
//!         velodyne and calib.txt must be there.
//! Labels  little-endian u32 a point: class in the low 16 bits, instance in the high 16 (SemanticKITTI's raw numbers).
//! Poses   row i is t_cam0_at_0_cam0_at_i; odometry starts where the vehicle stood at row 0.
//! Stamps  as `convert kitti` where there is no times.txt; else the same second 0 and the times told.
//! Source  Behley et al., ICCV 2019; Geiger et al., CVPR 2012 (odometry benchmark).

use super::ConvertSummary;
use super::data_files::{TextLines, folders_in, numbered_files, read, read_if_there};
use super::drive_source::{DriveSource, Part, convert_drive, provenance};
use super::kitti::{FIRST_STAMP_NS, LIDAR_ON_BASE_M, stamp_of_number, usual_sizes};
use crate::drive::{DriveFrame, DriveOptions};
use crate::kitti_folder::parse_velodyne;
use crate::{AppError, Progress};
use percept_types::{Camera, PointLabels, Stamp, Transform};
use std::path::{Path, PathBuf};

/// KITTI's usual image where there is none to ask, in pixels.
const USUAL_IMAGE_PX: (u32, u32) = (1242, 375);

const DATA_SET: &str = "SemanticKITTI";
const LAYOUT: &str = "SEQUENCE/velodyne/000000.bin beside calib.txt, poses.txt and labels (give the sequence's folder, \
                      or the folder above `sequences` with --sequence)";

/// What to convert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SemanticKittiSettings {
    /// Which sequence, where the folder has several.
    pub sequence: Option<String>,
    /// Whether images are written.
    pub images: bool,
    /// Whether a frame that cannot be understood ends the conversion.
    pub strict: bool,
}

/// Converts every sweep of a sequence.
///
/// # Errors
/// When the folder has no such sequence, its calibration cannot be understood, or the bag cannot be written; a frame
/// that cannot be understood is skipped and reported, or with `strict` ends it.
pub fn convert_semantickitti(
    root: &Path,
    out: &Path,
    settings: &SemanticKittiSettings,
    progress: &mut dyn Progress,
) -> Result<ConvertSummary, AppError> {
    let folder = sequence_folder(root, settings.sequence.as_deref())?;
    let mut source = Sequence::open(&folder, settings.images)?;
    let further =
        [("stamps", source.stamps_in_words().to_owned()), ("point_labels", "SemanticKITTI, raw classes".to_owned())];
    let options = DriveOptions {
        t_base_lidar: t_base_lidar(),
        t_map_odom: None,
        fixed_camera: true,
        labelled_points: true,
        provenance: provenance("SemanticKITTI sequence", &folder, &further),
    };
    let mut summary = convert_drive(&mut source, (&folder, out), options, settings.strict, progress)?;
    summary.notes.extend(usual_sizes(source.num_usual_sizes));
    Ok(summary)
}

fn t_base_lidar() -> Transform {
    Transform::from_yaw(LIDAR_ON_BASE_M, 0.0)
}

/// The folder itself, or the one sequence below it that is asked for or alone.
fn sequence_folder(root: &Path, asked: Option<&str>) -> Result<PathBuf, AppError> {
    if root.join("velodyne").is_dir() {
        return Ok(root.to_owned());
    }
    let above = ["sequences", "dataset/sequences", "."].map(|below| root.join(below));
    let has_sweeps = |above: &Path, name: &String| above.join(name).join("velodyne").is_dir();
    for above in above {
        let names: Vec<String> = folders_in(&above).into_iter().filter(|name| has_sweeps(&above, name)).collect();
        match (asked, names.as_slice()) {
            (_, []) => {}
            (Some(asked), _) if names.iter().any(|name| name == asked) => return Ok(above.join(asked)),
            (Some(asked), _) => {
                let asked = format!("sequence {asked}");
                return Err(AppError::NoSuchDrive { path: root.to_owned(), asked, candidates: names });
            }
            (None, [only]) => return Ok(above.join(only)),
            (None, _) => {
                let (what, option) = ("sequences", "--sequence");
                return Err(AppError::SeveralDrives { path: root.to_owned(), what, option, candidates: names });
            }
        }
    }
    Err(AppError::not_data_set(root, DATA_SET, LAYOUT))
}

struct Sequence {
    folder: PathBuf,
    sweeps: Vec<(u64, PathBuf)>,
    /// P2, row-major 3x4.
    projection: [f64; 12],
    t_camera_lidar: Transform,
    poses: Option<TextLines>,
    times: Option<TextLines>,
    images: bool,
    /// Frames whose image is not there to tell its size.
    num_usual_sizes: u64,
}

/// An image that is there.
struct Image {
    /// The file's bytes, where images are written.
    png: Option<Vec<u8>>,
    size_px: (u32, u32),
}

impl Sequence {
    fn open(folder: &Path, images: bool) -> Result<Self, AppError> {
        let calib_path = folder.join("calib.txt");
        let calib = TextLines::read(&calib_path)?;
        let tr = calib.numbers_of("Tr")?;
        if !Transform::is_rigid(&tr) {
            return Err(AppError::data_file(&calib_path, "Tr is no rigid transform: expected a rotation and metres"));
        }
        let sweeps = numbered_files(&folder.join("velodyne"), "bin")?;
        if sweeps.is_empty() {
            return Err(AppError::not_data_set(&folder.join("velodyne"), DATA_SET, LAYOUT));
        }
        Ok(Self {
            folder: folder.to_owned(),
            sweeps,
            projection: calib.numbers_of("P2")?,
            t_camera_lidar: Transform::from_matrix_3x4(&tr),
            poses: TextLines::read_if_there(&folder.join("poses.txt"))?,
            times: TextLines::read_if_there(&folder.join("times.txt"))?,
            images,
            num_usual_sizes: 0,
        })
    }

    fn stamps_in_words(&self) -> &'static str {
        match self.times {
            Some(_) => "1317000000 s + times.txt",
            None => "1317000000 s + frame number * 0.1 s",
        }
    }

    fn stamp(&self, number: u64) -> Result<Stamp, AppError> {
        let Some(times) = &self.times else { return Ok(stamp_of_number(number)) };
        let [seconds] = times.numbers(number as usize)?;
        // The cast saturates.
        Ok(Stamp::from_ns(FIRST_STAMP_NS.saturating_add((seconds * 1e9).round() as i64)))
    }

    /// The vehicle where it stands at a row of poses.txt, seen from where it stood at row 0.
    fn t_odom_base(&self, number: u64) -> Result<Option<Transform>, AppError> {
        let Some(poses) = &self.poses else { return Ok(None) };
        let row = poses.numbers(number as usize)?;
        if !Transform::is_rigid(&row) {
            return Err(poses.fault(number as usize, "no rigid transform: expected a rotation and metres, 3x4 by rows"));
        }
        let t_base_camera = t_base_lidar() * self.t_camera_lidar.inverse();
        Ok(Some(t_base_camera * Transform::from_matrix_3x4(&row) * t_base_camera.inverse()))
    }

    fn file(&self, number: u64, part: &str, ending: &str) -> PathBuf {
        self.folder.join(part).join(format!("{number:06}.{ending}"))
    }

    fn image(&self, number: u64) -> Result<Option<Image>, AppError> {
        let path = self.file(number, "image_2", "png");
        if !path.is_file() {
            return Ok(None);
        }
        let size_px =
            image::image_dimensions(&path).map_err(|e| AppError::data_file(&path, format!("no readable PNG: {e}")))?;
        Ok(Some(Image { png: if self.images { read_if_there(&path)? } else { None }, size_px }))
    }
}

impl DriveSource for Sequence {
    fn len(&self) -> usize {
        self.sweeps.len()
    }

    fn frame_name(&self, index: usize) -> String {
        self.sweeps.get(index).map_or(String::new(), |(number, _)| format!("{number:06}"))
    }

    fn parts(&self) -> &'static [Part] {
        let all: &[Part] = &[Part::PointLabels, Part::Pose, Part::Image];
        if self.images { all } else { &all[..2] }
    }

    fn read(&mut self, index: usize) -> Result<DriveFrame, AppError> {
        let Some((number, path)) = self.sweeps.get(index).cloned() else {
            return Err(AppError::data_file(&self.folder, format!("there is no sweep {index}")));
        };
        let cloud = parse_velodyne(&path, &read(&path)?)?;
        let label_path = self.file(number, "labels", "label");
        let labels = read_if_there(&label_path)?.map(|bytes| parse_labels(&label_path, &bytes, cloud.len()));
        let image = self.image(number)?;
        let (width, height) = image.as_ref().map_or(USUAL_IMAGE_PX, |image| image.size_px);
        let has_image = image.is_some();
        let camera = Camera {
            width: width as usize,
            height: height as usize,
            projection: self.projection,
            t_camera_lidar: self.t_camera_lidar,
        };
        let frame = DriveFrame {
            camera: Some(camera),
            image_png: image.and_then(|image| image.png),
            t_odom_base: self.t_odom_base(number)?,
            labels: labels.transpose()?,
            ..DriveFrame::of_cloud(self.stamp(number)?, cloud)
        };
        self.num_usual_sizes += u64::from(!has_image);
        Ok(frame)
    }
}

/// Reads `labels/NNNNNN.label` for a cloud of `num_points`.
fn parse_labels(path: &Path, bytes: &[u8], num_points: usize) -> Result<PointLabels, AppError> {
    if bytes.len() != num_points * 4 {
        let reason = format!("{} bytes for {num_points} points, expected 4 a point: is it cut off?", bytes.len());
        return Err(AppError::data_file(path, reason));
    }
    let halves = |at: usize| move |b: &[u8]| u16::from_le_bytes([b[at], b[at + 1]]);
    Ok(PointLabels {
        class_ids: bytes.chunks_exact(4).map(halves(0)).collect(),
        instance_ids: bytes.chunks_exact(4).map(halves(2)).collect(),
    })
}
