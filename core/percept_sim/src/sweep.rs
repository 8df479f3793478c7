//! The firings of one revolution, and their rays cast.

use crate::camera::{camera_beside, may_see};
use crate::error::SimError;
use crate::frame::{View, WorldConfig};
use crate::random::{mix, normal_from_hash};
use crate::raycast::{Beam, Hit};
use crate::stage::Stage;
use crate::vector::{Vec3, turn_between};
use rayon::prelude::*;
use std::f64::consts::TAU;

/// The firings that a view asks for.
pub(crate) struct Sweep {
    /// Azimuth steps in the order of the cloud: that of their times in a rolling sweep, else from straight ahead
    /// counter-clockwise.
    pub steps: Vec<usize>,
    /// Azimuths of the head at these steps.
    pub azimuths_rad: Vec<f32>,
    /// Half of the sector in radians.
    pub half_width_rad: f64,
    /// The camera that crops, if any.
    pub crop: Option<percept_types::Camera>,
}

impl Sweep {
    pub fn new(config: &WorldConfig, view: View) -> Result<Self, SimError> {
        let half_width_deg = match view {
            View::Full => 180.0,
            View::Ahead { half_width_deg } => half_width_deg,
            View::KittiCamera => 42.0,
        };
        if !(half_width_deg > 0.0 && half_width_deg <= 180.0) {
            return Err(SimError::EmptyView { half_width_deg });
        }
        let half_width_rad = half_width_deg.to_radians();
        // Straight ahead of the vehicle, which the sensor need not look along.
        let ahead_rad = -config.sensor.mounting_yaw_deg.to_radians();
        let reach_rad = half_width_rad + config.sensor.max_azimuth_offset_rad();
        let from_ahead = |azimuth: f64| if ahead_rad == 0.0 { azimuth } else { turn_between(azimuth, ahead_rad) };
        let mut steps: Vec<(f64, usize)> = (0..config.sensor.azimuth_steps)
            .map(|step| (config.sensor.azimuth_rad(step), step))
            .filter(|(azimuth, _)| from_ahead(*azimuth).abs() <= reach_rad)
            .map(|(azimuth, step)| (azimuth.rem_euclid(TAU), step))
            .collect();
        if !config.sensor.is_rolling() {
            steps.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
        let crop = matches!(view, View::KittiCamera).then(|| camera_beside(&config.sensor));
        let azimuths_rad = steps.iter().map(|(azimuth, _)| *azimuth as f32).collect();
        Ok(Self { steps: steps.into_iter().map(|(_, step)| step).collect(), azimuths_rad, half_width_rad, crop })
    }

    /// Casts all rays, ring by ring.
    pub fn cast(&self, config: &WorldConfig, stage: &Stage, frame_key: u64) -> Vec<CastRay> {
        let sensor = &config.sensor;
        let max_m = sensor.range_m[1] * 1.001;
        // Patches of reflections are 1 to 3 rings high and 2 to 5 firings wide, another size each frame.
        let patch_size = [1 + (mix(frame_key, 11) % 3) as usize, 2 + (mix(frame_key, 12) % 4) as usize];
        (0..sensor.rings.len())
            .into_par_iter()
            .flat_map_iter(|ring| {
                let laser = &sensor.rings[ring];
                let offset_rad = sensor.azimuth_offset_rad(laser);
                self.steps.iter().map(move |step| {
                    let key = mix(frame_key, (ring * sensor.azimuth_steps + step) as u64);
                    let patch = (ring / patch_size[0] * sensor.azimuth_steps + step / patch_size[1]) as u64;
                    let azimuth = (sensor.azimuth_rad(*step) + offset_rad) as f32;
                    let jitter = normal_from_hash(mix(key, 1)) * sensor.azimuth_noise_deg.to_radians();
                    let (origin, direction) = sensor.ray(laser, azimuth + jitter);
                    let time_s = sensor.time_offset_s(*step, laser);
                    let t_stage_lidar = stage.path.at(time_s);
                    let beam = Beam {
                        origin: t_stage_lidar.apply(origin),
                        direction: t_stage_lidar.turn(direction),
                        time_s: if config.moving_targets { (time_s - sensor.middle_s()) as f32 } else { 0.0 },
                        key,
                        patch_key: mix(mix(frame_key, 0x7061_7463), patch),
                    };
                    let ray = CastRay { ring, step: *step, origin, direction, beam, state: RayState::Skipped };
                    let near = sensor.range_m[0].max(3.0);
                    if self.crop.as_ref().is_some_and(|camera| !may_see(camera, origin, direction, near, max_m)) {
                        return ray;
                    }
                    CastRay { state: stage.scene.cast(&beam, max_m).map_or(RayState::Open, RayState::Met), ..ray }
                })
            })
            .collect()
    }
}

/// One ray and what became of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CastRay {
    /// From the top.
    pub ring: usize,
    pub step: usize,
    /// In the sensor's frame.
    pub origin: Vec3,
    /// In the sensor's frame.
    pub direction: Vec3,
    /// In the axes in which it was cast.
    pub beam: Beam,
    pub state: RayState,
}

/// What became of a ray.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RayState {
    /// It leaves the image: not cast.
    Skipped,
    /// It meets nothing.
    Open,
    /// It meets something.
    Met(Hit),
}
