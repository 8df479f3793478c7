//! The world round the sensor during one revolution, in axes parallel to the world's.

use crate::camera::t_base_lidar;
use crate::frame::{Moment, WorldConfig};
use crate::material::Material;
use crate::path::SensorPath;
use crate::raycast::{Part, RayScene};
use crate::scene::World;
use crate::sweep::Sweep;
use crate::truth::ActorInView;
use crate::vector::{Affine, Vec3};
use percept_types::Transform;
use std::f64::consts::{PI, TAU};

/// The world round the sensor, ready for rays, in axes parallel to the world's.
pub(crate) struct Stage {
    /// What rays meet.
    pub scene: RayScene,
    /// Where the sensor is.
    pub path: SensorPath,
    /// What is told of actors.
    pub actors: Vec<ActorInView>,
}

impl Stage {
    /// The world at a moment: of a rolling sweep its beginning, else when the sensor looks ahead.
    pub fn new(config: &WorldConfig, world: &World, moment: Moment, sweep: &Sweep) -> Self {
        let sensor = &config.sensor;
        let middle_s = sensor.middle_s();
        let t_world_bases = moment.t_world_bases(world, sensor);
        let t_world_base = t_world_bases[0].interpolate(&t_world_bases[1], middle_s / sensor.period_s());
        let [x, y, _] = (t_world_base * t_base_lidar(sensor)).translation_m();
        let travel_m = moment.ego_speed_mps.abs() * middle_s;
        let reach_m = f64::from(sensor.range_m[1]) + travel_m;
        let shift = Transform::from_yaw([-x, -y, 0.0], 0.0);
        let path = SensorPath::new(sensor, shift, t_world_bases);
        let t_stage_lidar = path.t_stage_lidar(middle_s);
        let ahead_rad = t_stage_lidar.yaw_rad() - sensor.mounting_yaw_deg.to_radians();
        let margin_rad = sensor.max_azimuth_offset_rad();
        let in_view = |at_m: [f64; 2], radius_m: f64| {
            let (dx, dy) = (at_m[0] - x, at_m[1] - y);
            let distance = dx.hypot(dy);
            let bearing = (dy.atan2(dx) - ahead_rad + PI).rem_euclid(TAU) - PI;
            let slack = if distance > radius_m { (radius_m / distance).asin() } else { PI };
            distance < reach_m + radius_m && bearing.abs() < sweep.half_width_rad + slack + 0.02 + margin_rad
        };
        let simplify = config.scene.simplify;
        let seen = |material: Material| if simplify.opaque_surfaces { material.without_losses() } else { material };
        let mut parts = Vec::new();
        let ground = world.ground_at([x, y], reach_m);
        for thing in world.scenery.iter().filter(|s| in_view(s.at_m, s.reach_m)) {
            let at = [thing.at_m[0] - x, thing.at_m[1] - y];
            let z = ground.height_m(at[0] as f32, at[1] as f32);
            let motion = Affine::from_yaw(Vec3::new(at[0] as f32, at[1] as f32, z), thing.yaw_rad as f32);
            let part = |solid: &crate::solid::Solid| Part {
                shape: solid.shape.moved(&motion),
                material: seen(solid.material),
                instance_id: 0,
                velocity_mps: Vec3::ZERO,
            };
            parts.extend(thing.solids.iter().map(part));
        }
        let mut actors = Vec::new();
        let since_stamp_s = if config.moving_targets { middle_s } else { 0.0 };
        for actor in &world.actors {
            let pose = world.pose(&actor.motion, moment.time_s + since_stamp_s);
            let (_, size) = actor.label_box;
            if !in_view(pose.at_m, f64::from(size.x.hypot(size.y)) / 2.0 + 0.5) {
                continue;
            }
            let t_stage_actor = shift * world.t_world_actor(actor, &pose);
            let motion = Affine::from_transform(&t_stage_actor);
            let part_velocity_mps = Vec3::new(pose.velocity_mps[0] as f32, pose.velocity_mps[1] as f32, 0.0);
            let first = parts.len();
            let as_box = simplify.cars_as_boxes.then(|| actor.as_box()).flatten();
            parts.extend(as_box.as_ref().map_or(actor.solids(), std::slice::from_ref).iter().map(|solid| Part {
                shape: solid.shape.moved(&motion),
                material: seen(solid.material),
                instance_id: actor.instance_id,
                velocity_mps: if config.moving_targets { part_velocity_mps } else { Vec3::ZERO },
            }));
            let velocity_mps = pose.velocity_mps;
            let as_seen = |t_stage_lidar: &Transform, t_stage_actor: &Transform| {
                ActorInView::new(actor, t_stage_lidar, t_stage_actor, velocity_mps, first..parts.len())
            };
            actors.push(match (sensor.is_rolling(), config.moving_targets) {
                (true, _) => path.when_scanned(sensor, config.moving_targets, &t_stage_actor, velocity_mps, as_seen),
                (false, true) => as_seen(&t_stage_lidar, &t_stage_actor).when_scanned(sensor.rotation_hz),
                (false, false) => as_seen(&t_stage_lidar, &t_stage_actor),
            });
        }
        let half_period_s = (0.5 / config.sensor.rotation_hz) as f32;
        let air = world.weather.round([x, y], reach_m, &ground);
        let scene = RayScene::new(parts, ground, half_period_s).with_air(air);
        Self { scene, path, actors }
    }
}
