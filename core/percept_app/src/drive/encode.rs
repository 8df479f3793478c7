//! Rendered images as files: JPEG for what cameras show, PNG for what is true.

use super::{CameraObject, CameraTruth, DriveCamera, EncodedImage};
use crate::AppError;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use percept_sim::{CameraFrame, ImageObject, RenderedImage};

/// What of a rendered image is kept, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Quality of JPEG, 1 to 100.
    pub jpeg_quality: u8,
    /// Whether depth images are kept.
    pub depth: bool,
    /// Whether classes and instances of pixels are kept.
    pub masks: bool,
}

/// As image_transport's `compressed` writes a colour image, and 16-bit depth or numbers.
const JPEG_FORMAT: &str = "rgb8; jpeg compressed bgr8";
const PNG_16_FORMAT: &str = "16UC1; png compressed ";
const PNG_8_FORMAT: &str = "mono8; png compressed ";

/// A simulated camera's frame as a drive's.
///
/// # Errors
/// When the encoder refuses the image.
pub fn encode_camera(frame: &CameraFrame, options: EncodeOptions) -> Result<DriveCamera, AppError> {
    let image = &frame.image;
    let mut truth = CameraTruth { objects: frame.objects.iter().map(camera_object).collect(), ..Default::default() };
    if options.depth {
        truth.depth = Some(png_16(image, image.depth_m.iter().map(|depth_m| millimetres(*depth_m)))?);
    }
    if options.masks {
        let classes: Vec<u8> = image.class_ids.iter().map(|class| u8::try_from(*class).unwrap_or(u8::MAX)).collect();
        truth.classes = Some(png(image, &classes, ExtendedColorType::L8, PNG_8_FORMAT)?);
        truth.instances = Some(png_16(image, image.instance_ids.iter().copied())?);
    }
    Ok(DriveCamera {
        name: frame.name.clone(),
        stamp: frame.stamp,
        camera: frame.camera.clone(),
        distortion: None,
        image: Some(jpeg(image, options.jpeg_quality)?),
        truth: Some(truth),
    })
}

/// REP 118: 0 where nothing is known; so is what is farther than 65.535 m.
fn millimetres(depth_m: f32) -> u16 {
    let depth_mm = (depth_m * 1000.0).round();
    if depth_mm <= f32::from(u16::MAX) { depth_mm as u16 } else { 0 }
}

fn camera_object(object: &ImageObject) -> CameraObject {
    CameraObject {
        class_name: object.class_name.clone(),
        instance_id: object.instance_id,
        image_box: object.image_box,
        truncation: object.truncation,
        visible_share: object.visible_share,
    }
}

fn jpeg(image: &RenderedImage, quality: u8) -> Result<EncodedImage, AppError> {
    let mut data = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut data, quality);
    encoder
        .encode(&image.rgb, image.width as u32, image.height as u32, ExtendedColorType::Rgb8)
        .map_err(AppError::stage("JPEG encoding"))?;
    Ok(EncodedImage { format: JPEG_FORMAT, data })
}

fn png_16(image: &RenderedImage, values: impl Iterator<Item = u16>) -> Result<EncodedImage, AppError> {
    // The encoder wants the machine's own order of bytes and writes PNG's.
    let bytes: Vec<u8> = values.flat_map(u16::to_ne_bytes).collect();
    png(image, &bytes, ExtendedColorType::L16, PNG_16_FORMAT)
}

fn png(
    image: &RenderedImage,
    bytes: &[u8],
    color: ExtendedColorType,
    format: &'static str,
) -> Result<EncodedImage, AppError> {
    let mut data = Vec::new();
    PngEncoder::new_with_quality(&mut data, CompressionType::Default, FilterType::Adaptive)
        .write_image(bytes, image.width as u32, image.height as u32, color)
        .map_err(AppError::stage("PNG encoding"))?;
    Ok(EncodedImage { format, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_beyond_sixteen_bits_is_unknown() {
        assert_eq!([0.0, 1.2345, 65.535, 65.6, 140.0].map(millimetres), [0, 1235, 65535, 0, 0]);
    }
}
