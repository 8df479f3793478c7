//! Renders what a rig sees in some worlds, as PPM files, with the time that it takes.
//!
//! `cargo run --release -p percept_sim --example camera_views -- FOLDER RIG WIDTHxHEIGHT SEED...`
#![allow(clippy::unwrap_used, clippy::panic)]

use percept_sim::{CameraRig, Drive, RenderSettings, View, WorldConfig};
use percept_types::Stamp;
use std::fs;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rig, size, seeds @ ..] = arguments.as_slice() else { panic!("FOLDER RIG WIDTHxHEIGHT SEED...") };
    let (width, height) = size.split_once('x').unwrap();
    let size = [width.parse().unwrap(), height.parse().unwrap()];
    fs::create_dir_all(folder).unwrap();
    for seed in seeds {
        let rig = CameraRig::named_or_from_file(rig).unwrap().resized(size).unwrap();
        let config = WorldConfig::kitti().unwrap();
        let drive = Drive::new(config, seed.parse().unwrap(), View::Full, 8.0, 1, Stamp::from_ns(0)).unwrap();
        let start = Instant::now();
        let bare = drive.last().unwrap().unwrap();
        let without_s = start.elapsed().as_secs_f64();
        let config = WorldConfig::kitti().unwrap();
        let drive = Drive::new(config, seed.parse().unwrap(), View::Full, 8.0, 1, Stamp::from_ns(0)).unwrap();
        let start = Instant::now();
        let frame = drive.with_cameras(rig, RenderSettings::default()).unwrap().last().unwrap().unwrap();
        let with_s = start.elapsed().as_secs_f64();
        assert_eq!(bare.frame.cloud, frame.frame.cloud);
        println!("seed {seed}: {} images in {:.2} s", frame.cameras.len(), with_s - without_s);
        for camera in &frame.cameras {
            let image = &camera.image;
            let head = format!("P6\n{} {}\n255\n", image.width, image.height);
            let bytes = [head.as_bytes(), &image.rgb].concat();
            fs::write(format!("{folder}/{seed}_{}.ppm", camera.name), bytes).unwrap();
        }
    }
}
