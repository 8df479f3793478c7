//! The lie of the land: hills, the road driven, crossings, and how each side is divided.

use super::{Crossing, Footprints, Layout, SceneConfig, footprints, street::Parking};
use crate::ground::{GroundLook, Wave};
use crate::random::Sampler;
use crate::road::{Arc, Road, RoadSide, SideSurface};
use crate::vector::Vec3;
use crate::weather::Weather;
use std::collections::BTreeMap;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// How far behind and ahead of the ego vehicle the world reaches at least: what KITTI's sweeps show.
pub const LEAST_SIGHT_M: f64 = 88.0;

/// How far a world is laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// How far the ego vehicle drives.
    pub ahead_m: f64,
    /// How far is seen before and behind it.
    pub sight_m: f64,
}

impl Extent {
    /// Where the first road is furnished.
    pub fn span_m(&self) -> [f64; 2] {
        [-self.sight_m, self.ahead_m + self.sight_m]
    }
}

/// Draws hills, roads and the ego vehicle's place.
pub fn sample(config: &SceneConfig, seed: u64, extent: Extent) -> Layout {
    let mut random = Sampler::new(seed, "roads");
    let arcs = main_arcs(config, &mut random, extent);
    let main = finish_road(config, &mut random, arcs, 1.0);
    let span = extent.span_m();
    let (mut roads, mut parking, mut spans_m) = (vec![main.0], vec![main.1], vec![span]);
    let mut crossings = Vec::new();
    if random.chance(config.crossing_chance) {
        let mut s = random.uniform(-40.0, 60.0).max(-extent.sight_m);
        while s < span[1] {
            let (road, strips, length) = crossing(config, &mut random, &roads[0], s, extent.sight_m / LEAST_SIGHT_M);
            crossings.push(Crossing { road: roads.len(), s_m: s });
            roads.push(road);
            parking.push(strips);
            spans_m.push([0.0, length]);
            s += random.within(config.crossing_spacing_m).max(15.0);
        }
    }
    let half_width = f64::from(roads[0].half_width_m);
    let ego_lateral_m = -half_width / 2.0 + random.normal(0.0, 0.25).clamp(-0.6, 0.6);
    let layout = Layout { roads, spans_m, parking, crossings, ..with_ego(config, &mut random, ego_lateral_m) };
    layout.with_ego_place()
}

/// A layout without roads, with hills, springs and a heading drawn.
pub fn with_ego(config: &SceneConfig, random: &mut Sampler, ego_lateral_m: f64) -> Layout {
    let tilt = config.vehicle_tilt_deg.to_radians();
    Layout {
        roads: Vec::new(),
        spans_m: Vec::new(),
        parking: Vec::new(),
        crossings: Vec::new(),
        ego_lateral_m,
        ego_turn_rad: random.bounded_normal(0.0, 0.03)
            + if random.chance(0.08) { random.normal(0.0, 0.25) } else { 0.0 },
        ego_tilt_rad: [random.bounded_normal(0.0, tilt), random.bounded_normal(0.0, tilt * 0.7)],
        waves: waves(config, random),
        look: GroundLook::plain(random.within(config.ground_tint) as f32),
        weather: Weather::default(),
        actors: Vec::new(),
        scenery: Vec::new(),
        taken: Footprints::default(),
        built: Vec::new(),
        from_m: 0.0,
        flows: BTreeMap::new(),
        stream: None,
    }
}

impl Layout {
    /// The same with the ego vehicle's ground taken.
    pub fn with_ego_place(mut self) -> Self {
        let (at, heading) = self.roads[0].pose(0.0, self.ego_lateral_m);
        let (low, high) = (Vec3::new(-3.5, -1.1, 0.0), Vec3::new(3.5, 1.1, 2.0));
        self.taken.claim(footprints::rectangle(at, heading, low, high), 0.0);
        self
    }
}

/// Two long hills and three short swells.
fn waves(config: &SceneConfig, random: &mut Sampler) -> Vec<Wave> {
    let mut wave = |length_m: [f64; 2], amplitude_m: f64| {
        let (direction, number) = (random.uniform(0.0, TAU), TAU / random.within(length_m));
        Wave {
            k: [number * direction.cos(), number * direction.sin()],
            phase_rad: random.uniform(0.0, TAU),
            amplitude_m: amplitude_m as f32,
        }
    };
    let hill = |random: &mut Sampler| config.max_slope * random.uniform(0.0, 1.0);
    let mut steep = Sampler::new(wave([1.0, 2.0], 0.0).phase_rad.to_bits(), "slopes");
    let mut waves = Vec::new();
    for length_m in [[110.0, 320.0], [55.0, 130.0]] {
        let mut hill_wave = wave(length_m, 1.0);
        // The steepest slope of a sine is amplitude times wave number.
        hill_wave.amplitude_m = (0.6 * hill(&mut steep) / hill_wave.k[0].hypot(hill_wave.k[1])) as f32;
        waves.push(hill_wave);
    }
    for length_m in [[14.0, 40.0], [7.0, 15.0]] {
        let amplitude = steep.within(config.undulation_m);
        waves.push(wave(length_m, amplitude));
    }
    waves.push(wave([2.0, 5.0], 0.006));
    waves
}

/// The centre line of the road driven.
pub fn main_arcs(config: &SceneConfig, random: &mut Sampler, extent: Extent) -> Vec<Arc> {
    let behind_m = extent.sight_m + 10.0;
    let end = extent.ahead_m + behind_m;
    let mut arcs = Vec::new();
    // Backwards from the start and forwards to the end, so that the ego vehicle starts at the origin heading +x.
    let start_curvature = if random.chance(0.55) { 0.0 } else { random.normal(0.0, config.max_curvature / 2.0) };
    let clamp = |c: f64| c.clamp(-config.max_curvature, config.max_curvature);
    let behind = Arc { start_m: [0.0; 2], heading_rad: 0.0, curvature: 0.0, from_s_m: 0.0, length_m: 0.0 };
    let (at, heading) = behind.pose(-behind_m);
    arcs.push(Arc { start_m: at, heading_rad: heading, from_s_m: -behind_m, length_m: behind_m, ..behind });
    let (mut s, mut at, mut heading) = (0.0, [0.0; 2], 0.0);
    let mut curvature = clamp(start_curvature);
    while s < end {
        let length_m = random.uniform(25.0, 90.0).min(end - s).max(5.0);
        let arc = Arc { start_m: at, heading_rad: heading, curvature, from_s_m: s, length_m };
        (at, heading) = arc.pose(length_m);
        arcs.push(arc);
        s += length_m;
        // Roads that turned far bend back: they must not cross themselves.
        let back = if heading.abs() > 0.6 { -heading.signum() * config.max_curvature * 0.7 } else { 0.0 };
        curvature =
            clamp(if random.chance(0.45) { back } else { back + random.normal(0.0, config.max_curvature / 2.0) });
    }
    arcs
}

/// The centre line beyond its last arc, to `end_s_m` at least: bends as in the first stretch.
pub fn further_arcs(config: &SceneConfig, random: &mut Sampler, last: &Arc, end_s_m: f64) -> Vec<Arc> {
    let (mut at, mut heading) = last.pose(last.length_m);
    let mut s = last.from_s_m + last.length_m;
    let mut arcs = Vec::new();
    while s < end_s_m {
        // Roads that turned far bend back: they must not cross themselves.
        let back = if heading.abs() > 0.6 { -heading.signum() * config.max_curvature * 0.7 } else { 0.0 };
        let bend = if random.chance(0.45) { 0.0 } else { random.normal(0.0, config.max_curvature / 2.0) };
        let curvature = (back + bend).clamp(-config.max_curvature, config.max_curvature);
        let arc =
            Arc { start_m: at, heading_rad: heading, curvature, from_s_m: s, length_m: random.uniform(25.0, 90.0) };
        (at, heading) = arc.pose(arc.length_m);
        s += arc.length_m;
        arcs.push(arc);
    }
    arcs
}

/// A road that crosses the first one at `s_m`, or only joins it; `reach` is a factor on its length.
pub fn crossing(
    config: &SceneConfig,
    random: &mut Sampler,
    main: &Road,
    s_m: f64,
    reach: f64,
) -> (Road, [Parking; 2], f64) {
    let (center, heading) = main.pose(s_m, 0.0);
    let turn = FRAC_PI_2 + random.bounded_normal(0.0, 0.15);
    let turn = if random.chance(0.5) { turn } else { turn - PI };
    let ahead = reach * random.uniform(45.0, 80.0);
    let behind = if random.chance(0.5) { reach * random.uniform(45.0, 80.0) } else { 0.0 };
    let heading_rad = heading + turn;
    let start_m = [center[0] - behind * heading_rad.cos(), center[1] - behind * heading_rad.sin()];
    let arc = Arc { start_m, heading_rad, curvature: 0.0, from_s_m: 0.0, length_m: ahead + behind };
    let (road, parking) = finish_road(config, random, vec![arc], 0.85);
    (road, parking, ahead + behind)
}

fn finish_road(config: &SceneConfig, random: &mut Sampler, arcs: Vec<Arc>, scale: f64) -> (Road, [Parking; 2]) {
    let lane = random.within(config.lane_width_m) * scale;
    let lanes = if random.chance(0.09) { 2.0 } else { 1.0 };
    let parking = [Parking::sample(config, random), Parking::sample(config, random)];
    let side = |random: &mut Sampler, parking: &Parking| RoadSide {
        parking_m: parking.depth_m() as f32,
        kerb_m: if random.chance(0.2) { 0.02 } else { random.uniform(0.05, 0.16) as f32 },
        sidewalk_m: if random.chance(0.28) { 0.3 } else { random.uniform(1.0, 3.4) as f32 },
        bank_slope: if random.chance(0.78) {
            random.normal(0.0, 0.03) as f32
        } else {
            random.uniform(-0.2, 0.35) as f32
        },
        surface: if random.chance(0.6) { SideSurface::Grass } else { SideSurface::Paved },
        bay_m: 0.0,
    };
    let sides = [side(random, &parking[0]), side(random, &parking[1])];
    let road = Road {
        arcs,
        half_width_m: (lane * lanes) as f32,
        sides,
        marked: random.chance(0.6),
        lanes: None,
        zebras_m: Vec::new(),
        rails_m: None,
    };
    (road, parking)
}
