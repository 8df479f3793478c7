//! What a simulated world promises, seen from outside.
// Helpers of tests lie outside test functions, where the lint does not know them as tests.
#![allow(clippy::unwrap_used)]

use percept_sim::{Drive, Ring, SceneConfig, SimError, View, WorldConfig, kitti_camera, sample_frame, t_base_lidar};
use percept_types::{LabelledFrame, Occlusion, Stamp};

fn config() -> WorldConfig {
    WorldConfig { ring_and_time: true, ..WorldConfig::kitti().unwrap() }
}

/// Dense scenes on level ground.
fn crowded() -> WorldConfig {
    let scene = SceneConfig {
        max_slope: 0.0,
        undulation_m: [0.0, 0.0],
        vehicle_tilt_deg: 0.0,
        traffic_per_100m: [4.0, 5.0],
        pedestrian_groups_per_100m: [15.0, 20.0],
        cyclists_per_100m: [10.0, 20.0],
        ..SceneConfig::default()
    };
    WorldConfig { scene, ..config() }
}

fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

fn bytes(frame: &LabelledFrame) -> Vec<u8> {
    frame.cloud.values().iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_one_thread_and_with_three() {
    let config = config();
    let one = with_threads(1, || sample_frame(&config, 11, View::KittiCamera).unwrap());
    let three = with_threads(3, || sample_frame(&config, 11, View::KittiCamera).unwrap());
    assert_eq!(bytes(&one), bytes(&three));
    assert_eq!(one, three);
    let other = sample_frame(&config, 12, View::KittiCamera).unwrap();
    assert_ne!(bytes(&one), bytes(&other));
}

#[test]
fn points_of_an_object_lie_in_its_box() {
    let config = crowded();
    let (mut inside, mut all) = (0, 0);
    for seed in 0..6 {
        let frame = sample_frame(&config, seed, View::KittiCamera).unwrap();
        let labels = frame.point_labels.as_ref().unwrap();
        assert_eq!(labels.len(), frame.cloud.len());
        for object in &frame.objects {
            let points = frame.cloud.points().zip(&labels.instance_ids);
            for (point, _) in points.filter(|(_, id)| u32::from(**id) == object.instance_id) {
                let mut grown = object.box3d;
                // Mirrors, range noise and what moves within a revolution.
                grown.size_m = grown.size_m.map(|side| side + 0.12);
                all += 1;
                inside += usize::from(grown.contains([point[0], point[1], point[2]].map(f64::from)));
            }
        }
    }
    assert!(all > 3000, "{all} points on objects");
    assert!(inside as f64 / all as f64 > 0.97, "{inside} of {all}");
}

#[test]
fn what_stands_behind_something_is_told_as_occluded() {
    let config = crowded();
    let mut levels = [0_usize; 4];
    for seed in 0..8 {
        for object in sample_frame(&config, seed, View::KittiCamera).unwrap().objects {
            levels[object.occlusion as usize] += 1;
            if object.occlusion == Occlusion::Visible && object.num_points == 0 && object.truncation < 0.8 {
                let [x, y, _] = object.box3d.center_m;
                assert!(x.hypot(y) > 25.0, "{object:?} is visible and near but has no points");
            }
        }
    }
    assert!(levels.iter().all(|count| *count > 5), "{levels:?}");
}

#[test]
fn a_frame_cropped_to_the_image_holds_only_what_the_camera_sees() {
    let (config, camera) = (config(), kitti_camera());
    let frame = sample_frame(&config, 5, View::KittiCamera).unwrap();
    assert!(frame.cloud.len() > 8000, "{}", frame.cloud.len());
    assert!(frame.cloud.points().all(|p| camera.sees([p[0], p[1], p[2]].map(f64::from))));
    for object in &frame.objects {
        let shown = object.image_box.unwrap();
        assert!(shown.left >= 0.0 && shown.right <= 1241.0 && shown.top >= 0.0 && shown.bottom <= 374.0);
        assert!((0.0..=1.0).contains(&object.truncation));
    }
}

#[test]
fn the_sector_ahead_is_a_part_of_the_full_revolution() {
    let config = config();
    let full = sample_frame(&config, 9, View::Full).unwrap();
    let ahead = sample_frame(&config, 9, View::Ahead { half_width_deg: 30.0 }).unwrap();
    assert!(full.cloud.len() > 70_000, "{}", full.cloud.len());
    let ring_of = |p: &[f32]| p[4] as usize;
    assert!((0..64).all(|ring| full.cloud.points().any(|p| ring_of(p) == ring)));
    assert!(ahead.cloud.points().all(|p| p[1].atan2(p[0]).to_degrees().abs() < 30.2));
    assert!(ahead.cloud.len() > full.cloud.len() / 10);
}

#[test]
fn elevation_of_each_ring_is_that_of_the_sensor_file() {
    let config = config();
    let frame = sample_frame(&config, 3, View::Full).unwrap();
    for point in frame.cloud.points().step_by(37) {
        let ring = config.sensor.rings[point[4] as usize];
        let (elevation_deg, height_m) = (ring.elevation_deg, ring.origin_m[2]);
        let found = (point[2] - height_m).atan2(point[0].hypot(point[1])).to_degrees();
        assert!((found - elevation_deg).abs() < 0.02, "ring {}: {found} and {elevation_deg}", point[4]);
    }
}

#[test]
fn ranges_are_disturbed_by_the_noise_of_the_sensor_file() {
    let noisy = config();
    let mut exact = config();
    exact.sensor.range_noise_m = 0.0;
    let range = |p: &[f32], rings: &[Ring]| {
        (p[0].powi(2) + p[1].powi(2) + (p[2] - rings[p[4] as usize].origin_m[2]).powi(2)).sqrt()
    };
    let ranges = |config: &WorldConfig| -> Vec<f32> {
        let frame = sample_frame(config, 4, View::Ahead { half_width_deg: 40.0 }).unwrap();
        frame.cloud.points().map(|p| range(p, &config.sensor.rings)).collect()
    };
    let (with, without) = (ranges(&noisy), ranges(&exact));
    // A few points at the ends of the range appear or vanish; the rest correspond one to one.
    assert!(with.len().abs_diff(without.len()) < 20);
    let errors: Vec<f32> = with.iter().zip(&without).map(|(a, b)| a - b).take_while(|e| e.abs() < 0.5).collect();
    assert!(errors.len() > 2000, "{}", errors.len());
    let deviation = (errors.iter().map(|e| e * e).sum::<f32>() / errors.len() as f32).sqrt();
    assert!((deviation - 0.018).abs() < 0.002, "{deviation}");
}

#[test]
fn bottoms_of_near_cars_stand_on_the_ground_below_the_sensor() {
    let config = crowded();
    let frame = sample_frame(&config, 2, View::Full).unwrap();
    let height = t_base_lidar(&config.sensor).translation_m()[2];
    let near: Vec<f64> = frame
        .objects
        .iter()
        .filter(|o| o.box3d.center_m[0].hypot(o.box3d.center_m[1]) < 12.0)
        .map(|o| o.box3d.bottom_z_m())
        .collect();
    assert!(!near.is_empty() && near.iter().all(|z| (z + height).abs() < 0.6), "{near:?}");
}

#[test]
fn a_drive_keeps_its_world_and_moves_through_it() {
    let frames: Vec<_> =
        Drive::new(config(), 21, View::Ahead { half_width_deg: 45.0 }, 8.0, 6, Stamp::from_ns(1_000_000_000))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
    assert_eq!(frames.len(), 6);
    assert!(frames.windows(2).all(|w| w[1].stamp.nanoseconds - w[0].stamp.nanoseconds == 100_000_000));
    assert!(frames[0].t_odom_base.translation_m().iter().all(|v| v.abs() < 1e-9));
    let travelled = frames[5].t_odom_base.translation_m();
    assert!((travelled[0].hypot(travelled[1]) - 4.0).abs() < 0.05, "{travelled:?}");
    // Whatever stands still keeps its place in the odometry frame.
    let t_base_lidar = t_base_lidar(&config().sensor);
    let mut followed = 0;
    for object in frames[0].frame.objects.iter().filter(|o| o.velocity_mps == [0.0, 0.0]) {
        let place = |index: usize| {
            let drive = &frames[index];
            let again = drive.frame.objects.iter().find(|o| o.instance_id == object.instance_id)?;
            Some((drive.t_odom_base * t_base_lidar).apply(again.box3d.center_m))
        };
        if let (Some(first), Some(last)) = (place(0), place(5)) {
            followed += 1;
            assert!((0..3).all(|axis| (first[axis] - last[axis]).abs() < 0.02), "{first:?} {last:?}");
        }
    }
    assert!(followed > 0);
}

#[test]
fn a_drive_repeats_byte_for_byte() {
    let drive = || Drive::new(config(), 5, View::KittiCamera, 6.0, 3, Stamp::from_ns(0)).unwrap();
    let all = || drive().map(|f| bytes(&f.unwrap().frame)).collect::<Vec<_>>();
    assert_eq!(all(), all());
}

#[test]
fn moving_objects_move_by_their_velocity_between_frames() {
    let mut config = crowded();
    config.scene.crossing_chance = 0.0;
    let frames: Vec<_> =
        Drive::new(config, 8, View::Full, 0.0, 2, Stamp::from_ns(0)).unwrap().map(|f| f.unwrap().frame).collect();
    let mut moved = 0;
    for before in frames[0].objects.iter().filter(|o| o.velocity_mps[0].hypot(o.velocity_mps[1]) > 0.5) {
        let Some(after) = frames[1].objects.iter().find(|o| o.instance_id == before.instance_id) else { continue };
        moved += 1;
        for axis in 0..2 {
            let step = after.box3d.center_m[axis] - before.box3d.center_m[axis];
            assert!((step - 0.1 * before.velocity_mps[axis]).abs() < 0.06, "{before:?} {after:?}");
        }
    }
    assert!(moved > 3, "{moved}");
}

#[test]
fn views_and_scenes_that_make_no_sense_are_refused() {
    let empty = sample_frame(&config(), 0, View::Ahead { half_width_deg: 0.0 });
    assert!(matches!(empty, Err(SimError::EmptyView { .. })));
    let mut impossible = config();
    impossible.scene.parking_occupancy = [0.5, 1.5];
    assert!(matches!(sample_frame(&impossible, 0, View::Full), Err(SimError::SceneSetting { .. })));
    assert!(Drive::new(config(), 0, View::Full, f64::NAN, 2, Stamp::from_ns(0)).is_err());
}

#[test]
fn people_and_cyclists_are_common_enough_to_learn_and_density_varies() {
    let config = config();
    let counts: Vec<[usize; 3]> = (100..130)
        .map(|seed| {
            let frame = sample_frame(&config, seed, View::KittiCamera).unwrap();
            let count = |name: &str| frame.objects.iter().filter(|o| o.class_name == name && o.num_points >= 5).count();
            [count("Car"), count("Pedestrian"), count("Cyclist")]
        })
        .collect();
    let mean = |class: usize| counts.iter().map(|c| c[class]).sum::<usize>() as f64 / counts.len() as f64;
    assert!(mean(0) > 4.0 && mean(1) > 2.0 && mean(2) > 1.5, "{} {} {}", mean(0), mean(1), mean(2));
    assert!(counts.iter().any(|c| c[0] <= 3) && counts.iter().any(|c| c[0] >= 12), "{counts:?}");
}
