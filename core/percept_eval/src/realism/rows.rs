//! Which ring of a sensor a point belongs to, from its elevation or from the driver's own number.

use percept_types::PointCloud;

/// One laser's cone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SensorRow {
    /// Angle above the sensor's horizontal plane.
    pub elevation_rad: f64,
    /// Where the beam starts: forward along its azimuth, and up.
    pub origin_m: [f64; 2],
}

/// The rings of a sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct SensorRows {
    /// From the top down.
    pub rows: Vec<SensorRow>,
    /// Angle between two firings of a laser.
    pub azimuth_step_rad: f64,
    /// Height of the sensor above the ground.
    pub height_m: f64,
    /// Farthest range told.
    pub max_range_m: f64,
    /// The intensity that stands for 1; `None` where the sensor's intensities have no such scale.
    pub full_scale: Option<f64>,
}

/// How points tell their ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowSource {
    /// The ring whose cone is nearest.
    #[default]
    Elevation,
    /// A column of the cloud.
    Column {
        /// Its index.
        column: usize,
        /// Whether ring 0 is the lowest.
        bottom_up: bool,
    },
}

/// A point's ring and how far from its cone it lies, in halves of the gap to the next ring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Assigned {
    pub row: usize,
    /// 0 on the cone, 1 half-way to the next; beyond 1 outside the outermost rings.
    pub offset: f64,
}

impl SensorRows {
    /// The ring whose cone lies nearest to a point.
    pub(super) fn nearest(&self, [x, y, z]: [f64; 3]) -> Option<Assigned> {
        let distance_m = x.hypot(y);
        let angle = |row: &SensorRow| (z - row.origin_m[1]).atan2(distance_m - row.origin_m[0]) - row.elevation_rad;
        // The sine of the angle stands for it: monotone, and cheaper.
        let off = |row: &SensorRow| {
            let (sin, cos) = row.elevation_rad.sin_cos();
            ((z - row.origin_m[1]) * cos - (distance_m - row.origin_m[0]) * sin).abs()
        };
        let (row, _) = self.rows.iter().map(off).enumerate().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let angle_rad = angle(self.rows.get(row)?);
        let neighbour = if angle_rad > 0.0 { row.checked_sub(1) } else { Some(row + 1) };
        let gap_to = |other: usize| Some((self.rows.get(other)?.elevation_rad - self.rows[row].elevation_rad).abs());
        // Beyond the outermost ring its inner gap is the measure.
        let gap_rad = neighbour.and_then(gap_to).or_else(|| gap_to(if row == 0 { 1 } else { row - 1 }));
        Some(Assigned { row, offset: angle_rad.abs() / (gap_rad.unwrap_or(0.01) / 2.0).max(1e-6) })
    }

    /// Each point's ring, `None` for a ring number that the sensor does not have.
    pub(super) fn assign(&self, cloud: &PointCloud, source: RowSource) -> Vec<Option<Assigned>> {
        let one = |point: &[f32]| {
            let nearest = self.nearest([point[0], point[1], point[2]].map(f64::from))?;
            match source {
                RowSource::Elevation => Some(nearest),
                RowSource::Column { column, bottom_up } => {
                    let number = point.get(column).filter(|number| **number >= 0.0).map(|number| *number as usize)?;
                    let row = if bottom_up { self.rows.len().checked_sub(number + 1)? } else { number };
                    (row < self.rows.len()).then_some(Assigned { row, ..nearest })
                }
            }
        };
        cloud.points().map(one).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Rings every degree from 0 down, started at the origin.
    pub fn rows(count: usize) -> SensorRows {
        let row = |i: usize| SensorRow { elevation_rad: -(i as f64).to_radians(), origin_m: [0.0; 2] };
        SensorRows {
            rows: (0..count).map(row).collect(),
            azimuth_step_rad: 0.2_f64.to_radians(),
            height_m: 1.7,
            max_range_m: 80.0,
            full_scale: Some(1.0),
        }
    }

    #[test]
    fn a_point_belongs_to_the_nearest_cone_and_tells_how_far_off_it_lies() {
        let at = |degrees: f64| [10.0, 0.0, 10.0 * degrees.to_radians().tan()];
        let on = rows(8).nearest(at(-3.0)).unwrap();
        assert!(on.row == 3 && on.offset < 1e-9);
        let between = rows(8).nearest(at(-3.4)).unwrap();
        assert!(between.row == 3 && (between.offset - 0.8).abs() < 1e-6);
        let above = rows(8).nearest(at(2.0)).unwrap();
        assert!(above.row == 0 && above.offset > 3.9, "{above:?}");
    }

    #[test]
    fn a_ring_number_beyond_the_sensor_is_no_ring() {
        let layout = percept_types::PointLayout::xyz_and(&["ring"]);
        let cloud = PointCloud::new(layout, vec![9.0, 0.0, 0.0, 2.0, 9.0, 0.0, 0.0, 8.0]).unwrap();
        let source = RowSource::Column { column: 3, bottom_up: true };
        let found: Vec<_> = rows(8).assign(&cloud, source).iter().map(|a| a.map(|a| a.row)).collect();
        assert_eq!(found, [Some(5), None]);
    }
}
