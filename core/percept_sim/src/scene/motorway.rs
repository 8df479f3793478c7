//! Motorways: two carriageways with a reservation, shoulders, crash barriers, noise walls, gantries, bridges.

use super::roads::{Extent, main_arcs, with_ego};
use super::street::Parking;
use super::vehicles::{draw_trailer, length_of, moving_vehicle, vehicle};
use super::{Layout, Motion, SceneConfig, furniture, people, roadside, scene_density, scenery};
use crate::actor::{ActorShape, MotorcycleShape, TruckShape};
use crate::random::Sampler;
use crate::road::{Lanes, Road, RoadSide, SideSurface};
use std::f64::consts::PI;

/// Draws a motorway and all that is on it.
pub fn sample(config: &SceneConfig, seed: u64, extent: Extent) -> Layout {
    let mut random = Sampler::new(seed, "motorway");
    let arcs = main_arcs(config, &mut random, extent);
    let plan = &config.motorway;
    let per_direction = random.within(plan.lanes).round().max(1.0) as usize;
    let half_median_m = (random.within(plan.median_m) / 2.0) as f32;
    let inner_m = half_median_m + random.uniform(0.4, 1.0) as f32;
    let width_m = random.within(config.lane_width_m) as f32;
    let shoulder_m = random.within(plan.shoulder_m) as f32;
    let lanes = Lanes { per_direction, width_m, inner_m, half_median_m, dash_m: [6.0, 18.0] };
    let side = |random: &mut Sampler| RoadSide {
        parking_m: 0.0,
        kerb_m: 0.0,
        sidewalk_m: 0.0,
        bank_slope: random.uniform(-0.3, 0.35) as f32,
        surface: SideSurface::Grass,
        bay_m: 0.0,
    };
    let road = Road {
        arcs,
        half_width_m: inner_m + width_m * per_direction as f32 + shoulder_m,
        sides: [side(&mut random), side(&mut random)],
        marked: false,
        lanes: Some(lanes),
        zebras_m: Vec::new(),
        rails_m: None,
    };
    let ego_lane = random.integer(0, per_direction - 1);
    let ego_lateral_m = -lanes.middle_m(ego_lane) + random.bounded_normal(0.0, 0.15);
    let layout = Layout {
        roads: vec![road],
        spans_m: vec![extent.span_m()],
        parking: vec![[Parking::None; 2]],
        ..with_ego(config, &mut random, ego_lateral_m)
    };
    let mut layout = layout.with_ego_place();
    furnish(config, &mut random, &mut layout, &lanes, shoulder_m);
    layout
}

/// Furnishes a further stretch of a motorway.
pub fn furnish_stretch(config: &SceneConfig, seed: u64, layout: &mut Layout) {
    let Some(lanes) = layout.roads[0].lanes else { return };
    let shoulder_m = layout.roads[0].half_width_m - lanes.inner_m - lanes.width_m * lanes.per_direction as f32;
    furnish(config, &mut Sampler::new(seed, "motorway"), layout, &lanes, shoulder_m);
}

/// Traffic and all that stands.
fn furnish(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, lanes: &Lanes, shoulder_m: f32) {
    for direction in [1.0, -1.0] {
        flow(config, random, layout, lanes, direction);
    }
    layout.parking[0] = [Parking::None; 2];
    barriers(config, random, layout, lanes);
    across(config, random, layout);
    stranded(config, random, layout, shoulder_m);
    roadside::construction(config, random, layout, 0);
    land(config, random, layout);
}

/// Traffic of one direction: slow lorries on the outer lane, faster and sparser towards the middle; sometimes a jam.
fn flow(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, lanes: &Lanes, direction: f64) {
    let jam = random.chance(config.motorway.jam_chance);
    let [slowest, fastest] = config.traffic.speed_mps;
    for lane in 0..lanes.per_direction {
        let outer = lanes.per_direction - 1 - lane;
        let density = match jam {
            true => random.uniform(6.0, 12.0),
            false => scene_density(random, config.traffic_per_100m),
        };
        let number = 2 * lane + usize::from(direction > 0.0);
        let density = layout.density_of_lane(0, number, density);
        if density <= 0.0 {
            continue;
        }
        let share = 1.0 - outer as f64 / lanes.per_direction as f64;
        let flowing = fastest - (fastest - slowest) * (0.25 + 0.6 * share) + random.normal(0.0, 1.5);
        let speed = if jam { random.uniform(0.0, 5.0) } else { flowing.max(slowest) };
        let speed = layout.speed_of_lane(0, number, speed);
        let truck_share = config.motorway.slow_lane_truck_share / 3.0_f64.powi(outer as i32);
        let [mut s, end] = layout.traffic_span_m(0, -direction * lanes.middle_m(lane), direction * speed);
        while s < end {
            let shape = match () {
                () if random.chance(truck_share) => ActorShape::Truck(TruckShape::sample(random)),
                () => moving_vehicle(config, random),
            };
            let length = length_of(&shape);
            s += length / 2.0 + random.exponential(100.0 / density);
            // Right-hand traffic: those who come the other way keep to our left.
            let lateral_m = -direction * (lanes.middle_m(lane) + random.uniform(-0.2, 0.2));
            let turn_rad = if direction < 0.0 { PI } else { 0.0 } + random.bounded_normal(0.0, 0.012);
            let motion = Motion::Road { road: 0, s_m: s, lateral_m, speed_mps: direction * speed, turn_rad };
            if layout.place(shape, motion, 0.3) {
                draw_trailer(config, random, layout, length, motion);
            }
            s += length / 2.0 + if jam { 1.5 } else { 6.0 };
        }
    }
}

/// Crash barriers in the middle and outside, noise walls, posts, lamps, signs.
fn barriers(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, lanes: &Lanes) {
    let [start, end] = layout.spans_m[0];
    let outer = f64::from(layout.roads[0].half_width_m);
    let median = f64::from(lanes.half_median_m);
    let is_concrete = random.chance(0.3);
    let rails: Vec<f64> = if is_concrete || median < 1.2 { vec![0.0] } else { vec![median - 0.5, 0.5 - median] };
    for lateral in rails {
        run(layout, [start, end], lateral, lateral <= 0.0, |_| furniture::guard_rail(PIECE_M + 0.1, is_concrete));
    }
    for side in [1.0, -1.0] {
        let mut s = start;
        while s < end {
            let next = (s + random.uniform(40.0, 160.0)).min(end);
            if random.chance(config.motorway.guard_rail_share) {
                run(layout, [s, next], side * (outer + 0.6), side > 0.0, |_| {
                    furniture::guard_rail(PIECE_M + 0.1, false)
                });
            }
            if random.chance(config.motorway.noise_wall_share) {
                let (height, beyond) = (random.uniform(2.0, 5.0) as f32, random.uniform(1.6, 4.0));
                let wall = furniture::noise_wall(random, PIECE_M + 0.1, height);
                run(layout, [s, next], side * (outer + beyond), side > 0.0, |_| wall.clone());
            }
            s = next;
        }
        let mut s = start + random.uniform(0.0, 50.0);
        while s < end {
            put(layout, s, side * (outer + 0.5), side > 0.0, furniture::delineator());
            s += 50.0;
        }
        let lamps = random.chance(0.25);
        let mut s = start + random.uniform(5.0, 40.0);
        while s < end {
            let thing = if lamps { furniture::lamp(random) } else { furniture::road_sign(random) };
            put(layout, s, side * (outer + 1.1), side > 0.0, thing);
            s += random.uniform(30.0, if lamps { 45.0 } else { 180.0 });
        }
    }
}

/// Length of the straight pieces of which barriers are made.
const PIECE_M: f64 = 8.0;

/// Pieces in a row along the road.
fn run(
    layout: &mut Layout,
    span_m: [f64; 2],
    lateral_m: f64,
    faces_right: bool,
    mut piece: impl FnMut(usize) -> Vec<crate::solid::Solid>,
) {
    let count = ((span_m[1] - span_m[0]) / PIECE_M).ceil() as usize;
    for index in 0..count {
        let s_m = span_m[0] + (index as f64 + 0.5) * PIECE_M;
        put(layout, s_m, lateral_m, faces_right, piece(index));
    }
}

/// Stands something beside the road, its +y to the right or to the left.
fn put(layout: &mut Layout, s_m: f64, lateral_m: f64, faces_right: bool, solids: Vec<crate::solid::Solid>) {
    let (at, heading) = layout.roads[0].pose(s_m, lateral_m);
    layout.raise(at, if faces_right { heading + PI } else { heading }, solids);
}

/// Gantries and bridges.
fn across(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout) {
    let [start, end] = layout.spans_m[0];
    let width = 2.0 * f64::from(layout.roads[0].half_width_m);
    let mut s = start + random.within(config.motorway.gantry_spacing_m) * random.unit();
    while s < end {
        let gantry = furniture::gantry(random, width + 2.4);
        let backwards = random.chance(0.5);
        put(layout, s, 0.0, backwards, gantry);
        s += random.within(config.motorway.gantry_spacing_m);
    }
    let mut s = start + random.within(config.motorway.bridge_spacing_m) * random.unit();
    while s < end {
        let with_pillar = random.chance(0.5);
        let bridge = furniture::bridge(random, width, with_pillar);
        put(layout, s, 0.0, false, bridge);
        s += random.within(config.motorway.bridge_spacing_m);
    }
}

/// Broken-down vehicles with someone beside them.
fn stranded(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, shoulder_m: f32) {
    if shoulder_m < 2.0 {
        return;
    }
    let [start, end] = layout.spans_m[0];
    let count = (scene_density(random, config.motorway.stranded_per_100m) * (end - start) / 100.0).round() as usize;
    for _ in 0..count {
        let side = random.sign();
        let lateral_m = side * (f64::from(layout.roads[0].half_width_m - shoulder_m / 2.0) + 0.2);
        let turn_rad = if side > 0.0 { PI } else { 0.0 };
        let s_m = random.uniform(start, end);
        let shape = match random.weighted(&[0.8, 0.2]) {
            0 => vehicle(config, random, 0.2),
            _ => ActorShape::Motorcycle(MotorcycleShape::sample_parked(random)),
        };
        layout.place(shape, Motion::Road { road: 0, s_m, lateral_m, speed_mps: 0.0, turn_rad }, 0.2);
        let (from_m, yaw_rad) = layout.roads[0].pose(s_m + random.uniform(-4.0, 4.0), lateral_m + side * 1.6);
        let shape = people::someone(config, random, false);
        layout.place(shape, Motion::Straight { from_m, yaw_rad, speed_mps: 0.0 }, 0.0);
    }
}

/// Bushes, woods and sheds beyond the barriers.
fn land(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout) {
    let [start, end] = layout.spans_m[0];
    let outer = f64::from(layout.roads[0].half_width_m);
    for side in [1.0, -1.0] {
        let density = scene_density(random, config.clutter_per_100m).max(0.5);
        let wooded = random.chance(0.5);
        let mut s = start;
        while s < end {
            s += random.exponential(100.0 / density);
            let lateral = side * (outer + 4.5 + random.exponential(if wooded { 6.0 } else { 18.0 }));
            let solids = match random.weighted(&[0.45, 0.5, 0.05]) {
                0 => scenery::tree(random),
                1 => scenery::shrub(random),
                _ if lateral.abs() > outer + 25.0 => scenery::building(random, 20.0),
                _ => scenery::shrub(random),
            };
            put(layout, s, lateral, side > 0.0, solids);
        }
    }
}
