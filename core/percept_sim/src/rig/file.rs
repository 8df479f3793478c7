//! A rig file: JSON as it is written, and what is checked before it is a rig.

use super::{CameraRig, Exposure, MAX_SIDE_PX, RigCamera};
use crate::error::SimError;
use percept_types::Transform;
use serde::Deserialize;

/// Cameras that a rig may have.
const MAX_CAMERAS: usize = 32;

/// The keys of a rig file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RigFile {
    name: String,
    source: String,
    lidar_xy_m: [f64; 2],
    cameras: Vec<CameraKeys>,
}

/// The keys of a camera.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CameraKeys {
    name: String,
    width: usize,
    height: usize,
    focal_px: [f64; 2],
    principal_px: [f64; 2],
    translation_m: [f64; 3],
    rotation_xyzw: [f64; 4],
    rate_hz: f64,
    exposure: Exposure,
}

/// A rig from its JSON text; `file` names the file in errors.
pub fn parse(file: &str, text: &str) -> Result<CameraRig, SimError> {
    let keys: RigFile = serde_json::from_str(text)
        .map_err(|error| SimError::RigFile { file: file.to_owned(), reason: error.to_string() })?;
    let refuse = |key: &str, found: String, expected: &'static str| {
        Err(SimError::RigSetting { file: file.to_owned(), key: key.to_owned(), found, expected })
    };
    if keys.lidar_xy_m.iter().any(|v| v.is_nan() || v.abs() > 20.0) {
        return refuse("lidar_xy_m", format!("{:?}", keys.lidar_xy_m), "metres forward and left, within 20");
    }
    if keys.cameras.is_empty() || keys.cameras.len() > MAX_CAMERAS {
        return refuse("cameras", format!("a list of {}", keys.cameras.len()), "1 to 32 cameras");
    }
    let mut cameras: Vec<RigCamera> = Vec::new();
    for camera in &keys.cameras {
        if let Some((key, found, expected)) = camera.fault() {
            return refuse(&format!("{key} of {}", camera.name), found, expected);
        }
        if cameras.iter().any(|other| other.name == camera.name) {
            return refuse(&format!("name of {}", camera.name), "given twice".to_owned(), "a name of its own");
        }
        match camera.to_camera(keys.lidar_xy_m) {
            Some(camera) => cameras.push(camera),
            None => {
                let key = format!("rotation_xyzw of {}", camera.name);
                return refuse(&key, format!("{:?}", camera.rotation_xyzw), "a quaternion of length 1");
            }
        }
    }
    Ok(CameraRig { name: keys.name, source: keys.source, cameras })
}

impl CameraKeys {
    /// The first key that no camera has: its name, what is there, what would do.
    fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !self.name.starts_with(|c: char| c.is_ascii_lowercase()) || !self.name.chars().all(is_name) {
            let expected = "lower-case letters, digits and underscores, a letter first: it becomes a topic";
            return Some(("name", format!("{:?}", self.name), expected));
        }
        for (key, side) in [("width", self.width), ("height", self.height)] {
            if !(1..=MAX_SIDE_PX).contains(&side) {
                return Some((key, side.to_string(), "1 to 8192 pixels"));
            }
        }
        let within = |values: &[f64], low: f64, high: f64| values.iter().all(|v| (low..=high).contains(v));
        if !within(&self.focal_px, 1.0, 1e5) {
            return Some(("focal_px", format!("{:?}", self.focal_px), "two lengths of 1 to 100000 pixels"));
        }
        if !within(&self.principal_px, -1e5, 1e5) {
            return Some(("principal_px", format!("{:?}", self.principal_px), "a pixel in or near the image"));
        }
        if !within(&self.translation_m, -20.0, 20.0) {
            return Some(("translation_m", format!("{:?}", self.translation_m), "a place within 20 m of the vehicle"));
        }
        let length = self.rotation_xyzw.iter().map(|v| v * v).sum::<f64>();
        if !(0.99..=1.01).contains(&length) {
            return Some(("rotation_xyzw", format!("{:?}", self.rotation_xyzw), "a quaternion of length 1"));
        }
        if !within(&[self.rate_hz], 0.01, 1000.0) {
            return Some(("rate_hz", self.rate_hz.to_string(), "0.01 to 1000 images a second"));
        }
        match self.exposure {
            Exposure::AfterStampS(s) if !(0.0..=10.0).contains(&s) => {
                Some(("exposure", s.to_string(), "0 to 10 seconds, less than a revolution"))
            }
            _ => None,
        }
    }

    fn to_camera(&self, [lidar_x, lidar_y]: [f64; 2]) -> Option<RigCamera> {
        let [x, y, z] = self.translation_m;
        Some(RigCamera {
            name: self.name.clone(),
            width: self.width,
            height: self.height,
            focal_px: self.focal_px,
            principal_px: self.principal_px,
            t_base_camera: Transform::from_parts([x - lidar_x, y - lidar_y, z], self.rotation_xyzw)?,
            rate_hz: self.rate_hz,
            exposure: self.exposure,
        })
    }
}
