//! Camera rigs: pinhole cameras on the vehicle, described by data.

mod file;
mod shipped;

use crate::error::SimError;
use percept_types::{Camera, Transform};
use serde::Deserialize;

/// When a camera exposes.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exposure {
    /// When the LiDAR looks along its optical axis. Where the vehicle's motion is taken out of sweeps, at their stamp.
    WhenScanned,
    /// Seconds after the stamp of the sweep, less than a revolution.
    AfterStampS(f64),
}

/// A pinhole camera on the vehicle.
#[derive(Clone, Debug, PartialEq)]
pub struct RigCamera {
    /// Lower-case letters, digits and underscores.
    pub name: String,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Focal lengths in pixels: of columns, of rows.
    pub focal_px: [f64; 2],
    /// Principal point in pixels; the centre of the first pixel is (0, 0).
    pub principal_px: [f64; 2],
    /// From optical axes (x right, y down, z forward) to the simulated vehicle's base.
    pub t_base_camera: Transform,
    /// Images a second at most; there is at most one a sweep.
    pub rate_hz: f64,
    /// When it exposes.
    pub exposure: Exposure,
}

/// Cameras that look together.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraRig {
    /// Whose rig it is.
    pub name: String,
    /// Where its numbers come from.
    pub source: String,
    /// The cameras.
    pub cameras: Vec<RigCamera>,
}

/// Images have at most this many columns and rows.
const MAX_SIDE_PX: usize = 8192;

impl CameraRig {
    /// A rig from its JSON text; `name` names the file in errors.
    ///
    /// # Errors
    /// When the text is no rig or holds impossible numbers.
    pub fn from_json(name: &str, text: &str) -> Result<Self, SimError> {
        file::parse(name, text)
    }

    /// The rig with images of another size: scaled to cover it, then cut evenly from both sides and from the top, as
    /// BEVDet (Huang et al. 2021) prepares nuScenes' images.
    ///
    /// # Errors
    /// When the size is none that images have.
    pub fn resized(mut self, [width, height]: [usize; 2]) -> Result<Self, SimError> {
        if !(1..=MAX_SIDE_PX).contains(&width) || !(1..=MAX_SIDE_PX).contains(&height) {
            return Err(SimError::ImageSize { found: format!("{width}x{height}"), max: MAX_SIDE_PX });
        }
        for camera in &mut self.cameras {
            let share = |new: usize, old: usize| new as f64 / old as f64;
            let scale = share(width, camera.width).max(share(height, camera.height));
            let scaled = [camera.width, camera.height].map(|side| (side as f64 * scale).round());
            let cut = [((scaled[0] - width as f64) / 2.0).floor().max(0.0), (scaled[1] - height as f64).max(0.0)];
            camera.focal_px = camera.focal_px.map(|focal| focal * scale);
            camera.principal_px = [0, 1].map(|axis| camera.principal_px[axis] * scale - cut[axis]);
            (camera.width, camera.height) = (width, height);
        }
        Ok(self)
    }
}

impl RigCamera {
    /// The camera as calibration tells it, for a LiDAR on the same vehicle.
    pub fn calibration(&self, t_base_lidar: &Transform) -> Camera {
        let ([fx, fy], [cx, cy]) = (self.focal_px, self.principal_px);
        Camera {
            width: self.width,
            height: self.height,
            projection: [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
            t_camera_lidar: self.t_base_camera.inverse() * *t_base_lidar,
        }
    }

    /// Whether it takes an image in the sweep of this number.
    pub fn fires_in(&self, sweep: u64, rotation_hz: f64) -> bool {
        // A hair more than the quotient: 0.3 / 0.1 is less than 3.
        let images = |sweep: u64| (sweep as f64 * self.rate_hz / rotation_hz + 1e-9).floor();
        sweep == 0 || images(sweep) > images(sweep - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nuscenes_images_at_bevdets_size_keep_their_bottom() {
        let rig = CameraRig::named_or_from_file("nuscenes").unwrap();
        let front = |rig: &CameraRig| rig.cameras.iter().find(|c| c.name == "cam_front").unwrap().clone();
        let small = front(&rig.clone().resized([704, 256]).unwrap());
        let native = front(&rig);
        assert!((small.focal_px[0] - native.focal_px[0] * 0.44).abs() < 1e-9);
        assert!((small.principal_px[0] - native.principal_px[0] * 0.44).abs() < 1e-9);
        assert!((small.principal_px[1] - (native.principal_px[1] * 0.44 - 140.0)).abs() < 1e-9);
        assert_eq!((small.width, small.height), (704, 256));
    }

    #[test]
    fn shipped_rigs_look_where_their_names_say_with_the_sky_above() {
        let rig = CameraRig::named_or_from_file("nuScenes").unwrap();
        let yaw_deg = |camera: &RigCamera| {
            let [from, to] = [[0.0; 3], [0.0, 0.0, 1.0]].map(|p| camera.t_base_camera.apply(p));
            (to[1] - from[1]).atan2(to[0] - from[0]).to_degrees()
        };
        let expected = [
            ("cam_front_left", 55.0),
            ("cam_front", 0.0),
            ("cam_front_right", -55.0),
            ("cam_back_right", -110.0),
            ("cam_back", 180.0),
            ("cam_back_left", 110.0),
        ];
        assert_eq!(rig.cameras.len(), expected.len());
        for (camera, (name, yaw)) in rig.cameras.iter().zip(expected) {
            let off = (yaw_deg(camera) - yaw + 180.0_f64).rem_euclid(360.0) - 180.0;
            assert!(camera.name == name && off.abs() < 3.0, "{name}: {off}");
        }
        for name in CameraRig::shipped() {
            for camera in CameraRig::named_or_from_file(name).unwrap().cameras {
                let [from, to] = [[0.0; 3], [0.0, 1.0, 0.0]].map(|p| camera.t_base_camera.apply(p));
                assert!(to[2] - from[2] < -0.99, "{}: rows go down", camera.name);
            }
        }
    }

    #[test]
    fn kittis_pair_is_half_a_metre_wide_and_its_left_camera_is_the_one_of_the_truth() {
        let [left, right]: [RigCamera; 2] = CameraRig::named_or_from_file("kitti").unwrap().cameras.try_into().unwrap();
        let [l, r] = [&left, &right].map(|c| c.t_base_camera.translation_m());
        assert!((l[1] - r[1] - 0.533).abs() < 0.002);
        let sensor = crate::LidarModel::hdl64e_kitti().unwrap();
        let camera = left.calibration(&crate::t_base_lidar(&sensor));
        for point in [[20.0, 3.0, -1.0], [8.0, -2.0, 0.5], [50.0, 0.0, 0.0]] {
            let (a, b) = (camera.project_lidar_point(point).unwrap(), crate::kitti_camera().project_lidar_point(point));
            let b = b.unwrap();
            assert!((a.u - b.u).abs() < 0.05 && (a.v - b.v).abs() < 0.05, "{a:?} {b:?}");
        }
    }

    #[test]
    fn twelve_images_a_second_of_twenty_sweeps() {
        let mut camera = CameraRig::named_or_from_file("nuscenes").unwrap().cameras.remove(0);
        let fired = |camera: &RigCamera, hz: f64| (0..200).filter(|sweep| camera.fires_in(*sweep, hz)).count();
        assert_eq!((fired(&camera, 20.0), fired(&camera, 10.0)), (120, 200));
        camera.rate_hz = 10.0;
        assert_eq!((fired(&camera, 10.0), fired(&camera, 20.0)), (200, 100));
    }

    #[test]
    fn an_unknown_rig_is_answered_with_the_shipped_ones_and_a_broken_file_with_its_key() {
        let text = CameraRig::named_or_from_file("waymo").unwrap_err().to_string();
        assert_eq!(text, "waymo is neither a file nor a shipped camera rig: these are nuscenes, kitti");
        let good = include_str!("../../rigs/kitti.json");
        let refused = |from: &str, to: &str| {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good);
            CameraRig::from_json("mine.json", &text).unwrap_err().to_string()
        };
        let text = refused("\"width\": 1242", "\"width\": 0");
        assert!(text.contains("mine.json: width of image_02 is 0"), "{text}");
        let text = refused("\"rate_hz\": 10.0", "\"rate\": 10.0");
        assert!(text.contains("mine.json") && text.contains("`rate`"), "{text}");
        let text = refused("\"image_03\"", "\"image_02\"");
        assert!(text.contains("name of image_02 is given twice"), "{text}");
        let text = refused("721.5377, 721.5377", "-721.5377, 721.5377");
        assert!(text.contains("focal_px of image_02"), "{text}");
        assert!(CameraRig::named_or_from_file("kitti").unwrap().resized([0, 10]).is_err());
    }
}
