//! A sensor file: JSON as it is written, and what is checked before it is a sensor.
//!
//! Tables have one number a ring, from the highest ring down; one that is left out is all 0.

use super::{DropOutLaw, IntensityLaw, LidarModel, PointDriver, Ring, RingOrder, Rotation, SignalLaw, SweepMotion};
use crate::error::SimError;
use serde::Deserialize;

/// Rings and azimuth steps that a sensor may have.
const MAX_RINGS: usize = 256;
const MAX_STEPS: usize = 8192;

/// The keys of a sensor file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SensorFile {
    name: String,
    source: String,
    driver: PointDriver,
    ring_order: RingOrder,
    sweep: SweepMotion,
    rotation: Rotation,
    start_azimuth_deg: f64,
    elevation_deg: Vec<f32>,
    #[serde(default)]
    azimuth_offset_deg: Vec<f32>,
    #[serde(default)]
    fire_time_us: Vec<f32>,
    #[serde(default)]
    origin_forward_m: Vec<f32>,
    #[serde(default)]
    origin_left_m: Vec<f32>,
    #[serde(default)]
    origin_up_m: Vec<f32>,
    azimuth_steps: usize,
    azimuth_quantum_deg: f64,
    rotation_hz: f64,
    range_m: [f32; 2],
    #[serde(default)]
    range_quantum_m: f32,
    mounting_height_m: f64,
    mounting_pitch_deg: f64,
    #[serde(default)]
    mounting_yaw_deg: f64,
    range_noise_m: f32,
    azimuth_noise_deg: f32,
    drop_out: DropOutLaw,
    intensity: IntensityLaw,
    signal: Option<SignalLaw>,
}

/// A sensor from its JSON text; `file` names the file in errors.
pub fn parse(file: &str, text: &str) -> Result<LidarModel, SimError> {
    let keys: SensorFile = serde_json::from_str(text).map_err(|error| {
        let reason = match key_above(text, error.line()) {
            Some(key) if !error.to_string().starts_with("missing field") => format!("{key}: {error}"),
            _ => error.to_string(),
        };
        SimError::SensorFile { file: file.to_owned(), reason }
    })?;
    Checked { file }.keys(&keys)?;
    Ok(keys.into_model())
}

/// The key to which a line belongs: the last one that begins a line up to it.
fn key_above(text: &str, line: usize) -> Option<&str> {
    let lines: Vec<&str> = text.lines().take(line).collect();
    lines.iter().rev().find_map(|line| line.trim_start().strip_prefix('"')?.split_once("\":").map(|(key, _)| key))
}

impl SensorFile {
    fn tables(&self) -> [(&'static str, &[f32], [f32; 2]); 5] {
        [
            ("azimuth_offset_deg", &self.azimuth_offset_deg, [-90.0, 90.0]),
            ("fire_time_us", &self.fire_time_us, [0.0, 1e4]),
            ("origin_forward_m", &self.origin_forward_m, [-1.0, 1.0]),
            ("origin_left_m", &self.origin_left_m, [-1.0, 1.0]),
            ("origin_up_m", &self.origin_up_m, [-1.0, 1.0]),
        ]
    }

    fn into_model(self) -> LidarModel {
        let at = |table: &[f32], ring: usize| table.get(ring).copied().unwrap_or_default();
        let ring = |(index, elevation_deg): (usize, &f32)| Ring {
            elevation_deg: *elevation_deg,
            azimuth_offset_deg: at(&self.azimuth_offset_deg, index),
            fire_time_us: at(&self.fire_time_us, index),
            origin_m: [&self.origin_forward_m, &self.origin_left_m, &self.origin_up_m].map(|table| at(table, index)),
        };
        LidarModel {
            rings: self.elevation_deg.iter().enumerate().map(ring).collect(),
            name: self.name,
            source: self.source,
            driver: self.driver,
            ring_order: self.ring_order,
            sweep: self.sweep,
            rotation: self.rotation,
            start_azimuth_deg: self.start_azimuth_deg,
            azimuth_steps: self.azimuth_steps,
            azimuth_quantum_deg: self.azimuth_quantum_deg,
            rotation_hz: self.rotation_hz,
            range_m: self.range_m,
            range_quantum_m: self.range_quantum_m,
            mounting_height_m: self.mounting_height_m,
            mounting_pitch_deg: self.mounting_pitch_deg,
            mounting_yaw_deg: self.mounting_yaw_deg,
            range_noise_m: self.range_noise_m,
            azimuth_noise_deg: self.azimuth_noise_deg,
            drop_out: self.drop_out,
            intensity: self.intensity,
            signal: self.signal,
        }
    }
}

/// Refuses what no sensor has, by file and key.
struct Checked<'a> {
    file: &'a str,
}

impl Checked<'_> {
    fn refuse(&self, key: &'static str, found: String, expected: &'static str) -> Result<(), SimError> {
        Err(SimError::SensorSetting { file: self.file.to_owned(), key, found, expected })
    }

    fn within(
        &self,
        key: &'static str,
        found: f64,
        [low, high]: [f64; 2],
        expected: &'static str,
    ) -> Result<(), SimError> {
        if (low..=high).contains(&found) { Ok(()) } else { self.refuse(key, found.to_string(), expected) }
    }

    fn keys(&self, keys: &SensorFile) -> Result<(), SimError> {
        self.rings(keys)?;
        self.turning(keys)?;
        self.laws(keys)
    }

    fn rings(&self, keys: &SensorFile) -> Result<(), SimError> {
        let elevations = &keys.elevation_deg;
        if elevations.is_empty() || elevations.len() > MAX_RINGS {
            return self.refuse("elevation_deg", format!("{} rings", elevations.len()), "1 to 256 rings");
        }
        if let Some(found) = elevations.iter().find(|e| e.is_nan() || e.abs() >= 90.0) {
            return self.refuse("elevation_deg", found.to_string(), "angles between -90 and 90 degrees");
        }
        if let Some(pair) = elevations.windows(2).find(|pair| pair[1] >= pair[0]) {
            let found = format!("{} followed by {}", pair[0], pair[1]);
            return self.refuse("elevation_deg", found, "angles that fall from the highest ring down");
        }
        for (key, table, [low, high]) in keys.tables() {
            if !table.is_empty() && table.len() != elevations.len() {
                let found = format!("{} numbers for {} rings", table.len(), elevations.len());
                return self.refuse(key, found, "one number a ring, or none at all");
            }
            if let Some(found) = table.iter().find(|value| !(low..=high).contains(*value)) {
                let expected = "offsets up to 90 degrees, times of 0 to 10000 us, origins within a metre";
                return self.refuse(key, found.to_string(), expected);
            }
        }
        Ok(())
    }

    fn turning(&self, keys: &SensorFile) -> Result<(), SimError> {
        if keys.azimuth_steps == 0 || keys.azimuth_steps > MAX_STEPS {
            return self.refuse("azimuth_steps", keys.azimuth_steps.to_string(), "1 to 8192");
        }
        let [near, far] = keys.range_m;
        if !(near >= 0.0 && far > near && far <= 1000.0) {
            let expected = "the nearest, then the farthest in metres, up to 1000";
            return self.refuse("range_m", format!("{:?}", keys.range_m), expected);
        }
        let angle = "an angle of -360 to 360 degrees";
        self.within("start_azimuth_deg", keys.start_azimuth_deg, [-360.0, 360.0], angle)?;
        self.within("mounting_yaw_deg", keys.mounting_yaw_deg, [-360.0, 360.0], angle)?;
        self.within("mounting_pitch_deg", keys.mounting_pitch_deg, [-90.0, 90.0], "-90 to 90 degrees")?;
        self.within("mounting_height_m", keys.mounting_height_m, [0.01, 20.0], "0.01 to 20 metres")?;
        self.within("azimuth_quantum_deg", keys.azimuth_quantum_deg, [0.0, 90.0], "0 to 90 degrees")?;
        self.within("rotation_hz", keys.rotation_hz, [0.1, 200.0], "0.1 to 200 revolutions a second")?;
        let step_us = 1e6 / keys.rotation_hz / keys.azimuth_steps as f64;
        match keys.fire_time_us.iter().find(|time| f64::from(**time) >= step_us) {
            Some(time) => self.refuse("fire_time_us", time.to_string(), "times within one azimuth step"),
            None => Ok(()),
        }
    }

    fn laws(&self, keys: &SensorFile) -> Result<(), SimError> {
        let (drop_out, intensity) = (&keys.drop_out, &keys.intensity);
        let knots = &intensity.falloff;
        if !knots.iter().flatten().all(|v| v.is_finite()) || knots.windows(2).any(|w| w[1][0] <= w[0][0]) {
            return self.refuse("intensity.falloff", format!("{knots:?}"), "pairs of rising range and factor");
        }
        let widths = [
            ("range_noise_m", keys.range_noise_m),
            ("range_quantum_m", keys.range_quantum_m),
            ("azimuth_noise_deg", keys.azimuth_noise_deg),
            ("drop_out.half_signal", drop_out.half_signal),
            ("drop_out.steepness", drop_out.steepness),
            ("intensity.noise", intensity.noise),
            ("intensity.ring_spread", intensity.ring_spread),
            ("intensity.quantum", intensity.quantum),
            ("intensity.gain", intensity.gain),
            ("intensity.full_scale", intensity.full_scale),
            ("signal.photons_m2", keys.signal.as_ref().map_or(0.0, |s| s.photons_m2)),
            ("signal.near_m", keys.signal.as_ref().map_or(0.0, |s| s.near_m)),
        ];
        for (key, found) in widths {
            self.within(key, f64::from(found), [0.0, 1e9], "a finite number of 0 or more")?;
        }
        for (key, share) in
            [("drop_out.base", drop_out.base), ("intensity.incidence_weight", intensity.incidence_weight)]
        {
            self.within(key, f64::from(share), [0.0, 1.0], "a share of 0 to 1")?;
        }
        match (keys.driver, &keys.signal) {
            (PointDriver::Ouster, None) => {
                self.refuse("signal", "nothing".to_owned(), "the photons that Ouster reports")
            }
            _ => Ok(()),
        }
    }
}
