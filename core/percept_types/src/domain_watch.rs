//! Whether what a network is fed looks like what it was trained on, and in plain words why not.
//!
//! ```text
//! points of a frame, in the frame of training ─► InputFigures ─► running means over some frames ─┐
//! InputStatistics of the weights ────────────────────────────────────────────────────────────────┴─► DomainReason
//! ```
//! Figures     those of training: points within the grid, heights, distances, intensities, and the height of the ground.
//! Limits      heights and distances differ from street to street, so only differences that no street makes are told:
//!             0.35 m of ground, half of the points or five times as many, half or 1.8 times the distance within which
//!             95 % of the points lie, a factor of 8 in intensity.
//! Hysteresis  a reason is given after [`DomainWatch::PATIENCE`] frames beyond its limit and taken back after as many
//!             frames within a narrower one.

use crate::VoxelGrid;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Statistics of training inputs, to notice a sensor unlike them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputStatistics {
    /// Points a frame within the range: mean.
    pub num_points_mean: f64,
    /// Points a frame within the range: standard deviation.
    pub num_points_std: f64,
    /// Heights of points in metres: 5th, 50th, 95th percentile.
    pub z_percentiles_m: [f64; 3],
    /// Distances of points from the sensor in metres: 5th, 50th, 95th percentile.
    pub range_percentiles_m: [f64; 3],
    /// Intensities, scaled as the network is fed them: 5th, 50th, 95th percentile.
    pub intensity_percentiles: [f64; 3],
    /// Height of the ground round the sensor: mean over frames; `None` in weights from before it was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground_height_m: Option<f64>,
}

/// What the input of one frame looks like: the figures of [`InputStatistics`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputFigures {
    /// Points within the grid, to about one in a hundred.
    pub num_points: f64,
    /// Heights in metres: 5th, 50th, 95th percentile; as all further ones without meaning where there are no points.
    pub z_percentiles_m: [f64; 3],
    /// Distances from the sensor in metres: 5th, 50th, 95th percentile.
    pub range_percentiles_m: [f64; 3],
    /// Intensities, scaled as the network is fed them: 5th, 50th, 95th percentile.
    pub intensity_percentiles: [f64; 3],
    /// Height of the ground round the sensor, where enough points lie there.
    pub ground_height_m: Option<f64>,
}

/// Points looked at, at most: percentiles of so many are within 2 % of those of all.
const MAX_SAMPLED: usize = 4096;
/// Ring round the sensor in which the ground is looked for.
const GROUND_RING_M: [f32; 2] = [5.0, 20.0];
/// Share of the points there that lie lower than what is taken for the ground: curbs and dips below, all else above.
const GROUND_SHARE: f64 = 0.15;
/// Fewer points tell of no ground.
const MIN_GROUND_POINTS: usize = 50;

impl InputFigures {
    /// Figures of points (N, F), x, y, z first, in the frame of training; `intensity` is the column that is divided by
    /// `intensity_scale`.
    pub fn of(
        values: &[f32],
        num_features: usize,
        intensity: Option<usize>,
        intensity_scale: f32,
        grid: &VoxelGrid,
    ) -> Self {
        let num_features = num_features.max(3);
        let stride = (values.len() / num_features).div_ceil(MAX_SAMPLED).max(1);
        let (mut z, mut range, mut brightness, mut low) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for point in values.chunks_exact(num_features).step_by(stride) {
            let [x, y, height] = [point[0], point[1], point[2]];
            if !grid.contains([x, y, height].map(f64::from)) {
                continue;
            }
            z.push(height);
            range.push((x * x + y * y + height * height).sqrt());
            brightness.push(intensity.and_then(|column| point.get(column)).map_or(0.0, |v| v / intensity_scale));
            if (GROUND_RING_M[0]..GROUND_RING_M[1]).contains(&x.hypot(y)) {
                low.push(height);
            }
        }
        Self {
            num_points: (z.len() * stride) as f64,
            z_percentiles_m: percentiles(&mut z),
            range_percentiles_m: percentiles(&mut range),
            intensity_percentiles: percentiles(&mut brightness),
            ground_height_m: (low.len() >= MIN_GROUND_POINTS).then(|| percentile(&mut low, GROUND_SHARE)),
        }
    }
}

fn percentiles(values: &mut [f32]) -> [f64; 3] {
    [0.05, 0.5, 0.95].map(|share| percentile(values, share))
}

/// 0 of nothing.
fn percentile(values: &mut [f32], share: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let rank = (values.len() - 1) as f64 * share;
    f64::from(*values.select_nth_unstable_by(rank as usize, f32::total_cmp).1)
}

/// Why an input is unlike training's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainReason {
    /// Too few or too many points.
    PointCount {
        /// Points a frame within the grid in training.
        expected: f64,
        /// Points a frame seen.
        seen: f64,
    },
    /// The ground lies elsewhere.
    Height {
        /// Height of the ground, or of the lowest twentieth of the points, in training.
        expected_m: f64,
        /// The same seen.
        seen_m: f64,
    },
    /// Points end nearer or go farther.
    Range {
        /// Distance within which 95 % of the points lay in training.
        expected_m: f64,
        /// The same seen.
        seen_m: f64,
    },
    /// Another scale of intensities.
    Intensity {
        /// Value below which 95 % of the intensities lay in training.
        expected: f64,
        /// The same seen.
        seen: f64,
    },
}

impl fmt::Display for DomainReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::PointCount { seen, .. } if seen < 1.0 => {
                f.write_str("no points within the grid: are the sensor's axes, height and unit (metres) right?")
            }
            Self::PointCount { expected, seen } if seen < expected => write!(
                f,
                "{seen:.0} points a frame within the grid, {expected:.0} in training ({}): has the sensor fewer beams \
                 (as 16 instead of 64), or are points lost on the way?",
                share_of(seen / expected)
            ),
            Self::PointCount { expected, seen } => {
                write!(f, "{seen:.0} points a frame within the grid, {expected:.0} in training: are sweeps added up?")
            }
            Self::Height { expected_m, seen_m } => {
                let way = if seen_m < expected_m { "lower" } else { "higher" };
                let apart_m = (seen_m - expected_m).abs();
                write!(f, "ground {apart_m:.1} m {way} than in training: is the sensor's height right?")
            }
            Self::Range { expected_m, seen_m } if seen_m < expected_m => write!(
                f,
                "95 % of the points within {seen_m:.0} m, {expected_m:.0} m in training: is the range cut, or the unit \
                 another one?"
            ),
            Self::Range { expected_m, seen_m } => {
                write!(f, "95 % of the points within {seen_m:.0} m, {expected_m:.0} m in training: are near ones cut?")
            }
            Self::Intensity { seen, .. } if seen <= 0.0 => {
                f.write_str("intensity is 0 everywhere: does the driver give it, and in the field that is read?")
            }
            Self::Intensity { expected, seen } => {
                write!(f, "intensity 0..{} expected, 0..{} seen: set intensity_scale", end(expected), end(seen))
            }
        }
    }
}

fn share_of(ratio: f64) -> String {
    match ratio {
        r if r > 0.3 => format!("{:.0} %", r * 100.0),
        r => format!("one in {:.0}", 1.0 / r),
    }
}

/// Upper end of the usual scale on which nearly all values lie below this one.
fn end(value: f64) -> f64 {
    [1.0, 255.0, 4095.0, 65_535.0].into_iter().find(|end| value <= *end).unwrap_or(value.ceil())
}

/// What is watched, in the order in which reasons are given.
const NUM_WATCHED: usize = 4;

/// Compares frame after frame with what was seen in training.
///
/// ```
/// use percept_types::{DomainWatch, InputFigures, InputStatistics, VoxelGrid};
/// let trained = InputStatistics {
///     num_points_mean: 20_000.0,
///     num_points_std: 5_000.0,
///     z_percentiles_m: [-1.8, -1.5, 0.4],
///     range_percentiles_m: [4.0, 9.0, 33.0],
///     intensity_percentiles: [0.0, 0.2, 0.5],
///     ground_height_m: None,
/// };
/// let mut watch = DomainWatch::new(&trained);
/// let grid = VoxelGrid::new([0.0, -40.0, -3.0, 70.4, 40.0, 1.0], [0.2, 0.2, 4.0])?;
/// for _ in 0..50 {
///     watch.observe(&InputFigures::of(&[10.0, 0.0, -1.7, 0.3], 4, Some(3), 1.0, &grid));
/// }
/// assert!(watch.reasons()[0].to_string().contains("fewer beams"));
/// # Ok::<(), percept_types::GridError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DomainWatch {
    trained: InputStatistics,
    means: Option<[f64; NUM_WATCHED]>,
    /// Whether training's ground can be compared, not its lowest points alone.
    ground: bool,
    states: [State; NUM_WATCHED],
}

/// One thing watched.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    is_given: bool,
    /// Frames in a row that speak for the other state.
    against: u32,
}

impl DomainWatch {
    /// Frames in a row beyond a limit after which a reason is given, or within it after which it is taken back.
    pub const PATIENCE: u32 = 10;
    /// Share of a new frame in the running means.
    const WEIGHT: f64 = 0.1;
    /// Differences of the ground that are told, and below which they are taken back.
    const HEIGHT_M: [f64; 2] = [0.35, 0.25];
    /// Share of training's points below which, and multiple above which, there are too few and too many.
    const FEW_POINTS: [f64; 2] = [0.5, 0.6];
    const MANY_POINTS: [f64; 2] = [5.0, 4.0];
    /// The same of the distance within which 95 % of the points lie.
    const NEAR_RANGE: [f64; 2] = [0.5, 0.6];
    const FAR_RANGE: [f64; 2] = [1.8, 1.6];
    /// Factor between intensities.
    const INTENSITY: [f64; 2] = [8.0, 6.0];

    /// A watch for weights with these statistics.
    pub fn new(trained: &InputStatistics) -> Self {
        let ground = trained.ground_height_m.is_some();
        Self { trained: trained.clone(), means: None, ground, states: [State::default(); NUM_WATCHED] }
    }

    /// Takes in a frame; whether a reason came or went.
    pub fn observe(&mut self, figures: &InputFigures) -> bool {
        let ground_m = if self.ground { figures.ground_height_m } else { Some(figures.z_percentiles_m[0]) };
        let seen = [
            Some(figures.num_points),
            ground_m.filter(|_| figures.num_points > 0.0),
            Some(figures.range_percentiles_m[2]).filter(|_| figures.num_points > 0.0),
            Some(figures.intensity_percentiles[2]).filter(|_| figures.num_points > 0.0),
        ];
        let means = self.means.get_or_insert_with(|| {
            // What the first frame does not tell begins as in training.
            std::array::from_fn(|i| seen[i].unwrap_or(expected(&self.trained)[i]))
        });
        for (mean, seen) in means.iter_mut().zip(seen) {
            *mean += Self::WEIGHT * (seen.unwrap_or(*mean) - *mean);
        }
        let means = *means;
        let mut changed = false;
        for (watched, mean) in means.iter().enumerate() {
            let is_beyond = self.is_beyond(watched, *mean);
            let state = &mut self.states[watched];
            state.against = if is_beyond == state.is_given { 0 } else { state.against + 1 };
            if state.against >= Self::PATIENCE {
                *state = State { is_given: is_beyond, against: 0 };
                changed = true;
            }
        }
        changed
    }

    /// Everything that is unlike training now; nothing where the input matches, or too few frames were seen.
    pub fn reasons(&self) -> Vec<DomainReason> {
        let Some(seen) = self.means else { return Vec::new() };
        let expected = expected(&self.trained);
        let reasons = [
            DomainReason::PointCount { expected: expected[0], seen: seen[0] },
            DomainReason::Height { expected_m: expected[1], seen_m: seen[1] },
            DomainReason::Range { expected_m: expected[2], seen_m: seen[2] },
            DomainReason::Intensity { expected: expected[3], seen: seen[3] },
        ];
        let given = reasons.into_iter().zip(self.states).filter(|(_, state)| state.is_given);
        given.map(|(reason, _)| reason).collect()
    }

    /// Forgets all frames, as after a jump of time or another sensor.
    pub fn clear(&mut self) {
        (self.means, self.states) = (None, [State::default(); NUM_WATCHED]);
    }

    /// Whether a mean lies beyond its limit: the narrower one where the reason is given already.
    fn is_beyond(&self, watched: usize, seen: f64) -> bool {
        let limit = usize::from(self.states[watched].is_given);
        let expected = expected(&self.trained)[watched];
        match watched {
            0 => expected > 0.0 && outside(seen / expected, Self::FEW_POINTS[limit], Self::MANY_POINTS[limit]),
            1 => (seen - expected).abs() > Self::HEIGHT_M[limit],
            2 => expected > 0.0 && outside(seen / expected, Self::NEAR_RANGE[limit], Self::FAR_RANGE[limit]),
            // Weights that do not read the intensity were shown zeros.
            _ => expected > 0.0 && outside(seen / expected, 1.0 / Self::INTENSITY[limit], Self::INTENSITY[limit]),
        }
    }
}

fn expected(trained: &InputStatistics) -> [f64; NUM_WATCHED] {
    [
        trained.num_points_mean,
        trained.ground_height_m.unwrap_or(trained.z_percentiles_m[0]),
        trained.range_percentiles_m[2],
        trained.intensity_percentiles[2],
    ]
}

fn outside(ratio: f64, low: f64, high: f64) -> bool {
    !(low..=high).contains(&ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trained() -> InputStatistics {
        InputStatistics {
            num_points_mean: 20_000.0,
            num_points_std: 5_000.0,
            z_percentiles_m: [-1.8, -1.5, 0.4],
            range_percentiles_m: [4.0, 9.0, 33.0],
            intensity_percentiles: [0.0, 0.2, 0.5],
            ground_height_m: Some(-1.7),
        }
    }

    fn matching() -> InputFigures {
        InputFigures {
            num_points: 24_000.0,
            z_percentiles_m: [-1.75, -1.4, 0.3],
            range_percentiles_m: [4.4, 8.0, 29.0],
            intensity_percentiles: [0.0, 0.25, 0.6],
            ground_height_m: Some(-1.6),
        }
    }

    fn after(frames: usize, figures: InputFigures) -> Vec<String> {
        let mut watch = DomainWatch::new(&trained());
        (0..frames).for_each(|_| _ = watch.observe(&figures));
        watch.reasons().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn reasons_are_told_in_plain_words() {
        assert!(after(100, matching()).is_empty());
        let told = |figures| after(30, figures).join("; ");
        let bright = InputFigures { intensity_percentiles: [0.0, 60.0, 140.0], ..matching() };
        assert_eq!(told(bright), "intensity 0..1 expected, 0..255 seen: set intensity_scale");
        let high = InputFigures { ground_height_m: Some(-2.2), ..matching() };
        assert_eq!(told(high), "ground 0.5 m lower than in training: is the sensor's height right?");
        assert!(told(InputFigures { num_points: 6_000.0, ..matching() }).contains("16 instead of 64"));
        let short = InputFigures { range_percentiles_m: [2.0, 5.0, 12.0], ..matching() };
        assert!(told(short).starts_with("95 % of the points within 12 m, 33 m in training"));
        let grid = VoxelGrid::new([0.0, -1.0, -1.0, 1.0, 1.0, 1.0], [1.0; 3]).unwrap();
        let none = InputFigures::of(&[], 4, Some(3), 1.0, &grid);
        assert!(told(none).starts_with("no points within the grid"), "{}", told(none));
    }

    #[test]
    fn weights_of_before_the_ground_was_noted_are_compared_by_their_lowest_points() {
        let old = InputStatistics { ground_height_m: None, intensity_percentiles: [0.0; 3], ..trained() };
        let mut watch = DomainWatch::new(&old);
        let high = InputFigures { z_percentiles_m: [-2.25, -1.9, -0.2], ..matching() };
        (0..30).for_each(|_| _ = watch.observe(&high));
        let seen: Vec<DomainReason> = watch.reasons();
        assert!(matches!(seen[..], [DomainReason::Height { expected_m: -1.8, .. }]), "{seen:?}");
    }

    #[test]
    fn one_odd_frame_gives_no_reason_and_a_reason_goes_when_the_input_is_right_again() {
        let mut watch = DomainWatch::new(&trained());
        let (usual, odd) = (matching(), InputFigures { num_points: 100.0, ..matching() });
        for frame in 0..200 {
            watch.observe(if frame % 20 == 19 { &odd } else { &usual });
            assert!(watch.reasons().is_empty(), "{frame}");
        }
        let mut changes = 0;
        (0..60).for_each(|_| changes += u32::from(watch.observe(&odd)));
        assert_eq!((changes, watch.reasons().len()), (1, 1));
        (0..60).for_each(|_| changes += u32::from(watch.observe(&matching())));
        assert_eq!((changes, watch.reasons().len()), (2, 0));
    }

    #[test]
    fn what_lies_between_the_two_limits_neither_gives_nor_takes_a_reason() {
        let between = InputFigures { num_points: 11_000.0, ..matching() };
        let mut watch = DomainWatch::new(&trained());
        (0..100).for_each(|_| _ = watch.observe(&between));
        assert!(watch.reasons().is_empty());
        (0..100).for_each(|_| _ = watch.observe(&InputFigures { num_points: 8_000.0, ..matching() }));
        (0..100).for_each(|_| _ = watch.observe(&between));
        assert_eq!(watch.reasons().len(), 1);
        watch.clear();
        assert!(watch.reasons().is_empty());
    }

    #[test]
    fn figures_are_those_of_the_points_within_the_grid() {
        let grid = VoxelGrid::new([0.0, -40.0, -3.0, 70.4, 40.0, 1.0], [0.2, 0.2, 4.0]).unwrap();
        let point = |i: usize| [6.0 + (i % 10) as f32, 0.0, if i.is_multiple_of(2) { -1.7 } else { 0.0 }, 100.0];
        let mut values: Vec<f32> = (0..10_000).flat_map(point).collect();
        values.extend([-5.0, 0.0, 0.0, 0.0].repeat(10_000));
        let figures = InputFigures::of(&values, 4, Some(3), 200.0, &grid);
        assert!((figures.num_points - 10_000.0).abs() < 100.0, "{figures:?}");
        assert_eq!((figures.intensity_percentiles[1], figures.ground_height_m), (0.5, Some(f64::from(-1.7_f32))));
    }
}
