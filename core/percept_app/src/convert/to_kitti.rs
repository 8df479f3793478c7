//! A bag with truth as a KITTI object folder.
//!
//! Output  `OUT/training/{velodyne, calib, label_2, image_2}`, of each frame the parts the bag has.
//! Exact   points, images (PNG), labels and calibrations of a bag that `convert kitti` wrote come back byte for byte.
//!         Without the recorded text the calibration is the same projection in other words: R0_rect is in
//!         Tr_velo_to_cam, and P0, P1 and P3, which the bag has not, repeat P2 for readers that count lines.
//! Labels  from the recorded text where there is one, else from the true boxes that the camera sees.
//! Source  the object development kit's readme.

use super::bag_drive::{BagDrive, BagFrame};
use super::export::{ExportError, calibration_line, export_frames, rows_3x4, velodyne_bytes, write_file};
use super::{ConvertSummary, kitti_frame_of};
use crate::{AppError, Progress};
use percept_eval::kitti::{annotations_of_truth, write_label_line};
use percept_msgs::sensor_msgs::CompressedImage;
use percept_types::Camera;
use std::io::Cursor;
use std::path::Path;

/// How to write it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToKittiSettings {
    /// Intensities are divided by this: 1 where they are 0..1 already, 255 for most drivers and nuScenes.
    pub intensity_divisor: f32,
    /// Whether images are written.
    pub images: bool,
    /// Whether a frame that cannot be understood ends the conversion.
    pub strict: bool,
}

impl Default for ToKittiSettings {
    fn default() -> Self {
        Self { intensity_divisor: 1.0, images: true, strict: false }
    }
}

/// Writes every sweep of a bag with its calibration, labels and image.
///
/// # Errors
/// When the bag cannot be read, or the folder is in use or cannot be written; a frame that cannot be understood is
/// skipped and reported, or with `strict` ends it.
pub fn convert_to_kitti(
    bag: &Path,
    out: &Path,
    settings: &ToKittiSettings,
    progress: &mut dyn Progress,
) -> Result<ConvertSummary, AppError> {
    let drive = BagDrive::open(bag)?;
    let is_numbered = drive.noted("stamps").is_some_and(|stamps| stamps.contains("frame number"));
    export_frames(&drive, out, settings.strict, progress, &mut |index, frame, summary| {
        let number = kitti_frame_of(frame.stamp).filter(|_| is_numbered).map_or(index, u64::from);
        write_frame(out, number, frame, settings, summary)
    })
}

fn write_frame(
    out: &Path,
    number: u64,
    frame: &BagFrame,
    settings: &ToKittiSettings,
    summary: &mut ConvertSummary,
) -> Result<(), ExportError> {
    let file = |part: &str, ending: &str| out.join("training").join(part).join(format!("{number:06}.{ending}"));
    let labels = label_text(number, frame).map_err(ExportError::Frame)?;
    let image = frame.image.as_ref().filter(|_| settings.images).map(png_of).transpose().map_err(ExportError::Frame)?;
    write_file(&file("velodyne", "bin"), &velodyne_bytes(frame, settings.intensity_divisor))?;
    match frame.kitti_calib.clone().or_else(|| frame.camera.as_ref().map(calibration_text)) {
        Some(text) => write_file(&file("calib", "txt"), text.as_bytes())?,
        None => summary.lacks("calibration"),
    }
    match &labels {
        Some(text) => {
            for class_name in text.lines().filter_map(|line| line.split_whitespace().next()) {
                summary.count_object(class_name);
            }
            write_file(&file("label_2", "txt"), text.as_bytes())?;
        }
        None if frame.objects.is_some() => {
            summary.lacks("the camera to which KITTI's labels refer (/camera/camera_info)")
        }
        None => summary.lacks("boxes"),
    }
    match &image {
        Some(png) => {
            summary.images += 1;
            write_file(&file("image_2", "png"), png)?;
        }
        None if settings.images => summary.lacks("image"),
        None => {}
    }
    Ok(())
}

/// `None` where the bag has neither text nor boxes with a camera.
fn label_text(number: u64, frame: &BagFrame) -> Result<Option<String>, AppError> {
    match (&frame.kitti_text, &frame.objects, &frame.camera) {
        (Some(text), _, _) => Ok(Some(text.clone())),
        (None, Some(objects), Some(camera)) => {
            let labels =
                annotations_of_truth(number as usize, objects, camera).map_err(AppError::stage("labelling"))?;
            Ok(Some(labels.iter().map(|(_, label)| write_label_line(label) + "\n").collect()))
        }
        _ => Ok(None),
    }
}

fn calibration_text(camera: &Camera) -> String {
    let mut text = String::new();
    for name in ["P0", "P1", "P2", "P3"] {
        text.push_str(&calibration_line(name, &camera.projection));
    }
    text.push_str(&calibration_line("R0_rect", &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]));
    text.push_str(&calibration_line("Tr_velo_to_cam", &rows_3x4(&camera.t_camera_lidar)));
    text
}

/// The image as a PNG file: its bytes where it is one, else decoded and encoded anew.
fn png_of(image: &CompressedImage) -> Result<Vec<u8>, AppError> {
    if image.data.starts_with(b"\x89PNG") {
        return Ok(image.data.clone());
    }
    let mut png = Cursor::new(Vec::new());
    image::load_from_memory(&image.data)
        .and_then(|picture| picture.write_to(&mut png, image::ImageFormat::Png))
        .map_err(AppError::stage("reading an image"))?;
    Ok(png.into_inner())
}
