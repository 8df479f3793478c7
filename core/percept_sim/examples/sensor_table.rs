//! Prints for each shipped sensor (or the one named) rings, returns a sweep and the time of a sweep on one thread; with
//! a folder also writes each sweep as rows of f32 (x y z intensity ring time ...).
//!
//! `sensor_table [FOLDER|-] [SENSOR]`

use percept_sim::{Drive, LidarModel, View, WorldConfig};
use percept_types::Stamp;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const FRAMES: u64 = 5;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().filter(|folder| *folder != "-");
    let named = arguments.get(1);
    let names = LidarModel::shipped().filter(|name| named.is_none_or(|wanted| wanted == name));
    println!("sensor          rings  firings  returns   s a sweep");
    for name in names {
        let sensor = LidarModel::named_or_from_file(name)?;
        let firings = sensor.rings.len() * sensor.azimuth_steps;
        let config = WorldConfig { sensor: sensor.clone(), ring_and_time: true, ..WorldConfig::kitti()? };
        let drive = Drive::new(config, 7, View::Full, 8.0, FRAMES, Stamp::from_ns(0))?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
        let mut first = None;
        let start = Instant::now();
        let mut returns = 0;
        pool.install(|| -> Result<(), percept_sim::SimError> {
            for frame in drive {
                let cloud = frame?.frame.cloud;
                returns += cloud.points().filter(|point| point[..3] != [0.0; 3]).count();
                first.get_or_insert(cloud);
            }
            Ok(())
        })?;
        let seconds = start.elapsed().as_secs_f64() / FRAMES as f64;
        println!("{name:15} {:5} {firings:8} {:8}   {seconds:.3}", sensor.rings.len(), returns / FRAMES as usize);
        if let (Some(folder), Some(cloud)) = (folder, first) {
            std::fs::create_dir_all(folder)?;
            let bytes: Vec<u8> = cloud.values().iter().flat_map(|v| v.to_le_bytes()).collect();
            std::fs::write(format!("{folder}/{name}_{}.f32", cloud.num_features()), bytes)?;
        }
    }
    Ok(())
}
