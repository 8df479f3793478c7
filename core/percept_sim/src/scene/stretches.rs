//! Drives of any length: the world is laid out in stretches as the ego vehicle comes near, and forgotten behind it.
//!
//! ```text
//! first stretch (as ever) │ stretch 1 │ stretch 2 │ ...   each from its own seed, laid out when the ego vehicle is
//!                                                         sight + margin before it, wherever frames begin and end
//! ```
//! Order    stretches are laid out one after the other, with what was forgotten told by their number alone: a frame has
//!          the same bytes in a drive from its start and in one that goes on from that frame.
//! Traffic  a stretch's vehicles are where they are when it is laid out. Those of a lane fill as much road as the ego
//!          vehicle gains on them until the next stretch is laid out, so that their density stays; the faster ones come
//!          from behind. In its own lane nobody else drives beyond the first stretch.
//! Limits   a car park ends ([`CAR_PARK_M`]). What walks or turns off a stretch is not awaited beyond it.

use super::roads::{Extent, LEAST_SIGHT_M, crossing, further_arcs};
use super::street::Parking;
use super::{Actor, Crossing, Footprints, Layout, LayoutKind, Motion, OWN_LANE_M, SceneConfig, World};
use super::{crossings, motorway};
use crate::error::SimError;
use crate::ground::Ground;
use crate::random::{Sampler, mix};
use crate::road::Road;
use crate::weather::Weather;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::OnceLock;

/// Length of the first stretch; shorter drives are laid out at once.
const FIRST_M: f64 = 500.0;
/// Length of each further one.
const STRETCH_M: f64 = 400.0;
/// How much farther than the sensor sees a stretch is laid out, and things are remembered.
const MARGIN_M: f64 = 40.0;
/// Crossings keep so far from the ends of a stretch: their arms lean by up to 30 m.
const CROSSING_MARGIN_M: f64 = 45.0;
/// Longest drive through a car park.
const CAR_PARK_M: f64 = 2_000.0;
/// A stretch is filled with traffic of at most so many times its length, however slow the ego vehicle.
const MOST_TRAFFIC: f64 = 12.0;

/// How traffic comes into a stretch.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrafficStream {
    /// Speed of the ego vehicle.
    pub(super) ego_mps: f64,
    /// Behind this place of the first road nobody sees who comes.
    pub(super) unseen_behind_m: f64,
}

/// What a world needs to be laid out further.
#[derive(Debug)]
pub(super) struct OpenEnd {
    config: SceneConfig,
    seed: u64,
    sight_m: f64,
    ego_mps: f64,
    /// How far the ego vehicle drives.
    ahead_m: f64,
    /// Number of the next stretch, from 1, and where it begins.
    next: u64,
    next_from_m: f64,
    /// How cars park along the first road.
    parking: [Parking; 2],
    /// How each lane of the first road flows.
    flows: BTreeMap<usize, [f64; 2]>,
    has_crossings: bool,
    has_dust: bool,
    taken: Footprints,
    /// Roads behind the first that are no longer known.
    pub(super) forgotten_roads: usize,
    /// Where along the first road each further one crosses it.
    crossings_at_m: VecDeque<f64>,
    /// The last instance number given.
    last_instance: u16,
}

/// What a world holds, to see that it does not grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorldSize {
    /// Roads, their arcs and zebra crossings.
    pub road_parts: usize,
    /// Things that count.
    pub actors: usize,
    /// Things that stand.
    pub scenery: usize,
    /// Places taken, kept for what is laid out next.
    pub places: usize,
}

impl World {
    /// A world for a drive of `ahead_m` at a constant speed, laid out as far as it is seen at the start;
    /// [`World::come_to`] lays out the rest.
    ///
    /// # Errors
    /// As [`World::sample`]; for a drive that is longer than a car park.
    pub fn sample_for_drive(
        config: &SceneConfig,
        seed: u64,
        ahead_m: f64,
        range_m: f64,
        speed_mps: f64,
    ) -> Result<Self, SimError> {
        if ahead_m <= FIRST_M || config.layout == LayoutKind::CarPark {
            if ahead_m > CAR_PARK_M {
                let expected = "speed times duration of at most 2 km in a car park";
                return Err(SimError::SceneSetting { name: "num_frames", found: format!("{ahead_m:.0} m"), expected });
            }
            return Self::sample(config, seed, ahead_m, range_m);
        }
        config.validate()?;
        let extent: Extent = Self::extent(FIRST_M, range_m);
        let mut layout = Self::lay_out(config, seed, extent);
        let open = OpenEnd {
            config: config.clone(),
            seed,
            sight_m: extent.sight_m,
            ego_mps: speed_mps,
            ahead_m,
            next: 1,
            next_from_m: extent.span_m()[1],
            parking: layout.parking[0],
            flows: std::mem::take(&mut layout.flows),
            has_crossings: !layout.crossings.is_empty(),
            has_dust: !layout.weather.dust.is_empty(),
            taken: std::mem::take(&mut layout.taken),
            forgotten_roads: 0,
            crossings_at_m: layout.crossings.iter().map(|crossing| crossing.s_m).collect(),
            last_instance: 0,
        };
        let mut world = layout.finish()?;
        let last_instance = world.actors.last().map_or(0, |actor| actor.instance_id);
        world.open = Some(Box::new(OpenEnd { last_instance, ..open }));
        Ok(world)
    }

    /// Lays out every stretch that comes into sight until the ego vehicle is `ego_s_m` along the first road, and forgets
    /// what lies behind. Going back is not possible.
    ///
    /// # Errors
    /// Where more things are near than can be numbered.
    pub fn come_to(&mut self, ego_s_m: f64) -> Result<(), SimError> {
        while let Some(mut open) = self.open.take_if(|open| open.is_due(ego_s_m)) {
            let result = self.lay_out_next(&mut open);
            self.open = Some(open);
            result?;
        }
        Ok(())
    }

    /// What it holds.
    pub fn size(&self) -> WorldSize {
        WorldSize {
            road_parts: self.roads.iter().map(|road| 1 + road.arcs.len() + road.zebras_m.len()).sum(),
            actors: self.actors.len(),
            scenery: self.scenery.len(),
            places: self.open.as_ref().map_or(0, |open| open.taken.len()),
        }
    }

    fn lay_out_next(&mut self, open: &mut OpenEnd) -> Result<(), SimError> {
        let at_s_m = open.due_at_m();
        let time_s = at_s_m / open.ego_mps;
        let seed = mix(mix(open.seed, 0x7374_7265_7463_6865), open.next);
        let span = [open.next_from_m, open.next_from_m + STRETCH_M];
        self.forget(open, at_s_m, time_s);
        let mut random = Sampler::new(seed, "roads");
        let end_s_m = span[1] + open.sight_m + MARGIN_M;
        if let Some(last) = self.roads[0].arcs.last().copied() {
            let arcs = further_arcs(&open.config, &mut random, &last, end_s_m);
            self.roads[0].arcs.extend(arcs);
        }
        let mut layout = self.stretch(open, &mut random, span, at_s_m);
        match open.config.layout {
            LayoutKind::Street => {
                let main = layout.roads[0].clone();
                crossings::paint(&open.config, seed, &mut layout);
                // Lanes and rails are those of the whole road.
                (layout.roads[0].lanes, layout.roads[0].rails_m) = (main.lanes, main.rails_m);
                layout.furnish_streets(&open.config, seed);
            }
            LayoutKind::Motorway => motorway::furnish_stretch(&open.config, seed, &mut layout),
            LayoutKind::CarPark => {}
        }
        if open.has_dust {
            let half_width_m = f64::from(self.roads[0].half_width_m) + 3.0;
            let road = &self.roads[0];
            let place = |random: &mut Sampler| {
                let lateral_m = random.normal(0.0, half_width_m);
                road.pose(random.within(span), lateral_m).0
            };
            let mut random = Sampler::new(seed, "weather");
            let dust = Weather::dust_along(&open.config.weather, &mut random, STRETCH_M, place);
            self.weather.dust.extend(dust);
        }
        (open.next, open.next_from_m) = (open.next + 1, span[1]);
        self.take_in(open, layout, time_s)?;
        let (ego_m, _) = self.roads[0].pose(at_s_m, self.ego_lateral_m);
        self.ground = Ground::anchored(&self.waves, &self.roads, ego_m, 1e6, &self.look);
        self.ground_anchor_m = ego_m;
        Ok(())
    }

    /// The roads of a stretch, ready to be furnished.
    fn stretch(&self, open: &mut OpenEnd, random: &mut Sampler, span: [f64; 2], at_s_m: f64) -> Layout {
        let main = Road { zebras_m: Vec::new(), ..self.roads[0].clone() };
        let (mut roads, mut spans_m, mut parking) = (vec![main], vec![span], vec![open.parking]);
        let mut crossings = Vec::new();
        if open.has_crossings {
            let spacing_m = open.config.crossing_spacing_m;
            let mut s_m = span[0] + CROSSING_MARGIN_M + random.unit() * spacing_m[1].min(STRETCH_M / 2.0);
            while s_m < span[1] - CROSSING_MARGIN_M {
                let reach = open.sight_m / LEAST_SIGHT_M;
                let (road, strips, length_m) = crossing(&open.config, random, &roads[0], s_m, reach);
                crossings.push(Crossing { road: roads.len(), s_m });
                roads.push(road);
                parking.push(strips);
                spans_m.push([0.0, length_m]);
                s_m += random.within(spacing_m).max(15.0);
            }
        }
        Layout {
            roads,
            spans_m,
            parking,
            crossings,
            ego_lateral_m: self.ego_lateral_m,
            ego_turn_rad: self.ego_turn_rad,
            ego_tilt_rad: self.ego_tilt_rad,
            waves: Vec::new(),
            look: self.look,
            weather: Weather::default(),
            actors: Vec::new(),
            scenery: Vec::new(),
            taken: std::mem::take(&mut open.taken),
            built: self.roads[1..].to_vec(),
            from_m: span[0],
            flows: open.flows.clone(),
            stream: Some(TrafficStream { ego_mps: open.ego_mps, unseen_behind_m: at_s_m - open.sight_m - MARGIN_M }),
        }
    }

    /// Takes in a furnished stretch, as it is at a time.
    fn take_in(&mut self, open: &mut OpenEnd, layout: Layout, time_s: f64) -> Result<(), SimError> {
        let first_number = open.forgotten_roads + self.roads.len();
        let motion_from_start = |motion: Motion| match motion {
            Motion::Road { road, s_m, lateral_m, speed_mps, turn_rad } => {
                let road = if road == 0 { 0 } else { first_number + road - 1 };
                Motion::Road { road, s_m: s_m - speed_mps * time_s, lateral_m, speed_mps, turn_rad }
            }
            Motion::Straight { from_m, yaw_rad, speed_mps } => {
                let back_m = speed_mps * time_s;
                let from_m = [from_m[0] - back_m * yaw_rad.cos(), from_m[1] - back_m * yaw_rad.sin()];
                Motion::Straight { from_m, yaw_rad, speed_mps }
            }
        };
        let mut roads = layout.roads.into_iter();
        self.roads[0].zebras_m.extend(roads.next().into_iter().flat_map(|main| main.zebras_m));
        self.roads.extend(roads);
        open.crossings_at_m.extend(layout.crossings.iter().map(|crossing| crossing.s_m));
        self.scenery.extend(layout.scenery);
        open.taken = layout.taken;
        // Until the ego vehicle has left the stretch.
        let steps = ((2.0 * (open.sight_m + MARGIN_M) + STRETCH_M) / open.ego_mps / 0.1).ceil() as usize;
        let mut used: BTreeSet<u16> = self.actors.iter().map(|actor| actor.instance_id).collect();
        for (shape, motion) in layout.actors {
            let actor = Actor {
                label_box: shape.label_box(),
                shape,
                motion: motion_from_start(motion),
                instance_id: open.free_instance(&used)?,
                solids: OnceLock::new(),
            };
            let blocks = matches!(motion, Motion::Road { road: 0, lateral_m, .. }
                if (lateral_m - self.ego_lateral_m).abs() < OWN_LANE_M);
            if !blocks && !self.meets(&actor, open.ego_mps, time_s, steps) {
                used.insert(actor.instance_id);
                open.last_instance = actor.instance_id;
                self.actors.push(actor);
            }
        }
        Ok(())
    }

    /// Forgets what lies behind the ego vehicle at a place and a time, and who has gone for good.
    fn forget(&mut self, open: &mut OpenEnd, at_s_m: f64, time_s: f64) {
        let range_m = open.sight_m + MARGIN_M;
        self.forget_behind(at_s_m, range_m, time_s);
        let behind_m = at_s_m - 2.0 * range_m;
        let (ego_m, heading) = self.roads[0].pose(at_s_m, self.ego_lateral_m);
        let (sin, cos) = heading.sin_cos();
        let ahead = |p: [f64; 2]| (p[0] - ego_m[0]) * cos + (p[1] - ego_m[1]) * sin;
        let apart = |p: [f64; 2], from: [f64; 2]| (p[0] - from[0]).hypot(p[1] - from[1]);
        let (ego_after_m, _) = self.roads[0].pose(at_s_m + open.ego_mps, self.ego_lateral_m);
        let is_gone = |actor: &Actor| {
            let [now, after] = [time_s, time_s + 1.0].map(|time_s| self.pose(&actor.motion, time_s).at_m);
            let [now_m, after_m] = [apart(now, ego_m), apart(after, ego_after_m)];
            now_m > range_m + 30.0 && after_m > now_m
        };
        let gone: BTreeSet<u16> = self.actors.iter().filter(|a| is_gone(a)).map(|a| a.instance_id).collect();
        self.actors.retain(|actor| !gone.contains(&actor.instance_id));
        self.actors.shrink_to_fit();
        self.weather.dust.retain(|cloud| ahead(cloud.at_m) > -2.0 * range_m);
        open.taken.retain(|at_m| ahead(at_m) > -range_m);
        self.roads[0].zebras_m.retain(|[_, end]| f64::from(*end) > behind_m);
        self.roads[0].arcs.retain(|arc| arc.from_s_m + arc.length_m > behind_m);
        while open.crossings_at_m.front().is_some_and(|s_m| *s_m < behind_m) && self.roads.len() > 1 {
            open.crossings_at_m.pop_front();
            self.roads.remove(1);
            open.forgotten_roads += 1;
        }
        let first_known = open.forgotten_roads + 1;
        self.actors.retain(|a| !matches!(a.motion, Motion::Road { road, .. } if road > 0 && road < first_known));
    }
}

impl OpenEnd {
    /// Where the ego vehicle is when the next stretch is laid out.
    fn due_at_m(&self) -> f64 {
        self.next_from_m - self.sight_m - MARGIN_M
    }

    fn is_due(&self, ego_s_m: f64) -> bool {
        ego_s_m >= self.due_at_m() && self.next_from_m < self.ahead_m + self.sight_m
    }

    /// The next number that nobody has.
    fn free_instance(&self, used: &BTreeSet<u16>) -> Result<u16, SimError> {
        let max = u16::MAX - 1;
        let following = (self.last_instance..max).map(|last| last + 1).chain(1..=self.last_instance);
        following
            .into_iter()
            .find(|number| !used.contains(number))
            .ok_or(SimError::TooManyInstances { found: used.len() + 1, max: usize::from(max) })
    }
}

impl Layout {
    /// The density of a lane: the one drawn, in further stretches of the first road the one of its first.
    pub(super) fn density_of_lane(&mut self, road: usize, lane: usize, drawn: f64) -> f64 {
        match (road, self.stream) {
            (0, None) => self.flows.entry(lane).or_insert([drawn, 0.0])[0],
            (0, Some(_)) => self.flows.get(&lane).map_or(0.0, |flow| flow[0]),
            (_, _) => drawn,
        }
    }

    /// The same of its speed.
    pub(super) fn speed_of_lane(&mut self, road: usize, lane: usize, drawn_mps: f64) -> f64 {
        match (road, self.stream) {
            (0, None) => {
                self.flows.entry(lane).or_default()[1] = drawn_mps;
                drawn_mps
            }
            (0, Some(_)) => self.flows.get(&lane).map_or(0.0, |flow| flow[1]),
            (_, _) => drawn_mps,
        }
    }

    /// Where vehicles of a lane are put: all of the road in the first stretch and on other roads.
    pub(super) fn traffic_span_m(&self, road: usize, lateral_m: f64, speed_mps: f64) -> [f64; 2] {
        let [start, end] = self.spans_m[road];
        let Some(stream) = self.stream.filter(|_| road == 0) else { return [start, end] };
        if (lateral_m - self.ego_lateral_m).abs() < OWN_LANE_M {
            return [start, start];
        }
        // What the ego vehicle gains on the lane while it drives a stretch.
        let gained_m = (end - start) * (1.0 - speed_mps / stream.ego_mps).clamp(-MOST_TRAFFIC, MOST_TRAFFIC);
        if gained_m >= 0.0 {
            [start, start + gained_m]
        } else {
            [stream.unseen_behind_m + gained_m, stream.unseen_behind_m]
        }
    }
}
