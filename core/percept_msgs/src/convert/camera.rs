//! `Camera` to and from sensor_msgs/CameraInfo with the transform of its frame.

use crate::sensor_msgs::CameraInfo;
use crate::std_msgs::Header;
use crate::{Message, MsgError};
use percept_types::{Camera, Transform};

const IDENTITY_3X3: [f64; 9] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];

impl CameraInfo {
    /// Calibration of a rectified image; its transform goes by TF.
    pub fn from_camera(camera: &Camera, header: Header) -> Self {
        let p = camera.projection;
        let size = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        Self {
            header,
            height: size(camera.height),
            width: size(camera.width),
            distortion_model: "plumb_bob".to_owned(),
            d: vec![0.0; 5],
            k: [p[0], p[1], p[2], p[4], p[5], p[6], p[8], p[9], p[10]],
            r: IDENTITY_3X3,
            p,
            ..Default::default()
        }
    }

    /// The camera whose rectified images are of the size that binning and region of interest leave.
    ///
    /// `t_optical_lidar` takes points of the LiDAR into the frame of this message's header. Where `p` is not filled
    /// and nothing is distorted, `k` is used.
    ///
    /// # Errors
    /// Where nothing is calibrated, a number is not finite, `r` no rotation, or the image must first be rectified
    /// with `d`.
    pub fn to_camera(&self, t_optical_lidar: Transform) -> Result<Camera, MsgError> {
        let projection = self.windowed(self.rectified_projection()?);
        let (width, height) = self.image_size();
        let t_camera_lidar = self.rectification()? * t_optical_lidar;
        Ok(Camera { width, height, projection, t_camera_lidar })
    }

    /// `t_rectified_optical` from `r`; nine zeros mean none.
    fn rectification(&self) -> Result<Transform, MsgError> {
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8] = self.r;
        if self.r == [0.0; 9] {
            return Ok(Transform::identity());
        }
        let rows = [r0, r1, r2, 0.0, r3, r4, r5, 0.0, r6, r7, r8, 0.0];
        if !Transform::is_rigid(&rows) {
            return Err(self.fault("r", format!("{:?}", self.r), "a rotation matrix, row-major"));
        }
        Ok(Transform::from_matrix_3x4(&rows))
    }

    fn rectified_projection(&self) -> Result<[f64; 12], MsgError> {
        let numbers = self.k.iter().chain(&self.r).chain(&self.p).chain(&self.d);
        if !numbers.copied().all(f64::is_finite) {
            return Err(self.fault("k, r, p, d", "a number that is not finite".to_owned(), "finite numbers"));
        }
        if self.p[0] != 0.0 {
            return Ok(self.p);
        }
        if self.k[0] == 0.0 {
            return Err(self.fault("k", "k[0] = 0".to_owned(), "a calibrated camera"));
        }
        if self.d.iter().any(|d| *d != 0.0) {
            return Err(self.fault(
                "p",
                "p[0] = 0 with distortion d".to_owned(),
                "the projection of the rectified image",
            ));
        }
        let [k0, k1, k2, k3, k4, k5, k6, k7, k8] = self.k;
        Ok([k0, k1, k2, 0.0, k3, k4, k5, 0.0, k6, k7, k8, 0.0])
    }

    /// The projection into the pixels that are sent: shifted by the region of interest, then joined by binning.
    fn windowed(&self, mut p: [f64; 12]) -> [f64; 12] {
        let offsets_px = [self.roi.x_offset, self.roi.y_offset].map(f64::from);
        let binnings = self.binnings().map(f64::from);
        for (axis, (offset_px, binning)) in offsets_px.into_iter().zip(binnings).enumerate() {
            for column in 0..4 {
                p[4 * axis + column] = (p[4 * axis + column] - offset_px * p[8 + column]) / binning;
            }
        }
        p
    }

    /// Width and height of the images that are sent.
    fn image_size(&self) -> (usize, usize) {
        let window = if self.roi.width == 0 { self.width } else { self.roi.width };
        let rows = if self.roi.height == 0 { self.height } else { self.roi.height };
        let [binning_x, binning_y] = self.binnings();
        ((window / binning_x) as usize, (rows / binning_y) as usize)
    }

    fn binnings(&self) -> [u32; 2] {
        [self.binning_x.max(1), self.binning_y.max(1)]
    }

    fn fault(&self, field: &str, found: String, expected: &'static str) -> MsgError {
        MsgError::Value { type_name: Self::TYPE_NAME, field: field.to_owned(), found, expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor_msgs::RegionOfInterest;

    fn camera() -> Camera {
        Camera {
            width: 1242,
            height: 375,
            projection: [721.5, 0.0, 609.6, 44.9, 0.0, 721.5, 172.9, 0.2, 0.0, 0.0, 1.0, 0.003],
            // Optical axes from LiDAR axes: x right = -y, y down = -z, z forward = x.
            t_camera_lidar: Transform::from_matrix_3x4(&[0., -1., 0., 0.1, 0., 0., -1., -0.08, 1., 0., 0., -0.27]),
        }
    }

    #[test]
    fn a_camera_survives_the_message() {
        let info = CameraInfo::from_camera(&camera(), Header::default());
        let back = CameraInfo::decode(&info.encode()).unwrap().to_camera(camera().t_camera_lidar).unwrap();
        assert_eq!(back, camera());
    }

    #[test]
    fn a_window_and_binning_move_the_same_point_to_the_pixel_that_shows_it() {
        let full = camera().project_lidar_point([20.0, 3.0, -1.0]).unwrap();
        let mut info = CameraInfo::from_camera(&camera(), Header::default());
        info.roi = RegionOfInterest { x_offset: 100, y_offset: 50, height: 200, width: 800, do_rectify: false };
        (info.binning_x, info.binning_y) = (2, 4);
        let windowed = info.to_camera(camera().t_camera_lidar).unwrap();
        let seen = windowed.project_lidar_point([20.0, 3.0, -1.0]).unwrap();
        assert!((seen.u - (full.u - 100.0) / 2.0).abs() < 1e-9 && (seen.v - (full.v - 50.0) / 4.0).abs() < 1e-9);
        assert_eq!((windowed.width, windowed.height), (400, 50));
    }

    #[test]
    fn what_is_not_calibrated_or_not_rectified_is_no_camera() {
        let mut info = CameraInfo { width: 10, height: 10, ..Default::default() };
        assert!(info.to_camera(Transform::identity()).unwrap_err().to_string().contains("calibrated"));
        info.k = [5.0, 0.0, 5.0, 0.0, 5.0, 5.0, 0.0, 0.0, 1.0];
        assert!(info.to_camera(Transform::identity()).is_ok());
        info.r = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
        assert!(info.to_camera(Transform::identity()).unwrap_err().to_string().contains("rotation"));
        info.d = vec![0.1];
        assert!(info.to_camera(Transform::identity()).unwrap_err().to_string().contains("distortion"));
        info.d = vec![f64::NAN];
        assert!(info.to_camera(Transform::identity()).unwrap_err().to_string().contains("finite"));
    }
}
