//! One revolution of an HDL-64E in a dense town: the world drawn, and the rays cast, on two threads.
//!
//! `cargo bench -p percept_sim`. Printed before the figures: the returns of the revolution and the parts that rays may meet.
#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use percept_sim::{Moment, SceneConfig, SimError, View, World, WorldConfig, record};
use std::hint::black_box;

const SEED: u64 = 3;

/// The town on its busiest day.
fn dense_town() -> Result<WorldConfig, SimError> {
    let mut scene = SceneConfig::named_or_from_file("urban")?;
    scene.traffic_per_100m[0] = scene.traffic_per_100m[1];
    scene.pedestrian_groups_per_100m[0] = scene.pedestrian_groups_per_100m[1];
    scene.cyclists_per_100m[0] = scene.cyclists_per_100m[1];
    scene.clutter_per_100m[0] = scene.clutter_per_100m[1];
    scene.parking_occupancy = [0.95, 1.0];
    scene.weather = percept_sim::WeatherMix::default();
    Ok(WorldConfig { scene, ring_and_time: true, ..WorldConfig::kitti()? })
}

fn revolution(criterion: &mut Criterion) {
    let Ok(config) = dense_town() else { return };
    let range_m = f64::from(config.sensor.range_m[1]);
    let Ok(world) = World::sample(&config.scene, SEED, 0.0, range_m) else { return };
    let Ok(threads) = rayon::ThreadPoolBuilder::new().num_threads(2).build() else { return };
    let moment = Moment { time_s: 0.0, ego_s_m: 0.0, ego_speed_mps: 0.0, index: 0 };
    let sweep = || threads.install(|| record(&config, &world, SEED, moment, View::Full));
    if let Ok(frame) = sweep() {
        let things = world.scenery.len() + world.actors.len();
        println!(
            "{} returns, {} objects in view, {things} things in the world",
            frame.cloud.len(),
            frame.objects.len()
        );
    }
    let mut group = criterion.benchmark_group("dense town");
    group.sample_size(20);
    group.bench_function("world", |b| b.iter(|| World::sample(black_box(&config.scene), SEED, 0.0, range_m)));
    group.bench_function("revolution of an HDL-64E, 2 threads", |b| b.iter(|| black_box(sweep())));
    group.finish();
}

criterion_group!(benches, revolution);
criterion_main!(benches);
