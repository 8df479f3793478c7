//! Crossings of streets: paint, lights, those who turn, those who cross on foot.

use super::furniture;
use super::people::someone;
use super::vehicles::moving_vehicle;
use super::{Crossing, Layout, Motion, SceneConfig};
use crate::random::Sampler;
use crate::road::{Lanes, Road};
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// Length of a zebra crossing along the road.
const ZEBRA_M: f64 = 3.6;

/// Paints lanes, zebra crossings and rails.
pub fn paint(config: &SceneConfig, seed: u64, layout: &mut Layout) {
    let details = &config.details;
    let mut random = Sampler::new(seed, "paint");
    if details.lane_paint_share > 0.0 {
        for road in &mut layout.roads {
            if random.chance(details.lane_paint_share) {
                road.lanes = Some(lanes_of(road, &mut random));
            }
        }
    }
    for crossing in layout.crossings.clone() {
        for end in [-1.0, 1.0] {
            if details.zebra_share > 0.0 && random.chance(details.zebra_share) {
                let middle = zebra_middle_m(layout, &crossing, end);
                let ends = [middle - ZEBRA_M / 2.0, middle + ZEBRA_M / 2.0];
                layout.roads[0].zebras_m.push(ends.map(|s| s as f32));
            }
        }
    }
    if details.rails_chance > 0.0 && random.chance(details.rails_chance) {
        layout.roads[0].rails_m = Some(tram_lateral_m(f64::from(layout.roads[0].half_width_m)) as f32);
    }
}

/// Middle of the track on which trams run.
pub fn tram_lateral_m(half_width_m: f64) -> f64 {
    if half_width_m > 4.5 { half_width_m * 0.25 } else { half_width_m * 0.5 }
}

fn lanes_of(road: &Road, random: &mut Sampler) -> Lanes {
    let per_direction = if road.half_width_m > 4.5 { 2 } else { 1 };
    let dash_m = if random.chance(0.5) { [3.0, 9.0] } else { [2.0, 6.0] };
    let width_m = (road.half_width_m - 0.25) / per_direction as f32;
    Lanes { per_direction, width_m, inner_m: 0.0, half_median_m: 0.0, dash_m }
}

fn zebra_middle_m(layout: &Layout, crossing: &Crossing, end: f64) -> f64 {
    let half_width = f64::from(layout.roads[crossing.road].half_width_m);
    crossing.s_m + end * (half_width + 1.2 + ZEBRA_M / 2.0)
}

/// Puts lights at the corners.
pub fn furnish(config: &SceneConfig, seed: u64, layout: &mut Layout) {
    if config.details.signal_share <= 0.0 {
        return;
    }
    let mut random = Sampler::new(seed, "signals");
    for crossing in layout.crossings.clone() {
        if !random.chance(config.details.signal_share) {
            continue;
        }
        let reach = f64::from(layout.roads[crossing.road].half_width_m) + 0.9;
        for (along, side) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)] {
            let edge = f64::from(layout.roads[0].edge_m(side as f32));
            let (at, heading) = layout.roads[0].pose(crossing.s_m + along * reach, side * (edge + 0.5));
            let yaw = if side > 0.0 { heading + PI } else { heading };
            let solids = furniture::traffic_light(&mut random);
            layout.raise(at, yaw, solids);
        }
    }
}

/// Puts turning vehicles and those who cross on foot.
pub fn populate(config: &SceneConfig, seed: u64, layout: &mut Layout) {
    let mut random = Sampler::new(seed, "crossings");
    for crossing in layout.crossings.clone() {
        let turning = random.within(config.traffic.turning_per_crossing).round() as usize;
        for _ in 0..turning {
            turn(config, &mut random, layout, &crossing);
        }
    }
    if config.people.at_crossings <= 0.0 {
        return;
    }
    for [from, to] in layout.roads[0].zebras_m.clone() {
        if random.chance(config.people.at_crossings) {
            cross(config, &mut random, layout, [f64::from(from), f64::from(to)]);
        }
    }
}

/// A vehicle somewhere on its way round a corner.
fn turn(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, crossing: &Crossing) {
    let shape = moving_vehicle(config, random);
    let half = f64::from(layout.roads[crossing.road].half_width_m.max(layout.roads[0].half_width_m));
    let s_m = crossing.s_m + random.uniform(-1.0, 1.0) * (half + 3.0);
    let (from_m, heading) = layout.roads[0].pose(s_m, random.uniform(-1.0, 1.0) * (half + 1.0));
    let quarter = FRAC_PI_2 * random.integer(0, 3) as f64;
    let yaw_rad = heading + quarter + random.uniform(0.2, FRAC_PI_2 - 0.2);
    let speed_mps = if random.chance(0.3) { 0.0 } else { random.uniform(1.0, 5.0) };
    layout.place(shape, Motion::Straight { from_m, yaw_rad, speed_mps }, 0.4);
}

/// People on a zebra crossing and waiting before it, alone and in clusters.
fn cross(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, span_m: [f64; 2]) {
    let edge = f64::from(layout.roads[0].edge_m(1.0));
    for _ in 0..random.integer(1, 7) {
        let waits = random.chance(0.3);
        let side = random.sign();
        let lateral = if waits { side * (edge + random.uniform(0.4, 1.6)) } else { random.uniform(-edge, edge) };
        let s_m = random.within(span_m);
        let (from_m, heading) = layout.roads[0].pose(s_m, lateral);
        let yaw_rad = if random.chance(0.1) {
            random.uniform(0.0, TAU)
        } else {
            heading + side * -FRAC_PI_2 + random.normal(0.0, 0.12)
        };
        let speed_mps = if waits { 0.0 } else { random.uniform(0.8, 1.8) };
        let shape = someone(config, random, !waits);
        layout.place(shape, Motion::Straight { from_m, yaw_rad, speed_mps }, 0.02);
    }
}
