//! KITTI's object folders as bags: clouds, images, calibration, transforms and truth.

use super::ConvertSummary;
use super::drive_source::{DriveSource, Part, convert_drive, provenance};
use crate::drive::{DriveFrame, DriveOptions};
use crate::kitti_folder::{KittiFolder, objects_of_labels};
use crate::{AppError, Progress};
use percept_eval::kitti::parse_labels;
use percept_types::{Camera, PointCloud, Stamp, Transform, TruthObject};
use std::path::Path;

/// Stamp of frame 0: the frames of the object set have no common clock, so they are given one, in the days of the
/// recordings and 10 Hz.
pub(super) const FIRST_STAMP_NS: i64 = 1_317_000_000 * 1_000_000_000;
const PERIOD_NS: i64 = 100_000_000;

/// Where KITTI's LiDAR sits: 0.76 m before the rear axle, 1.73 m above the ground (Geiger et al., IJRR 2013, fig. 3).
pub(super) const LIDAR_ON_BASE_M: [f64; 3] = [0.76, 0.0, 1.73];

/// The stamp of a frame number.
pub fn kitti_stamp(number: u32) -> Stamp {
    stamp_of_number(u64::from(number))
}

/// The same of any number a file may have for a name; those beyond the clock are told from it later.
pub(super) fn stamp_of_number(number: u64) -> Stamp {
    let since_ns = i64::try_from(number).unwrap_or(i64::MAX).saturating_mul(PERIOD_NS);
    Stamp::from_ns(FIRST_STAMP_NS.saturating_add(since_ns))
}

/// The frame number of a stamp, where it is one of [`kitti_stamp`].
pub fn kitti_frame_of(stamp: Stamp) -> Option<u32> {
    let since_ns = stamp.nanoseconds.checked_sub(FIRST_STAMP_NS).filter(|ns| ns % PERIOD_NS == 0)?;
    u32::try_from(since_ns / PERIOD_NS).ok().filter(|number| *number < 1_000_000)
}

/// What to convert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KittiSettings {
    /// Keep only the points that the left colour image sees (frames without calibration are kept whole).
    pub image_view_only: bool,
    /// Whether images are written.
    pub images: bool,
    /// Whether a frame that cannot be understood ends the conversion.
    pub strict: bool,
}

/// Converts every frame with a cloud.
///
/// # Errors
/// When the folder has no clouds or the bag cannot be written; a frame that cannot be understood is skipped and
/// reported, or with `strict` ends it.
pub fn convert_kitti(
    root: &Path,
    out: &Path,
    settings: &KittiSettings,
    progress: &mut dyn Progress,
) -> Result<ConvertSummary, AppError> {
    let folder = KittiFolder::open(root, "velodyne")?;
    let mut source = KittiObjectSet { folder, settings: *settings, num_usual_sizes: 0 };
    let stamps = [("stamps", "1317000000 s + frame number * 0.1 s".to_owned())];
    let options = DriveOptions {
        t_base_lidar: Transform::from_yaw(LIDAR_ON_BASE_M, 0.0),
        t_map_odom: None,
        fixed_camera: false,
        labelled_points: false,
        provenance: provenance("KITTI object folder", root, &stamps),
    };
    let mut summary = convert_drive(&mut source, (root, out), options, settings.strict, progress)?;
    summary.notes.extend(usual_sizes(source.num_usual_sizes));
    Ok(summary)
}

/// What to tell of cameras that were given KITTI's usual size.
pub(super) fn usual_sizes(frames: u64) -> Option<String> {
    (frames > 0).then(|| format!("{frames} frames have a camera but no image: its size is taken as 1242 x 375 pixels"))
}

struct KittiObjectSet {
    folder: KittiFolder,
    settings: KittiSettings,
    /// Frames with a camera whose image is not there to tell its size.
    num_usual_sizes: u64,
}

impl DriveSource for KittiObjectSet {
    fn len(&self) -> usize {
        self.folder.frames().len()
    }

    fn frame_name(&self, index: usize) -> String {
        self.folder.frames().get(index).map_or(String::new(), |number| format!("{number:06}"))
    }

    fn parts(&self) -> &'static [Part] {
        let all: &[Part] = &[Part::Calibration, Part::Objects, Part::Image];
        if self.settings.images { all } else { &all[..2] }
    }

    fn read(&mut self, index: usize) -> Result<DriveFrame, AppError> {
        let number = self.folder.frames().get(index).copied().unwrap_or_default();
        let frame = self.folder.read(number)?;
        let Some(cloud) = frame.cloud else {
            return Err(AppError::data_file(&self.folder.path(number, "velodyne", "bin"), "there is no such file"));
        };
        let (width, height) = self.folder.image_size(number)?;
        let has_image = self.folder.path(number, "image_2", "png").is_file();
        self.num_usual_sizes += u64::from(frame.calib.is_some() && !has_image);
        let camera = frame.calib.map(|calib| calib.camera(width, height));
        let cloud = match camera.as_ref().filter(|_| self.settings.image_view_only) {
            Some(camera) => cloud.filtered(|p| camera.sees([p[0], p[1], p[2]].map(f64::from))),
            None => cloud,
        };
        let objects = match (&frame.label_text, &camera) {
            (Some(text), Some(camera)) => {
                let path = self.folder.path(number, "label_2", "txt");
                Some(truth_objects(&path, text, camera, &cloud)?)
            }
            (Some(_) | None, _) => None,
        };
        Ok(DriveFrame {
            camera,
            image_png: frame.image_png.filter(|_| self.settings.images),
            objects,
            kitti_text: frame.label_text,
            kitti_calib: frame.calib_text,
            ..DriveFrame::of_cloud(kitti_stamp(number), cloud)
        })
    }
}

/// Labels as objects of the LiDAR's frame with their points counted; DontCare stays in the text alone.
fn truth_objects(path: &Path, text: &str, camera: &Camera, cloud: &PointCloud) -> Result<Vec<TruthObject>, AppError> {
    let labels = parse_labels(&path.to_string_lossy(), text).map_err(AppError::stage("reading labels"))?;
    Ok(objects_of_labels(&labels, camera, cloud))
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
