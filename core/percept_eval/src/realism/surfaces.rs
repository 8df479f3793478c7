//! Returns that are missing from smooth surfaces, and the angle at which the beam strikes there.
//!
//! Along a ring, four returns in a row that lie on a line belong to one surface; the firings between the middle two that
//! gave nothing were lost on it. The beam's angle to the surface follows from that line and from the nearest returns of
//! the rings above and below. Firings into the open sky, at edges and in plants are not looked at.
//!
//! Limits  the angle carries the noise of neighbouring ranges, worst where rings lie close together: near and steep. It
//!         is the same estimate on simulated and real sweeps; it compares them, it does not measure a law.

use super::rows::{Assigned, SensorRows};
use percept_types::PointCloud;
use std::f64::consts::TAU;

/// Most firings lost in a row that a gap may hold.
const MAX_LOST: f64 = 12.0;
/// Most firings between the outer returns and the middle ones.
const MAX_STRIDE: f64 = 2.6;
/// Returns this near to the line are on it: four deviations of a spinning LiDAR's ranges.
const ON_LINE_M: f64 = 0.08;
/// Returns of a neighbouring ring are looked for within this many firings.
const BESIDE: f64 = 1.1;

/// A stretch between two neighbouring returns of a ring on one surface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stretch {
    /// The ring, from the top.
    pub row: usize,
    /// Its first return.
    pub at_m: Point,
    /// Distance of its first return from the sensor in x and y.
    pub range_m: f64,
    /// Between the beam and the surface's normal, 0 to 90 degrees; `None` without returns above and below.
    pub incidence_deg: Option<f64>,
    /// Firings from the first return (counted) to the second (not counted).
    pub fired: f64,
    /// Of these, the ones that gave nothing.
    pub lost: f64,
}

/// x, y, z.
pub(super) type Point = [f64; 3];

#[derive(Clone, Copy)]
struct Return {
    azimuth_rad: f64,
    at_m: Point,
}

/// Every stretch on smooth surfaces of a sweep.
pub(super) fn stretches(cloud: &PointCloud, assigned: &[Option<Assigned>], sensor: &SensorRows) -> Vec<Stretch> {
    let rings = rings_of(cloud, assigned, sensor.rows.len());
    let mut found = Vec::new();
    for (row, ring) in rings.iter().enumerate() {
        let above = row.checked_sub(1).and_then(|above| rings.get(above)).map_or(&[][..], Vec::as_slice);
        let below = rings.get(row + 1).map_or(&[][..], Vec::as_slice);
        for four in ring.windows(4) {
            let [before, first, second, after] = four else { continue };
            let steps = |a: &Return, b: &Return| (b.azimuth_rad - a.azimuth_rad) / sensor.azimuth_step_rad;
            let fired = steps(first, second).round().max(1.0);
            let strides = [steps(before, first), steps(second, after)];
            if fired > MAX_LOST + 1.0 || strides.iter().any(|stride| *stride > MAX_STRIDE || *stride <= 0.0) {
                continue;
            }
            let along = minus(after.at_m, before.at_m);
            let off = [first, second].map(|middle| off_line_m(middle.at_m, before.at_m, along));
            if off.iter().any(|off_m| *off_m > ON_LINE_M) {
                continue;
            }
            let beside = [above, below].map(|ring| nearest(ring, first, BESIDE * sensor.azimuth_step_rad));
            found.push(Stretch {
                row,
                at_m: first.at_m,
                range_m: first.at_m[0].hypot(first.at_m[1]),
                incidence_deg: incidence_deg(first.at_m, along, beside),
                fired,
                lost: fired - 1.0,
            });
        }
    }
    found
}

/// The returns of each ring by rising azimuth.
fn rings_of(cloud: &PointCloud, assigned: &[Option<Assigned>], rows: usize) -> Vec<Vec<Return>> {
    let mut rings = vec![Vec::new(); rows];
    for (point, assigned) in cloud.points().zip(assigned) {
        let at_m = [point[0], point[1], point[2]].map(f64::from);
        let azimuth_rad = at_m[1].atan2(at_m[0]).rem_euclid(TAU);
        if let Some(ring) = assigned.and_then(|assigned| rings.get_mut(assigned.row)) {
            ring.push(Return { azimuth_rad, at_m });
        }
    }
    for ring in &mut rings {
        // A view ahead begins and ends behind the sensor rather than in its middle.
        let ahead = ring.iter().filter(|r| r.azimuth_rad.cos() > 0.0).count();
        if 2 * ahead > ring.len() {
            ring.iter_mut().filter(|r| r.azimuth_rad > TAU / 2.0).for_each(|r| r.azimuth_rad -= TAU);
        }
        ring.sort_by(|a, b| a.azimuth_rad.total_cmp(&b.azimuth_rad));
    }
    rings
}

/// The return of another ring in the same direction, as seen from above.
fn nearest(ring: &[Return], to: &Return, within_rad: f64) -> Option<Point> {
    let after = ring.partition_point(|r| r.azimuth_rad < to.azimuth_rad);
    let beside = [after.checked_sub(1), Some(after)].into_iter().flatten().filter_map(|i| ring.get(i));
    let off = |r: &Return| (r.azimuth_rad - to.azimuth_rad).abs();
    beside.filter(|r| off(r) <= within_rad).min_by(|a, b| off(a).total_cmp(&off(b))).map(|r| r.at_m)
}

fn incidence_deg(at_m: Point, along: Point, [above, below]: [Option<Point>; 2]) -> Option<f64> {
    let across = match (above, below) {
        (Some(above), Some(below)) if off_line_m(at_m, below, minus(above, below)) <= ON_LINE_M => minus(above, below),
        // At an edge the nearer of the two is the likelier to be of the same surface.
        (Some(above), Some(below)) if length(minus(above, at_m)) <= length(minus(below, at_m)) => minus(above, at_m),
        (Some(other), None) | (_, Some(other)) => minus(other, at_m),
        (None, None) => return None,
    };
    let normal = cross(along, across);
    let lengths = length(normal) * length(at_m);
    (lengths > 1e-9).then(|| (dot(normal, at_m).abs() / lengths).clamp(0.0, 1.0).acos().to_degrees())
}

fn off_line_m(point: Point, on_line: Point, direction: Point) -> f64 {
    let length_m = length(direction);
    if length_m > 0.0 { length(cross(minus(point, on_line), direction)) / length_m } else { f64::INFINITY }
}

fn minus(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn dot(a: Point, b: Point) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Point, b: Point) -> Point {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn length(a: Point) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::rows::RowSource;
    use super::super::rows::tests::rows;
    use super::*;
    use percept_types::PointLayout;

    /// A wall through (distance, 0) turned so that the beam ahead strikes it at an angle; every `lose`th firing is lost.
    fn wall(distance_m: f64, incidence_deg: f64, lose: usize) -> PointCloud {
        let (sin, cos) = incidence_deg.to_radians().sin_cos();
        let mut values = Vec::new();
        for row in 0..6 {
            for step in -40..40_i32 {
                let azimuth = f64::from(step) * 0.2_f64.to_radians();
                if step.rem_euclid(lose as i32) == 0 {
                    continue;
                }
                // Plane: cos * x + sin * y = cos * distance.
                let (sin_a, cos_a) = azimuth.sin_cos();
                let range_m = cos * distance_m / (cos * cos_a + sin * sin_a);
                let z = -range_m * f64::from(row).to_radians().tan();
                values.extend([range_m * cos_a, range_m * sin_a, z].map(|v| v as f32));
            }
        }
        PointCloud::new(PointLayout::xyz_and(&[]), values).unwrap()
    }

    fn found(cloud: &PointCloud) -> Vec<Stretch> {
        let sensor = rows(6);
        stretches(cloud, &sensor.assign(cloud, RowSource::Elevation), &sensor)
    }

    #[test]
    fn the_angle_of_a_wall_and_its_lost_firings_are_found() {
        for incidence_deg in [0.0, 30.0, 60.0] {
            let found = found(&wall(20.0, incidence_deg, 5));
            let (fired, lost) = found.iter().fold((0.0, 0.0), |sum, s| (sum.0 + s.fired, sum.1 + s.lost));
            assert!((lost / fired - 0.2).abs() < 0.02, "{lost} of {fired} at {incidence_deg}");
            let ahead: Vec<f64> = found.iter().filter(|s| s.row < 2).filter_map(|s| s.incidence_deg).collect();
            let mean = ahead.iter().sum::<f64>() / ahead.len() as f64;
            assert!(ahead.len() > 50 && (mean - incidence_deg).abs() < 6.0, "{mean} for {incidence_deg}");
        }
    }

    #[test]
    fn an_open_gap_between_two_surfaces_is_no_loss() {
        let (near, far) = (wall(10.0, 0.0, 999), wall(30.0, 0.0, 999));
        let mut values: Vec<f32> = near.points().filter(|p| p[1] > 0.3).flatten().copied().collect();
        values.extend(far.points().filter(|p| p[1] < -0.3).flatten());
        let cloud = PointCloud::new(PointLayout::xyz_and(&[]), values).unwrap();
        assert!(found(&cloud).iter().all(|s| s.lost == 0.0));
    }
}
