//! Camera images by rays through the world: what is seen, how bright it is, and what is true of it.
//!
//! ```text
//! world ─RenderScene─► parts, looks ─look─► surfaces ─shade (Light)─► radiance ─develop─► image
//!                                               └──► depth, classes, instances ─► ImageObject
//! ```
//!
//! Limits: light bounces once (reflections show sky, skyline and a plain street); a frame stands still while a camera
//! exposes; panes of cars show no inside and no pillars; nothing is drawn beyond 150 m but a skyline.

mod develop;
mod image;
mod light;
mod look;
mod noise;
mod objects;
mod scene;
mod shade;
mod texture;

#[cfg(test)]
mod tests;

pub use image::RenderedImage;
pub use light::LightSettings;
pub use objects::ImageObject;

use crate::camera::t_base_lidar;
use crate::error::SimError;
use crate::frame::{Moment, WorldConfig};
use crate::random::mix;
use crate::rig::{CameraRig, Exposure, RigCamera};
use crate::scene::World;
use crate::sensor::LidarModel;
use crate::vector::Affine;
use image::{View, render};
use light::Light;
use percept_types::{Camera, Stamp, Transform};
use scene::RenderScene;

/// How images are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RenderSettings {
    /// The light of the day; drawn from the world's seed where it is `None`.
    pub light: Option<LightSettings>,
    /// Whether edges are smoothed by further rays.
    pub antialias: bool,
    /// Whether images have the noise of a sensor.
    pub noise: bool,
}

impl Default for RenderSettings {
    fn default() -> Self {
        Self { light: None, antialias: true, noise: true }
    }
}

/// An image of one camera with what is true of it.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraFrame {
    /// The camera's name.
    pub name: String,
    /// When it exposed.
    pub stamp: Stamp,
    /// Its calibration, for the LiDAR of the same vehicle.
    pub camera: Camera,
    /// The image.
    pub image: RenderedImage,
    /// Every object within the truth range whose box reaches into the image.
    pub objects: Vec<ImageObject>,
}

/// The cameras of a vehicle, ready for a drive.
#[derive(Clone, Debug)]
pub(crate) struct Cameras {
    rig: CameraRig,
    settings: RenderSettings,
    light: Light,
}

impl Cameras {
    /// Cameras on a vehicle with this LiDAR.
    ///
    /// # Errors
    /// When a camera exposes after the revolution is over.
    pub fn new(rig: CameraRig, settings: RenderSettings, sensor: &LidarModel, seed: u64) -> Result<Self, SimError> {
        for camera in &rig.cameras {
            if let Exposure::AfterStampS(s) = camera.exposure
                && s >= sensor.period_s()
            {
                let expected = "less than a revolution of the LiDAR";
                let key = format!("exposure of {}", camera.name);
                return Err(SimError::RigSetting { file: rig.name, key, found: format!("{s} s"), expected });
            }
        }
        let light = Light::new(&settings.light.unwrap_or_else(|| LightSettings::sample(seed)), seed);
        Ok(Self { rig, settings, light })
    }

    /// What the cameras see in one sweep that begins at `stamp`.
    pub fn record(
        &self,
        config: &WorldConfig,
        world: &World,
        seed: u64,
        moment: Moment,
        stamp: Stamp,
    ) -> Vec<CameraFrame> {
        let sensor = &config.sensor;
        let scene = RenderScene::new(config, world, seed, moment);
        let travel_m = moment.ego_speed_mps * sensor.period_s();
        let [first, last] = [0.0, travel_m].map(|ahead_m| world.t_world_base(moment.ego_s_m + ahead_m));
        let [x, y] = scene.anchor_m;
        let t_stage_world = Transform::from_yaw([-x, -y, 0.0], 0.0);
        let fires = |(_, camera): &(usize, &RigCamera)| camera.fires_in(moment.index, sensor.rotation_hz);
        let mut frames = Vec::new();
        for (index, camera) in self.rig.cameras.iter().enumerate().filter(fires) {
            let time_s = exposure_s(camera, sensor);
            let t_stage_base = t_stage_world * first.interpolate(&last, time_s / sensor.period_s());
            let since_middle_s = if config.moving_targets { time_s - sensor.middle_s() } else { 0.0 };
            let camera_key = mix(mix(seed, 0x6361_6d65_7261), index as u64);
            let view = View {
                size: [camera.width, camera.height],
                focal_px: camera.focal_px.map(|v| v as f32),
                principal_px: camera.principal_px.map(|v| v as f32),
                t_stage_camera: Affine::from_transform(&(t_stage_base * camera.t_base_camera)),
                time_s: since_middle_s as f32,
                camera_key,
                key: mix(camera_key, moment.index + 1),
            };
            let image = render(&scene, &self.light, &view, &self.settings);
            let t_base_lidar = t_base_lidar(sensor);
            let calibration = camera.calibration(&t_base_lidar);
            let t_lidar_stage = (t_stage_base * t_base_lidar).inverse();
            let objects = objects::of_image(&scene, &view, &image, &calibration, &t_lidar_stage, config.truth_range_m);
            frames.push(CameraFrame {
                name: camera.name.clone(),
                stamp: Stamp { nanoseconds: stamp.nanoseconds + (time_s * 1e9).round() as i64 },
                camera: calibration,
                image,
                objects,
            });
        }
        frames
    }
}

/// What a rig's cameras see of a world at a moment, without a LiDAR's sweep; the same arguments give the same bytes, with
/// any number of threads.
///
/// # Errors
/// When a camera exposes after the revolution of the configured LiDAR is over.
pub fn render_cameras(
    config: &WorldConfig,
    world: &World,
    seed: u64,
    moment: Moment,
    rig: &CameraRig,
    settings: RenderSettings,
) -> Result<Vec<CameraFrame>, SimError> {
    let cameras = Cameras::new(rig.clone(), settings, &config.sensor, seed)?;
    Ok(cameras.record(config, world, seed, moment, Stamp { nanoseconds: (moment.time_s * 1e9).round() as i64 }))
}

/// Seconds from the stamp of the sweep to the exposure.
fn exposure_s(camera: &RigCamera, sensor: &LidarModel) -> f64 {
    match camera.exposure {
        Exposure::AfterStampS(s) => s,
        Exposure::WhenScanned if sensor.is_rolling() => {
            let t_lidar_camera = t_base_lidar(sensor).inverse() * camera.t_base_camera;
            let [from, to] = [[0.0; 3], [0.0, 0.0, 1.0]].map(|p| t_lidar_camera.apply(p));
            sensor.seconds_to_azimuth((to[1] - from[1]).atan2(to[0] - from[0]))
        }
        Exposure::WhenScanned => 0.0,
    }
}
