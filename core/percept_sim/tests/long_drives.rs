//! Drives that are longer than what is laid out at once.
// Helpers of tests lie outside test functions, where the lint does not know them as tests.
#![allow(clippy::unwrap_used)]

use percept_sim::{Drive, Motion, SceneConfig, View, World, WorldConfig, WorldSize};
use percept_types::Stamp;
use std::collections::BTreeSet;

const SPEED_MPS: f64 = 15.0;

fn config(scene: &str) -> WorldConfig {
    WorldConfig { scene: SceneConfig::named_or_from_file(scene).unwrap(), ..WorldConfig::kitti().unwrap() }
}

fn world(scene: &str, seed: u64) -> World {
    let mut world = World::sample_for_drive(&config(scene).scene, seed, 1e9, 80.0, SPEED_MPS).unwrap();
    world.clear_the_lane(SPEED_MPS, 60.0);
    world
}

/// The largest world while the ego vehicle drives from one place to another.
fn largest(world: &mut World, from_m: usize, to_m: usize) -> WorldSize {
    let mut largest = WorldSize::default();
    for s_m in (from_m..to_m).step_by(50) {
        world.come_to(s_m as f64).unwrap();
        let size = world.size();
        largest.road_parts = largest.road_parts.max(size.road_parts);
        largest.actors = largest.actors.max(size.actors);
        largest.scenery = largest.scenery.max(size.scenery);
        largest.places = largest.places.max(size.places);
    }
    largest
}

#[test]
fn a_world_holds_no_more_after_50_km_than_after_two() {
    for scene in ["mixed", "urban", "highway"] {
        let mut world = world(scene, 4);
        let early = largest(&mut world, 0, 2_000);
        let late = largest(&mut world, 48_000, 50_000);
        for (late, early) in [
            (late.road_parts, early.road_parts),
            (late.actors, early.actors),
            (late.scenery, early.scenery),
            (late.places, early.places),
        ] {
            assert!(late as f64 <= 1.6 * early as f64 + 20.0, "{scene}: {late} after {early}");
        }
        let numbers: BTreeSet<u16> = world.actors.iter().map(|actor| actor.instance_id).collect();
        assert_eq!(numbers.len(), world.actors.len(), "no number twice");
    }
}

#[test]
fn the_street_is_as_full_of_things_and_traffic_after_30_km_as_in_the_beginning() {
    let count = |world: &World, s_m: f64, moving: bool| {
        let time_s = s_m / SPEED_MPS;
        let [x, y, _] = world.t_world_base(s_m).translation_m();
        let near = |actor: &&percept_sim::Actor| {
            let [ax, ay] = world.pose(&actor.motion, time_s).at_m;
            let is_moving = matches!(actor.motion, Motion::Road { speed_mps, .. } if speed_mps.abs() > 0.5);
            (ax - x).hypot(ay - y) < 80.0 && is_moving == moving
        };
        world.actors.iter().filter(near).count()
    };
    for moving in [false, true] {
        let (mut early, mut late) = (0, 0);
        for seed in 0..6 {
            let mut world = world("urban", seed);
            for step in 0..20 {
                let s_m = f64::from(step) * 17.0;
                early += count(&world, s_m, moving);
            }
            for step in 0..40 {
                let s_m = 29_000.0 + f64::from(step) * 31.0;
                world.come_to(s_m).unwrap();
                late += count(&world, s_m, moving);
            }
        }
        let ratio = f64::from(late as u32) / 2.0 / f64::from(early as u32);
        assert!((0.5..1.6).contains(&ratio), "moving {moving}: {early} early, {late} late");
    }
}

#[test]
fn a_drive_that_goes_on_from_a_frame_gives_the_bytes_of_the_whole_one() {
    let frames = 100_000;
    let view = View::Ahead { half_width_deg: 8.0 };
    for scene in ["urban", "highway"] {
        let drive = || Drive::new(config(scene), 9, view, 40.0, frames, Stamp::from_ns(0)).unwrap();
        // 4 m a frame: a stretch lasts 100 frames.
        let mut whole = drive().starting_at(900).skip(60);
        let mut resumed = drive().starting_at(960);
        for _ in 0..60 {
            let (a, b) = (whole.next().unwrap().unwrap(), resumed.next().unwrap().unwrap());
            assert_eq!((a.frame, a.t_odom_base), (b.frame, b.t_odom_base));
            assert!(a.t_odom_base.translation_m()[0].abs() > 1_000.0);
        }
    }
}

#[test]
fn the_vehicle_does_not_jump_where_a_stretch_is_laid_out() {
    for scene in ["mixed", "urban", "highway"] {
        let mut world = world(scene, 3);
        for s_m in (0..6_000).step_by(4).map(f64::from) {
            let before = world.t_world_base(s_m);
            world.come_to(s_m).unwrap();
            let [x, y, z] = (before.inverse() * world.t_world_base(s_m)).translation_m();
            assert!(x.hypot(y).hypot(z) < 2e-3, "{scene}: {x} {y} {z} m at {s_m}");
        }
    }
}

#[test]
fn a_car_park_ends() {
    let error = Drive::new(config("parking"), 3, View::Full, 10.0, 3_000, Stamp::from_ns(0)).unwrap_err().to_string();
    assert!(error.contains("car park"), "{error}");
}
