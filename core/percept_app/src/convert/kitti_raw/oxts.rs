//! Packets of the GPS and inertial unit as the vehicle's motion.
//!
//! Latitude and longitude go through a Mercator projection whose scale is that of the first packet's latitude; roll,
//! pitch and yaw turn about x, y and z. Odometry starts where the vehicle stood at the first packet that can be read.
//! Source  Geiger et al., IJRR 2013, section 3.3, and `convertOxtsToPose` of the raw data development kit.

use super::super::data_files::{TextLines, numbered_files};
use super::timestamps::Timestamps;
use crate::AppError;
use percept_types::{Stamp, Transform};
use std::path::{Path, PathBuf};

/// Radius of the Earth that KITTI's projection uses, metres.
const EARTH_RADIUS_M: f64 = 6_378_137.0;

/// A packet further from the sweep than this is not the sweep's, seconds.
const MAX_APART_S: f64 = 0.1;

/// A packet, of which 30 numbers are there: latitude, longitude (degrees), altitude (m), roll, pitch, yaw (rad), speeds
/// north, east, ahead, left, up (m/s), accelerations, turn rates x, y, z (17 to 19) and ahead, left, up (rad/s), quality.
type Packet = [f64; 30];
const YAW: usize = 5;
const SPEED_AHEAD: usize = 8;
const YAW_RATE: usize = 22;

/// The packets of a drive.
pub(super) struct OxtsTrack {
    folder: PathBuf,
    times: Option<Timestamps>,
    t_base_imu: Transform,
    /// Scale of the projection and the pose of the first packet.
    scale: f64,
    t_imu0_map: Transform,
}

/// How the vehicle moves.
#[derive(Clone, Copy)]
pub(super) struct Motion {
    pub(super) t_odom_base: Transform,
    pub(super) speed_mps_yaw_rate_radps: [f64; 2],
}

impl OxtsTrack {
    /// `None` where there is no packet that can be read: odometry starts at the first that can.
    pub(super) fn open(folder: &Path, t_base_imu: Transform) -> Result<Option<Self>, AppError> {
        let numbers = numbered_files(&folder.join("data"), "txt")?;
        let times = Timestamps::read_if_there(&folder.join("timestamps.txt"))?;
        let mut track =
            Self { folder: folder.to_owned(), times, t_base_imu, scale: 1.0, t_imu0_map: Transform::identity() };
        let Some(first) = numbers.into_iter().find_map(|(number, _)| track.packet(number).ok().flatten()) else {
            return Ok(None);
        };
        track.scale = first[0].to_radians().cos();
        track.t_imu0_map = track.t_map_imu(&first).inverse();
        Ok(Some(track))
    }

    /// The vehicle at the stamp of the sweep of this number, from the packet of the same number moved on by its own
    /// speed; `None` where the packet is missing.
    pub(super) fn at(&self, number: u64, stamp: Stamp) -> Result<Option<Motion>, AppError> {
        let Some(packet) = self.packet(number)? else { return Ok(None) };
        let apart_s = match &self.times {
            Some(times) => stamp.seconds_since(times.at(number)?),
            None => 0.0,
        };
        if apart_s.abs() > MAX_APART_S {
            let reason =
                format!("packet {number} lies {apart_s:.3} s from its sweep, expected at most {MAX_APART_S} s");
            return Err(AppError::data_file(&self.folder.join("timestamps.txt"), reason));
        }
        let (speed_mps, yaw_rate_radps) = (packet[SPEED_AHEAD], packet[YAW_RATE]);
        let t_imu0_imu = self.t_imu0_map * self.t_map_imu(&packet);
        let t_odom_base = self.t_base_imu * t_imu0_imu * self.t_base_imu.inverse();
        let moved_on = Transform::from_yaw([speed_mps * apart_s, 0.0, 0.0], yaw_rate_radps * apart_s);
        Ok(Some(Motion { t_odom_base: t_odom_base * moved_on, speed_mps_yaw_rate_radps: [speed_mps, yaw_rate_radps] }))
    }

    fn packet(&self, number: u64) -> Result<Option<Packet>, AppError> {
        let path = self.folder.join("data").join(format!("{number:010}.txt"));
        TextLines::read_if_there(&path)?.map(|lines| lines.numbers(0)).transpose()
    }

    fn t_map_imu(&self, packet: &Packet) -> Transform {
        let [latitude_deg, longitude_deg, altitude_m, roll_rad, pitch_rad, ..] = *packet;
        let east_m = self.scale * EARTH_RADIUS_M * longitude_deg.to_radians();
        let north_m =
            self.scale * EARTH_RADIUS_M * (std::f64::consts::FRAC_PI_4 + latitude_deg.to_radians() / 2.0).tan().ln();
        let about = |axis: usize, angle_rad: f64| {
            let (sin, cos) = (angle_rad / 2.0).sin_cos();
            let mut quaternion_xyzw = [0.0, 0.0, 0.0, cos];
            quaternion_xyzw[axis] = sin;
            Transform::from_parts([0.0; 3], quaternion_xyzw).unwrap_or_else(Transform::identity)
        };
        let turned = about(2, packet[YAW]) * about(1, pitch_rad) * about(0, roll_rad);
        Transform::from_yaw([east_m, north_m, altitude_m], 0.0) * turned
    }
}
