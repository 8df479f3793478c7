//! The world round the vehicle as cameras see it: the parts that LiDAR rays meet, each with its look, and the ground.
//!
//! Parts, poses and velocities are those of the LiDAR's rays at the same moment, so that depth images and clouds show
//! the same surfaces. What a LiDAR ray meets by chance (wire, leaves) is here a pattern fixed to the thing.

use super::look::{self, Look};
use super::noise::{lattice, shows, space};
use crate::actor::ActorShape;
use crate::frame::{Moment, WorldConfig};
use crate::ground::{Cover, Ground};
use crate::material::{Finish, Surface};
use crate::random::{mix, unit_from_hash};
use crate::scene::World;
use crate::solid::{Shape, Solid};
use crate::vector::{Affine, Vec3};
use parry3d::bounding_volume::Aabb;
use parry3d::partitioning::{Bvh, BvhBuildStrategy};
use parry3d::query::Ray;
use percept_types::Transform;
use std::ops::Range;

/// What stands farther off is not drawn.
pub const REACH_M: f64 = 150.0;

/// A part with its look.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Its form in the axes of the stage, in the middle of the sweep.
    pub shape: Shape,
    /// From the axes in which it was built.
    pub t_stage_local: Affine,
    /// Lower and upper corner in those axes.
    pub low: Vec3,
    /// See `low`.
    pub high: Vec3,
    /// What it does to rays.
    pub surface: Surface,
    /// Colours and patterns.
    pub look: Look,
    /// SemanticKITTI's raw class number.
    pub class_id: u16,
    /// Instance, 0 for scenery.
    pub instance_id: u16,
    /// How it moves during the sweep.
    pub velocity_mps: Vec3,
    /// For draws.
    pub seed: u32,
}

/// An actor on the stage.
#[derive(Clone, Debug)]
pub struct ActorOnStage {
    /// Class by KITTI's names.
    pub class_name: &'static str,
    /// Its number.
    pub instance_id: u16,
    /// Where it is in the middle of the sweep.
    pub t_stage_actor: Transform,
    /// Centre of its label over its origin, and length, width, height.
    pub label_box: (Vec3, Vec3),
    /// Velocity, in the axes of the stage.
    pub velocity_mps: Vec3,
    /// Its parts.
    pub parts: Range<usize>,
}

/// A ray of a camera.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// Where it starts.
    pub origin: Vec3,
    /// Unit direction.
    pub direction: Vec3,
    /// Seconds from the middle of the sweep.
    pub time_s: f32,
    /// Angle between neighbouring pixels.
    pub pixel_rad: f32,
    /// Distinguishes it from all other rays of the drive.
    pub key: u64,
}

/// What a ray meets first.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Distance along the ray.
    pub range_m: f32,
    /// Outward unit normal.
    pub normal: Vec3,
    /// What is there.
    pub what: SeenWhat,
}

/// What kind of thing is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SeenWhat {
    /// A part, by its number, and how deep in its leaves.
    Part(u32, f32),
    /// The ground.
    Ground(Cover),
}

/// The world round the vehicle during one sweep.
pub struct RenderScene {
    drawn: Vec<Drawn>,
    bvh: Bvh,
    ground: Ground,
    /// Things that count.
    pub actors: Vec<ActorOnStage>,
    /// Where the origin of the stage lies in the world.
    pub anchor_m: [f64; 2],
    /// Of the world.
    pub seed: u64,
}

impl RenderScene {
    /// The world at a moment, as the LiDAR's rays of the same sweep find it.
    pub fn new(config: &WorldConfig, world: &World, seed: u64, moment: Moment) -> Self {
        let [x, y, _] = world.t_world_base(moment.ego_s_m).translation_m();
        let near = |at: [f64; 2], radius_m: f64| (at[0] - x).hypot(at[1] - y) < REACH_M + radius_m;
        let mut scene = Self::empty(world.ground_at([x, y], REACH_M), [x, y], seed);
        let autumn = look::autumn_share(seed);
        for (index, thing) in world.scenery.iter().enumerate().filter(|(_, s)| near(s.at_m, s.reach_m)) {
            let at = [(thing.at_m[0] - x) as f32, (thing.at_m[1] - y) as f32];
            let z = scene.ground.height_m(at[0], at[1]);
            let motion = Affine::from_yaw(Vec3::new(at[0], at[1], z), thing.yaw_rad as f32);
            let key = mix(mix(seed, 0x0073_6365_6e65_7279), index as u64);
            for solid in &thing.solids {
                scene.push(solid, motion, look::of_scenery(solid, key, autumn), (0, Vec3::ZERO), key);
            }
        }
        let middle_s = if config.moving_targets { config.sensor.middle_s() } else { 0.0 };
        let shift = Transform::from_yaw([-x, -y, 0.0], 0.0);
        for actor in &world.actors {
            let pose = world.pose(&actor.motion, moment.time_s + middle_s);
            if near(pose.at_m, 20.0) {
                let moving = if config.moving_targets { pose.velocity_mps } else { [0.0; 2] };
                let velocity_mps = Vec3::new(moving[0] as f32, moving[1] as f32, 0.0);
                let on_stage = ActorOnStage {
                    class_name: actor.shape.class_name(),
                    instance_id: actor.instance_id,
                    t_stage_actor: shift * world.t_world_actor(actor, &pose),
                    label_box: actor.label_box,
                    velocity_mps,
                    parts: 0..0,
                };
                scene.push_actor(&actor.shape, actor.solids(), on_stage);
            }
        }
        scene.ready(config.sensor.period_s() as f32)
    }

    /// Bare ground.
    pub(super) fn empty(ground: Ground, anchor_m: [f64; 2], seed: u64) -> Self {
        let bvh = Bvh::from_leaves(BvhBuildStrategy::Binned, &[]);
        Self { drawn: Vec::new(), bvh, ground, actors: Vec::new(), anchor_m, seed }
    }

    /// Sorts the parts for rays; they may move for `seconds` both ways.
    pub(super) fn ready(mut self, seconds: f32) -> Self {
        let bounds = |part: &Drawn| {
            let (low, high) = part.shape.bounds();
            let sweep = part.velocity_mps.abs() * seconds;
            Aabb::new(low - sweep, high + sweep)
        };
        let bounds: Vec<Aabb> = self.drawn.iter().map(bounds).collect();
        self.bvh = Bvh::from_leaves(BvhBuildStrategy::Binned, &bounds);
        self
    }

    pub(super) fn push_actor(&mut self, shape: &ActorShape, solids: &[Solid], on_stage: ActorOnStage) {
        let key = mix(mix(self.seed, 0x0061_6374_6f72), u64::from(on_stage.instance_id));
        let motion = Affine::from_transform(&on_stage.t_stage_actor);
        let body = look::body_of(shape, on_stage.label_box.1, axles(solids));
        let first = self.drawn.len();
        let moving = (on_stage.instance_id, on_stage.velocity_mps);
        // The pillars of cars stand proud of the panes by a hand, which a LiDAR's points do not tell and a camera would.
        let is_pillar = |solid: &Solid| {
            let is_round = matches!(solid.shape, Shape::Cylinder { .. });
            is_round && solid.material.finish == Finish::Paint && matches!(shape, ActorShape::Car(_))
        };
        for solid in solids.iter().filter(|solid| !is_pillar(solid)) {
            self.push(solid, motion, look::of_actor(shape, &solid.material, &body, key), moving, key);
        }
        self.actors.push(ActorOnStage { parts: first..self.drawn.len(), ..on_stage });
    }

    /// Adds a part: instance and velocity, and a key for its draws.
    pub(super) fn push(
        &mut self,
        solid: &Solid,
        motion: Affine,
        look: Look,
        (instance_id, velocity_mps): (u16, Vec3),
        key: u64,
    ) {
        let (low, high) = solid.shape.bounds();
        let is_round = matches!(solid.shape, Shape::Cylinder { .. });
        let look = if matches!(look, Look::Wheel) && !is_round { Look::Dark } else { look };
        self.drawn.push(Drawn {
            shape: solid.shape.moved(&motion),
            t_stage_local: motion,
            low,
            high,
            surface: solid.material.surface,
            look,
            class_id: solid.material.class_id,
            instance_id,
            velocity_mps,
            seed: (key >> 11) as u32,
        });
    }

    /// Gives all bodywork one colour.
    #[cfg(test)]
    pub(super) fn repaint(&mut self, color: Vec3) {
        for part in &mut self.drawn {
            if let Look::Paint(body) = &mut part.look {
                body.color = color;
            }
        }
    }

    /// A part by its number.
    pub fn part(&self, index: u32) -> Option<&Drawn> {
        self.drawn.get(index as usize)
    }

    /// The ground.
    pub fn ground(&self) -> &Ground {
        &self.ground
    }

    /// A place of the stage in the world's axes, small enough for single precision; textures lie there.
    pub fn in_world(&self, x: f32, y: f32) -> [f32; 2] {
        const WRAP_M: f64 = 4096.0;
        [self.anchor_m[0].rem_euclid(WRAP_M) as f32 + x, self.anchor_m[1].rem_euclid(WRAP_M) as f32 + y]
    }

    /// What a ray meets first.
    pub fn look(&self, sight: &Sight) -> Option<Seen> {
        let ray = Ray::new(sight.origin, sight.direction);
        let reach = REACH_M as f32;
        let nearest = self.bvh.cast_ray(&ray, reach, |index, best| {
            let (range_m, ..) = self.part(index)?.meet(sight)?;
            (range_m < best).then_some(range_m)
        });
        let part = nearest.and_then(|(index, _)| {
            let (range_m, normal, depth_m) = self.part(index)?.meet(sight)?;
            Some(Seen { range_m, normal, what: SeenWhat::Part(index, depth_m) })
        });
        let limit = part.map_or(reach, |seen| seen.range_m);
        let Some(hit) = self.ground.meet(sight.origin, sight.direction, limit) else { return part };
        let at = sight.origin + sight.direction * hit.range_m;
        Some(Seen { range_m: hit.range_m, normal: self.ground_normal(at), what: SeenWhat::Ground(hit.cover) })
    }

    /// Whether a ray would meet one of these parts if nothing else were there.
    pub fn would_meet(&self, parts: &Range<usize>, sight: &Sight) -> bool {
        self.drawn.get(parts.clone()).into_iter().flatten().any(|part| part.meet(sight).is_some())
    }

    /// By differences, so that kerbs have faces.
    fn ground_normal(&self, at: Vec3) -> Vec3 {
        const STEP_M: f32 = 0.02;
        let height = |dx: f32, dy: f32| self.ground.height_m(at.x + dx, at.y + dy);
        let (dx, dy) = (height(STEP_M, 0.0) - height(-STEP_M, 0.0), height(0.0, STEP_M) - height(0.0, -STEP_M));
        Vec3::new(-dx, -dy, 2.0 * STEP_M).normalize_or_zero()
    }

    /// Whether something stands within `reach_m` of a place in a direction; leaves stop light in flecks.
    pub fn is_blocked(&self, sight: &Sight, reach_m: f32) -> bool {
        let ray = Ray::new(sight.origin, sight.direction);
        let blocks = |index: u32| -> Option<f32> { self.part(index)?.blocks(index, sight, reach_m).then_some(0.0) };
        self.bvh.cast_ray(&ray, reach_m, |index, _| blocks(index)).is_some()
    }
}

/// The leaf at a place: about a hand wide, far off a bunch of them; uneven, so that no grid shows.
pub fn leaf_at(local: Vec3, footprint_m: f32) -> [i32; 3] {
    let leaf_m = match footprint_m {
        near if near < 0.012 => 0.05,
        middle if middle < 0.035 => 0.075,
        _ => 0.14,
    };
    let bend = |salt: u32| space(salt, local * (0.55 / leaf_m)) - 0.5;
    let bent = local / leaf_m + Vec3::new(bend(1), bend(2), bend(3)) * 2.2;
    // Axes that nothing in a picture is parallel to.
    let turned = [
        bent.dot(Vec3::new(0.78, 0.49, 0.39)),
        bent.dot(Vec3::new(-0.62, 0.62, 0.48)),
        bent.dot(Vec3::new(0.06, -0.62, 0.79)),
    ];
    turned.map(|v| v.floor() as i32)
}

/// Foremost and rearmost axle and the radius of the wheels.
fn axles(solids: &[Solid]) -> [f32; 3] {
    let mut axles = [f32::MIN, f32::MAX, 0.0];
    for solid in solids {
        if let (Finish::Rubber, Shape::Cylinder { from, radius, .. }) = (solid.material.finish, &solid.shape) {
            axles = [axles[0].max(from.x), axles[1].min(from.x), *radius];
        }
    }
    axles
}

impl Drawn {
    /// Distance, normal and depth in leaves at which a ray meets it.
    fn meet(&self, sight: &Sight) -> Option<(f32, Vec3, f32)> {
        let origin = sight.origin - self.velocity_mps * sight.time_s;
        let crossing = self.shape.crossing(origin, sight.direction)?;
        let enter_m = crossing.enter_m;
        match self.surface {
            Surface::Opaque | Surface::Glass { .. } => Some((enter_m, crossing.normal, 0.0)),
            Surface::Sparse { coverage } => {
                let local = self.t_stage_local.apply_back(origin + sight.direction * enter_m);
                let footprint_m = enter_m * sight.pixel_rad;
                self.has_thread(local, coverage, footprint_m, sight.key).then_some((enter_m, crossing.normal, 0.0))
            }
            Surface::Foliage { mean_depth_m } => {
                let local = self.t_stage_local.apply_back(origin + sight.direction * enter_m);
                let depth_m = mean_depth_m * self.gap(local, enter_m * sight.pixel_rad);
                let range_m = enter_m + depth_m;
                (range_m < crossing.leave_m).then_some((range_m, crossing.normal, depth_m / mean_depth_m))
            }
        }
    }

    /// Whether a pattern of boards, wire or spokes has something at a place.
    fn has_thread(&self, local: Vec3, coverage: f32, footprint_m: f32, key: u64) -> bool {
        if coverage >= 0.999 {
            return true;
        }
        let center = (self.low + self.high) * 0.5;
        if matches!(self.look, Look::Spokes) {
            let radius = (self.high.z - self.low.z) * 0.5;
            let (dx, dz) = (local.x - center.x, local.z - center.z);
            let out = dx.hypot(dz) / radius;
            let spoke = (dz.atan2(dx) * (18.0 / std::f32::consts::TAU)).rem_euclid(1.0);
            let thin = 0.02 / (out * radius).max(0.02);
            return !(0.10..=0.87).contains(&out) || spoke < thin || (spoke * 7.3).fract() < 0.04;
        }
        let period_m = 0.11;
        if shows(period_m, footprint_m) < 0.3 {
            return unit_from_hash(mix(key, u64::from(self.seed))) < coverage;
        }
        let rail = (local.z - self.high.z + 0.12).abs() < 0.045 || (local.z - self.low.z - 0.2).abs() < 0.045;
        rail || (local.x / period_m).rem_euclid(1.0) < coverage
    }

    /// How deep a sight line enters leaves at a place, in mean depths.
    fn gap(&self, local: Vec3, footprint_m: f32) -> f32 {
        let fine = lattice(self.seed, leaf_at(local, footprint_m));
        let coarse = space(self.seed ^ 9, local * 2.7);
        let share = (0.55 * fine + 0.75 * coarse - 0.15).clamp(0.0, 0.995);
        -(1.0 - share).ln()
    }

    /// Whether it stops light that passes a place.
    fn blocks(&self, index: u32, sight: &Sight, reach_m: f32) -> bool {
        let origin = sight.origin - self.velocity_mps * sight.time_s;
        let Some(crossing) = self.shape.crossing(origin, sight.direction) else { return false };
        if crossing.enter_m > reach_m {
            return false;
        }
        match self.surface {
            Surface::Opaque => true,
            // Panes of cars let light in; what is inside is dark all the same.
            Surface::Glass { .. } => true,
            Surface::Sparse { coverage } => unit_from_hash(mix(sight.key, u64::from(index))) < coverage,
            Surface::Foliage { mean_depth_m } => {
                let fleck = space(self.seed ^ 0x51, self.t_stage_local.apply_back(origin) * 6.5);
                let drawn = ((fleck - 0.18) / 0.64).clamp(0.0, 1.0);
                let way_m = crossing.leave_m - crossing.enter_m;
                drawn > (-0.9 * way_m / mean_depth_m).exp()
            }
        }
    }
}
