//! Height over the ground, from the lowest returns by sector and distance.
//!
//! Limits  where nothing of the ground is seen (behind walls, in dense plants) its last height is carried on; the same
//!         estimate is made for simulated and real sweeps, so what it misses is missed alike.

use percept_types::PointCloud;
use std::f64::consts::TAU;

const SECTORS: usize = 36;
const BAND_M: f64 = 3.0;
const BANDS: usize = 34;
/// Of the returns of a cell this share lies below its ground.
const LOW_SHARE: f64 = 0.1;
const MIN_RETURNS: usize = 4;
/// Ground rises or falls at most so over a distance, with some room for noise, and never by more than a car is high.
const MAX_SLOPE: f64 = 0.08;
const ROOM_M: f64 = 0.1;
const MAX_STEP_M: f64 = 0.6;

/// Height of the ground by sector and band.
pub(super) struct Ground {
    /// (SECTORS, BANDS).
    height_m: Vec<f64>,
}

impl Ground {
    /// The ground below a sensor `sensor_height_m` above it.
    pub fn below(cloud: &PointCloud, sensor_height_m: f64) -> Self {
        let mut cells: Vec<Vec<f32>> = vec![Vec::new(); SECTORS * BANDS];
        for point in cloud.points() {
            let (sector, band) = cell(f64::from(point[0]), f64::from(point[1]));
            cells[sector * BANDS + band].push(point[2]);
        }
        let mut height_m = Vec::with_capacity(SECTORS * BANDS);
        for sector in cells.chunks_mut(BANDS) {
            let (mut last_m, mut bands) = (-sensor_height_m, 0.0);
            for heights in sector {
                bands += 1.0;
                let reach_m = (MAX_SLOPE * BAND_M * bands + ROOM_M).min(MAX_STEP_M);
                if let Some(low_m) = low_of(heights).filter(|z| (z - last_m).abs() <= reach_m) {
                    (last_m, bands) = (low_m, 0.0);
                }
                height_m.push(last_m);
            }
        }
        Self { height_m }
    }

    /// Height of a point over the ground.
    pub fn height_over(&self, [x, y, z]: [f64; 3]) -> f64 {
        let (sector, _) = cell(x, y);
        // Straight lines between the middles of the bands.
        let place = (x.hypot(y) / BAND_M - 0.5).clamp(0.0, (BANDS - 1) as f64);
        let near = place as usize;
        let far = (near + 1).min(BANDS - 1);
        let at = |band: usize| self.height_m.get(sector * BANDS + band).copied().unwrap_or(0.0);
        z - (at(near) + (at(far) - at(near)) * (place - near as f64))
    }
}

fn cell(x: f64, y: f64) -> (usize, usize) {
    let sector = (y.atan2(x).rem_euclid(TAU) / TAU * SECTORS as f64) as usize;
    let band = (x.hypot(y) / BAND_M) as usize;
    (sector.min(SECTORS - 1), band.min(BANDS - 1))
}

fn low_of(heights: &mut [f32]) -> Option<f64> {
    if heights.len() < MIN_RETURNS {
        return None;
    }
    let rank = (heights.len() as f64 * LOW_SHARE) as usize;
    let (_, low, _) = heights.select_nth_unstable_by(rank, f32::total_cmp);
    Some(f64::from(*low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::PointLayout;

    #[test]
    fn a_slope_is_followed_and_a_wall_is_not_taken_for_ground() {
        let mut values = Vec::new();
        for i in 0..4000 {
            let (x, y) = (f64::from(i % 200) * 0.2 + 2.0, f64::from(i / 200) * 0.05);
            // Beyond 30 m a wall hides the ground.
            let z = if x > 30.0 { 0.5 + y } else { -1.7 + 0.05 * x };
            values.extend([x as f32, y as f32, z as f32, 0.0]);
        }
        let cloud = PointCloud::new(PointLayout::xyzi(), values).unwrap();
        let ground = Ground::below(&cloud, 1.7);
        let height_m = |x: f64, z: f64| ground.height_over([x, 0.5, z]);
        assert!((height_m(20.0, -0.7) - 0.0).abs() < 0.15, "{}", height_m(20.0, -0.7));
        assert!(height_m(35.0, 0.5) > 0.6, "{}", height_m(35.0, 0.5));
    }
}
