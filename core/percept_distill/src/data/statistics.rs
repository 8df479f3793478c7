//! What training inputs look like, so that a node can notice a sensor unlike them.
//!
//! Percentiles come out of histograms of fixed bins: sums of counts do not depend on the order of frames.

use percept_types::{InputFigures, InputStatistics, PointCloud, VoxelGrid};
use serde::{Deserialize, Serialize};

/// Width of a bin of height.
const Z_BIN_M: f64 = 0.02;
/// Bins of height, from `Z_MIN_M`.
const Z_BINS: usize = 1000;
/// Lower end of the histogram of height.
const Z_MIN_M: f64 = -10.0;
/// Width of a bin of distance.
const RANGE_BIN_M: f64 = 0.1;
/// Bins of distance.
const RANGE_BINS: usize = 2000;
/// Width of a bin of intensity.
const INTENSITY_BIN: f64 = 1.0 / 256.0;
/// Bins of intensity; brighter ones count as the last.
const INTENSITY_BINS: usize = 512;

/// Counts of one frame's points within the grid.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameStatistics {
    num_points: u64,
    z: Vec<u32>,
    range: Vec<u32>,
    intensity: Vec<u32>,
    ground_height_m: Option<f64>,
}

impl FrameStatistics {
    /// Counts the points of a cloud that lie in the grid; intensities are divided by what the network divides them by.
    pub fn of(cloud: &PointCloud, grid: &VoxelGrid, intensity_scale: f32) -> Self {
        let intensity = cloud.layout().index_of("intensity");
        let figures = InputFigures::of(cloud.values(), cloud.num_features(), intensity, intensity_scale, grid);
        let mut counts = Self {
            num_points: 0,
            z: vec![0; Z_BINS],
            range: vec![0; RANGE_BINS],
            intensity: vec![0; INTENSITY_BINS],
            ground_height_m: figures.ground_height_m,
        };
        for point in cloud.points() {
            let p = [point[0], point[1], point[2]].map(f64::from);
            if !grid.contains(p) {
                continue;
            }
            counts.num_points += 1;
            counts.z[bin(p[2] - Z_MIN_M, Z_BIN_M, Z_BINS)] += 1;
            counts.range[bin((p[0] * p[0] + p[1] * p[1] + p[2] * p[2]).sqrt(), RANGE_BIN_M, RANGE_BINS)] += 1;
            let brightness =
                intensity.and_then(|column| point.get(column)).map_or(0.0, |v| f64::from(*v / intensity_scale));
            counts.intensity[bin(brightness, INTENSITY_BIN, INTENSITY_BINS)] += 1;
        }
        counts
    }
}

fn bin(value: f64, width: f64, bins: usize) -> usize {
    ((value / width).max(0.0) as usize).min(bins - 1)
}

/// Sum over frames; part of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatisticsSum {
    frames: u64,
    points: f64,
    points_squared: f64,
    z: Vec<u64>,
    range: Vec<u64>,
    intensity: Vec<u64>,
    /// Frames that told of the ground, and the sum of its heights; 0 in checkpoints from before it was noted.
    #[serde(default)]
    grounds: u64,
    #[serde(default)]
    ground_height_m: f64,
}

impl Default for StatisticsSum {
    fn default() -> Self {
        Self {
            frames: 0,
            points: 0.0,
            points_squared: 0.0,
            z: vec![0; Z_BINS],
            range: vec![0; RANGE_BINS],
            intensity: vec![0; INTENSITY_BINS],
            grounds: 0,
            ground_height_m: 0.0,
        }
    }
}

impl StatisticsSum {
    /// Takes in a frame.
    pub fn add(&mut self, frame: &FrameStatistics) {
        self.frames += 1;
        let points = frame.num_points as f64;
        self.points += points;
        self.points_squared += points * points;
        self.grounds += u64::from(frame.ground_height_m.is_some());
        self.ground_height_m += frame.ground_height_m.unwrap_or(0.0);
        for (sum, counts) in
            [(&mut self.z, &frame.z), (&mut self.range, &frame.range), (&mut self.intensity, &frame.intensity)]
        {
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += u64::from(*count));
        }
    }

    /// Mean, spread and percentiles; `None` before the first point.
    pub fn summary(&self) -> Option<InputStatistics> {
        if self.points <= 0.0 {
            return None;
        }
        let frames = self.frames as f64;
        let mean = self.points / frames;
        let variance = (self.points_squared / frames - mean * mean).max(0.0);
        let percentiles = |counts: &[u64], first: f64, width: f64| {
            [0.05, 0.5, 0.95].map(|share| percentile(counts, share, first, width))
        };
        Some(InputStatistics {
            num_points_mean: mean,
            num_points_std: variance.sqrt(),
            z_percentiles_m: percentiles(&self.z, Z_MIN_M, Z_BIN_M),
            range_percentiles_m: percentiles(&self.range, 0.0, RANGE_BIN_M),
            intensity_percentiles: percentiles(&self.intensity, 0.0, INTENSITY_BIN),
            ground_height_m: (self.grounds > 0).then(|| self.ground_height_m / self.grounds as f64),
        })
    }
}

/// Middle of the bin in which the sum of counts passes a share.
fn percentile(counts: &[u64], share: f64, first: f64, width: f64) -> f64 {
    let wanted = share * counts.iter().sum::<u64>() as f64;
    let mut below = 0.0;
    let reached = counts.iter().position(|count| {
        below += *count as f64;
        below >= wanted
    });
    let index = reached.unwrap_or(counts.len().saturating_sub(1));
    // The darkest bin holds exact zeros where intensity is ignored.
    if index == 0 && first == 0.0 { 0.0 } else { first + (index as f64 + 0.5) * width }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::PointLayout;

    #[test]
    fn mean_spread_and_percentiles_of_known_frames() {
        let grid = VoxelGrid::new([0.0, -39.68, -3.0, 69.12, 39.68, 1.0], [0.16, 0.16, 4.0]).unwrap();
        let frame = |count: usize| {
            let values = (0..count).flat_map(|i| [10.0, 0.0, -2.0 + 2.0 * i as f32 / count as f32, 0.5]).collect();
            let mut cloud = PointCloud::new(PointLayout::xyzi(), values).unwrap().into_values();
            cloud.extend([-5.0, 0.0, 0.0, 0.0]);
            FrameStatistics::of(&PointCloud::new(PointLayout::xyzi(), cloud).unwrap(), &grid, 1.0)
        };
        let mut sum = StatisticsSum::default();
        assert!(sum.summary().is_none());
        sum.add(&frame(100));
        sum.add(&frame(300));
        let summary = sum.summary().unwrap();
        assert_eq!((summary.num_points_mean, summary.num_points_std), (200.0, 100.0));
        assert!((summary.z_percentiles_m[1] + 1.0).abs() < 0.03, "{summary:?}");
        assert!((summary.range_percentiles_m[2] - 10.15).abs() < 0.1, "{summary:?}");
        assert!((summary.intensity_percentiles[0] - 0.5).abs() < 0.01, "{summary:?}");
        assert!((summary.ground_height_m.unwrap() + 1.7).abs() < 0.05, "{summary:?}");
    }
}
