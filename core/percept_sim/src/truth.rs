//! What is true of each object in view: box (where it was when the sensor looked at it), points, occlusion by the
//! share of rays blocked, image box, velocity.
//!
//! Every object within the truth range whose box reaches into the view is kept. One that no ray can reach (all rays
//! blocked, or too small and far for any) has occlusion `Unknown` and 0 points: KITTI's evaluation ignores it.

use crate::actor::ActorKind;
use crate::camera::{camera_beside, corners_f32, image_box};
use crate::frame::WorldConfig;
use crate::material::class;
use crate::raycast::{Part, RayScene};
use crate::scene::Actor;
use crate::sweep::{CastRay, RayState, Sweep};
use crate::taxonomy::nuscenes_visibility_level;
use crate::vector::{self, Vec3, from_f64, to_f64};
use percept_types::{Box3d, Occlusion, PointCloud, Transform, TruthObject};
use rayon::prelude::*;
use std::f64::consts::TAU;
use std::ops::Range;

/// What blocks must stand this much nearer than the object.
const BLOCKING_MARGIN_M: f32 = 0.3;

/// An actor seen from the sensor.
pub(crate) struct ActorInView {
    kind: ActorKind,
    instance_id: u16,
    /// In the sensor's frame.
    box3d: Box3d,
    velocity_mps: [f64; 2],
    /// Its parts in the scene.
    parts: Range<usize>,
}

impl ActorInView {
    /// Moves the box to where the thing was when the sensor looked at it: annotators draw boxes round points.
    pub fn when_scanned(mut self, rotation_hz: f64) -> Self {
        let [x, y, _] = self.box3d.center_m;
        let time_s = y.atan2(x) / TAU / rotation_hz;
        self.box3d.center_m[0] += self.velocity_mps[0] * time_s;
        self.box3d.center_m[1] += self.velocity_mps[1] * time_s;
        self
    }

    /// Its number and what it is.
    pub fn identity(&self) -> (u16, ActorKind) {
        (self.instance_id, self.kind)
    }

    /// Its bearing in the sensor's frame.
    pub fn bearing_rad(&self) -> f64 {
        let [x, y, _] = self.box3d.center_m;
        y.atan2(x)
    }

    pub fn new(
        actor: &Actor,
        t_stage_lidar: &Transform,
        t_stage_actor: &Transform,
        velocity_world_mps: [f64; 2],
        parts: Range<usize>,
    ) -> Self {
        let (center, size) = actor.label_box;
        let own = Box3d { center_m: to_f64(center), size_m: to_f64(size), yaw_rad: 0.0 };
        let t_lidar_stage = t_stage_lidar.inverse();
        let (sin, cos) = t_stage_lidar.yaw_rad().sin_cos();
        let [vx, vy] = velocity_world_mps;
        Self {
            kind: actor.shape.kind(),
            instance_id: actor.instance_id,
            box3d: (t_lidar_stage * *t_stage_actor).apply_box(&own),
            velocity_mps: [vx * cos + vy * sin, vy * cos - vx * sin],
            parts,
        }
    }
}

/// The truth of a frame.
pub(crate) fn objects(
    config: &WorldConfig,
    actors: &[ActorInView],
    scene: &RayScene,
    rays: &[CastRay],
    sweep: &Sweep,
    cloud: &PointCloud,
) -> (Vec<TruthObject>, Vec<ObjectDetail>) {
    let camera = camera_beside(&config.sensor);
    let told = |actor: &ActorInView| {
        let [x, y, _] = actor.box3d.center_m;
        let shown = image_box(&camera, &actor.box3d);
        if x.hypot(y) > config.truth_range_m || (sweep.crop.is_some() && shown.is_none()) {
            return None;
        }
        let rays = towards(actor, scene, rays, sweep, config.sensor.max_azimuth_offset_rad() as f32);
        let visible_share = (rays.all > 0).then(|| 1.0 - rays.blocked as f64 / rays.all as f64);
        let detail = ObjectDetail {
            instance_id: u32::from(actor.instance_id),
            kind: actor.kind,
            visible_share,
            nuscenes_visibility: nuscenes_visibility_level(visible_share.unwrap_or(0.0)),
        };
        let object = TruthObject {
            class_name: actor.kind.kitti_class().to_owned(),
            box3d: actor.box3d,
            velocity_mps: actor.velocity_mps,
            instance_id: u32::from(actor.instance_id),
            num_points: count_points(&actor.box3d, cloud),
            occlusion: level(rays.blocked, rays.all),
            truncation: shown.map_or(-1.0, |(_, truncation)| truncation),
            image_box: shown.map(|(b, _)| b),
        };
        Some((object, detail))
    };
    actors.par_iter().filter_map(told).unzip()
}

/// What is true of an object besides, in the order of the objects.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectDetail {
    /// The number of the object.
    pub instance_id: u32,
    /// What it is; knows its nuScenes names.
    pub kind: ActorKind,
    /// Share of the rays towards it that nothing nearer blocks; `None` where no ray goes there.
    pub visible_share: Option<f64>,
    /// nuScenes' level of that share, 1 (up to 40 %) to 4 (above 80 %); 1 where no ray goes there.
    pub nuscenes_visibility: u8,
}

fn count_points(b: &Box3d, cloud: &PointCloud) -> usize {
    let reach = (b.size_m[0].hypot(b.size_m[1]) / 2.0) as f32;
    let center = from_f64(b.center_m);
    let near = |p: &&[f32]| (p[0] - center.x).abs() < reach && (p[1] - center.y).abs() < reach;
    cloud.points().filter(near).filter(|p| b.contains([f64::from(p[0]), f64::from(p[1]), f64::from(p[2])])).count()
}

/// KITTI's level for the share of rays towards the object that something nearer blocks: 0 below 15 %, 1 below 50 %,
/// 2 below 80 %, unknown otherwise.
pub(crate) fn level(blocked: usize, all: usize) -> Occlusion {
    let share = blocked as f64 / all.max(1) as f64;
    match share {
        _ if all == 0 => Occlusion::Unknown,
        share if share < 0.15 => Occlusion::Visible,
        share if share < 0.50 => Occlusion::Partly,
        share if share < 0.80 => Occlusion::Largely,
        _ => Occlusion::Unknown,
    }
}

/// Rays towards an object, and those of them that something nearer blocks.
struct RaysTowards {
    blocked: usize,
    all: usize,
}

fn towards(actor: &ActorInView, scene: &RayScene, rays: &[CastRay], sweep: &Sweep, slack_rad: f32) -> RaysTowards {
    let mut window = Window::round(&corners_f32(&actor.box3d));
    window.half_width_rad += slack_rad;
    let parts = scene.parts().get(actor.parts.clone()).unwrap_or(&[]);
    let inside: Vec<bool> = sweep.azimuths_rad.iter().map(|azimuth| window.spans_azimuth(*azimuth)).collect();
    let (mut blocked, mut all) = (0, 0);
    for ring_rays in rays.chunks(sweep.steps.len().max(1)) {
        if !ring_rays.first().is_some_and(|ray| window.spans_elevation(ray.direction.z.asin())) {
            continue;
        }
        for (ray, _) in ring_rays.iter().zip(&inside).filter(|(_, inside)| **inside) {
            if matches!(ray.state, RayState::Skipped) {
                continue;
            }
            let beam = &ray.beam;
            let reach = |part: &Part| {
                let origin = beam.origin - part.velocity_mps * beam.time_s;
                part.shape.crossing(origin, beam.direction).map(|c| c.enter_m)
            };
            let Some(range) = parts.iter().filter_map(reach).min_by(f32::total_cmp) else { continue };
            all += 1;
            if let RayState::Met(hit) = ray.state
                && hit.instance_id != actor.instance_id
                // Points of the air hide nothing: the air is not in the way of annotators.
                && hit.material.class_id != class::OUTLIER
                && hit.range_m < range - BLOCKING_MARGIN_M
            {
                blocked += 1;
            }
        }
    }
    RaysTowards { blocked, all }
}

/// Angles within which an object lies.
struct Window {
    azimuth_rad: f32,
    half_width_rad: f32,
    elevation_rad: [f32; 2],
}

impl Window {
    fn round(corners: &[Vec3; 8]) -> Self {
        let center = corners.iter().fold(Vec3::ZERO, |sum, c| sum + *c) / 8.0;
        let azimuth_rad = center.y.atan2(center.x);
        let mut half_width_rad = 0.0_f32;
        let mut elevation_rad = [f32::MAX, f32::MIN];
        for corner in corners {
            half_width_rad = half_width_rad.max(turn_between(corner.y.atan2(corner.x), azimuth_rad).abs());
            // Lasers sit up to 0.25 m above the origin.
            for lift in [0.0, 0.25] {
                let elevation = (corner.z - lift).atan2(corner.x.hypot(corner.y));
                elevation_rad = [elevation_rad[0].min(elevation), elevation_rad[1].max(elevation)];
            }
        }
        let slack = 0.01;
        Self {
            azimuth_rad,
            half_width_rad: half_width_rad + slack,
            elevation_rad: [elevation_rad[0] - slack, elevation_rad[1] + slack],
        }
    }

    fn spans_elevation(&self, elevation: f32) -> bool {
        elevation >= self.elevation_rad[0] && elevation <= self.elevation_rad[1]
    }

    fn spans_azimuth(&self, azimuth: f32) -> bool {
        turn_between(azimuth, self.azimuth_rad).abs() <= self.half_width_rad
    }
}

fn turn_between(a: f32, b: f32) -> f32 {
    vector::turn_between(f64::from(a - b), 0.0) as f32
}
