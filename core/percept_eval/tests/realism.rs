//! Simulated against real, on sweeps of a street whose differences are known.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used)]

use percept_eval::realism::{
    Agreement, ComparedStatistic, RealismStatistics, RowSource, SensorRow, SensorRows, SweepWithTruth, compare,
};
use percept_types::{Box3d, Occlusion, PointCloud, PointLayout, TruthObject};

/// 40 rings from 2 degrees up, half a degree apart, 1.7 m above the ground.
fn sensor() -> SensorRows {
    let row = |i: u32| SensorRow { elevation_rad: (2.0 - 0.5 * f64::from(i)).to_radians(), origin_m: [0.0; 2] };
    SensorRows {
        rows: (0..40).map(row).collect(),
        azimuth_step_rad: 0.2_f64.to_radians(),
        height_m: 1.7,
        max_range_m: 80.0,
        full_scale: Some(1.0),
    }
}

/// What a street's sweep is drawn with.
#[derive(Clone, Copy)]
struct Street {
    /// Every so many firings one is lost; 0 for none.
    lose: u64,
    intensity: f32,
    /// How far the car's side lies below its box's face.
    depth_m: f64,
}

const STREET: Street = Street { lose: 0, intensity: 0.32, depth_m: 0.05 };

fn car() -> TruthObject {
    TruthObject {
        class_name: "Car".into(),
        box3d: Box3d { center_m: [12.0, 3.0, -0.95], size_m: [4.0, 1.6, 1.5], yaw_rad: 0.0 },
        velocity_mps: [0.0; 2],
        instance_id: 1,
        num_points: 0,
        occlusion: Occlusion::Visible,
        truncation: 0.0,
        image_box: None,
    }
}

/// Flat ground, a wall 40 m ahead and a car's right side, seen within 40 degrees of straight ahead.
fn sweep(street: Street, seed: u64) -> PointCloud {
    let mut values = Vec::new();
    let mut firing = seed;
    for row in &sensor().rows {
        for step in -200..200_i32 {
            firing += 1;
            // Scattered, but the same number everywhere.
            let drawn = firing.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
            if street.lose > 0 && drawn.is_multiple_of(street.lose) {
                continue;
            }
            let (sin, cos) = (f64::from(step) * 0.2_f64.to_radians()).sin_cos();
            let tan = row.elevation_rad.tan();
            let to_ground = if tan < 0.0 { -1.7 / tan } else { f64::INFINITY };
            let side_y = 3.0 - 0.8 + street.depth_m;
            let to_side = if sin > 0.0 { side_y / sin } else { f64::INFINITY };
            let is_car = (10.0..14.0).contains(&(to_side * cos)) && (-1.7..-0.2).contains(&(to_side * tan));
            let range_m = to_ground.min(40.0 / cos).min(if is_car { to_side } else { f64::INFINITY });
            values.extend([range_m * cos, range_m * sin, range_m * tan].map(|v| v as f32));
            values.push(street.intensity);
        }
    }
    PointCloud::new(PointLayout::xyzi(), values).unwrap()
}

fn side(street: Street, frames: u64, with_truth: bool) -> RealismStatistics {
    let mut statistics = RealismStatistics::new(sensor());
    let objects = [car(), car(), car()];
    for frame in 0..frames {
        let cloud = sweep(street, frame * 1_000_003);
        let objects = with_truth.then_some(&objects[..]);
        statistics.add(&SweepWithTruth { cloud: &cloud, rows: RowSource::Elevation, objects });
    }
    statistics
}

fn named<'a>(statistics: &'a [ComparedStatistic], name: &str) -> &'a ComparedStatistic {
    statistics.iter().find(|statistic| statistic.name == name).unwrap()
}

fn outside(simulated: Street) -> Vec<String> {
    let (statistics, _) = compare(&side(simulated, 8, true), &side(STREET, 8, true));
    let outside = statistics.iter().filter(|statistic| statistic.agreement == Agreement::Outside);
    outside.map(|statistic| statistic.name.clone()).collect()
}

#[test]
fn a_street_agrees_with_itself_in_everything() {
    let (statistics, omitted) = compare(&side(STREET, 3, true), &side(STREET, 3, true));
    assert!(statistics.iter().all(|s| s.agreement <= Agreement::Within), "{statistics:#?}");
    assert!(statistics.iter().filter_map(|s| s.wasserstein).all(|distance| distance < 1e-9));
    assert_eq!(named(&statistics, "points a frame").bins[0].ratio, Some(1.0));
    let told = ["Pedestrian", "Cyclist", "Van"].iter().all(|name| omitted.iter().any(|text| text.contains(name)));
    assert!(told, "{omitted:?}");
    assert_eq!(side(STREET, 3, true).row_fit().empty_rows, 0);
    assert!(side(STREET, 3, true).row_fit().mean_offset < 0.01);
}

#[test]
fn lost_firings_show_in_points_and_drop_out_and_leave_shapes_alone() {
    let outside = outside(Street { lose: 2, ..STREET });
    for name in ["points a frame", "points a ring", "points a Car", "drop-out off objects by ring"] {
        assert!(outside.iter().any(|found| found == name), "{name} not in {outside:?}");
    }
    for name in ["intensity", "range", "height profile of cars", "depth below a car's sides"] {
        assert!(!outside.iter().any(|found| found == name), "{name} in {outside:?}");
    }
    let (statistics, _) = compare(&side(Street { lose: 2, ..STREET }, 2, true), &side(STREET, 2, true));
    let lost = named(&statistics, "drop-out off objects by range").bins[1].simulated.unwrap();
    assert!((lost - 0.5).abs() < 0.1, "{lost}");
    let (without_truth, _) = compare(&side(STREET, 2, true), &side(STREET, 2, false));
    assert!(without_truth.iter().any(|s| s.name == "drop-out by range"), "{without_truth:?}");
}

#[test]
fn brighter_returns_and_a_deeper_car_show_in_their_own_statistics() {
    let brighter = outside(Street { intensity: 0.62, ..STREET });
    assert!(brighter.iter().all(|name| name.starts_with("intensity")), "{brighter:?}");
    let (statistics, _) = compare(&side(Street { intensity: 0.62, ..STREET }, 2, true), &side(STREET, 2, true));
    let intensity = named(&statistics, "intensity");
    assert!((intensity.wasserstein.unwrap() - 0.3).abs() < 1e-6 && intensity.total_variation == Some(1.0));
    let deeper = outside(Street { depth_m: 0.25, ..STREET });
    assert_eq!(deeper, ["depth below a car's sides"]);
}

#[test]
fn what_a_single_frame_lacks_may_be_chance() {
    let (statistics, _) = compare(&side(Street { lose: 2, ..STREET }, 1, true), &side(STREET, 1, true));
    assert_eq!(named(&statistics, "points a frame").agreement, Agreement::TooFewFrames);
}

#[test]
fn without_truth_the_statistics_of_objects_are_left_out_by_name() {
    let (statistics, omitted) = compare(&side(STREET, 2, true), &side(STREET, 2, false));
    assert!(statistics.iter().all(|s| !s.name.contains("Car") && !s.name.contains("cars")));
    assert!(omitted.iter().any(|text| text.contains("0 real objects")), "{omitted:?}");
}

#[test]
fn another_sensors_rings_do_not_fit() {
    let mut sparse = sensor();
    sparse.rows = sparse.rows.into_iter().step_by(3).collect();
    let mut statistics = RealismStatistics::new(sparse);
    statistics.add(&SweepWithTruth { cloud: &sweep(STREET, 0), rows: RowSource::Elevation, objects: None });
    assert!(statistics.row_fit().mean_offset > 0.3, "{:?}", statistics.row_fit());
}
