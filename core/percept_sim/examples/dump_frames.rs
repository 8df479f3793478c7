//! Writes simulated frames as KITTI's .bin files with their labels as text, to look at them beside recorded sweeps.
//!
//! `dump_frames OUT_FOLDER FIRST_SEED COUNT [full|kitti] [SCENE]`

use percept_sim::{SceneConfig, View, WorldConfig, sample_frame};
use std::io::Write;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, first, count, rest @ ..] = arguments.as_slice() else {
        return Err("usage: dump_frames OUT_FOLDER FIRST_SEED COUNT [full|kitti] [SCENE]".into());
    };
    let view = if rest.first().is_some_and(|v| v == "full") { View::Full } else { View::KittiCamera };
    let scene = SceneConfig::named_or_from_file(rest.get(1).map_or("mixed", String::as_str))?;
    let config = WorldConfig { scene, ring_and_time: true, ..WorldConfig::kitti()? };
    std::fs::create_dir_all(folder)?;
    let (first, count): (u64, u64) = (first.parse()?, count.parse()?);
    let start = Instant::now();
    for seed in first..first + count {
        let frame = sample_frame(&config, seed, view)?;
        let bytes: Vec<u8> = frame.cloud.values().iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(format!("{folder}/{seed:06}.bin"), bytes)?;
        if let Some(labels) = &frame.point_labels {
            let words: Vec<u8> = labels.class_ids.iter().flat_map(|c| u32::from(*c).to_le_bytes()).collect();
            std::fs::write(format!("{folder}/{seed:06}.label"), words)?;
        }
        let mut text = std::fs::File::create(format!("{folder}/{seed:06}.txt"))?;
        for o in &frame.objects {
            let ([x, y, z], [l, w, h]) = (o.box3d.center_m, o.box3d.size_m);
            let (yaw, n, occlusion) = (o.box3d.yaw_rad, o.num_points, o.occlusion as u8);
            writeln!(text, "{} {x} {y} {z} {l} {w} {h} {yaw} {n} {occlusion} {}", o.class_name, o.truncation)?;
        }
    }
    println!("{:.1} ms a frame with files", start.elapsed().as_secs_f64() * 1e3 / count as f64);
    Ok(())
}
