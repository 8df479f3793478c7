//! A world: ground, roads, things that stand and things that move, drawn from a scene's distributions by a seed.

mod buildings;
mod car_park;
mod config;
mod crossings;
mod footprints;
mod furniture;
mod motorway;
mod people;
mod roads;
mod roadside;
mod scenery;
mod sections;
mod shipped;
mod street;
mod stretches;
mod vehicles;

pub use config::{FrontageMix, ParkingMix, SceneConfig};
pub(crate) use config::{check_range, check_share, check_weights};
pub use sections::{CarPark, Details, LayoutKind, Motorway, PeopleMix, Simplify, TrafficMix};
pub use shipped::SceneMix;
pub use stretches::WorldSize;

use crate::actor::ActorShape;
use crate::error::SimError;
use crate::ground::{Ground, GroundLook, Wave};
use crate::random::Sampler;
use crate::road::Road;
use crate::solid::{Shape, Solid};
use crate::vector::Vec3;
use crate::weather::Weather;
use footprints::Footprints;
use nalgebra::{Isometry3, Translation3, UnitQuaternion};
use percept_types::Transform;
use roads::{Extent, LEAST_SIGHT_M};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use stretches::{OpenEnd, TrafficStream};

/// How an actor moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Motion {
    /// Along a road at a constant speed and distance from its centre line; standing at speed 0.
    Road {
        /// Which road.
        road: usize,
        /// Place at time 0.
        s_m: f64,
        /// Distance to the left of the centre line.
        lateral_m: f64,
        /// Speed along the road, negative against it.
        speed_mps: f64,
        /// Heading relative to the road.
        turn_rad: f64,
    },
    /// Straight over the ground.
    Straight {
        /// Place at time 0.
        from_m: [f64; 2],
        /// Heading.
        yaw_rad: f64,
        /// Speed along the heading.
        speed_mps: f64,
    },
}

/// Something that is counted, labelled and may move.
#[derive(Debug)]
pub struct Actor {
    /// What it is.
    pub shape: ActorShape,
    /// How it moves.
    pub motion: Motion,
    /// Its number, from 1.
    pub instance_id: u16,
    /// Centre of its label over its origin, and length, width, height.
    pub label_box: (Vec3, Vec3),
    solids: OnceLock<Vec<Solid>>,
}

/// Where an actor is.
#[derive(Clone, Copy, Debug)]
pub struct Pose {
    /// Place on the plane.
    pub at_m: [f64; 2],
    /// Heading.
    pub yaw_rad: f64,
    /// Velocity over ground.
    pub velocity_mps: [f64; 2],
}

impl Actor {
    /// Its parts in local axes.
    pub fn solids(&self) -> &[Solid] {
        self.solids.get_or_init(|| self.shape.solids())
    }

    /// A car or van as the cuboid of its label, in the material of its body.
    pub fn as_box(&self) -> Option<Solid> {
        let ActorShape::Car(_) = self.shape else { return None };
        let (center, size) = self.label_box;
        let material = self.solids().first()?.material;
        Some(Solid { shape: Shape::cuboid(center - size * 0.5, center + size * 0.5), material })
    }

    fn is_long(&self) -> bool {
        self.shape.kind().is_long()
    }
}

/// Something that stands.
#[derive(Clone, Debug)]
pub struct Scenery {
    /// Where its origin stands.
    pub at_m: [f64; 2],
    /// How it is turned.
    pub yaw_rad: f64,
    /// Radius of the circle round it.
    pub reach_m: f64,
    /// Its parts in local axes.
    pub solids: Vec<Solid>,
}

/// All there is.
#[derive(Debug)]
pub struct World {
    /// Roads; the first is the one that the ego vehicle drives.
    pub roads: Vec<Road>,
    /// Lateral place of the ego vehicle on the first road.
    pub ego_lateral_m: f64,
    /// Its heading relative to the road.
    pub ego_turn_rad: f64,
    /// Pitch and roll on its springs.
    pub ego_tilt_rad: [f64; 2],
    /// Things that count.
    pub actors: Vec<Actor>,
    /// Things that stand.
    pub scenery: Vec<Scenery>,
    /// What lies in the air.
    pub weather: Weather,
    waves: Vec<Wave>,
    look: GroundLook,
    ground: Ground,
    /// Where heights are asked for relative to: single precision holds near it.
    ground_anchor_m: [f64; 2],
    /// What a drive needs to go on beyond what is laid out; `None` where everything is.
    open: Option<Box<OpenEnd>>,
}

impl World {
    /// A world whose first road reaches `ahead_m` beyond where the ego vehicle starts, and that is laid out for a sensor
    /// that sees `range_m` far, but at least for 88 m.
    ///
    /// # Errors
    /// When the configuration is impossible or there would be more things than can be numbered.
    pub fn sample(config: &SceneConfig, seed: u64, ahead_m: f64, range_m: f64) -> Result<Self, SimError> {
        config.validate()?;
        Self::lay_out(config, seed, Self::extent(ahead_m, range_m)).finish()
    }

    fn extent(ahead_m: f64, range_m: f64) -> Extent {
        Extent { ahead_m, sight_m: (range_m + 8.0).clamp(LEAST_SIGHT_M, MOST_SIGHT_M) }
    }

    fn lay_out(config: &SceneConfig, seed: u64, extent: Extent) -> Layout {
        let mut layout = match config.layout {
            LayoutKind::Street => {
                let mut layout = roads::sample(config, seed, extent);
                crossings::paint(config, seed, &mut layout);
                layout.furnish_streets(config, seed);
                layout
            }
            LayoutKind::Motorway => motorway::sample(config, seed, extent),
            LayoutKind::CarPark => car_park::sample(config, seed, extent),
        };
        layout.set_weather(config, seed, extent);
        layout
    }

    /// The ground round an anchor.
    pub fn ground_at(&self, anchor_m: [f64; 2], reach_m: f64) -> Ground {
        Ground::anchored(&self.waves, &self.roads, anchor_m, reach_m, &self.look)
    }

    fn height_m(&self, x: f64, y: f64) -> f64 {
        let [anchor_x, anchor_y] = self.ground_anchor_m;
        f64::from(self.ground.height_m((x - anchor_x) as f32, (y - anchor_y) as f32))
    }

    /// A road by its number, which stays its own when roads before it are forgotten.
    fn road(&self, number: usize) -> &Road {
        let forgotten = self.open.as_ref().map_or(0, |open| open.forgotten_roads);
        let index = if number == 0 { 0 } else { number.saturating_sub(forgotten).max(1) };
        &self.roads[index.min(self.roads.len() - 1)]
    }

    /// Where an actor is at a time.
    pub fn pose(&self, motion: &Motion, time_s: f64) -> Pose {
        match *motion {
            Motion::Road { road, s_m, lateral_m, speed_mps, turn_rad } => {
                let (at_m, heading) = self.road(road).pose(s_m + speed_mps * time_s, lateral_m);
                let (sin, cos) = heading.sin_cos();
                Pose { at_m, yaw_rad: heading + turn_rad, velocity_mps: [speed_mps * cos, speed_mps * sin] }
            }
            Motion::Straight { from_m, yaw_rad, speed_mps } => {
                let (sin, cos) = yaw_rad.sin_cos();
                let velocity_mps = [speed_mps * cos, speed_mps * sin];
                let at_m = [from_m[0] + velocity_mps[0] * time_s, from_m[1] + velocity_mps[1] * time_s];
                Pose { at_m, yaw_rad, velocity_mps }
            }
        }
    }

    /// From an actor's axes into the world: on the ground, tilted with it when the actor has wheels far apart.
    pub fn t_world_actor(&self, actor: &Actor, pose: &Pose) -> Transform {
        if actor.is_long() { self.t_world_vehicle(pose) } else { self.t_world_upright(pose) }
    }

    /// From the axes of a vehicle that stands on four wheels into the world.
    pub fn t_world_vehicle(&self, pose: &Pose) -> Transform {
        const HALF_BASE_M: f64 = 1.3;
        const HALF_TRACK_M: f64 = 0.7;
        let (sin, cos) = pose.yaw_rad.sin_cos();
        let height = |forward: f64, left: f64| {
            let (x, y) = (pose.at_m[0] + forward * cos - left * sin, pose.at_m[1] + forward * sin + left * cos);
            self.height_m(x, y)
        };
        let (front, rear) = (height(HALF_BASE_M, 0.0), height(-HALF_BASE_M, 0.0));
        let (left, right) = (height(0.0, HALF_TRACK_M), height(0.0, -HALF_TRACK_M));
        // A wheel on a kerb tilts nobody by more than a few degrees.
        let pitch = -((front - rear) / (2.0 * HALF_BASE_M)).atan().clamp(-0.12, 0.12);
        let roll = ((left - right) / (2.0 * HALF_TRACK_M)).atan().clamp(-0.06, 0.06);
        let turn = UnitQuaternion::from_euler_angles(roll, pitch, pose.yaw_rad);
        let z = (front + rear + left + right) / 4.0;
        Transform(Isometry3::from_parts(Translation3::new(pose.at_m[0], pose.at_m[1], z), turn))
    }

    /// From upright axes on the ground into the world.
    pub fn t_world_upright(&self, pose: &Pose) -> Transform {
        let z = self.height_m(pose.at_m[0], pose.at_m[1]);
        Transform::from_yaw([pose.at_m[0], pose.at_m[1], z], pose.yaw_rad)
    }

    /// From the ego vehicle's base (on the ground below the sensor) into the world, `s_m` along the first road.
    pub fn t_world_base(&self, s_m: f64) -> Transform {
        let motion =
            Motion::Road { road: 0, s_m, lateral_m: self.ego_lateral_m, speed_mps: 0.0, turn_rad: self.ego_turn_rad };
        let [pitch, roll] = self.ego_tilt_rad;
        let springs =
            Isometry3::from_parts(Translation3::identity(), UnitQuaternion::from_euler_angles(roll, pitch, 0.0));
        self.t_world_vehicle(&self.pose(&motion, 0.0)) * Transform(springs)
    }
}

/// Where a road crosses or joins the first one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Crossing {
    /// Which road.
    road: usize,
    /// Where along the first one.
    s_m: f64,
}

/// Sensors that see farther see nothing beyond.
const MOST_SIGHT_M: f64 = 260.0;

/// A world being laid out.
pub(crate) struct Layout {
    roads: Vec<Road>,
    /// Extent along each road that is furnished.
    spans_m: Vec<[f64; 2]>,
    /// How cars park on each side of each road.
    parking: Vec<[street::Parking; 2]>,
    crossings: Vec<Crossing>,
    ego_lateral_m: f64,
    ego_turn_rad: f64,
    ego_tilt_rad: [f64; 2],
    waves: Vec<Wave>,
    look: GroundLook,
    weather: Weather,
    actors: Vec<(ActorShape, Motion)>,
    scenery: Vec<Scenery>,
    taken: Footprints,
    /// Roads that were furnished before: nothing stands on them.
    built: Vec<Road>,
    /// Where along the first road this stretch begins; 0 in the first, where the ego vehicle starts.
    from_m: f64,
    /// Density in vehicles per 100 m and speed of each lane of the first road, by its number: the same in all stretches.
    flows: BTreeMap<usize, [f64; 2]>,
    /// How traffic comes into a stretch that is not the first.
    stream: Option<TrafficStream>,
}

impl Layout {
    /// Everything on and along streets whose roads are drawn.
    fn furnish_streets(&mut self, config: &SceneConfig, seed: u64) {
        crossings::furnish(config, seed, self);
        street::furnish(config, seed, self);
        vehicles::populate(config, seed, self);
        roadside::furnish(config, seed, self);
        people::populate(config, seed, self);
        crossings::populate(config, seed, self);
    }

    /// Whether a circle keeps off the carriageways and strips of all roads but `except`.
    fn is_clear_of_roads(&self, at_m: [f64; 2], radius_m: f64, except: Option<usize>) -> bool {
        self.roads.iter().chain(&self.built).enumerate().all(|(index, road)| {
            Some(index) == except
                || road
                    .locate(at_m[0] as f32, at_m[1] as f32)
                    .is_none_or(|p| f64::from(p.lateral_m.abs() - road.edge_m(p.lateral_m)) > radius_m)
        })
    }

    /// Puts scenery at a place of a road, turned relative to it, unless it would stand on a road or in something.
    fn stand(&mut self, at_m: [f64; 2], yaw_rad: f64, solids: Vec<Solid>, may_overlap: bool) -> bool {
        let corners: Vec<Vec3> = solids.iter().flat_map(|s| <[Vec3; 2]>::from(s.shape.bounds())).collect();
        let (low, high) = crate::solid::bounds_of(&corners);
        let footprint = footprints::rectangle(at_m, yaw_rad, low, high);
        if !may_overlap && !self.taken.claim(footprint, 0.1) {
            return false;
        }
        let reach_m = f64::from(low.abs().max(high.abs()).truncate().length());
        self.scenery.push(Scenery { at_m, yaw_rad, reach_m, solids });
        true
    }

    /// Puts scenery where it may stand over roads and other things: gantries, bridges, kerbstones.
    fn raise(&mut self, at_m: [f64; 2], yaw_rad: f64, solids: Vec<Solid>) {
        self.stand(at_m, yaw_rad, solids, true);
    }

    /// Draws the weather and what it makes of the ground.
    fn set_weather(&mut self, config: &SceneConfig, seed: u64, extent: Extent) {
        let span = extent.span_m();
        let road = &self.roads[0];
        let place = |random: &mut Sampler| {
            let lateral_m = random.normal(0.0, f64::from(road.half_width_m) + 3.0);
            road.pose(random.within(span), lateral_m).0
        };
        self.weather = Weather::sample(&config.weather, seed, span[1] - span[0], place);
        self.look.wetness = self.weather.wetness;
        let mut random = Sampler::new(seed, "surfaces");
        self.look.paint_reflectance = random.within(config.details.paint_reflectance) as f32;
        self.look.grass_m = random.within(config.details.grass_m) as f32;
        if config.details.lane_paint_share > 0.0 {
            self.look.paint_retro = random.uniform(0.2, 0.8) as f32;
        }
    }

    /// Adds an actor unless something is in its place.
    fn place(&mut self, shape: ActorShape, motion: Motion, margin_m: f64) -> bool {
        let (center, size) = shape.label_box();
        let (at_m, yaw_rad) = match motion {
            Motion::Road { road, s_m, lateral_m, turn_rad, .. } => {
                let (at, heading) = self.roads[road].pose(s_m, lateral_m);
                (at, heading + turn_rad)
            }
            Motion::Straight { from_m, yaw_rad, .. } => (from_m, yaw_rad),
        };
        let half = size * 0.5;
        let free = self.taken.claim(footprints::rectangle(at_m, yaw_rad, center - half, center + half), margin_m);
        if free {
            self.actors.push((shape, motion));
        }
        free
    }

    fn finish(self) -> Result<World, SimError> {
        let max = usize::from(u16::MAX) - 1;
        if self.actors.len() > max {
            return Err(SimError::TooManyInstances { found: self.actors.len(), max });
        }
        let ground = Ground::anchored(&self.waves, &self.roads, [0.0; 2], 1e6, &self.look);
        let actor = |(index, (shape, motion)): (usize, (ActorShape, Motion))| Actor {
            label_box: shape.label_box(),
            shape,
            motion,
            instance_id: index as u16 + 1,
            solids: OnceLock::new(),
        };
        Ok(World {
            roads: self.roads,
            ego_lateral_m: self.ego_lateral_m,
            ego_turn_rad: self.ego_turn_rad,
            ego_tilt_rad: self.ego_tilt_rad,
            actors: self.actors.into_iter().enumerate().map(actor).collect(),
            scenery: self.scenery,
            weather: self.weather,
            waves: self.waves,
            look: self.look,
            ground,
            ground_anchor_m: [0.0; 2],
            open: None,
        })
    }
}

/// A density for a whole scene: skewed to the low end, so that empty streets are common and crowds occur.
pub(crate) fn scene_density(random: &mut Sampler, range: [f64; 2]) -> f64 {
    range[0] + (range[1] - range[0]) * random.unit().powf(1.3)
}

impl World {
    /// Forgets what stands farther than `range_m` behind the ego vehicle, and the parts of actors that far away, which
    /// are made again should they come into view: a drive holds no more the longer it lasts.
    pub fn forget_behind(&mut self, ego_s_m: f64, range_m: f64, time_s: f64) {
        let (at, heading) = self.roads[0].pose(ego_s_m, self.ego_lateral_m);
        let (sin, cos) = heading.sin_cos();
        let offset = |p: [f64; 2]| [p[0] - at[0], p[1] - at[1]];
        self.scenery.retain(|thing| {
            let [dx, dy] = offset(thing.at_m);
            dx * cos + dy * sin > 0.0 || dx.hypot(dy) < range_m + thing.reach_m
        });
        self.scenery.shrink_to_fit();
        let far: Vec<bool> = self
            .actors
            .iter()
            .map(|actor| {
                let [dx, dy] = offset(self.pose(&actor.motion, time_s).at_m);
                dx.hypot(dy) > range_m + 30.0
            })
            .collect();
        for (actor, _) in self.actors.iter_mut().zip(far).filter(|(_, far)| *far) {
            actor.solids = OnceLock::new();
        }
    }

    /// Slows or removes what the ego vehicle would run into while it drives at a constant speed: vehicles of its own
    /// lane keep its pace, and whoever would come within arm's reach of its path steps out of the world.
    pub fn clear_the_lane(&mut self, speed_mps: f64, duration_s: f64) {
        let ego_lateral_m = self.ego_lateral_m;
        for actor in &mut self.actors {
            if let Motion::Road { road: 0, lateral_m, speed_mps: speed, s_m, .. } = &mut actor.motion
                && (*lateral_m - ego_lateral_m).abs() < OWN_LANE_M
                && *s_m > -60.0
            {
                *speed = speed_mps;
            }
        }
        let steps = (duration_s / 0.1).ceil() as usize;
        let doomed: Vec<u16> =
            self.actors.iter().filter(|a| self.meets(a, speed_mps, 0.0, steps)).map(|a| a.instance_id).collect();
        self.actors.retain(|a| !doomed.contains(&a.instance_id));
    }

    /// Whether the ego vehicle, driving at a constant speed from time 0, would come too near to an actor within so many
    /// tenths of a second from a moment on.
    fn meets(&self, actor: &Actor, speed_mps: f64, from_s: f64, steps: usize) -> bool {
        let reach = f64::from(actor.label_box.1.x) / 2.0 + 2.6;
        (0..=steps).any(|step| {
            let time_s = from_s + step as f64 * 0.1;
            let (ego, _) = self.roads[0].pose(speed_mps * time_s, self.ego_lateral_m);
            let other = self.pose(&actor.motion, time_s).at_m;
            let wide = if actor.is_long() { 0.0 } else { 1.0 };
            (ego[0] - other[0]).hypot(ego[1] - other[1]) < reach.min(if actor.is_long() { 2.4 } else { 2.0 + wide })
        })
    }
}

/// What drives less than this beside the ego vehicle's line drives in its lane.
const OWN_LANE_M: f64 = 1.9;
