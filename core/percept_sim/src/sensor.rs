//! A spinning LiDAR as data: rings, azimuth steps, range, noise, drop-out and intensity laws, mounting.

use crate::error::SimError;
use crate::material::Material;
use crate::vector::Vec3;
use serde::{Deserialize, Serialize};

const HDL_64E: &str = include_str!("../sensors/hdl64e.json");

/// When a return is too weak to be reported: a logistic law in the logarithm of `reflectance * cos(incidence) / range^2`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropOutLaw {
    /// Share lost however strong the return.
    pub base: f32,
    /// Signal (1/m^2) at which half of the returns are lost.
    pub half_signal: f32,
    /// Exponent of the signal ratio.
    pub steepness: f32,
}

impl DropOutLaw {
    /// Probability that a return is strong enough to be reported.
    pub fn keep(&self, material: &Material, cos_incidence: f32, range_m: f32) -> f32 {
        let signal = (material.reflectance.max(0.0) + 0.02) * cos_incidence.max(1e-3) / (range_m * range_m);
        let strong = 1.0 / (1.0 + (self.half_signal / signal).powf(self.steepness));
        strong * (1.0 - self.base)
    }
}

/// How intensity follows from the material.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntensityLaw {
    /// Share of the intensity that falls with the cosine of the incidence; the sensor corrects the rest.
    pub incidence_weight: f32,
    /// Range in metres and the factor left there, by rising range; straight lines between.
    pub falloff: Vec<[f32; 2]>,
    /// Standard deviation of the offset that each laser has for good.
    pub ring_spread: f32,
    /// Standard deviation of the sensor's own noise.
    pub noise: f32,
    /// Step of the reported values.
    pub quantum: f32,
}

impl IntensityLaw {
    /// Reported intensity, 0 to 1. `draws` are standard normal: the laser's offset, the surface's texture, noise.
    pub fn intensity(&self, material: &Material, cos_incidence: f32, range_m: f32, draws: [f32; 3]) -> f32 {
        let [laser, texture, noise] = draws;
        let lit = 1.0 - self.incidence_weight * (1.0 - cos_incidence);
        let seen = (material.reflectance * lit + material.spread * texture) * self.factor_at(range_m);
        let value = seen + self.ring_spread * laser + self.noise * noise;
        let stepped = if self.quantum > 0.0 { (value / self.quantum).round() * self.quantum } else { value };
        stepped.clamp(0.0, 0.99)
    }

    fn factor_at(&self, range_m: f32) -> f32 {
        let beyond = self.falloff.iter().position(|knot| knot[0] > range_m);
        match (beyond, self.falloff.last()) {
            (Some(0), _) => self.falloff[0][1],
            (Some(index), _) => {
                let ([from, high], [to, low]) = (self.falloff[index - 1], self.falloff[index]);
                high + (low - high) * (range_m - from) / (to - from)
            }
            (None, Some(last)) => last[1],
            (None, None) => 1.0,
        }
    }
}

/// A spinning LiDAR.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LidarModel {
    /// The maker's name for it.
    pub name: String,
    /// Where its numbers come from.
    pub source: String,
    /// Elevation in degrees and height above the sensor's origin in metres of each laser, from the top down.
    pub rings: Vec<[f32; 2]>,
    /// Firings of each laser in a revolution.
    pub azimuth_steps: usize,
    /// Step of the encoder in degrees; 0 where azimuths are not rounded.
    pub azimuth_quantum_deg: f64,
    /// Revolutions a second.
    pub rotation_hz: f64,
    /// Nearest and farthest range reported.
    pub range_m: [f32; 2],
    /// Height of its origin above the ground.
    pub mounting_height_m: f64,
    /// Pitch of its axes against the vehicle, positive with the front down.
    pub mounting_pitch_deg: f64,
    /// Standard deviation of the range.
    pub range_noise_m: f32,
    /// Standard deviation of the azimuth.
    pub azimuth_noise_deg: f32,
    /// When returns get lost.
    pub drop_out: DropOutLaw,
    /// How bright returns are.
    pub intensity: IntensityLaw,
}

impl LidarModel {
    /// The Velodyne HDL-64E of KITTI's car.
    ///
    /// # Errors
    /// When the shipped file is damaged.
    pub fn hdl64e() -> Result<Self, SimError> {
        Self::from_json("sensors/hdl64e.json", HDL_64E)
    }

    /// A sensor from its JSON text; `name` names the file in errors.
    ///
    /// # Errors
    /// When the text is no sensor or holds impossible numbers.
    pub fn from_json(name: &str, text: &str) -> Result<Self, SimError> {
        let sensor: Self = serde_json::from_str(text)
            .map_err(|error| SimError::SensorFile { file: name.to_owned(), reason: error.to_string() })?;
        sensor.validate(name)?;
        Ok(sensor)
    }

    fn validate(&self, name: &str) -> Result<(), SimError> {
        let refuse = |reason: String| Err(SimError::SensorFile { file: name.to_owned(), reason });
        if self.rings.is_empty() || self.rings.len() > 256 {
            return refuse(format!("{} rings: 1 to 256 are possible", self.rings.len()));
        }
        if let Some(ring) = self.rings.iter().find(|r| !(r[0].abs() < 90.0 && r[1].is_finite())) {
            return refuse(format!("a ring at {} degrees, {} m: angles lie between -90 and 90", ring[0], ring[1]));
        }
        if self.azimuth_steps == 0 || self.azimuth_steps > 8192 {
            return refuse(format!("{} azimuth steps: 1 to 8192 are possible", self.azimuth_steps));
        }
        if !(self.range_m[0] >= 0.0 && self.range_m[1] > self.range_m[0] && self.range_m[1].is_finite()) {
            return refuse(format!("range {:?}: give the nearest, then the farthest in metres", self.range_m));
        }
        let positive = [self.rotation_hz, self.mounting_height_m];
        if !positive.iter().all(|v| v.is_finite() && *v > 0.0) {
            return refuse(format!("rotation and mounting height are {positive:?}: both must be positive"));
        }
        if !(-90.0..=90.0).contains(&self.mounting_pitch_deg) {
            return refuse(format!("a pitch of {} degrees: -90 to 90 are possible", self.mounting_pitch_deg));
        }
        let knots = &self.intensity.falloff;
        if !knots.iter().flatten().all(|v| v.is_finite()) || knots.windows(2).any(|w| w[1][0] <= w[0][0]) {
            return refuse(format!("intensity falls off by {knots:?}: ranges must rise"));
        }
        let widths = [
            self.range_noise_m,
            self.azimuth_noise_deg,
            self.drop_out.half_signal,
            self.intensity.noise,
            self.intensity.ring_spread,
        ];
        if !widths.iter().all(|v| v.is_finite() && *v >= 0.0) || !(0.0..=90.0).contains(&self.azimuth_quantum_deg) {
            return refuse(format!("a noise or step is negative or no number: {widths:?}"));
        }
        Ok(())
    }

    /// Azimuth of a firing in radians, from -pi (behind, over the right side, ahead at 0) counter-clockwise.
    pub fn azimuth_rad(&self, step: usize) -> f64 {
        let degrees = (step as f64 + 0.5) * 360.0 / self.azimuth_steps as f64 - 180.0;
        let quantum = self.azimuth_quantum_deg;
        let reported = if quantum > 0.0 { (degrees / quantum).round() * quantum } else { degrees };
        reported.to_radians()
    }

    /// Seconds from the moment the sensor looks ahead to a firing; negative before.
    pub fn time_offset_s(&self, step: usize) -> f64 {
        ((step as f64 + 0.5) / self.azimuth_steps as f64 - 0.5) / self.rotation_hz
    }

    /// Origin and unit direction of a ray in the sensor's frame.
    pub fn ray(&self, ring: [f32; 2], azimuth_rad: f32) -> (Vec3, Vec3) {
        let (sin_elevation, cos_elevation) = ring[0].to_radians().sin_cos();
        let (sin_azimuth, cos_azimuth) = azimuth_rad.sin_cos();
        let direction = Vec3::new(cos_elevation * cos_azimuth, cos_elevation * sin_azimuth, sin_elevation);
        (Vec3::new(0.0, 0.0, ring[1]), direction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hdl64e_has_64_rows_falling_from_2_to_minus_25_degrees_in_two_blocks() {
        let sensor = LidarModel::hdl64e().unwrap();
        assert_eq!(sensor.rings.len(), 64);
        assert!(sensor.rings.windows(2).all(|w| w[1][0] < w[0][0]));
        assert!((sensor.rings[0][0] - 2.0).abs() < 0.2 && (sensor.rings[63][0] + 24.9).abs() < 0.3);
        let step = |a: usize, b: usize| (sensor.rings[a][0] - sensor.rings[b][0]) / (b - a) as f32;
        assert!((step(0, 31) - 1.0 / 3.0).abs() < 0.03, "upper block: {}", step(0, 31));
        assert!((step(32, 63) - 0.5).abs() < 0.03, "lower block: {}", step(32, 63));
    }

    #[test]
    fn azimuths_are_multiples_of_the_encoder_step_and_cover_the_circle() {
        let sensor = LidarModel::hdl64e().unwrap();
        let degrees: Vec<f64> = (0..sensor.azimuth_steps).map(|i| sensor.azimuth_rad(i).to_degrees()).collect();
        assert!(degrees.iter().all(|d| ((d / 0.09).round() * 0.09 - d).abs() < 1e-9));
        assert!(degrees.windows(2).all(|w| w[1] - w[0] > 0.08 && w[1] - w[0] < 0.19));
    }

    #[test]
    fn far_dark_and_grazing_returns_are_lost_more_often() {
        let law = LidarModel::hdl64e().unwrap().drop_out;
        let paint = |reflectance| Material::opaque(10, reflectance, 0.0);
        assert!(law.keep(&paint(0.3), 0.9, 10.0) > 0.98);
        assert!(law.keep(&paint(0.3), 0.9, 70.0) < law.keep(&paint(0.3), 0.9, 30.0));
        assert!(law.keep(&paint(0.05), 0.9, 60.0) < law.keep(&paint(0.5), 0.9, 60.0));
        assert!(law.keep(&paint(0.2), 0.02, 60.0) < 0.4);
    }

    #[test]
    fn a_misspelt_key_and_an_impossible_number_are_refused_with_the_file_named() {
        let misspelt = HDL_64E.replace("rotation_hz", "rotation_herz");
        let error = LidarModel::from_json("mine.json", &misspelt).unwrap_err().to_string();
        assert!(error.contains("mine.json") && error.contains("rotation_herz"), "{error}");
        let backwards = HDL_64E.replace("[1.5, 80.0]", "[80.0, 1.5]");
        assert!(LidarModel::from_json("mine.json", &backwards).is_err());
    }
}
