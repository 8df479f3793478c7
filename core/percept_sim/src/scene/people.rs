//! People on foot, alone and in groups, and cyclists.

use super::{Layout, Motion, SceneConfig, scene_density};
use crate::actor::{ActorShape, CyclistShape, PedestrianShape, StrollerShape, WalkerShape};
use crate::random::Sampler;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// Puts people and cyclists into the world.
pub fn populate(config: &SceneConfig, seed: u64, layout: &mut Layout) {
    let mut random = Sampler::new(seed, "people");
    for road in 0..layout.roads.len() {
        let [start, end] = layout.spans_m[road];
        let share = if road == 0 { 1.0 } else { 0.4 };
        let count = |density: f64| (density * share * (end - start) / 100.0).round() as usize;
        let groups = count(scene_density(&mut random, config.pedestrian_groups_per_100m));
        for _ in 0..groups {
            group(config, &mut random, layout, road);
        }
        let cyclists = count(scene_density(&mut random, config.cyclists_per_100m));
        for _ in 0..cyclists {
            cyclist(config, &mut random, layout, road);
        }
    }
}

/// Someone on foot.
pub fn someone(config: &SceneConfig, random: &mut Sampler, moving: bool) -> ActorShape {
    let varied = config.people.varied_share;
    if varied > 0.0 && random.chance(varied) {
        ActorShape::Walker(WalkerShape::sample(random, moving))
    } else {
        ActorShape::Pedestrian(PedestrianShape::sample(random, moving))
    }
}

/// A place beside or on a road, and a heading along or across it.
fn spot(random: &mut Sampler, layout: &Layout, road: usize) -> (f64, f64, f64) {
    let [start, end] = layout.spans_m[road];
    let side = random.sign();
    let edge = f64::from(layout.roads[road].edge_m(side as f32));
    let sidewalk = f64::from(layout.roads[road].side(side as f32).sidewalk_m).max(1.0);
    let half_width = f64::from(layout.roads[road].half_width_m);
    let along = if random.chance(0.5) { 0.0 } else { PI };
    let (lateral, turn) = match random.weighted(&[0.64, 0.16, 0.20]) {
        0 => (side * (edge + random.uniform(0.3, sidewalk)), along + random.normal(0.0, 0.2)),
        1 => (random.uniform(-edge, edge), FRAC_PI_2 * random.sign() + random.normal(0.0, 0.25)),
        _ => (side * (half_width + random.uniform(-1.0, 6.0)), random.uniform(0.0, TAU)),
    };
    (random.uniform(start, end), lateral, turn)
}

fn group(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, road: usize) {
    let (s_m, lateral_m, turn_rad) = spot(random, layout, road);
    let size = match random.weighted(&[0.58, 0.26, 0.10, 0.06]) {
        3 => random.integer(4, 6),
        few => few + 1,
    };
    let moving = random.chance(0.7);
    // Who walks arm in arm or stands in a crowd touches the next.
    let close = config.people.close_group_share;
    let pitch_m = if close > 0.0 && random.chance(close) { [0.42, 0.6] } else { [0.65, 0.95] };
    let strollers = config.people.stroller_share;
    let pushes = strollers > 0.0 && moving && random.chance(strollers);
    let speed_mps = if moving { random.uniform(0.6, 1.8) } else { 0.0 };
    let ([x, y], heading) = layout.roads[road].pose(s_m, lateral_m);
    let yaw = heading + turn_rad;
    for member in 0..size {
        let row = (member / 3) as f64;
        let beside = (member % 3) as f64 - (size.min(3) - 1) as f64 / 2.0;
        let (back, left) = (-row * 0.9 + random.normal(0.0, 0.15), beside * random.within(pitch_m));
        let from_m = [x + back * yaw.cos() - left * yaw.sin(), y + back * yaw.sin() + left * yaw.cos()];
        let sitting = random.chance(config.sitting_share);
        let shape = if sitting {
            ActorShape::Pedestrian(PedestrianShape::sample_sitting(random))
        } else {
            someone(config, random, moving)
        };
        let own_yaw = if moving { yaw + random.normal(0.0, 0.08) } else { random.uniform(0.0, TAU) };
        let speed_mps = if sitting { 0.0 } else { speed_mps };
        let placed = place_near(layout, shape, Motion::Straight { from_m, yaw_rad: own_yaw, speed_mps }, pitch_m[0]);
        if placed && pushes && member == 0 {
            let at = [from_m[0] + 1.05 * own_yaw.cos(), from_m[1] + 1.05 * own_yaw.sin()];
            let stroller = ActorShape::Stroller(StrollerShape::sample(random));
            // Arms reach over the handle.
            layout.place(stroller, Motion::Straight { from_m: at, yaw_rad: own_yaw, speed_mps }, -0.24);
        }
    }
}

/// Puts someone into a group; in close ones arms and clothes overlap.
fn place_near(layout: &mut Layout, shape: ActorShape, motion: Motion, pitch_m: f64) -> bool {
    layout.place(shape, motion, if pitch_m < 0.65 { -0.12 } else { 0.02 })
}

fn cyclist(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, road: usize) {
    let varied = config.people.varied_share;
    let shape = if varied > 0.0 && random.chance(varied) {
        CyclistShape::sample_varied(random)
    } else {
        CyclistShape::sample(random)
    };
    let shape = ActorShape::Cyclist(shape);
    let half_width = f64::from(layout.roads[road].half_width_m);
    let more = config.people.cyclists_in_lane_share;
    if random.chance(0.55) || (more > 0.0 && random.chance(more)) {
        // On the right edge of the lane, with or against the road's direction.
        let [start, end] = layout.spans_m[road];
        let direction = random.sign();
        let lateral_m = -direction * (half_width - random.uniform(0.3, 1.4));
        let motion = Motion::Road {
            road,
            s_m: random.uniform(start, end),
            lateral_m,
            speed_mps: direction * random.uniform(1.5, 7.0),
            turn_rad: if direction < 0.0 { PI } else { 0.0 } + random.normal(0.0, 0.06),
        };
        layout.place(shape, motion, 0.05);
        return;
    }
    let (s_m, lateral_m, turn_rad) = spot(random, layout, road);
    let (from_m, heading) = layout.roads[road].pose(s_m, lateral_m);
    let motion = Motion::Straight { from_m, yaw_rad: heading + turn_rad, speed_mps: random.uniform(0.0, 5.0) };
    layout.place(shape, motion, 0.05);
}
