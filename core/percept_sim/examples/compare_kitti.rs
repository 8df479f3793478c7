//! Prints how simulated frames compare with recorded ones (KITTI object, `training/`), cropped to the image alike:
//! points a frame, heights, ranges, intensities, points an object by range, share of returns by ring.
//!
//! `compare_kitti [KITTI_OBJECT_FOLDER] [FRAMES] [SCENES]`; the folder defaults to `$PERCEPT_DATA/kitti_object`, the scenes
//! (`NAME=WEIGHT,...`, on clear days) to the mix that is trained in. Frames that the world is tuned on are development
//! frames: they judge no detector.

use percept_sim::{SceneConfig, SceneMix, View, WeatherMix, WorldConfig, sample_frame};
use percept_types::{Box3d, Camera, LabelledFrame, Occlusion, PointCloud, PointLayout, Transform, TruthObject};
use std::path::{Path, PathBuf};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map(PathBuf::from).unwrap_or_else(|| {
        std::env::var("PERCEPT_DATA").map_or("../shared/data".into(), PathBuf::from).join("kitti_object")
    });
    let frames: u64 = arguments.next().map_or(Ok(60), |n| n.parse())?;
    let scenes = SceneMix::parse(&arguments.next().unwrap_or_else(|| SceneMix::DEFAULT.to_owned()))?;
    let kitti = WorldConfig::kitti()?;
    let simulate = |seed| {
        // The recordings were made on clear days.
        let scene = SceneConfig { weather: WeatherMix::default(), ..scenes.draw(seed).clone() };
        sample_frame(&WorldConfig { scene, ..kitti.clone() }, seed, View::KittiCamera)
    };
    let simulated: Vec<LabelledFrame> = (0..frames).map(simulate).collect::<Result<_, _>>()?;
    let recorded = read_recorded(&folder.join("training"))?;
    if recorded.is_empty() {
        eprintln!("SKIPPED: no recorded frames under {}; the simulated side alone is printed", folder.display());
    }
    report("recorded", &recorded);
    report("simulated", &simulated);
    Ok(())
}

/// The frames of a KITTI object folder, cropped to their images (1242 x 375).
fn read_recorded(training: &Path) -> Result<Vec<LabelledFrame>, Failure> {
    let Ok(entries) = std::fs::read_dir(training.join("velodyne")) else { return Ok(Vec::new()) };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names.iter().map(|name| read_frame(training, name)).collect()
}

fn read_frame(training: &Path, name: &str) -> Result<LabelledFrame, Failure> {
    let bytes = std::fs::read(training.join(format!("velodyne/{name}.bin")))?;
    let values = bytes.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect();
    let camera = read_camera(&std::fs::read_to_string(training.join(format!("calib/{name}.txt")))?)?;
    let cloud = PointCloud::new(PointLayout::xyzi(), values)?
        .filtered(|p| camera.sees([f64::from(p[0]), f64::from(p[1]), f64::from(p[2])]));
    let labels = std::fs::read_to_string(training.join(format!("label_2/{name}.txt"))).unwrap_or_default();
    let objects = labels.lines().filter_map(|line| read_object(line, &camera, &cloud)).collect();
    Ok(LabelledFrame { cloud, point_labels: None, objects })
}

fn read_camera(text: &str) -> Result<Camera, Failure> {
    let row = |key: &str| -> Result<Vec<f64>, Failure> {
        let line = text.lines().find_map(|l| l.strip_prefix(key)).ok_or(format!("calibration lacks {key}"))?;
        Ok(line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
    };
    let (projection, r0, tr) = (row("P2:")?, row("R0_rect:")?, row("Tr_velo_to_cam:")?);
    let rectified: [f64; 12] = [r0[0], r0[1], r0[2], 0.0, r0[3], r0[4], r0[5], 0.0, r0[6], r0[7], r0[8], 0.0];
    let velo: [f64; 12] = tr.try_into().map_err(|_| "Tr_velo_to_cam has not 12 numbers")?;
    Ok(Camera {
        width: 1242,
        height: 375,
        projection: projection.try_into().map_err(|_| "P2 has not 12 numbers")?,
        t_camera_lidar: Transform::from_matrix_3x4(&rectified) * Transform::from_matrix_3x4(&velo),
    })
}

fn read_object(line: &str, camera: &Camera, cloud: &PointCloud) -> Option<TruthObject> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let v: Vec<f64> = words.get(1..15)?.iter().filter_map(|w| w.parse().ok()).collect();
    let [truncation, occluded, _, _, _, _, _, h, w, l, x, y, z, ry] = v[..] else { return None };
    let mut center_m = camera.t_camera_lidar.inverse().apply([x, y, z]);
    center_m[2] += h / 2.0;
    let box3d = Box3d { center_m, size_m: [l, w, h], yaw_rad: -ry - std::f64::consts::FRAC_PI_2 };
    let occlusion = match occluded as i64 {
        0 => Occlusion::Visible,
        1 => Occlusion::Partly,
        2 => Occlusion::Largely,
        _ => Occlusion::Unknown,
    };
    let num_points = cloud.points().filter(|p| box3d.contains([p[0].into(), p[1].into(), p[2].into()])).count();
    (words[0] != "DontCare").then(|| TruthObject {
        class_name: words[0].to_owned(),
        box3d,
        velocity_mps: [0.0; 2],
        instance_id: 0,
        num_points,
        occlusion,
        truncation,
        image_box: None,
    })
}

fn report(name: &str, frames: &[LabelledFrame]) {
    let count = frames.len().max(1);
    let points: usize = frames.iter().map(|f| f.cloud.len()).sum();
    println!("{name}: {} frames, {} points a frame", frames.len(), points / count);
    objects_a_frame(frames);
    histogram("height m", frames, &[-2.5, -2.0, -1.8, -1.6, -1.4, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0], |p| p[2]);
    histogram("range m", frames, &[5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0], |p| p[0].hypot(p[1]));
    histogram("elevation deg", frames, &[-14.0, -12.0, -10.0, -8.0, -6.0, -4.0, -2.0, 0.0, 2.0], |p| {
        p[2].atan2(p[0].hypot(p[1])).to_degrees()
    });
    histogram("intensity", frames, &[0.005, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7], |p| p[3]);
    for class in ["Car", "Van", "Pedestrian", "Cyclist"] {
        points_by_range(class, frames);
        height_profile(class, frames);
    }
}

/// Objects with at least 5 points in each frame, by class.
fn objects_a_frame(frames: &[LabelledFrame]) {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for object in frames.iter().flat_map(|f| &f.objects).filter(|o| o.num_points >= 5) {
        *counts.entry(&object.class_name).or_default() += 1;
    }
    let share = |(name, count): (&&str, &usize)| format!("{name} {:.2}", *count as f64 / frames.len().max(1) as f64);
    println!("  objects a frame {}", counts.iter().map(share).collect::<Vec<_>>().join("  "));
}

fn histogram(what: &str, frames: &[LabelledFrame], edges: &[f32], value: impl Fn(&[f32]) -> f32) {
    let mut bins = vec![0_usize; edges.len() + 1];
    for point in frames.iter().flat_map(|f| f.cloud.points()) {
        let v = value(point);
        bins[edges.iter().take_while(|edge| v >= **edge).count()] += 1;
    }
    let all = bins.iter().sum::<usize>().max(1) as f64;
    let shares: Vec<String> = bins.iter().map(|n| format!("{:.3}", *n as f64 / all)).collect();
    println!("  {what:14} {}", shares.join(" "));
}

fn clear<'a>(
    class: &'a str,
    frames: &'a [LabelledFrame],
) -> impl Iterator<Item = (&'a LabelledFrame, &'a TruthObject)> {
    frames.iter().flat_map(|f| f.objects.iter().map(move |o| (f, o))).filter(move |(_, o)| {
        o.class_name == class && o.occlusion <= Occlusion::Partly && (0.0..0.3).contains(&o.truncation)
    })
}

/// Median points of an object by distance, and how many objects there were.
fn points_by_range(class: &str, frames: &[LabelledFrame]) {
    let mut bins: Vec<Vec<usize>> = vec![Vec::new(); 8];
    for (_, object) in clear(class, frames) {
        let [x, y, _] = object.box3d.center_m;
        if let Some(bin) = bins.get_mut((x.hypot(y) / 10.0) as usize) {
            bin.push(object.num_points);
        }
    }
    let cells: Vec<String> = bins
        .iter_mut()
        .map(|bin| {
            bin.sort_unstable();
            bin.get(bin.len() / 2).map_or("-".to_owned(), |median| format!("{median} ({})", bin.len()))
        })
        .collect();
    println!("  {class:10} median points by 10 m: {}", cells.join("  "));
}

/// Share of an object's points in eighths of its height.
fn height_profile(class: &str, frames: &[LabelledFrame]) {
    let (mut profile, mut objects) = ([0.0_f64; 8], 0.0_f64);
    for (frame, object) in clear(class, frames).filter(|(_, o)| o.num_points >= 60) {
        let b = &object.box3d;
        objects += 1.0;
        for p in frame.cloud.points() {
            let local = b.to_local([p[0].into(), p[1].into(), p[2].into()]);
            if (0..3).all(|axis| local[axis].abs() < b.size_m[axis] / 2.0) {
                let eighth = ((local[2] / b.size_m[2] + 0.5) * 8.0) as usize;
                profile[eighth.min(7)] += 1.0 / object.num_points as f64;
            }
        }
    }
    let shares: Vec<String> = profile.iter().map(|v| format!("{:.3}", v / objects.max(1.0))).collect();
    println!("  {class:10} height profile of {objects} objects: {}", shares.join(" "));
}
