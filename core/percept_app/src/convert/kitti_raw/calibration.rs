//! The calibration of a day: LiDAR to camera 0, the rectified cameras, the inertial unit.

use super::{TextLines, rotation_and_translation};
use crate::AppError;
use percept_types::{Camera, Transform};
use std::path::{Path, PathBuf};

/// The three files of a date's folder.
pub(super) struct DateCalibration {
    cameras_path: PathBuf,
    cameras: TextLines,
    /// From the LiDAR to camera 0 before rectification.
    t_camera0_lidar: Transform,
    /// R_rect_00, as a turn.
    t_rectified_camera0: Transform,
    /// Where the inertial unit sits; `None` without calib_imu_to_velo.txt.
    pub(super) t_lidar_imu: Option<Transform>,
}

impl DateCalibration {
    /// `None` where the cameras' calibration is missing.
    pub(super) fn read_if_there(date: &Path) -> Result<Option<Self>, AppError> {
        let [cameras_path, lidar_path, imu_path] =
            ["calib_cam_to_cam.txt", "calib_velo_to_cam.txt", "calib_imu_to_velo.txt"].map(|name| date.join(name));
        let (Some(cameras), Some(lidar)) =
            (TextLines::read_if_there(&cameras_path)?, TextLines::read_if_there(&lidar_path)?)
        else {
            return Ok(None);
        };
        let r: [f64; 9] = cameras.numbers_of("R_rect_00")?;
        let rows = [r[0], r[1], r[2], 0.0, r[3], r[4], r[5], 0.0, r[6], r[7], r[8], 0.0];
        if !Transform::is_rigid(&rows) {
            return Err(AppError::data_file(&cameras_path, "R_rect_00 is no rotation, row-major"));
        }
        let imu = TextLines::read_if_there(&imu_path)?;
        Ok(Some(Self {
            t_camera0_lidar: rotation_and_translation(&lidar, &lidar_path, ["R", "T"])?,
            t_rectified_camera0: Transform::from_matrix_3x4(&rows),
            t_lidar_imu: imu.map(|imu| rotation_and_translation(&imu, &imu_path, ["R", "T"])).transpose()?,
            cameras_path,
            cameras,
        }))
    }

    /// A rectified camera: P_rect_0N of the frame that all four share.
    pub(super) fn camera(&self, number: usize) -> Result<Camera, AppError> {
        let [width, height] = self.cameras.numbers_of(&format!("S_rect_{number:02}"))?;
        let is_size = |pixels: f64| (1.0..65536.0).contains(&pixels) && pixels.fract() == 0.0;
        if !(is_size(width) && is_size(height)) {
            let reason = format!("S_rect_{number:02} is {width} x {height}, expected whole pixels");
            return Err(AppError::data_file(&self.cameras_path, reason));
        }
        Ok(Camera {
            width: width as usize,
            height: height as usize,
            projection: self.cameras.numbers_of(&format!("P_rect_{number:02}"))?,
            t_camera_lidar: self.t_rectified_camera0 * self.t_camera0_lidar,
        })
    }
}
