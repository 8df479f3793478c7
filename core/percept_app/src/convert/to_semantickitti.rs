//! A bag with labelled points as a SemanticKITTI sequence.
//!
//! Output  `OUT/sequences/NN/{velodyne, labels, calib.txt, poses.txt, times.txt}`, numbered from 0 in the order of the
//!         bag; frames that are skipped leave no gap.
//! Exact   points and labels of a bag that `convert semantickitti` wrote come back byte for byte, poses to the digits
//!         of the file (1e-6). calib.txt has P2 and Tr; without a camera in the bag Tr turns the LiDAR's axes into a
//!         camera's at the same place.
//! Poses   where the camera is, seen from where it was at the first frame.
//! Source  Behley et al., ICCV 2019; the odometry development kit's readme.

use super::ConvertSummary;
use super::bag_drive::{BagDrive, BagFrame};
use super::export::{ExportError, calibration_line, export_frames, rows_3x4, scientific, velodyne_bytes, write_file};
use crate::{AppError, Progress};
use percept_types::{PointLabels, Stamp, Transform};
use std::path::Path;

/// How to write it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToSemanticKittiSettings {
    /// Name of the sequence: `00` and so on.
    pub sequence: String,
    /// Intensities are divided by this: 1 where they are 0..1 already, 255 for most drivers and nuScenes.
    pub intensity_divisor: f32,
    /// Whether a frame that cannot be understood ends the conversion.
    pub strict: bool,
}

impl Default for ToSemanticKittiSettings {
    fn default() -> Self {
        Self { sequence: "00".to_owned(), intensity_divisor: 1.0, strict: false }
    }
}

/// Writes every sweep of a bag with its labels, and the drive's poses.
///
/// # Errors
/// When the bag cannot be read or its labels are another data set's, or the folder is in use or cannot be written; a
/// frame that cannot be understood is skipped and reported, or with `strict` ends it.
pub fn convert_to_semantickitti(
    bag: &Path,
    out: &Path,
    settings: &ToSemanticKittiSettings,
    progress: &mut dyn Progress,
) -> Result<ConvertSummary, AppError> {
    let drive = BagDrive::open(bag)?;
    if let Some(classes) = drive.noted("point_labels").filter(|classes| !classes.starts_with("SemanticKITTI")) {
        return Err(AppError::Unavailable {
            what: format!("{} has labels of {classes}", bag.display()),
            way_out: "SemanticKITTI's folder needs its raw classes; map them first".to_owned(),
        });
    }
    let is_plain = !settings.sequence.is_empty() && settings.sequence.bytes().all(|b| b.is_ascii_alphanumeric());
    if !is_plain {
        return Err(AppError::Unavailable {
            what: format!("a sequence named {:?}", settings.sequence),
            way_out: "name it with letters and digits, such as 00".to_owned(),
        });
    }
    let folder = out.join("sequences").join(&settings.sequence);
    let mut sequence = SequenceTexts::default();
    let exported = export_frames(&drive, out, settings.strict, progress, &mut |_, frame, summary| {
        let number = sequence.num_frames;
        let file = |part: &str, ending: &str| folder.join(part).join(format!("{number:06}.{ending}"));
        let labels = frame.labels.as_ref().map(|labels| label_bytes(labels, frame)).transpose();
        let labels = labels.map_err(ExportError::Frame)?;
        sequence.add(frame, summary);
        if let Some(labels) = labels {
            write_file(&file("labels", "label"), &labels)?;
        } else {
            summary.lacks("point labels");
        }
        write_file(&file("velodyne", "bin"), &velodyne_bytes(frame, settings.intensity_divisor))?;
        sequence.num_frames += 1;
        Ok(())
    });
    // Frames that were written before it ended have their poses too.
    if sequence.num_frames == 0 {
        return exported;
    }
    let write = |name: &str, text: &str| match write_file(&folder.join(name), text.as_bytes()) {
        Ok(()) => Ok(()),
        Err(ExportError::Output(error) | ExportError::Frame(error)) => Err(error),
    };
    write("calib.txt", &sequence.calibration)?;
    write("times.txt", &sequence.times)?;
    if sequence.has_every_pose {
        write("poses.txt", &sequence.poses)?;
    }
    exported
}

/// The files that hold a line a frame.
struct SequenceTexts {
    num_frames: u64,
    first: Option<(Stamp, Option<Transform>)>,
    calibration: String,
    times: String,
    poses: String,
    has_every_pose: bool,
}

impl Default for SequenceTexts {
    fn default() -> Self {
        Self {
            num_frames: 0,
            first: None,
            calibration: String::new(),
            times: String::new(),
            poses: String::new(),
            has_every_pose: true,
        }
    }
}

impl SequenceTexts {
    /// Calibration of the first frame, time and pose of every frame. poses.txt tells its frames by their lines: it is
    /// written only where no pose is missing.
    fn add(&mut self, frame: &BagFrame, summary: &mut ConvertSummary) {
        let t_camera_lidar = frame.camera.as_ref().map_or_else(camera_axes, |camera| camera.t_camera_lidar);
        let t_odom_camera = frame
            .t_odom_base
            .zip(frame.t_base_lidar)
            .map(|(t_odom_base, t_base_lidar)| t_odom_base * t_base_lidar * t_camera_lidar.inverse());
        let (first_stamp, first_pose) = *self.first.get_or_insert((frame.stamp, t_odom_camera));
        if self.calibration.is_empty() {
            if let Some(camera) = &frame.camera {
                self.calibration.push_str(&calibration_line("P2", &camera.projection));
            }
            self.calibration.push_str(&calibration_line("Tr", &rows_3x4(&t_camera_lidar)));
        }
        self.times.push_str(&scientific(frame.stamp.seconds_since(first_stamp), 6));
        self.times.push('\n');
        match first_pose.zip(t_odom_camera) {
            Some((first, t_odom_camera)) => {
                let row = rows_3x4(&(first.inverse() * t_odom_camera)).map(|value| scientific(value, 6));
                self.poses.push_str(&(row.join(" ") + "\n"));
            }
            None => {
                self.has_every_pose = false;
                summary.lacks("pose");
            }
        }
    }
}

/// From the LiDAR's axes (x ahead, y left, z up) to a camera's (x right, y down, z ahead).
fn camera_axes() -> Transform {
    Transform::from_matrix_3x4(&[0., -1., 0., 0., 0., 0., -1., 0., 1., 0., 0., 0.])
}

/// A class and an instance a point as little-endian u32.
fn label_bytes(labels: &PointLabels, frame: &BagFrame) -> Result<Vec<u8>, AppError> {
    if labels.len() != frame.cloud.len() || labels.instance_ids.len() != labels.len() {
        let reason = format!("{} labels for {} points", labels.len(), frame.cloud.len());
        return Err(AppError::Stage { stage: "reading labels", reason });
    }
    let pairs = labels.class_ids.iter().zip(&labels.instance_ids);
    Ok(pairs.flat_map(|(class, instance)| (u32::from(*class) | u32::from(*instance) << 16).to_le_bytes()).collect())
}
