//! The lie of the land: hills, the road driven, crossings, and how each side is divided.

use super::{Footprints, Layout, SceneConfig, footprints, street::Parking};
use crate::ground::Wave;
use crate::random::Sampler;
use crate::road::{Arc, Road, RoadSide, SideSurface};
use crate::vector::Vec3;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// How far behind and ahead of the ego vehicle the world reaches: beyond the sensor's range nothing is seen.
pub const SIGHT_M: f64 = 88.0;

/// Draws hills, roads and the ego vehicle's place.
pub fn sample(config: &SceneConfig, seed: u64, ahead_m: f64) -> Layout {
    let mut random = Sampler::new(seed, "roads");
    let main = main_road(config, &mut random, ahead_m);
    let span = [-SIGHT_M, ahead_m + SIGHT_M];
    let (mut roads, mut parking, mut spans_m) = (vec![main.0], vec![main.1], vec![span]);
    if random.chance(config.crossing_chance) {
        let mut s = random.uniform(-40.0, 60.0).max(-SIGHT_M);
        while s < span[1] {
            let (road, strips, length) = crossing(config, &mut random, &roads[0], s);
            roads.push(road);
            parking.push(strips);
            spans_m.push([0.0, length]);
            s += random.within(config.crossing_spacing_m).max(15.0);
        }
    }
    let half_width = f64::from(roads[0].half_width_m);
    let ego_lateral_m = -half_width / 2.0 + random.normal(0.0, 0.25).clamp(-0.6, 0.6);
    let mut taken = Footprints::default();
    let (at, heading) = roads[0].pose(0.0, ego_lateral_m);
    taken.claim(footprints::rectangle(at, heading, Vec3::new(-3.5, -1.1, 0.0), Vec3::new(3.5, 1.1, 2.0)), 0.0);
    let tilt = config.vehicle_tilt_deg.to_radians();
    Layout {
        roads,
        spans_m,
        parking,
        ego_lateral_m,
        ego_turn_rad: random.bounded_normal(0.0, 0.03)
            + if random.chance(0.08) { random.normal(0.0, 0.25) } else { 0.0 },
        ego_tilt_rad: [random.bounded_normal(0.0, tilt), random.bounded_normal(0.0, tilt * 0.7)],
        waves: waves(config, &mut random),
        ground_tint: random.within(config.ground_tint) as f32,
        actors: Vec::new(),
        scenery: Vec::new(),
        taken,
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

fn main_road(config: &SceneConfig, random: &mut Sampler, ahead_m: f64) -> (Road, [Parking; 2]) {
    let end = ahead_m + SIGHT_M + 10.0;
    let mut arcs = Vec::new();
    // Backwards from the start and forwards to the end, so that the ego vehicle starts at the origin heading +x.
    let start_curvature = if random.chance(0.55) { 0.0 } else { random.normal(0.0, config.max_curvature / 2.0) };
    let clamp = |c: f64| c.clamp(-config.max_curvature, config.max_curvature);
    let behind = Arc { start_m: [0.0; 2], heading_rad: 0.0, curvature: 0.0, from_s_m: 0.0, length_m: 0.0 };
    let (at, heading) = behind.pose(-(SIGHT_M + 10.0));
    arcs.push(Arc {
        start_m: at,
        heading_rad: heading,
        from_s_m: -(SIGHT_M + 10.0),
        length_m: SIGHT_M + 10.0,
        ..behind
    });
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
    finish_road(config, random, arcs, 1.0)
}

/// A road that crosses the first one at `s_m`, or only joins it.
fn crossing(config: &SceneConfig, random: &mut Sampler, main: &Road, s_m: f64) -> (Road, [Parking; 2], f64) {
    let (center, heading) = main.pose(s_m, 0.0);
    let turn = FRAC_PI_2 + random.bounded_normal(0.0, 0.15);
    let turn = if random.chance(0.5) { turn } else { turn - PI };
    let (ahead, behind) =
        (random.uniform(45.0, 80.0), if random.chance(0.5) { random.uniform(45.0, 80.0) } else { 0.0 });
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
    };
    let sides = [side(random, &parking[0]), side(random, &parking[1])];
    (Road { arcs, half_width_m: (lane * lanes) as f32, sides, marked: random.chance(0.6) }, parking)
}
