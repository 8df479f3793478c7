//! KITTI's object folders as bags: clouds, images, calibration, transforms and truth.

use crate::drive::{DriveFrame, DriveOptions, DriveWriter};
use crate::kitti_folder::{KittiFolder, KittiFrame, objects_of_labels};
use crate::{AppError, Progress};
use percept_eval::kitti::parse_labels;
use percept_types::{Camera, PointCloud, Stamp, Transform, TruthObject};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Stamp of frame 0: the frames of the object set have no common clock, so they are given one, in the days of the
/// recordings and 10 Hz.
const FIRST_STAMP_NS: i64 = 1_317_000_000 * 1_000_000_000;
const PERIOD_NS: i64 = 100_000_000;

/// Where KITTI's LiDAR sits: 0.76 m before the rear axle, 1.73 m above the ground (Geiger et al., IJRR 2013, fig. 3).
const LIDAR_ON_BASE_M: [f64; 3] = [0.76, 0.0, 1.73];

/// The stamp of a frame number.
pub fn kitti_stamp(number: u32) -> Stamp {
    Stamp::from_ns(FIRST_STAMP_NS + i64::from(number) * PERIOD_NS)
}

/// The frame number of a stamp, where it is one of [`kitti_stamp`].
pub fn kitti_frame_of(stamp: Stamp) -> Option<u32> {
    let since_ns = stamp.nanoseconds.checked_sub(FIRST_STAMP_NS).filter(|ns| ns % PERIOD_NS == 0)?;
    u32::try_from(since_ns / PERIOD_NS).ok().filter(|number| *number < 1_000_000)
}

/// What to convert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConvertSettings {
    /// Keep only the points that the left colour image sees (frames without calibration are kept whole).
    pub image_view_only: bool,
    /// Whether images are written.
    pub images: bool,
}

/// What was converted, and what was missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConvertSummary {
    /// The folder.
    pub root: PathBuf,
    /// The bag.
    pub out: PathBuf,
    /// Frames written.
    pub frames: u64,
    /// Labelled objects written, DontCare excepted.
    pub objects: u64,
    /// Frames without a calibration file.
    pub without_calibration: u64,
    /// Frames without a label file.
    pub without_labels: u64,
    /// Frames without an image.
    pub without_image: u64,
    /// Frames whose files cannot be understood, with the reason; skipped.
    pub faulty: Vec<String>,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
}

/// Converts every frame with a cloud.
///
/// # Errors
/// When the folder has no clouds or the bag cannot be written; a frame that cannot be understood is skipped and
/// reported.
pub fn convert_kitti(
    root: &Path,
    out: &Path,
    settings: &ConvertSettings,
    progress: &mut dyn Progress,
) -> Result<ConvertSummary, AppError> {
    let folder = KittiFolder::open(root, "velodyne")?;
    let options = DriveOptions {
        t_base_lidar: Transform::from_yaw(LIDAR_ON_BASE_M, 0.0),
        t_map_odom: None,
        fixed_camera: false,
        labelled_points: false,
        provenance: provenance(root),
    };
    let mut writer = DriveWriter::create(out, options)?;
    let mut summary = ConvertSummary { root: root.to_owned(), out: out.to_owned(), ..ConvertSummary::default() };
    progress.begin("convert", Some(folder.frames().len() as u64));
    for number in folder.frames() {
        let read = folder.read(*number).and_then(|frame| drive_frame(&folder, frame, settings));
        match read {
            Ok(Some(frame)) => {
                summary.count(&frame);
                writer.write(&frame)?;
            }
            Ok(None) => {}
            Err(error) => {
                progress.note(&format!("frame {number:06} is skipped: {error}"));
                summary.faulty.push(format!("{number:06}: {error}"));
            }
        }
        progress.advance(1);
        if progress.stop_asked() {
            summary.interrupted = true;
            break;
        }
    }
    writer.finish()?;
    progress.end();
    Ok(summary)
}

fn provenance(root: &Path) -> BTreeMap<String, String> {
    let entries = [
        ("percept_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("source", "KITTI object folder".to_owned()),
        ("root", root.display().to_string()),
        ("stamps", "1317000000 s + frame number * 0.1 s".to_owned()),
    ];
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// `None` for a frame without a cloud (its labels say nothing without one).
fn drive_frame(
    folder: &KittiFolder,
    frame: KittiFrame,
    settings: &ConvertSettings,
) -> Result<Option<DriveFrame>, AppError> {
    let Some(cloud) = frame.cloud else { return Ok(None) };
    let (width, height) = folder.image_size(frame.number)?;
    let camera = frame.calib.map(|calib| calib.camera(width, height));
    let cloud = match camera.as_ref().filter(|_| settings.image_view_only) {
        Some(camera) => cloud.filtered(|p| camera.sees([p[0], p[1], p[2]].map(f64::from))),
        None => cloud,
    };
    let objects = match (&frame.label_text, &camera) {
        (Some(text), Some(camera)) => {
            let path = folder.path(frame.number, "label_2", "txt");
            Some(truth_objects(&path, text, camera, &cloud)?)
        }
        (Some(_) | None, _) => None,
    };
    Ok(Some(DriveFrame {
        camera,
        image_png: frame.image_png.filter(|_| settings.images),
        t_odom_base: None,
        speed_mps_yaw_rate_radps: None,
        objects,
        labels: None,
        kitti_text: frame.label_text,
        ..DriveFrame::of_cloud(kitti_stamp(frame.number), cloud)
    }))
}

/// Labels as objects of the LiDAR's frame with their points counted; DontCare stays in the text alone.
fn truth_objects(path: &Path, text: &str, camera: &Camera, cloud: &PointCloud) -> Result<Vec<TruthObject>, AppError> {
    let labels = parse_labels(&path.to_string_lossy(), text).map_err(AppError::stage("reading labels"))?;
    Ok(objects_of_labels(&labels, camera, cloud))
}

impl ConvertSummary {
    fn count(&mut self, frame: &DriveFrame) {
        self.frames += 1;
        self.objects += frame.objects.as_ref().map_or(0, |objects| objects.len() as u64);
        self.without_calibration += u64::from(frame.camera.is_none());
        self.without_labels += u64::from(frame.kitti_text.is_none());
        self.without_image += u64::from(frame.image_png.is_none());
    }
}

impl fmt::Display for ConvertSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} frames with {} objects from {}", self.frames, self.objects, self.root.display())?;
        let missing = [
            ("calibration", self.without_calibration),
            ("labels", self.without_labels),
            ("an image", self.without_image),
        ];
        for (part, count) in missing.into_iter().filter(|(_, count)| *count > 0) {
            writeln!(f, "  {count} without {part}")?;
        }
        self.faulty.iter().try_for_each(|fault| writeln!(f, "  skipped {fault}"))?;
        if self.interrupted {
            writeln!(f, "stopped before the end")?;
        }
        writeln!(f, "written {}", self.out.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_tells_its_frame_number_and_no_other_does() {
        assert_eq!(kitti_frame_of(kitti_stamp(7480)), Some(7480));
        assert_eq!(kitti_frame_of(Stamp::from_ns(kitti_stamp(3).nanoseconds + 1)), None);
        assert_eq!(kitti_frame_of(Stamp::from_ns(0)), None);
    }
}
