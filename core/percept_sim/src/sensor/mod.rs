//! A spinning LiDAR as data: rings, azimuth steps, range, noise, drop-out and intensity laws, mounting.
//!
//! Sensors are JSON files (`sensors/`); [`LidarModel::named_or_from_file`] finds a shipped one or reads another.

mod file;
mod laws;
mod shipped;

pub use laws::{DropOutLaw, IntensityDraws, IntensityLaw, SignalLaw};

use crate::error::SimError;
use crate::vector::Vec3;
use serde::Deserialize;

/// Whose layout of PointCloud2 the sensor's points are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointDriver {
    /// velodyne_pointcloud: no order, x y z intensity ring time.
    Velodyne,
    /// ouster-ros: a row a ring and a column an azimuth, zeros where nothing returned.
    Ouster,
    /// HesaiLidar_ROS: no order, x y z intensity ring timestamp.
    Hesai,
}

/// How the driver numbers rings, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RingOrder {
    /// The highest ring is 0.
    TopDown,
    /// The lowest ring is 0.
    BottomUp,
}

/// What the vehicle's own motion does to a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SweepMotion {
    /// Points are where the sensor saw them from where it was at their time, as drivers give them.
    Rolling,
    /// Points are as if the sensor had stood still, as KITTI gives them.
    MotionCompensated,
}

/// Which way the head turns, seen from above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// Azimuths fall.
    Clockwise,
    /// Azimuths rise.
    CounterClockwise,
}

impl Rotation {
    /// -1 or +1: what an angle in the sense of rotation is multiplied with to be an azimuth.
    pub fn sign(self) -> f64 {
        match self {
            Self::Clockwise => -1.0,
            Self::CounterClockwise => 1.0,
        }
    }
}

/// One laser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ring {
    /// Angle above the sensor's horizontal plane.
    pub elevation_deg: f32,
    /// Angle by which it looks ahead of the head, in the sense of rotation.
    pub azimuth_offset_deg: f32,
    /// When it fires after the step begins; the head has turned on by then.
    pub fire_time_us: f32,
    /// Where its beam starts, forward along its azimuth, left of it, and up.
    pub origin_m: [f32; 3],
}

/// A spinning LiDAR.
#[derive(Clone, Debug, PartialEq)]
pub struct LidarModel {
    /// The maker's name for it.
    pub name: String,
    /// Where its numbers come from.
    pub source: String,
    /// Whose layout its clouds have.
    pub driver: PointDriver,
    /// How rings are numbered in clouds.
    pub ring_order: RingOrder,
    /// Whether clouds show the vehicle's motion.
    pub sweep: SweepMotion,
    /// Which way it turns.
    pub rotation: Rotation,
    /// Azimuth (counter-clockwise from +x) at which a sweep begins.
    pub start_azimuth_deg: f64,
    /// The lasers, from the top down.
    pub rings: Vec<Ring>,
    /// Firings of each laser in a revolution.
    pub azimuth_steps: usize,
    /// Step of the encoder in degrees; 0 where azimuths are not rounded.
    pub azimuth_quantum_deg: f64,
    /// Revolutions a second.
    pub rotation_hz: f64,
    /// Nearest and farthest range reported.
    pub range_m: [f32; 2],
    /// Step of the reported range; 0 where it is not rounded.
    pub range_quantum_m: f32,
    /// Height of its origin above the ground.
    pub mounting_height_m: f64,
    /// Pitch of its axes against the vehicle, positive with the front down.
    pub mounting_pitch_deg: f64,
    /// Heading of its x axis on the vehicle, counter-clockwise.
    pub mounting_yaw_deg: f64,
    /// Standard deviation of the range.
    pub range_noise_m: f32,
    /// Standard deviation of the azimuth.
    pub azimuth_noise_deg: f32,
    /// When returns get lost.
    pub drop_out: DropOutLaw,
    /// How bright returns are.
    pub intensity: IntensityLaw,
    /// Photons of returns, where the sensor counts them.
    pub signal: Option<SignalLaw>,
}

impl LidarModel {
    /// A sensor from its JSON text; `name` names the file in errors.
    ///
    /// # Errors
    /// When the text is no sensor or holds impossible numbers.
    pub fn from_json(name: &str, text: &str) -> Result<Self, SimError> {
        file::parse(name, text)
    }

    /// Whether clouds show the vehicle's motion.
    pub fn is_rolling(&self) -> bool {
        self.sweep == SweepMotion::Rolling
    }

    /// Seconds of a revolution.
    pub fn period_s(&self) -> f64 {
        1.0 / self.rotation_hz
    }

    /// Azimuth of the head at a step in radians, counter-clockwise from +x, within half a turn of 0.
    pub fn azimuth_rad(&self, step: usize) -> f64 {
        let turned = (step as f64 + 0.5) * 360.0 / self.azimuth_steps as f64;
        let degrees = self.rotation.sign() * turned + self.start_azimuth_deg;
        let quantum = self.azimuth_quantum_deg;
        let reported = if quantum > 0.0 { (degrees / quantum).round() * quantum } else { degrees };
        let wrapped = if reported.abs() > 180.0 { reported - 360.0 * (reported / 360.0).round() } else { reported };
        wrapped.to_radians()
    }

    /// What a ring's azimuth differs by from that of the head when the step begins, in radians.
    pub fn azimuth_offset_rad(&self, ring: &Ring) -> f64 {
        let turned_deg = 360.0 * self.rotation_hz * f64::from(ring.fire_time_us) * 1e-6;
        self.rotation.sign() * (f64::from(ring.azimuth_offset_deg) + turned_deg).to_radians()
    }

    /// The largest of these, whatever its sign.
    pub fn max_azimuth_offset_rad(&self) -> f64 {
        self.rings.iter().map(|ring| self.azimuth_offset_rad(ring).abs()).fold(0.0, f64::max)
    }

    /// Seconds from the moment that a cloud's stamp tells to a firing: of a rolling sweep from its beginning, of a
    /// motion-compensated one from the moment the sensor looks ahead (negative before).
    pub fn time_offset_s(&self, step: usize, ring: &Ring) -> f64 {
        match self.sweep {
            SweepMotion::MotionCompensated => {
                ((step as f64 + 0.5) / self.azimuth_steps as f64 - 0.5) / self.rotation_hz
            }
            SweepMotion::Rolling => {
                step as f64 / self.azimuth_steps as f64 / self.rotation_hz + f64::from(ring.fire_time_us) * 1e-6
            }
        }
    }

    /// Seconds from the stamp to the middle of the sweep.
    pub fn middle_s(&self) -> f64 {
        if self.is_rolling() { 0.5 / self.rotation_hz } else { 0.0 }
    }

    /// Seconds from the beginning of a sweep to when the head looks at an azimuth.
    pub fn seconds_to_azimuth(&self, azimuth_rad: f64) -> f64 {
        let turned_deg = self.rotation.sign() * (azimuth_rad.to_degrees() - self.start_azimuth_deg);
        turned_deg.rem_euclid(360.0) / 360.0 / self.rotation_hz
    }

    /// Number that the driver gives to a ring, counted here from the top.
    pub fn ring_number(&self, ring: usize) -> usize {
        match self.ring_order {
            RingOrder::TopDown => ring,
            RingOrder::BottomUp => self.rings.len() - 1 - ring,
        }
    }

    /// Columns by which each ring's pixels are moved in an organised cloud, so that a column has one azimuth.
    pub fn column_shifts(&self) -> Vec<usize> {
        let least = self.rings.iter().map(|ring| ring.azimuth_offset_deg).fold(f32::MAX, f32::min);
        let columns = self.azimuth_steps as f32 / 360.0;
        self.rings.iter().map(|ring| ((ring.azimuth_offset_deg - least) * columns).round() as usize).collect()
    }

    /// Origin and unit direction of a ray in the sensor's frame.
    pub fn ray(&self, ring: &Ring, azimuth_rad: f32) -> (Vec3, Vec3) {
        let (sin_elevation, cos_elevation) = ring.elevation_deg.to_radians().sin_cos();
        let (sin_azimuth, cos_azimuth) = azimuth_rad.sin_cos();
        let direction = Vec3::new(cos_elevation * cos_azimuth, cos_elevation * sin_azimuth, sin_elevation);
        let [forward, left, up] = ring.origin_m;
        let origin =
            Vec3::new(forward * cos_azimuth - left * sin_azimuth, forward * sin_azimuth + left * cos_azimuth, up);
        (origin, direction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::material::Material;

    const HDL_64E: &str = include_str!("../../sensors/hdl64e_kitti.json");
    const VLP_16: &str = include_str!("../../sensors/vlp16.json");

    fn shipped() -> Vec<LidarModel> {
        LidarModel::shipped().map(|name| LidarModel::named_or_from_file(name).unwrap()).collect()
    }

    #[test]
    fn kittis_hdl64e_has_64_rows_falling_from_2_to_minus_25_degrees_in_two_blocks() {
        let sensor = LidarModel::hdl64e_kitti().unwrap();
        let elevation = |ring: usize| sensor.rings[ring].elevation_deg;
        assert_eq!(sensor.rings.len(), 64);
        assert!((elevation(0) - 2.0).abs() < 0.2 && (elevation(63) + 24.9).abs() < 0.3);
        let step = |a: usize, b: usize| (elevation(a) - elevation(b)) / (b - a) as f32;
        assert!((step(0, 31) - 1.0 / 3.0).abs() < 0.03, "upper block: {}", step(0, 31));
        assert!((step(32, 63) - 0.5).abs() < 0.03, "lower block: {}", step(32, 63));
        assert!(!sensor.is_rolling());
    }

    #[test]
    fn shipped_sensors_have_the_rings_and_fields_of_view_that_their_makers_publish() {
        // Rings, highest, lowest elevation in degrees, firings of a laser each second at 10 Hz.
        let expected = [
            (64, 1.94, -25.0, 20830),
            (64, 1.96, -24.56, 20830),
            (16, 15.0, -15.0, 18080),
            (32, 15.0, -25.0, 18080),
            (64, 16.73, -16.68, 10240),
            (128, 20.95, -21.82, 10240),
            (40, 15.21, -24.57, 18000),
            (128, 14.44, -25.02, 18000),
        ];
        for (sensor, (rings, highest, lowest, firings)) in shipped().iter().zip(expected) {
            let (first, last) = (sensor.rings[0].elevation_deg, sensor.rings[rings - 1].elevation_deg);
            assert_eq!(sensor.rings.len(), rings, "{}", sensor.name);
            assert!((first - highest).abs() < 0.01 && (last - lowest).abs() < 0.01, "{}: {first} {last}", sensor.name);
            assert_eq!((sensor.azimuth_steps as f64 * sensor.rotation_hz) as usize, firings, "{}", sensor.name);
            assert!(sensor.source.len() > 100, "{} says where its numbers come from", sensor.name);
        }
    }

    #[test]
    fn azimuths_are_multiples_of_the_encoder_step_and_cover_the_circle() {
        let sensor = LidarModel::hdl64e_kitti().unwrap();
        let degrees: Vec<f64> = (0..sensor.azimuth_steps).map(|i| sensor.azimuth_rad(i).to_degrees()).collect();
        assert!(degrees.iter().all(|d| ((d / 0.09).round() * 0.09 - d).abs() < 1e-9));
        assert!(degrees.windows(2).all(|w| w[1] - w[0] > 0.08 && w[1] - w[0] < 0.19));
    }

    #[test]
    fn rolling_sensors_begin_behind_the_vehicle_and_turn_clockwise() {
        for sensor in shipped().iter().filter(|sensor| sensor.is_rolling()) {
            let bearing = |step: usize| sensor.azimuth_rad(step).to_degrees() + sensor.mounting_yaw_deg;
            let (first, quarter) = (bearing(0), bearing(sensor.azimuth_steps / 4));
            assert!((first.rem_euclid(360.0) - 180.0).abs() < 0.3, "{}: {first}", sensor.name);
            assert!((quarter.rem_euclid(360.0) - 90.0).abs() < 0.5, "{}: a quarter later {quarter}", sensor.name);
            let time_s = sensor.seconds_to_azimuth(sensor.azimuth_rad(100));
            assert!((time_s - sensor.time_offset_s(100, &sensor.rings[0])).abs() < 1e-4, "{}", sensor.name);
        }
    }

    #[test]
    fn firing_times_lie_within_a_step_and_turn_the_azimuth() {
        let sensor = LidarModel::named_or_from_file("VLP16").unwrap();
        // Laser 15 looks up by 15 degrees and fires last, after 15 x 2.304 us in which the head turns by 0.12 degrees.
        let turned = sensor.azimuth_offset_rad(&sensor.rings[0]).to_degrees();
        assert!((turned + 3600.0 * 15.0 * 2.304e-6).abs() < 1e-6, "{turned}");
        assert_eq!((sensor.ring_number(0), sensor.ring_number(15)), (15, 0));
    }

    #[test]
    fn the_columns_of_ousters_image_are_shifted_as_its_metadata_says() {
        let sensor = LidarModel::named_or_from_file("os1-128").unwrap();
        assert_eq!(sensor.column_shifts()[..4], [24, 16, 8, 0]);
        let shifts = sensor.column_shifts();
        assert!(shifts.chunks(4).all(|four| four == [24, 16, 8, 0]), "{shifts:?}");
    }

    #[test]
    fn far_dark_and_grazing_returns_are_lost_more_often() {
        let law = LidarModel::hdl64e_kitti().unwrap().drop_out;
        let paint = |reflectance| Material::opaque(10, reflectance, 0.0);
        assert!(law.keep(&paint(0.3), 0.9, 10.0) > 0.98);
        assert!(law.keep(&paint(0.3), 0.9, 70.0) < law.keep(&paint(0.3), 0.9, 30.0));
        assert!(law.keep(&paint(0.05), 0.9, 60.0) < law.keep(&paint(0.5), 0.9, 60.0));
        assert!(law.keep(&paint(0.2), 0.02, 60.0) < 0.4);
    }

    #[test]
    fn a_broken_file_is_refused_with_file_and_key() {
        let refused = |from: &str, to: &str, key: &str| {
            assert!(VLP_16.contains(from), "{from}");
            let error = LidarModel::from_json("mine.json", &VLP_16.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains("mine.json") && error.contains(key), "{to}: {error}");
        };
        refused("rotation_hz", "rotation_herz", "rotation_herz");
        refused("\"rotation_hz\": 10.0", "\"rotation_hz\": NaN", "rotation_hz");
        refused("\"rotation_hz\": 10.0", "\"rotation_hz\": -10.0", "rotation_hz");
        refused("\"azimuth_steps\": 1808", "\"azimuth_steps\": -1", "azimuth_steps");
        refused("\"azimuth_steps\": 1808", "\"azimuth_steps\": 0", "azimuth_steps");
        refused("[0.4, 100.0]", "[100.0, 0.4]", "range_m");
        refused("13.0, 11.0", "11.0, 13.0", "elevation_deg");
        refused("15.0, 13.0", "95.0, 13.0", "elevation_deg");
        refused("15.0, 13.0", "15.0, 14.0, 13.0", "fire_time_us");
        refused("\"range_noise_m\": 0.015", "\"range_noise_m\": -0.015", "range_noise_m");
        refused("\"velodyne\"", "\"velodine\"", "velodine");
        refused("\"velodyne\"", "\"ouster\"", "signal");
        assert!(LidarModel::from_json("kitti.json", HDL_64E).is_ok());
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_shipped_ones() {
        let error = LidarModel::named_or_from_file("vlp-17").unwrap_err().to_string();
        assert!(error.contains("vlp-17") && error.contains("vlp-16") && error.contains("pandar128"), "{error}");
    }
}
