//! What camera images promise: the surfaces of the LiDAR, boxes round the pixels of their objects, the same bytes.
// Helpers of tests lie outside test functions, where the lint does not know them as tests.
#![allow(clippy::unwrap_used)]

use percept_sim::material::class;
use percept_sim::{
    CameraFrame, CameraRig, Drive, DriveFrame, Exposure, LidarModel, RenderSettings, View, WorldConfig, t_base_lidar,
};
use percept_types::Stamp;
use std::collections::BTreeMap;

/// A sensor without noise and drop-out: what it says lies on the surfaces of the world.
fn exact(name: &str) -> LidarModel {
    let mut sensor = LidarModel::named_or_from_file(name).unwrap();
    (sensor.range_noise_m, sensor.azimuth_noise_deg, sensor.range_quantum_m) = (0.0, 0.0, 0.0);
    (sensor.drop_out.half_signal, sensor.drop_out.base) = (0.0, 0.0);
    sensor
}

fn frames(sensor: LidarModel, rig: CameraRig, seed: u64, count: u64) -> Vec<DriveFrame> {
    let config = WorldConfig { sensor, ring_and_time: true, ..WorldConfig::kitti().unwrap() };
    let drive = Drive::new(config, seed, View::Full, 8.0, count, Stamp::from_ns(0)).unwrap();
    drive.with_cameras(rig, RenderSettings::default()).unwrap().collect::<Result<_, _>>().unwrap()
}

fn rig(name: &str, size: [usize; 2]) -> CameraRig {
    CameraRig::named_or_from_file(name).unwrap().resized(size).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_one_thread_and_with_two() {
    let images = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| frames(exact("vlp-16"), rig("nuscenes", [88, 32]), 5, 1).remove(0).cameras)
    };
    let (one, two) = (images(1), images(2));
    assert_eq!(one, two);
    assert_eq!(one.len(), 6);
    let other = frames(exact("vlp-16"), rig("nuscenes", [88, 32]), 6, 1).remove(0).cameras;
    assert_ne!(one[0].image.rgb, other[0].image.rgb);
}

#[test]
fn cameras_expose_in_turn_when_the_lidar_looks_along_their_axes() {
    let frames = frames(exact("vlp-16"), rig("nuscenes", [44, 16]), 5, 2);
    let names: Vec<&str> = frames[0].cameras.iter().map(|c| c.name.as_str()).collect();
    let mut by_time: Vec<&CameraFrame> = frames[0].cameras.iter().collect();
    by_time.sort_by_key(|camera| camera.stamp);
    let turn: Vec<&str> = by_time.iter().map(|c| c.name.as_str()).filter(|name| *name != "cam_back").collect();
    // Clockwise from behind; the one that looks back exposes at either end of the sweep.
    assert_eq!(
        turn,
        ["cam_back_left", "cam_front_left", "cam_front", "cam_front_right", "cam_back_right"],
        "{names:?}"
    );
    let period_ns = frames[1].stamp.nanoseconds - frames[0].stamp.nanoseconds;
    assert!(by_time.iter().all(|c| (0..=period_ns).contains(&c.stamp.nanoseconds)));
    let after = frames[1].cameras[0].stamp.nanoseconds - frames[0].cameras[0].stamp.nanoseconds;
    assert_eq!(after, period_ns);
}

/// Differences between the depth of LiDAR points and that of the pixels on which they fall, where neighbours agree. The
/// vehicle's motion between the point and the image is taken out; what moves by itself is left aside.
fn depth_differences(frame: &DriveFrame, camera: &CameraFrame, sensor: &LidarModel) -> Vec<f64> {
    const SOLID: [u16; 5] = [class::BUILDING, class::ROAD, class::SIDEWALK, class::PARKING, class::OTHER_STRUCTURE];
    let image = &camera.image;
    let labels = frame.frame.point_labels.as_ref().unwrap();
    let since_s = (camera.stamp.nanoseconds - frame.stamp.nanoseconds) as f64 * 1e-9;
    let t_odom_base = frame.t_odom_base.interpolate(&frame.t_odom_base_after, since_s / sensor.period_s());
    let t_base_lidar = t_base_lidar(sensor);
    let t_now_stamp = (t_odom_base * t_base_lidar).inverse() * (frame.t_odom_base * t_base_lidar);
    let cloud = frame.motion_compensated(sensor).unwrap();
    let mut differences = Vec::new();
    for (point, class_id) in cloud.points().zip(&labels.class_ids) {
        let place_m = t_now_stamp.apply([point[0], point[1], point[2]].map(f64::from));
        let Some(p) = camera.camera.project_lidar_point(place_m) else { continue };
        let (u, v) = (p.u.round(), p.v.round());
        let inside = u >= 1.0 && v >= 1.0 && u < image.width as f64 - 1.0 && v < image.height as f64 - 1.0;
        if !SOLID.contains(class_id) || !inside {
            continue;
        }
        let index = v as usize * image.width + u as usize;
        let at = |index: usize| f64::from(image.depth_m[index]);
        let neighbours = [index - 1, index + 1, index - image.width, index + image.width];
        let even = neighbours.iter().all(|i| at(*i) > 0.0 && (at(*i) - at(index)).abs() < 0.15);
        if image.class_ids[index] == *class_id && even {
            differences.push((at(index) - p.depth_m).abs());
        }
    }
    differences.sort_by(f64::total_cmp);
    differences
}

#[test]
fn points_of_the_lidar_lie_on_the_surfaces_that_the_cameras_see() {
    for (name, rig) in [("hdl-64e-kitti", rig("kitti", [621, 187])), ("pandar40p", rig("nuscenes", [704, 256]))] {
        let sensor = exact(name);
        let frame = frames(sensor.clone(), rig, 4, 1).remove(0);
        for camera in &frame.cameras {
            let differences = depth_differences(&frame, camera, &sensor);
            assert!(differences.len() > 300, "{}: {}", camera.name, differences.len());
            let at = |share: f64| differences[(differences.len() as f64 * share) as usize];
            assert!(at(0.5) < 0.03 && at(0.9) < 0.1, "{}: {} {}", camera.name, at(0.5), at(0.9));
        }
    }
}

#[test]
fn boxes_enclose_the_pixels_of_their_objects() {
    let mut compared = 0;
    for seed in [4, 7] {
        let frame = frames(exact("vlp-16"), rig("nuscenes", [704, 256]), seed, 1).remove(0);
        for camera in &frame.cameras {
            compared += check_boxes(camera);
        }
    }
    assert!(compared > 10, "{compared}");
}

fn check_boxes(camera: &CameraFrame) -> usize {
    let image = &camera.image;
    let mut pixels: BTreeMap<u16, Vec<[f64; 2]>> = BTreeMap::new();
    for (index, id) in image.instance_ids.iter().enumerate().filter(|(_, id)| **id > 0) {
        pixels.entry(*id).or_default().push([(index % image.width) as f64, (index / image.width) as f64]);
    }
    let mut compared = 0;
    for object in &camera.objects {
        let own = pixels.get(&object.instance_id).map_or(&[][..], Vec::as_slice);
        assert!(!own.is_empty() || object.visible_share == 0.0, "{object:?}");
        if own.len() < 150 || object.truncation > 0.0 || object.visible_share < 0.95 {
            continue;
        }
        let b = &object.image_box;
        // Mirrors and handlebars reach beyond boxes.
        let inside = own
            .iter()
            .filter(|[u, v]| (b.left - 1.0..=b.right + 1.0).contains(u) && (b.top - 1.0..=b.bottom + 1.0).contains(v));
        let inside = inside.count() as f64 / own.len() as f64;
        assert!(inside > 0.93, "{} in {}: {inside}", object.class_name, camera.name);
        let rows = own.iter().map(|p| p[1]).fold((f64::MAX, 0.0_f64), |(l, h), v| (l.min(v), h.max(v)));
        assert!((rows.1 - rows.0) > 0.75 * b.height(), "{object:?} {rows:?}");
        compared += 1;
    }
    compared
}

#[test]
fn a_camera_that_exposes_after_the_sweep_is_refused_by_name() {
    let mut rig = rig("kitti", [40, 20]);
    rig.cameras[1].exposure = Exposure::AfterStampS(0.3);
    let config = WorldConfig::kitti().unwrap();
    let drive = Drive::new(config, 1, View::Full, 8.0, 1, Stamp::from_ns(0)).unwrap();
    let text = drive.with_cameras(rig, RenderSettings::default()).unwrap_err().to_string();
    assert!(text.contains("exposure of image_03 is 0.3 s"), "{text}");
}

#[test]
fn a_camera_is_told_where_it_sits_beside_any_lidar() {
    let camera = &CameraRig::named_or_from_file("nuscenes").unwrap().cameras[1];
    for name in ["vlp-16", "os1-64", "pandar128"] {
        let sensor = LidarModel::named_or_from_file(name).unwrap();
        let calibration = camera.calibration(&t_base_lidar(&sensor));
        // A point straight ahead of the LiDAR at the camera's height falls near the principal column.
        let ahead = t_base_lidar(&sensor).inverse().apply([30.0, 0.0, 1.5]);
        let p = calibration.project_lidar_point(ahead).unwrap();
        assert!((p.u - 816.0).abs() < 20.0 && (p.v - 491.0).abs() < 20.0, "{name}: {p:?}");
    }
}
