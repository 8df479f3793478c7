//! One revolution of the sensor in a world: cast, drop, disturb, label.

use crate::camera::{kitti_camera, may_see};
use crate::error::SimError;
use crate::random::{mix, unit_from_hash};
use crate::raycast::{Beam, Hit, Part, RayScene};
use crate::scene::{SceneConfig, World};
use crate::sensor::LidarModel;
use crate::truth::{self, ActorInView};
use crate::vector::{Affine, Vec3, to_f64};
use percept_types::{LabelledFrame, PointCloud, PointLabels, PointLayout, Transform};
use rayon::prelude::*;
use std::f64::consts::{PI, TAU};

/// Which part of a revolution is cast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View {
    /// All of it.
    Full,
    /// Azimuths within `half_width_deg` of straight ahead.
    Ahead {
        /// Half of the sector.
        half_width_deg: f64,
    },
    /// What KITTI's camera sees, cropped to its image as KITTI's reduced clouds are.
    KittiCamera,
}

/// What a world and its recording are drawn from.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// Distributions of the scene.
    pub scene: SceneConfig,
    /// The sensor.
    pub sensor: LidarModel,
    /// Whether `ring` and `time` (seconds from the moment the sensor looks ahead) follow x, y, z, intensity.
    pub ring_and_time: bool,
    /// Whether other things move during a revolution (the vehicle's own motion is taken out, as in KITTI).
    pub moving_targets: bool,
    /// Objects farther from the sensor than this are not told.
    pub truth_range_m: f64,
}

impl WorldConfig {
    /// The default scene seen by an HDL-64E.
    ///
    /// # Errors
    /// When the shipped sensor file is damaged.
    pub fn kitti() -> Result<Self, SimError> {
        Ok(Self {
            scene: SceneConfig::default(),
            sensor: LidarModel::hdl64e()?,
            ring_and_time: false,
            moving_targets: true,
            truth_range_m: 80.0,
        })
    }
}

/// A labelled frame of a world of its own: the same seed gives the same bytes, with any number of threads.
///
/// # Errors
/// When the configuration is impossible.
pub fn sample_frame(config: &WorldConfig, seed: u64, view: View) -> Result<LabelledFrame, SimError> {
    let world = World::sample(&config.scene, seed, 0.0)?;
    record(config, &world, seed, Moment { time_s: 0.0, ego_s_m: 0.0, index: 0 }, view)
}

/// When and where a frame is recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Seconds since the start of the world.
    pub time_s: f64,
    /// Place of the ego vehicle along the first road.
    pub ego_s_m: f64,
    /// Number of the frame, for draws.
    pub index: u64,
}

/// Records one frame of a world.
///
/// # Errors
/// When the view is empty.
pub fn record(
    config: &WorldConfig,
    world: &World,
    seed: u64,
    moment: Moment,
    view: View,
) -> Result<LabelledFrame, SimError> {
    let sweep = Sweep::new(config, view)?;
    let stage = Stage::new(config, world, moment, &sweep);
    let rays = sweep.cast(config, &stage, mix(mix(seed, 0x7261_7973), moment.index));
    let (cloud, point_labels) = assemble(config, &sweep, &rays, seed)?;
    let objects = truth::objects(config, &stage.actors, &stage.scene, &rays, &sweep, &cloud);
    Ok(LabelledFrame { cloud, point_labels: Some(point_labels), objects })
}

/// From the sensor's axes to those of the vehicle's base, which lies on the ground straight below it.
pub fn t_base_lidar(sensor: &LidarModel) -> Transform {
    let half_pitch = sensor.mounting_pitch_deg.to_radians() / 2.0;
    let height = [0.0, 0.0, sensor.mounting_height_m];
    Transform::from_parts(height, [0.0, half_pitch.sin(), 0.0, half_pitch.cos()])
        .unwrap_or_else(|| Transform::from_yaw(height, 0.0))
}

/// The firings that a view asks for.
pub(crate) struct Sweep {
    /// Azimuth steps in the order of the cloud: from straight ahead counter-clockwise.
    pub steps: Vec<usize>,
    /// Their azimuths in [0, 2 pi), rising.
    pub azimuths_rad: Vec<f32>,
    /// Half of the sector in radians.
    pub half_width_rad: f64,
    /// The camera that crops, if any.
    pub crop: Option<percept_types::Camera>,
}

impl Sweep {
    fn new(config: &WorldConfig, view: View) -> Result<Self, SimError> {
        let half_width_deg = match view {
            View::Full => 180.0,
            View::Ahead { half_width_deg } => half_width_deg,
            View::KittiCamera => 42.0,
        };
        if !(half_width_deg > 0.0 && half_width_deg <= 180.0) {
            return Err(SimError::EmptyView { half_width_deg });
        }
        let half_width_rad = half_width_deg.to_radians();
        let mut steps: Vec<(f64, usize)> = (0..config.sensor.azimuth_steps)
            .map(|step| (config.sensor.azimuth_rad(step), step))
            .filter(|(azimuth, _)| azimuth.abs() <= half_width_rad)
            .map(|(azimuth, step)| (azimuth.rem_euclid(TAU), step))
            .collect();
        steps.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let crop = matches!(view, View::KittiCamera).then(kitti_camera);
        let azimuths_rad = steps.iter().map(|(azimuth, _)| *azimuth as f32).collect();
        Ok(Self { steps: steps.into_iter().map(|(_, step)| step).collect(), azimuths_rad, half_width_rad, crop })
    }

    /// Casts all rays, ring by ring.
    fn cast(&self, config: &WorldConfig, stage: &Stage, frame_key: u64) -> Vec<CastRay> {
        let sensor = &config.sensor;
        let max_m = sensor.range_m[1] * 1.001;
        // Patches of reflections are 1 to 3 rings high and 2 to 5 firings wide, another size each frame.
        let patch_size = [1 + (mix(frame_key, 11) % 3) as usize, 2 + (mix(frame_key, 12) % 4) as usize];
        (0..sensor.rings.len())
            .into_par_iter()
            .flat_map_iter(|ring| {
                self.steps.iter().map(move |step| {
                    let key = mix(frame_key, (ring * sensor.azimuth_steps + step) as u64);
                    let patch = (ring / patch_size[0] * sensor.azimuth_steps + step / patch_size[1]) as u64;
                    let azimuth = sensor.azimuth_rad(*step) as f32;
                    let jitter = normal_from_hash(mix(key, 1)) * sensor.azimuth_noise_deg.to_radians();
                    let (origin, direction) = sensor.ray(sensor.rings[ring], azimuth + jitter);
                    let beam = Beam {
                        origin: stage.t_stage_lidar.apply(origin),
                        direction: stage.t_stage_lidar.turn(direction),
                        time_s: if config.moving_targets { sensor.time_offset_s(*step) as f32 } else { 0.0 },
                        key,
                        patch_key: mix(mix(frame_key, 0x7061_7463), patch),
                    };
                    let ray = CastRay { ring, origin, direction, beam, state: RayState::Skipped };
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
    pub ring: usize,
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

/// The world round the sensor, ready for rays, in axes parallel to the world's.
struct Stage {
    scene: RayScene,
    t_stage_lidar: Affine,
    actors: Vec<ActorInView>,
}

impl Stage {
    fn new(config: &WorldConfig, world: &World, moment: Moment, sweep: &Sweep) -> Self {
        let t_world_lidar = world.t_world_base(moment.ego_s_m) * t_base_lidar(&config.sensor);
        let [x, y, _] = t_world_lidar.translation_m();
        let reach_m = f64::from(config.sensor.range_m[1]);
        let shift = Transform::from_yaw([-x, -y, 0.0], 0.0);
        let t_stage_lidar = shift * t_world_lidar;
        let in_view = |at_m: [f64; 2], radius_m: f64| {
            let (dx, dy) = (at_m[0] - x, at_m[1] - y);
            let distance = dx.hypot(dy);
            let bearing = (dy.atan2(dx) - t_stage_lidar.yaw_rad() + PI).rem_euclid(TAU) - PI;
            let slack = if distance > radius_m { (radius_m / distance).asin() } else { PI };
            distance < reach_m + radius_m && bearing.abs() < sweep.half_width_rad + slack + 0.02
        };
        let mut parts = Vec::new();
        let ground = world.ground_at([x, y], reach_m);
        for thing in world.scenery.iter().filter(|s| in_view(s.at_m, s.reach_m)) {
            let at = [thing.at_m[0] - x, thing.at_m[1] - y];
            let z = ground.height_m(at[0] as f32, at[1] as f32);
            let motion = Affine::from_yaw(Vec3::new(at[0] as f32, at[1] as f32, z), thing.yaw_rad as f32);
            let part = |solid: &crate::solid::Solid| Part {
                shape: solid.shape.moved(&motion),
                material: solid.material,
                instance_id: 0,
                velocity_mps: Vec3::ZERO,
            };
            parts.extend(thing.solids.iter().map(part));
        }
        let mut actors = Vec::new();
        for actor in &world.actors {
            let pose = world.pose(&actor.motion, moment.time_s);
            let (_, size) = actor.label_box;
            if !in_view(pose.at_m, f64::from(size.x.hypot(size.y)) / 2.0 + 0.5) {
                continue;
            }
            let t_stage_actor = shift * world.t_world_actor(actor, &pose);
            let motion = Affine::from_transform(&t_stage_actor);
            let velocity_mps = Vec3::new(pose.velocity_mps[0] as f32, pose.velocity_mps[1] as f32, 0.0);
            let first = parts.len();
            parts.extend(actor.solids().iter().map(|solid| Part {
                shape: solid.shape.moved(&motion),
                material: solid.material,
                instance_id: actor.instance_id,
                velocity_mps: if config.moving_targets { velocity_mps } else { Vec3::ZERO },
            }));
            let seen = ActorInView::new(actor, &t_stage_lidar, &t_stage_actor, pose.velocity_mps, first..parts.len());
            actors.push(if config.moving_targets { seen.when_scanned(config.sensor.rotation_hz) } else { seen });
        }
        let half_period_s = (0.5 / config.sensor.rotation_hz) as f32;
        let scene = RayScene::new(parts, ground, half_period_s);
        Self { scene, t_stage_lidar: Affine::from_transform(&t_stage_lidar), actors }
    }
}

/// Turns what was met into the points that the sensor reports, with their labels.
fn assemble(
    config: &WorldConfig,
    sweep: &Sweep,
    rays: &[CastRay],
    seed: u64,
) -> Result<(PointCloud, PointLabels), SimError> {
    let layout =
        if config.ring_and_time { PointLayout::xyz_and(&["intensity", "ring", "time"]) } else { PointLayout::xyzi() };
    let mut values = Vec::with_capacity(rays.len() * layout.num_features());
    let mut labels = PointLabels::default();
    // Lasers keep their offsets through a drive.
    let lasers: Vec<f32> =
        (0..config.sensor.rings.len()).map(|ring| normal_from_hash(mix(mix(seed, 0x6c61_7365), ring as u64))).collect();
    for ray in rays {
        let RayState::Met(hit) = ray.state else { continue };
        let Some((point, intensity)) = report(&config.sensor, ray, &hit, lasers[ray.ring]) else { continue };
        if sweep.crop.as_ref().is_some_and(|camera| !camera.sees(to_f64(point))) {
            continue;
        }
        values.extend([point.x, point.y, point.z, intensity]);
        if config.ring_and_time {
            values.extend([ray.ring as f32, ray.beam.time_s]);
        }
        labels.class_ids.push(hit.material.class_id);
        labels.instance_ids.push(hit.instance_id);
    }
    Ok((PointCloud::new(layout, values)?, labels))
}

/// The point and the intensity that the sensor reports for a hit, unless it reports nothing.
fn report(sensor: &LidarModel, ray: &CastRay, hit: &Hit, laser: f32) -> Option<(Vec3, f32)> {
    let keep = sensor.drop_out.keep(&hit.material, hit.cos_incidence, hit.range_m.max(0.1));
    // Dark paint mirrors in patches; weak returns fail one by one.
    let mirrored = hit.lost || ray.beam.chance(2) < hit.material.mirrored(hit.cos_incidence);
    if mirrored || unit_from_hash(mix(ray.beam.key, 6)) >= keep {
        return None;
    }
    let range_m = hit.range_m + sensor.range_noise_m * normal_from_hash(mix(ray.beam.key, 3));
    if range_m < sensor.range_m[0] || range_m > sensor.range_m[1] {
        return None;
    }
    let draws = [laser, normal_from_hash(mix(ray.beam.key, 4)), normal_from_hash(mix(ray.beam.key, 5))];
    let intensity = sensor.intensity.intensity(&hit.material, hit.cos_incidence, range_m, draws);
    Some((ray.origin + ray.direction * range_m, intensity))
}

/// A standard normal number from a hash (Box and Muller 1958).
fn normal_from_hash(hash: u64) -> f32 {
    let radius = (-2.0 * (1.0 - unit_from_hash(hash)).ln()).sqrt();
    radius * (std::f32::consts::TAU * unit_from_hash(mix(hash, 0x6e6f_726d))).cos()
}
