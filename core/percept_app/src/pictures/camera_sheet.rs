//! What several simulated cameras saw in one frame, side by side, with true boxes and LiDAR points drawn in.

use crate::AppError;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use percept_sim::{CameraFrame, DriveFrame, ImageObject};
use percept_types::{Occlusion, PointCloud, TruthObject};
use percept_viz::overlay::{Overlay, RgbImage, render};
use percept_viz::{Canvas, Rgba, VizError};
use std::fs;
use std::path::Path;

/// Views in a row.
const COLUMNS: usize = 3;
/// Objects of which less is seen have no box in the picture.
const LEAST_VISIBLE: f64 = 0.1;
const QUALITY: u8 = 82;
const GROUND: Rgba = Rgba(13, 16, 23, 255);

/// Draws the cameras of a frame into a JPEG file; its folder is made where it is missing. Nothing without cameras.
///
/// # Errors
/// When the picture cannot be drawn or written.
pub fn draw_camera_sheet(path: &Path, frame: &DriveFrame) -> Result<(), AppError> {
    if frame.cameras.is_empty() {
        return Ok(());
    }
    let fault = |reason: String| AppError::Picture { path: path.to_owned(), reason };
    let sheet = sheet_of(frame).map_err(|error| fault(error.to_string()))?;
    let rgb: Vec<u8> = sheet.rgba().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode(&rgb, sheet.width() as u32, sheet.height() as u32, ExtendedColorType::Rgb8)
        .map_err(|error| fault(error.to_string()))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(AppError::io("create", folder))?;
    }
    fs::write(path, jpeg).map_err(AppError::io("write", path))
}

fn sheet_of(frame: &DriveFrame) -> Result<Canvas, VizError> {
    let side = |pick: fn(&CameraFrame) -> usize| frame.cameras.iter().map(pick).max().unwrap_or_default();
    let (width, height) = (side(|c| c.image.width), side(|c| c.image.height));
    let columns = COLUMNS.min(frame.cameras.len());
    let mut sheet = Canvas::new(width * columns, height * frame.cameras.len().div_ceil(columns), GROUND)?;
    for (index, camera) in frame.cameras.iter().enumerate() {
        let at = [index % columns * width, index / columns * height];
        sheet.place(at.map(|v| v as i32), &view_of(camera, &frame.frame.cloud)?);
    }
    Ok(sheet)
}

/// One camera's view. Points are drawn where the LiDAR saw them, within 10 ms of the image but at the sweep's seam.
fn view_of(camera: &CameraFrame, cloud: &PointCloud) -> Result<Canvas, VizError> {
    let seen = camera.objects.iter().filter(|object| object.visible_share > LEAST_VISIBLE);
    let truth: Vec<TruthObject> = seen.map(truth_of).collect();
    let overlay = Overlay { detections: None, score_threshold: 0.0, truth: &truth, cloud: Some(cloud) };
    let image = &camera.image;
    render(RgbImage { width: image.width, height: image.height, rgb: &image.rgb }, &camera.camera, &overlay)
}

fn truth_of(object: &ImageObject) -> TruthObject {
    TruthObject {
        class_name: object.class_name.clone(),
        box3d: object.box3d,
        velocity_mps: [0.0; 2],
        instance_id: u32::from(object.instance_id),
        num_points: 0,
        occlusion: Occlusion::Unknown,
        truncation: object.truncation,
        image_box: Some(object.image_box),
    }
}
