//! What is gathered of the sweeps of one side, frame by frame.

use super::bins::{Binned, FrameBins};
use super::ground::Ground;
use super::losses::Losses;
use super::objects::ObjectStatistics;
use super::ratio::FrameRatio;
use super::rows::{Assigned, RowSource, SensorRows};
use super::surfaces::{Stretch, stretches};
use percept_types::{PointCloud, TruthObject};
use std::f64::consts::TAU;

/// Points nearer to the sensor than this are none: drivers write firings without a return as zeros.
const MIN_RANGE_M: f64 = 0.1;
/// Width of the bins of distances.
const RANGE_BIN_M: f64 = 5.0;
/// Points within this height of the ground are ground.
const GROUND_M: f64 = 0.15;
/// What stands in a vehicle's way reaches into these heights over the ground.
const OBSTACLE_M: [f64; 2] = [0.3, 2.5];
/// Directions in which the nearest obstacle is looked for.
const SECTORS: usize = 180;
/// A direction with fewer points is out of view.
const MIN_SECTOR_POINTS: u32 = 5;

/// Kinds of points whose intensities are told apart.
pub(super) const KINDS: [&str; 5] = ["ground", "Car", "Pedestrian", "Cyclist", "the rest"];
const GROUND_KIND: usize = 0;
const OTHER_KIND: usize = 4;

/// One sweep to add.
#[derive(Clone, Copy, Debug)]
pub struct SweepWithTruth<'a> {
    /// The points, cropped as the other side's.
    pub cloud: &'a PointCloud,
    /// How points tell their ring: the same for both sides.
    pub rows: RowSource,
    /// What is true of it; `None` where nothing is known.
    pub objects: Option<&'a [TruthObject]>,
}

/// How well the points fit a sensor's rings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RowFit {
    /// Mean distance from the nearest ring's cone, 0 on it, 1 half-way to the next; about 0.5 for another sensor's.
    pub mean_offset: f64,
    /// Share of the points beyond the outermost rings.
    pub outside: f64,
    /// Share of the points whose ring number the sensor does not have.
    pub unknown: f64,
    /// Rings without any point.
    pub empty_rows: usize,
}

/// Statistics of one side; memory does not grow with the frames.
#[derive(Clone, Debug)]
pub struct RealismStatistics {
    sensor: SensorRows,
    frames: u64,
    frames_with_truth: u64,
    sectors_in_view: u64,
    offset: FrameRatio,
    outside: FrameRatio,
    unknown: FrameRatio,
    pub(super) points: Binned,
    pub(super) points_a_row: Binned,
    pub(super) range: Binned,
    pub(super) height: Binned,
    pub(super) obstacle: Binned,
    pub(super) intensity: Binned,
    pub(super) intensity_of_kind: Vec<Binned>,
    pub(super) losses: Losses,
    /// Of sweeps with truth: on what it names.
    pub(super) losses_on_objects: Losses,
    /// Of sweeps with truth: on everything else.
    pub(super) losses_off_objects: Losses,
    pub(super) objects: ObjectStatistics,
}

impl RealismStatistics {
    /// Nothing yet, of a sensor.
    pub fn new(sensor: SensorRows) -> Self {
        let rows = sensor.rows.len();
        let range = Binned::even(0.0, RANGE_BIN_M, (sensor.max_range_m.clamp(20.0, 120.0) / RANGE_BIN_M) as usize);
        let intensity = Binned::even(0.0, 0.05, 20);
        Self {
            frames: 0,
            frames_with_truth: 0,
            sectors_in_view: 0,
            offset: FrameRatio::default(),
            outside: FrameRatio::default(),
            unknown: FrameRatio::default(),
            points: Binned::even(0.0, 1.0, 1),
            points_a_row: Binned::even(0.0, 1.0, rows),
            height: Binned::even(-0.5, 0.25, 22),
            obstacle: Binned::even(0.0, RANGE_BIN_M, range.len()),
            range: range.clone(),
            intensity_of_kind: vec![intensity.clone(); KINDS.len()],
            intensity,
            losses: Losses::new(&range, rows),
            losses_on_objects: Losses::new(&range, rows),
            losses_off_objects: Losses::new(&range, rows),
            objects: ObjectStatistics::default(),
            sensor,
        }
    }

    /// Adds a sweep.
    pub fn add(&mut self, sweep: &SweepWithTruth<'_>) {
        let cloud = sweep.cloud.filtered(|p| place(p).iter().map(|v| v * v).sum::<f64>() > MIN_RANGE_M * MIN_RANGE_M);
        let assigned = self.sensor.assign(&cloud, sweep.rows);
        let ground = Ground::below(&cloud, self.sensor.height_m);
        let heights_m: Vec<f64> = cloud.points().map(|p| ground.height_over(place(p))).collect();
        self.frames += 1;
        self.add_rows(&assigned);
        self.add_places(&cloud, &heights_m);
        self.add_losses(&stretches(&cloud, &assigned, &self.sensor), sweep.objects);
        self.add_intensities(&cloud, &heights_m, sweep.objects);
        if let Some(objects) = sweep.objects {
            self.frames_with_truth += 1;
            self.objects.add(&cloud, objects);
        }
    }

    /// Frames added.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Of these, the ones with truth.
    pub fn frames_with_truth(&self) -> u64 {
        self.frames_with_truth
    }

    /// Degrees of the circle that hold points, in the mean.
    pub fn view_deg(&self) -> f64 {
        self.sectors_in_view as f64 / self.frames.max(1) as f64 * 360.0 / SECTORS as f64
    }

    /// How well the points fit the sensor's rings.
    pub fn row_fit(&self) -> RowFit {
        let is_empty = |row: &usize| self.points_a_row.ratio(*row).value().is_none_or(|mean| mean == 0.0);
        RowFit {
            mean_offset: self.offset.value().unwrap_or(0.0),
            outside: self.outside.value().unwrap_or(0.0),
            unknown: self.unknown.value().unwrap_or(0.0),
            empty_rows: (0..self.points_a_row.len()).filter(is_empty).count(),
        }
    }

    /// The sensor's scale of intensity, where it has one.
    pub fn has_intensity(&self) -> bool {
        self.sensor.full_scale.is_some()
    }

    fn add_rows(&mut self, assigned: &[Option<Assigned>]) {
        let mut rows = self.points_a_row.empty();
        let (mut offset, mut outside) = (0.0, 0.0);
        for found in assigned.iter().flatten() {
            rows.add(found.row as f64, 1.0);
            offset += found.offset.min(1.0);
            outside += f64::from(u8::from(found.offset > 2.0));
        }
        let all = assigned.len() as f64;
        self.points_a_row.add_frame(&rows, 1.0);
        self.offset.add(offset, all);
        self.outside.add(outside, all);
        self.unknown.add(assigned.iter().filter(|found| found.is_none()).count() as f64, all);
    }

    fn add_places(&mut self, cloud: &PointCloud, heights_m: &[f64]) {
        let (mut points, mut ranges) = (self.points.empty(), self.range.empty());
        let (mut heights, mut nearest) = (self.height.empty(), [f64::INFINITY; SECTORS]);
        let mut in_sector = [0_u32; SECTORS];
        for (point, height_m) in cloud.points().zip(heights_m) {
            let [x, y, _] = place(point);
            let range_m = x.hypot(y);
            points.add(0.0, 1.0);
            ranges.add(range_m, 1.0);
            heights.add(*height_m, 1.0);
            let sector = ((y.atan2(x).rem_euclid(TAU) / TAU * SECTORS as f64) as usize).min(SECTORS - 1);
            in_sector[sector] += 1;
            if (OBSTACLE_M[0]..OBSTACLE_M[1]).contains(height_m) {
                nearest[sector] = nearest[sector].min(range_m);
            }
        }
        let mut obstacles = self.obstacle.empty();
        let seen = nearest.iter().zip(&in_sector).filter(|(_, count)| **count >= MIN_SECTOR_POINTS);
        for (range_m, _) in seen {
            self.sectors_in_view += 1;
            // Nothing in the way is as good as the farthest bin.
            obstacles.add(if range_m.is_finite() { *range_m } else { f64::MAX }, 1.0);
        }
        self.points.add_frame(&points, 1.0);
        self.range.add_shares(&ranges);
        self.height.add_shares(&heights);
        self.obstacle.add_shares(&obstacles);
    }

    fn add_losses(&mut self, stretches: &[Stretch], objects: Option<&[TruthObject]>) {
        self.losses.add(stretches.iter());
        let Some(objects) = objects else { return };
        let is_on = |s: &&Stretch| objects.iter().any(|object| object.box3d.contains(s.at_m));
        let (on, off): (Vec<&Stretch>, Vec<&Stretch>) = stretches.iter().partition(is_on);
        self.losses_on_objects.add(on.into_iter());
        self.losses_off_objects.add(off.into_iter());
    }

    fn add_intensities(&mut self, cloud: &PointCloud, heights_m: &[f64], objects: Option<&[TruthObject]>) {
        let (Some(full_scale), Some(column)) = (self.sensor.full_scale, cloud.layout().index_of("intensity")) else {
            return;
        };
        let kinds = kinds_of(cloud, heights_m, objects);
        let mut all = self.intensity.empty();
        let mut of_kind: Vec<FrameBins> = self.intensity_of_kind.iter().map(Binned::empty).collect();
        for (point, kind) in cloud.points().zip(kinds) {
            let value = f64::from(point[column]) / full_scale;
            all.add(value, 1.0);
            if let Some(kind) = kind {
                of_kind[kind].add(value, 1.0);
            }
        }
        self.intensity.add_shares(&all);
        self.intensity_of_kind.iter_mut().zip(&of_kind).for_each(|(binned, frame)| binned.add_shares(frame));
    }
}

fn place(point: &[f32]) -> [f64; 3] {
    [point[0], point[1], point[2]].map(f64::from)
}

/// What each point is of; `None` where no truth tells an object's points from everything else's.
fn kinds_of(cloud: &PointCloud, heights_m: &[f64], objects: Option<&[TruthObject]>) -> Vec<Option<usize>> {
    let boxes: Vec<(f64, &TruthObject)> = objects
        .unwrap_or_default()
        .iter()
        .map(|object| (object.box3d.size_m[0].hypot(object.box3d.size_m[1]) / 2.0, object))
        .collect();
    let kind = |(point, height_m): (&[f32], &f64)| {
        if height_m.abs() < GROUND_M {
            return Some(GROUND_KIND);
        }
        objects?;
        let at_m = place(point);
        let holds = |(reach_m, object): &&(f64, &TruthObject)| {
            let near = |axis: usize| (at_m[axis] - object.box3d.center_m[axis]).abs() < *reach_m;
            near(0) && near(1) && object.box3d.contains(at_m)
        };
        let class = boxes.iter().find(holds).map(|(_, object)| object.class_name.as_str());
        // Other classes are neither one of the kinds nor everything else.
        class.map_or(Some(OTHER_KIND), |class| {
            KINDS[1..OTHER_KIND].iter().position(|name| *name == class).map(|i| i + 1)
        })
    };
    cloud.points().zip(heights_m).map(kind).collect()
}
