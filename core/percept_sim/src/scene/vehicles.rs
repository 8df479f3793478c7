//! Vehicles: parked rows, traffic on lanes, cars in yards, trams.

use super::crossings::tram_lateral_m;
use super::street::Parking;
use super::{Layout, Motion, SceneConfig, scene_density};
use crate::actor::{ActorShape, BusShape, CarShape, MotorcycleShape, TrailerShape, TramShape, TruckShape};
use crate::random::Sampler;
use std::f64::consts::{PI, TAU};

/// Puts vehicles into the world.
pub fn populate(config: &SceneConfig, seed: u64, layout: &mut Layout) {
    let mut random = Sampler::new(seed, "vehicles");
    if random.chance(config.tram_chance) {
        tram(&mut random, layout);
    }
    if layout.roads[0].rails_m.is_some() && random.chance(0.6) {
        tram(&mut random, layout);
    }
    let columns = Sampler::new(seed, "columns").chance(config.traffic.column_chance);
    for road in 0..layout.roads.len() {
        traffic(config, &mut random, layout, road, columns);
        for side in [1.0, -1.0] {
            park(config, &mut random, layout, road, side);
        }
        yards(config, &mut random, layout, road);
    }
}

/// A vehicle in traffic.
pub fn moving_vehicle(config: &SceneConfig, random: &mut Sampler) -> ActorShape {
    let mix = &config.traffic;
    if mix.bus_share > 0.0 && random.chance(mix.bus_share) {
        return ActorShape::Bus(BusShape::sample(random, mix.bendy_share));
    }
    if mix.motorcycle_share > 0.0 && random.chance(mix.motorcycle_share) {
        return ActorShape::Motorcycle(MotorcycleShape::sample_ridden(random));
    }
    vehicle(config, random, config.truck_share)
}

/// Hangs a trailer behind some cars.
pub fn draw_trailer(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, length_m: f64, motion: Motion) {
    let share = config.traffic.trailer_share;
    let Motion::Road { road, s_m, lateral_m, speed_mps, turn_rad } = motion else { return };
    if share <= 0.0 || !random.chance(share) {
        return;
    }
    let trailer = ActorShape::Trailer(TrailerShape::sample(random));
    let (center, size) = trailer.label_box();
    let back_m = length_m / 2.0 + f64::from(size.x / 2.0 + center.x) + 0.05;
    let s_m = s_m - back_m * turn_rad.cos().signum();
    layout.place(trailer, Motion::Road { road, s_m, lateral_m, speed_mps, turn_rad }, 0.0);
}

/// A car, a van or a lorry.
pub fn vehicle(config: &SceneConfig, random: &mut Sampler, truck_share: f64) -> ActorShape {
    if random.chance(truck_share) {
        ActorShape::Truck(TruckShape::sample(random))
    } else if random.chance(config.van_share) {
        ActorShape::Car(CarShape::sample_van(random))
    } else {
        ActorShape::Car(CarShape::sample(random))
    }
}

/// Length of its label.
pub fn length_of(shape: &ActorShape) -> f64 {
    f64::from(shape.label_box().1.x)
}

/// A row of parked cars, with places left empty.
fn park(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, road: usize, side: f64) {
    let parking = layout.parking[road][usize::from(side < 0.0)];
    let occupancy = random.within(config.parking_occupancy);
    let half_width = f64::from(layout.roads[road].half_width_m);
    let [mut s, end] = layout.spans_m[road];
    let nose_in = random.chance(0.75);
    let tight = random.uniform(0.4, 1.4);
    while s < end {
        let shape = vehicle(config, random, config.truck_share * 0.2);
        let length = length_of(&shape);
        let (advance, lateral, turn) = match parking {
            Parking::None => return,
            Parking::Parallel => {
                let against = random.chance(if side < 0.0 { 0.08 } else { 0.75 });
                let turn = if against { PI } else { 0.0 } + random.bounded_normal(0.0, 0.025);
                (length + tight * random.uniform(0.6, 1.6), half_width + 1.02 + random.bounded_normal(0.0, 0.12), turn)
            }
            Parking::Angled { angle_rad } => {
                let inward = if nose_in != random.chance(0.12) { 0.0 } else { PI };
                let turn = side * angle_rad + inward + random.bounded_normal(0.0, 0.04);
                let pitch = 2.45 / angle_rad.sin() + 0.1 * tight;
                (pitch, half_width + parking.depth_m() / 2.0 + random.bounded_normal(0.0, 0.2), turn)
            }
        };
        let at_s = s + advance / 2.0;
        s += advance;
        if !random.chance(occupancy) {
            continue;
        }
        let (at, _) = layout.roads[road].pose(at_s, side * lateral);
        if layout.is_clear_of_roads(at, length / 2.0 + 0.5, Some(road)) {
            let motion = Motion::Road { road, s_m: at_s, lateral_m: side * lateral, speed_mps: 0.0, turn_rad: turn };
            layout.place(shape, motion, 0.08);
        }
    }
}

/// Vehicles on lanes: each lane flows at one speed or stands.
fn traffic(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, road: usize, in_columns: bool) {
    let half_width = f64::from(layout.roads[road].half_width_m);
    let lanes = if half_width > 4.5 { 2 } else { 1 };
    let lane_width = half_width / f64::from(lanes);
    for lane in 0..2 * lanes {
        let direction = if lane % 2 == 0 { -1.0 } else { 1.0 };
        // Right-hand traffic: those who come the other way keep to our left.
        let lateral = direction * -(f64::from(lane / 2) + 0.5) * lane_width;
        let density = if in_columns {
            random.uniform(8.0, 15.0)
        } else {
            scene_density(random, config.traffic_per_100m) * if road == 0 { 1.0 } else { 0.6 }
        };
        let density = layout.density_of_lane(road, lane as usize, density);
        if density <= 0.0 {
            continue;
        }
        let mix = &config.traffic;
        let speed = if random.chance(mix.standing_share) { 0.0 } else { random.within(mix.speed_mps) };
        let speed = layout.speed_of_lane(road, lane as usize, speed);
        let [mut s, end] = layout.traffic_span_m(road, lateral, direction * speed);
        while s < end {
            let shape = moving_vehicle(config, random);
            let length = length_of(&shape);
            s += length / 2.0 + random.exponential(100.0 / density);
            let wander = random.bounded_normal(0.0, 0.2);
            let turn = if direction < 0.0 { PI } else { 0.0 } + random.bounded_normal(0.0, 0.02);
            let motion = Motion::Road {
                road,
                s_m: s,
                lateral_m: lateral + wander,
                speed_mps: direction * speed,
                turn_rad: turn,
            };
            if layout.place(shape, motion, 0.25) {
                draw_trailer(config, random, layout, length, motion);
            }
            s += length / 2.0 + 1.2;
        }
    }
}

/// Cars at any angle beside the road: drives, yards, forecourts.
fn yards(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, road: usize) {
    let density = scene_density(random, config.yard_cars_per_100m) * 0.6;
    let [start, end] = layout.spans_m[road];
    let count = (density * (end - start) / 100.0).round() as usize;
    for _ in 0..count {
        let side = random.sign();
        let edge = f64::from(layout.roads[road].edge_m(side as f32) + layout.roads[road].side(side as f32).sidewalk_m);
        let shape = vehicle(config, random, config.truck_share * 0.3);
        let s_m = random.uniform(start, end);
        let lateral_m = side * (edge + 1.5 + random.exponential(5.0).min(20.0));
        let turn_rad = if random.chance(0.5) {
            side * PI / 2.0 * random.sign() + random.normal(0.0, 0.1)
        } else {
            random.uniform(0.0, TAU)
        };
        let (at, _) = layout.roads[road].pose(s_m, lateral_m);
        if layout.is_clear_of_roads(at, 2.5, None) {
            layout.place(shape, Motion::Road { road, s_m, lateral_m, speed_mps: 0.0, turn_rad }, 0.2);
        }
    }
}

fn tram(random: &mut Sampler, layout: &mut Layout) {
    let shape = ActorShape::Tram(TramShape::sample(random));
    let half_width = f64::from(layout.roads[0].half_width_m);
    let s_m = layout.from_m + random.uniform(10.0, 60.0) + length_of(&shape) / 2.0;
    let lateral_m = tram_lateral_m(half_width);
    let speed_mps = -random.uniform(0.0, 9.0);
    layout.place(shape, Motion::Road { road: 0, s_m, lateral_m, speed_mps, turn_rad: PI }, 0.2);
}
