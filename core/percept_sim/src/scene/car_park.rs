//! Car parks: aisles with bays on both sides, rows back to back, trolleys, lamps, trees, the shop they belong to.

use super::roads::{Extent, LEAST_SIGHT_M, with_ego};
use super::street::Parking;
use super::vehicles::{length_of, vehicle};
use super::{Layout, Motion, SceneConfig, buildings, furniture, people, roadside, scene_density, scenery};
use crate::actor::{ActorShape, MotorcycleShape, TrolleyShape};
use crate::random::Sampler;
use crate::road::{Arc, Road, RoadSide, SideSurface};
use crate::solid::Solid;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// The plan of one car park.
struct Plan {
    /// Angle of bays to the aisles.
    angle_rad: f64,
    bay_m: f64,
    depth_m: f64,
    half_aisle_m: f64,
    strip_m: f64,
    /// Distance between the middles of two aisles.
    pitch_m: f64,
    aisles: usize,
    span_m: [f64; 2],
}

/// Draws a car park and all that is in it.
pub fn sample(config: &SceneConfig, seed: u64, extent: Extent) -> Layout {
    let mut random = Sampler::new(seed, "car park");
    let plan = plan(config, &mut random, extent);
    let first_left = random.integer(0, plan.aisles - 1);
    let mut roads: Vec<Road> = (0..plan.aisles).map(|index| plan.aisle(index as f64 - first_left as f64)).collect();
    // The first road is the one that the ego vehicle drives.
    roads.swap(0, first_left);
    let ego_lateral_m = random.uniform(-0.5, 0.2) * plan.half_aisle_m;
    let mut layout = Layout {
        spans_m: vec![plan.span_m; roads.len()],
        parking: vec![[Parking::None; 2]; roads.len()],
        roads,
        ..with_ego(config, &mut random, ego_lateral_m)
    };
    layout.look.tint *= random.uniform(0.8, 1.1) as f32;
    let mut layout = layout.with_ego_place();
    strips(&mut random, &mut layout, &plan);
    for road in 0..layout.roads.len() {
        for side in [1.0, -1.0] {
            bays(config, &mut random, &mut layout, &plan, (road, side));
        }
        moving(config, &mut random, &mut layout, road, &plan);
        visitors(config, &mut random, &mut layout, road, &plan);
    }
    roadside::construction(config, &mut random, &mut layout, 0);
    border(config, &mut random, &mut layout, &plan, first_left);
    layout
}

fn plan(config: &SceneConfig, random: &mut Sampler, extent: Extent) -> Plan {
    let park = &config.car_park;
    let oblique = random.chance(park.oblique_chance);
    let angle_rad = if oblique { random.uniform(0.8, 1.25) } else { FRAC_PI_2 };
    let depth_m = 4.7 * angle_rad.sin() + 1.3 * angle_rad.cos();
    let (half_aisle_m, strip_m) = (random.within(park.aisle_m) / 2.0, random.within(park.strip_m));
    let reach = extent.sight_m.max(LEAST_SIGHT_M);
    Plan {
        angle_rad,
        bay_m: random.within(park.bay_m) / angle_rad.sin(),
        depth_m,
        half_aisle_m,
        strip_m,
        pitch_m: 2.0 * (half_aisle_m + depth_m) + strip_m,
        aisles: 1 + random.within(park.aisles).round() as usize + random.within(park.aisles).round() as usize,
        span_m: [-random.uniform(0.2, 0.9) * reach, extent.ahead_m + random.uniform(0.4, 0.9) * reach],
    }
}

impl Plan {
    /// The aisle so many pitches to the left of the one driven.
    fn aisle(&self, index: f64) -> Road {
        let [start, end] = self.span_m;
        // Aisles reach past their bays, where cars drive from one to the next.
        let (start, end) = (start - 8.0, end + 8.0);
        let start_m = [start, index * self.pitch_m];
        let arc = Arc { start_m, heading_rad: 0.0, curvature: 0.0, from_s_m: start, length_m: end - start };
        let side = RoadSide {
            parking_m: self.depth_m as f32,
            kerb_m: 0.0,
            sidewalk_m: 0.0,
            bank_slope: 0.0,
            surface: SideSurface::Paved,
            bay_m: self.bay_m as f32,
        };
        Road {
            arcs: vec![arc],
            half_width_m: self.half_aisle_m as f32,
            sides: [side; 2],
            marked: false,
            lanes: None,
            zebras_m: Vec::new(),
            rails_m: None,
        }
    }

    fn length_m(&self) -> f64 {
        self.span_m[1] - self.span_m[0]
    }
}

/// Cars in bays: fuller towards one end, noses in or out, some badly parked, lorries rarely.
fn bays(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, plan: &Plan, (road, side): (usize, f64)) {
    let [start, end] = plan.span_m;
    let full = random.within(config.parking_occupancy);
    let slope = random.uniform(-0.5, 0.5);
    let nose_in = random.uniform(0.3, 0.95);
    let lateral = plan.half_aisle_m + plan.depth_m / 2.0;
    let mut s = (start / plan.bay_m).ceil() * plan.bay_m;
    while s + plan.bay_m < end {
        let middle = s + 0.5 * plan.bay_m;
        s += plan.bay_m;
        let occupancy = full + slope * ((middle - start) / plan.length_m() - 0.5);
        let choice = random.unit();
        if choice > occupancy {
            continue;
        }
        let shape = match random.weighted(&[0.965, 0.02, 0.015]) {
            1 => ActorShape::Motorcycle(MotorcycleShape::sample_parked(random)),
            2 => ActorShape::Trolley(TrolleyShape::sample(random)),
            _ => vehicle(config, random, config.truck_share * 0.1),
        };
        let inward = if random.chance(nose_in) { 0.0 } else { PI };
        let crooked = if random.chance(0.08) { random.normal(0.0, 0.2) } else { random.bounded_normal(0.0, 0.04) };
        // A long car stands out into the aisle, a short one deep in its bay.
        let out = random.bounded_normal(0.0, 0.2) + (length_of(&shape) - 4.4).max(0.0) * -0.3;
        let motion = Motion::Road {
            road,
            s_m: middle + random.bounded_normal(0.0, 0.12),
            lateral_m: side * (lateral + out),
            speed_mps: 0.0,
            turn_rad: side * plan.angle_rad + inward + crooked,
        };
        layout.place(shape, motion, 0.04);
    }
}

/// Vehicles that drive along an aisle or turn into and out of bays.
fn moving(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, road: usize, plan: &Plan) {
    let count = scene_density(random, config.car_park.moving_per_100m) * plan.length_m() / 100.0;
    for _ in 0..count.round() as usize {
        let shape = vehicle(config, random, config.truck_share * 0.3);
        let s_m = random.within(plan.span_m);
        let turning = random.chance(0.5);
        let lateral = random.uniform(-0.5, 0.5) * plan.half_aisle_m + if turning { random.sign() * 1.5 } else { 0.0 };
        let (from_m, heading) = layout.roads[road].pose(s_m, lateral);
        let along = if random.chance(0.5) { 0.0 } else { PI };
        let yaw_rad = heading + along + if turning { random.uniform(-1.2, 1.2) } else { random.normal(0.0, 0.05) };
        let speed_mps = if random.chance(0.3) { 0.0 } else { random.uniform(0.3, 4.0) };
        layout.place(shape, Motion::Straight { from_m, yaw_rad, speed_mps }, 0.15);
    }
}

/// People between cars and in aisles, some behind a trolley; trolleys left about.
fn visitors(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, road: usize, plan: &Plan) {
    let reach = plan.half_aisle_m + plan.depth_m;
    let place = |random: &mut Sampler, layout: &Layout| {
        layout.roads[road].pose(random.within(plan.span_m), random.uniform(-1.0, 1.0) * reach)
    };
    let count = |random: &mut Sampler, per_100m: [f64; 2]| {
        (scene_density(random, per_100m) * plan.length_m() / 100.0).round() as usize
    };
    for _ in 0..count(random, config.car_park.people_per_100m) {
        let moving = random.chance(0.7);
        let (from_m, heading) = place(random, layout);
        let yaw_rad = if random.chance(0.6) {
            heading + random.sign() * FRAC_PI_2 - FRAC_PI_2 + random.normal(0.0, 0.25)
        } else {
            random.uniform(0.0, TAU)
        };
        let speed_mps = if moving { random.uniform(0.5, 1.6) } else { 0.0 };
        for member in 0..1 + random.weighted(&[0.6, 0.3, 0.1]) {
            let beside = 0.7 * member as f64;
            let from_m = [from_m[0] - beside * yaw_rad.sin(), from_m[1] + beside * yaw_rad.cos()];
            let shape = people::someone(config, random, moving);
            layout.place(shape, Motion::Straight { from_m, yaw_rad, speed_mps }, 0.0);
        }
        if random.chance(0.4) {
            let from_m = [from_m[0] + 0.95 * yaw_rad.cos(), from_m[1] + 0.95 * yaw_rad.sin()];
            let trolley = ActorShape::Trolley(TrolleyShape::sample(random));
            layout.place(trolley, Motion::Straight { from_m, yaw_rad, speed_mps }, -0.22);
        }
    }
    for _ in 0..count(random, config.car_park.trolleys_per_100m) {
        let (from_m, _) = place(random, layout);
        let row = if random.chance(0.3) { random.integer(2, 8) } else { 1 };
        let trolley = ActorShape::Trolley(TrolleyShape::sample_row(random, row));
        layout.place(trolley, Motion::Straight { from_m, yaw_rad: random.uniform(0.0, TAU), speed_mps: 0.0 }, 0.0);
    }
}

/// Lamps, trees and hedges between rows that stand back to back, and sheds that take a bay.
fn strips(random: &mut Sampler, layout: &mut Layout, plan: &Plan) {
    let lamps = random.uniform(18.0, 45.0);
    let trees = random.chance(0.5);
    for road in 0..layout.roads.len() {
        let lateral = plan.half_aisle_m + plan.depth_m + plan.strip_m / 2.0;
        let mut s = plan.span_m[0] + random.uniform(0.0, lamps);
        while s < plan.span_m[1] {
            let thing = if trees && random.chance(0.5) { scenery::tree(random) } else { furniture::lamp(random) };
            put(layout, road, s, lateral, thing, true);
            s += lamps * random.uniform(0.8, 1.2);
        }
        if plan.strip_m > 0.8 && random.chance(0.6) {
            let mut s = plan.span_m[0];
            while s < plan.span_m[1] {
                let length = random.uniform(3.0, 12.0);
                let hedge = scenery::hedge(random, length);
                put(layout, road, s + length / 2.0, lateral, hedge, true);
                s += length + random.exponential(4.0);
            }
        }
        if random.chance(0.5) {
            let shed = furniture::trolley_shed(random);
            let s = random.within(plan.span_m);
            put(layout, road, s, -(plan.half_aisle_m + 0.3), shed, false);
        }
    }
}

/// Stands something beside an aisle, facing it.
fn put(layout: &mut Layout, road: usize, s_m: f64, lateral_m: f64, solids: Vec<Solid>, may_overlap: bool) {
    let (at, heading) = layout.roads[road].pose(s_m, lateral_m);
    layout.stand(at, if lateral_m > 0.0 { heading + PI } else { heading }, solids, may_overlap);
}

/// What surrounds the place: the shop, hedges, fences, walls, trees, houses farther off.
fn border(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, plan: &Plan, first_left: usize) {
    let beside = plan.half_aisle_m + plan.depth_m + 1.0;
    let left = (plan.aisles - 1 - first_left) as f64 * plan.pitch_m + beside;
    let right = first_left as f64 * plan.pitch_m + beside;
    let [start, end] = [plan.span_m[0] - 9.0, plan.span_m[1] + 9.0];
    let shop = random.integer(0, 3);
    // From, to, and the way that things face: the four sides of the place.
    let sides = [
        ([start, left], [end, left], PI),
        ([end, left], [end, -right], FRAC_PI_2),
        ([end, -right], [start, -right], 0.0),
        ([start, -right], [start, left], -FRAC_PI_2),
    ];
    for (index, (from, to, yaw)) in sides.into_iter().enumerate() {
        let length = (to[0] - from[0]).hypot(to[1] - from[1]);
        let unit = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
        let outward = [yaw.sin(), -yaw.cos()];
        let at = |along: f64, out: f64| {
            [from[0] + along * unit[0] + out * outward[0], from[1] + along * unit[1] + out * outward[1]]
        };
        let kind = random.weighted(&[0.3, 0.25, 0.2, 0.25]);
        let mut along = 0.0;
        while along < length {
            let piece = if index == shop { random.uniform(15.0, 40.0) } else { random.uniform(4.0, 14.0) };
            let middle = along + piece / 2.0;
            let solids = match kind {
                _ if index == shop => buildings::house(random, piece),
                0 => scenery::hedge(random, piece),
                1 => scenery::fence(random, piece),
                2 => scenery::wall(random, piece),
                _ => scenery::shrub(random),
            };
            layout.stand(at(middle, if index == shop { 2.0 } else { 0.5 }), yaw, solids, false);
            if index != shop && random.chance(0.4) {
                let plant = if random.chance(0.5) { scenery::tree(random) } else { scenery::shrub(random) };
                layout.raise(at(middle, random.uniform(1.5, 12.0)), yaw, plant);
            }
            if index != shop && random.chance(0.25) {
                let house = buildings::house(random, 14.0);
                layout.stand(at(middle, random.uniform(12.0, 30.0)), yaw, house, false);
            }
            along += piece + if random.chance(0.15) { random.uniform(2.0, 8.0) } else { 0.0 };
        }
    }
    let clutter = scene_density(random, config.clutter_per_100m) * plan.length_m() / 100.0;
    for _ in 0..clutter.round() as usize {
        let along = random.within([start, end]);
        let solids = scenery::street_furniture(random);
        let y = if random.chance(0.5) { left } else { -right };
        layout.stand([along, y + random.normal(0.0, 0.5)], random.uniform(0.0, TAU), solids, false);
    }
}
