//! What a rolling sweep promises: points from where the sensor was at their time, in the driver's order.
// Helpers of tests lie outside test functions, where the lint does not know them as tests.
#![allow(clippy::unwrap_used)]

use percept_sim::material::class;
use percept_sim::{
    Drive, DriveFrame, LidarModel, PointDriver, SceneConfig, SweepMotion, View, WorldConfig, t_base_lidar,
};
use percept_types::{PointCloud, Stamp};
use std::collections::BTreeMap;

/// A sensor without noise and drop-out: what it says lies on the surfaces of the world.
fn exact(name: &str) -> LidarModel {
    let mut sensor = LidarModel::named_or_from_file(name).unwrap();
    (sensor.range_noise_m, sensor.azimuth_noise_deg, sensor.range_quantum_m) = (0.0, 0.0, 0.0);
    (sensor.drop_out.half_signal, sensor.drop_out.base) = (0.0, 0.0);
    sensor
}

fn world(sensor: LidarModel, moving_targets: bool) -> WorldConfig {
    WorldConfig { sensor, ring_and_time: true, moving_targets, ..WorldConfig::kitti().unwrap() }
}

fn frames(config: WorldConfig, seed: u64, speed_mps: f64, count: u64) -> Vec<DriveFrame> {
    let drive = Drive::new(config, seed, View::Full, speed_mps, count, Stamp::from_ns(0)).unwrap();
    drive.collect::<Result<_, _>>().unwrap()
}

fn column(cloud: &PointCloud, name: &str) -> Vec<f32> {
    let index = cloud.layout().index_of(name).unwrap();
    cloud.points().map(|point| point[index]).collect()
}

fn range_m(point: &[f32]) -> f32 {
    point[0].hypot(point[1]).hypot(point[2])
}

#[test]
fn every_shipped_sensor_gives_its_rings_its_times_and_its_order() {
    for name in LidarModel::shipped().filter(|name| *name != "hdl-64e-kitti") {
        let sensor = LidarModel::named_or_from_file(name).unwrap();
        let frame = &frames(world(sensor.clone(), true), 3, 8.0, 1)[0].frame;
        let (rings, times) = (column(&frame.cloud, "ring"), column(&frame.cloud, "time"));
        let mut points_of_ring = BTreeMap::new();
        for (ring, _) in rings.iter().zip(frame.cloud.points()).filter(|(_, p)| range_m(p) > 0.0) {
            *points_of_ring.entry(*ring as usize).or_insert(0_usize) += 1;
        }
        let returns: usize = points_of_ring.values().sum();
        let firings = sensor.rings.len() * sensor.azimuth_steps;
        assert!(returns > firings / 3 && returns <= firings, "{name}: {returns} of {firings}");
        assert!(points_of_ring.keys().all(|ring| *ring < sensor.rings.len()), "{name}: {points_of_ring:?}");
        assert!(points_of_ring.len() > sensor.rings.len() * 3 / 5, "{name}: {points_of_ring:?}");
        assert!(times.iter().all(|t| (0.0..sensor.period_s() as f32).contains(t)), "{name}");
        match sensor.driver {
            PointDriver::Ouster => assert_eq!(frame.cloud.len(), firings, "{name} is an image"),
            PointDriver::Velodyne | PointDriver::Hesai => {
                assert!(times.windows(2).all(|pair| pair[0] <= pair[1]), "{name} is in the order of time");
            }
        }
        assert_eq!(frame.point_labels.as_ref().unwrap().len(), frame.cloud.len());
    }
}

#[test]
fn elevations_are_those_of_the_file_whatever_the_driver_calls_the_rings() {
    for name in ["vlp-16", "vlp-32c", "os1-64", "pandar40p"] {
        let sensor = exact(name);
        let frame = &frames(world(sensor.clone(), true), 4, 8.0, 1)[0].frame;
        let rings = column(&frame.cloud, "ring");
        for (point, number) in frame.cloud.points().zip(&rings).filter(|(p, _)| range_m(p) > 0.0).step_by(101) {
            let ring = (0..sensor.rings.len()).find(|r| sensor.ring_number(*r) == *number as usize).unwrap();
            let ring = &sensor.rings[ring];
            let found = (point[2] - ring.origin_m[2]).atan2(point[0].hypot(point[1]) - ring.origin_m[0]).to_degrees();
            assert!((found - ring.elevation_deg).abs() < 0.03, "{name} ring {number}: {found}");
        }
    }
}

#[test]
fn a_column_of_ousters_image_has_one_azimuth() {
    let frame = &frames(world(exact("os1-128"), true), 5, 8.0, 1)[0].frame;
    let azimuths = |pixel: usize| -> Vec<f32> {
        let column = frame.cloud.points().skip(pixel).step_by(1024).filter(|p| range_m(p) > 1.0);
        column.map(|p| p[1].atan2(p[0]).to_degrees()).collect()
    };
    for pixel in [100, 512, 800] {
        let found = azimuths(pixel);
        let (low, high) = found.iter().fold((f32::MAX, f32::MIN), |(low, high), a| (low.min(*a), high.max(*a)));
        assert!(found.len() > 30 && high - low < 0.5, "column {pixel}: {low} to {high}");
    }
}

#[test]
fn with_nothing_in_motion_a_rolling_sweep_is_the_static_one() {
    for name in ["vlp-16", "os1-64", "pandar40p"] {
        let rolling = exact(name);
        let still = LidarModel { sweep: SweepMotion::MotionCompensated, ..rolling.clone() };
        let places = |sensor: LidarModel| {
            let cloud = frames(world(sensor, false), 6, 0.0, 1).remove(0).frame.cloud;
            let mut places: Vec<[f32; 3]> =
                cloud.points().filter(|p| range_m(p) > 0.0).map(|p| [p[0], p[1], p[2]]).collect();
            places.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])).then(a[2].total_cmp(&b[2])));
            places
        };
        let (rolling, still) = (places(rolling), places(still));
        assert_eq!(rolling.len(), still.len(), "{name}");
        let equal = rolling.iter().zip(&still).filter(|(a, b)| (0..3).all(|i| (a[i] - b[i]).abs() < 1e-3)).count();
        assert!(equal as f64 > 0.999 * still.len() as f64, "{name}: {equal} of {}", still.len());
    }
}

/// Distance in metres from points on the ground and on houses to the nearest points of another cloud in their class,
/// measured along the normal of the three nearest.
fn distances_to(surface: &[[f64; 3]], points: &[[f64; 3]]) -> Vec<f64> {
    const CELL_M: f64 = 0.5;
    let cell = |p: &[f64; 3]| [0, 1, 2].map(|i| (p[i] / CELL_M).floor() as i64);
    let mut cells: BTreeMap<[i64; 3], Vec<[f64; 3]>> = BTreeMap::new();
    surface.iter().for_each(|p| cells.entry(cell(p)).or_default().push(*p));
    let distance = |p: &[f64; 3]| {
        let [i, j, k] = cell(p);
        let around = (-1..=1).flat_map(|a| (-1..=1).flat_map(move |b| (-1..=1).map(move |c| [i + a, j + b, k + c])));
        let mut near: Vec<[f64; 3]> = around.filter_map(|c| cells.get(&c)).flatten().copied().collect();
        let apart = |q: &[f64; 3]| (0..3).map(|i| (p[i] - q[i]).powi(2)).sum::<f64>();
        near.sort_by(|a, b| apart(a).total_cmp(&apart(b)));
        // The plane of the nearest point and the first two others that span one with it.
        let minus = |a: [f64; 3], b: [f64; 3]| [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
        let cross = |a: [f64; 3], b: [f64; 3]| {
            [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
        };
        let norm = |a: [f64; 3]| a.iter().map(|v| v * v).sum::<f64>().sqrt();
        let first = *near.first()?;
        let second = near.iter().find(|q| norm(minus(**q, first)) > 0.02)?;
        let along = minus(*second, first);
        let third =
            near.iter().map(|q| minus(*q, first)).find(|q| norm(cross(along, *q)) > 0.5 * norm(along) * norm(*q))?;
        let normal = cross(along, third);
        let offset = minus(*p, first);
        Some((0..3).map(|i| normal[i] * offset[i]).sum::<f64>().abs() / norm(normal))
    };
    points.iter().filter_map(distance).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A street at rest on level ground, with houses.
fn still_street(sensor: LidarModel) -> WorldConfig {
    let scene = SceneConfig { max_slope: 0.0, undulation_m: [0.0, 0.0], ..SceneConfig::default() };
    WorldConfig { scene, ..world(sensor, false) }
}

fn on_houses(frame: &DriveFrame, cloud: &PointCloud) -> Vec<[f64; 3]> {
    let classes = &frame.frame.point_labels.as_ref().unwrap().class_ids;
    let houses = cloud.points().zip(classes).filter(|(_, c)| **c == class::BUILDING || **c == class::FENCE);
    houses.map(|(p, _)| [p[0], p[1], p[2]].map(f64::from)).collect()
}

#[test]
fn the_motion_compensated_cloud_of_a_rolling_sweep_lies_on_the_surfaces_of_the_static_one() {
    let mut tried = 0;
    for seed in 0..12 {
        if tried == 2 {
            break;
        }
        let rolling = exact("pandar128");
        let still = LidarModel { sweep: SweepMotion::MotionCompensated, ..rolling.clone() };
        let seen = frames(still_street(rolling.clone()), seed, 15.0, 1).remove(0);
        let reference = frames(still_street(still), seed, 15.0, 1).remove(0);
        let surface = on_houses(&reference, &reference.frame.cloud);
        let compensated = on_houses(&seen, &seen.motion_compensated(&rolling).unwrap());
        if compensated.len() < 4000 || surface.len() < 4000 {
            continue;
        }
        tried += 1;
        let raw = on_houses(&seen, &seen.frame.cloud);
        let thin = |points: &[[f64; 3]]| points.iter().step_by(23).copied().collect::<Vec<_>>();
        let with = median(distances_to(&surface, &thin(&compensated)));
        let without = median(distances_to(&surface, &thin(&raw)));
        // Planes through three neighbours bear the rounding of single precision.
        assert!(with < 0.002, "seed {seed}: {with} m from the surfaces");
        assert!(without > 5.0 * with, "seed {seed}: {with} m compensated, {without} m as driven");
    }
    assert!(tried >= 2, "{tried} streets with houses");
}

#[test]
fn compensation_takes_points_to_where_the_vehicle_was_at_the_stamp() {
    let sensor = exact("vlp-32c");
    let drive = frames(world(sensor.clone(), false), 8, 20.0, 2);
    // Poses follow on each other.
    let (after, next) = (drive[0].t_odom_base_after.translation_m(), drive[1].t_odom_base.translation_m());
    assert!((0..3).all(|i| (after[i] - next[i]).abs() < 1e-9));
    assert!((after[0].hypot(after[1]) - 2.0).abs() < 0.01, "{after:?}");
    let compensated = drive[0].motion_compensated(&sensor).unwrap();
    let times = column(&compensated, "time");
    let t_lidar_base = t_base_lidar(&sensor).inverse();
    let forward = t_lidar_base.apply([1.0, 0.0, 0.0])[0] - t_lidar_base.apply([0.0; 3])[0];
    let pairs = drive[0].frame.cloud.points().zip(compensated.points()).zip(&times);
    for ((raw, moved), time) in pairs.step_by(997) {
        let travelled = 20.0 * f64::from(*time) * forward;
        let (by, sideways) = (f64::from(moved[0] - raw[0]), f64::from(moved[1] - raw[1]));
        // Turns of the road and of the springs move far points by some centimetres.
        let slack = 0.02 + 0.03 * f64::from(range_m(raw)) * f64::from(*time) / 0.1;
        assert!((by - travelled).abs() < slack, "{by} m after {time} s, expected {travelled}");
        assert!(sideways.abs() < 0.6 * travelled.abs() + slack, "{sideways}");
    }
}

#[test]
fn points_of_moving_things_lie_in_their_boxes_although_the_sweep_rolls() {
    let scene = SceneConfig { traffic_per_100m: [4.0, 5.0], crossing_chance: 0.0, ..SceneConfig::default() };
    let (mut inside, mut all) = (0, 0);
    for seed in 0..4 {
        let config = WorldConfig { scene: scene.clone(), ..world(exact("pandar40p"), true) };
        let drive = frames(config, seed, 12.0, 1).remove(0);
        let labels = drive.frame.point_labels.as_ref().unwrap();
        for object in drive.frame.objects.iter().filter(|o| o.velocity_mps[0].hypot(o.velocity_mps[1]) > 3.0) {
            let mut grown = object.box3d;
            // The far ends of a thing are scanned some milliseconds before and after its middle.
            grown.size_m = grown.size_m.map(|side| side + 0.2);
            let points = drive.frame.cloud.points().zip(&labels.instance_ids);
            for (point, _) in points.filter(|(_, id)| u32::from(**id) == object.instance_id) {
                all += 1;
                inside += usize::from(grown.contains([point[0], point[1], point[2]].map(f64::from)));
            }
        }
    }
    assert!(all > 300, "{all} points on things that move");
    assert!(inside as f64 / all as f64 > 0.95, "{inside} of {all}");
}
