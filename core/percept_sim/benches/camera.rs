//! Speed of camera images: one of 704 x 256 pixels in three kinds of worlds.
#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use percept_sim::{CameraRig, Moment, RenderSettings, World, WorldConfig, render_cameras};
use std::hint::black_box;

fn one_image(criterion: &mut Criterion) {
    let config = WorldConfig::kitti().unwrap();
    let mut rig = CameraRig::named_or_from_file("nuscenes").unwrap().resized([704, 256]).unwrap();
    rig.cameras.retain(|camera| camera.name == "cam_front");
    let moment = Moment { time_s: 0.0, ego_s_m: 0.0, ego_speed_mps: 8.0, index: 0 };
    let mut group = criterion.benchmark_group("camera_704x256");
    group.sample_size(10);
    for seed in [1_u64, 2, 3] {
        let world = World::sample(&config.scene, seed, 10.0, f64::from(config.sensor.range_m[1])).unwrap();
        for (name, antialias) in [("plain", false), ("smooth", true)] {
            let settings = RenderSettings { antialias, ..RenderSettings::default() };
            group.bench_function(format!("world {seed}, {name}"), |bencher| {
                bencher.iter(|| render_cameras(&config, black_box(&world), seed, moment, &rig, settings).unwrap());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, one_image);
criterion_main!(benches);
