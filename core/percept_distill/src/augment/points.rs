//! Points dropped, moved, cut to a view and shuffled; intensity randomised or left out.

use percept_types::{Box3d, Camera, LabelledFrame, PointCloud, PointLabels};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::DistillError;
use crate::random::{normal, shuffled_indices, uniform};

/// What becomes of intensity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntensityMode {
    /// As the source gives it.
    #[default]
    Keep,
    /// 0 everywhere: a network that never sees it works with any sensor's.
    Ignore,
    /// Scaled by a random factor, with random noise, kept in 0 to 1.
    Randomise,
}

/// Ranges of what happens to points; the default changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PointRanges {
    /// Share of points dropped at random: a frame's share is uniform in this interval.
    pub drop_fraction: [f64; 2],
    /// Standard deviation of each coordinate's noise, metres.
    pub jitter_std_m: f64,
    /// What becomes of intensity.
    pub intensity: IntensityMode,
    /// Whether the order is shuffled: it decides which points and pillars survive the caps.
    pub shuffle: bool,
}

impl PointRanges {
    pub(super) fn validate(&self) -> Result<(), DistillError> {
        let [low, high] = self.drop_fraction;
        if !(0.0 <= low && low <= high && high < 1.0) {
            let expected = "two rising shares, 0 or more and below 1";
            return Err(DistillError::Setting { name: "drop_fraction", found: format!("{low}, {high}"), expected });
        }
        if !(0.0..=1.0).contains(&self.jitter_std_m) {
            let found = self.jitter_std_m.to_string();
            return Err(DistillError::Setting { name: "jitter_std_m", found, expected: "0 to 1 metre" });
        }
        Ok(())
    }
}

/// Changes the points of a frame; labels go with their points.
pub fn points(frame: &mut LabelledFrame, ranges: &PointRanges, rng: &mut ChaCha8Rng) {
    let drop = uniform(rng, ranges.drop_fraction[0], ranges.drop_fraction[1]);
    if drop > 0.0 {
        retain_points(frame, |_| rng.random::<f64>() >= drop);
    }
    if ranges.jitter_std_m > 0.0 {
        let width = frame.cloud.num_features();
        for point in frame.cloud.values_mut().chunks_exact_mut(width) {
            point.iter_mut().take(3).for_each(|value| *value += (ranges.jitter_std_m * normal(rng)) as f32);
        }
    }
    intensity(&mut frame.cloud, ranges.intensity, rng);
    if ranges.shuffle {
        let order = shuffled_indices(rng, frame.cloud.len());
        take_points(frame, &order);
    }
}

fn intensity(cloud: &mut PointCloud, mode: IntensityMode, rng: &mut ChaCha8Rng) {
    let Some(column) = cloud.layout().index_of("intensity") else { return };
    let width = cloud.num_features();
    let factor = uniform(rng, 0.5, 1.5) as f32;
    let values = cloud.values_mut().iter_mut().skip(column).step_by(width);
    match mode {
        IntensityMode::Keep => {}
        IntensityMode::Ignore => values.for_each(|value| *value = 0.0),
        IntensityMode::Randomise => {
            values.for_each(|value| *value = (*value * factor + (0.1 * normal(rng)) as f32).clamp(0.0, 1.0));
        }
    }
}

/// Keeps the points that a camera sees, the way KITTI's clouds are cut for evaluation. Things stay in the list: one
/// that lost its points is ignored by the assigner for having too few.
pub fn crop_to_camera(frame: &mut LabelledFrame, camera: &Camera) {
    retain_points(frame, |p| camera.sees([f64::from(p[0]), f64::from(p[1]), f64::from(p[2])]));
}

/// Keeps the points whose row satisfies a predicate, with their labels, in order.
pub fn retain_points(frame: &mut LabelledFrame, mut keep: impl FnMut(&[f32]) -> bool) {
    let kept: Vec<usize> = frame.cloud.points().enumerate().filter(|(_, p)| keep(p)).map(|(i, _)| i).collect();
    if kept.len() < frame.cloud.len() {
        take_points(frame, &kept);
    }
}

/// The points of these indices, in this order, with their labels.
fn take_points(frame: &mut LabelledFrame, indices: &[usize]) {
    let width = frame.cloud.num_features();
    let rows = frame.cloud.values();
    let values = indices.iter().flat_map(|i| rows[i * width..(i + 1) * width].iter().copied()).collect();
    if let Ok(cloud) = PointCloud::new(frame.cloud.layout().clone(), values) {
        frame.cloud = cloud;
    }
    if let Some(labels) = &frame.point_labels {
        let pick = |ids: &[u16]| indices.iter().map(|i| ids.get(*i).copied().unwrap_or(0)).collect();
        let (class_ids, instance_ids) = (pick(&labels.class_ids), pick(&labels.instance_ids));
        frame.point_labels = Some(PointLabels { class_ids, instance_ids });
    }
}

/// Counts each box's points anew.
pub fn count_points_in_boxes(frame: &mut LabelledFrame) {
    for object in &mut frame.objects {
        let inside = BoxInterior::new(&object.box3d);
        object.num_points = frame.cloud.points().filter(|p| inside.contains(p)).count();
    }
}

/// A box with its turn worked out once.
pub(super) struct BoxInterior {
    center_m: [f32; 3],
    half_m: [f32; 3],
    reach_m: f32,
    sin: f32,
    cos: f32,
}

impl BoxInterior {
    pub(super) fn new(b: &Box3d) -> Self {
        let half_m = b.size_m.map(|side| side as f32 / 2.0);
        let (sin, cos) = b.yaw_rad.sin_cos();
        Self {
            center_m: b.center_m.map(|v| v as f32),
            half_m,
            reach_m: half_m[0] + half_m[1],
            sin: sin as f32,
            cos: cos as f32,
        }
    }

    pub(super) fn contains(&self, p: &[f32]) -> bool {
        let (dx, dy) = (p[0] - self.center_m[0], p[1] - self.center_m[1]);
        if dx.abs() > self.reach_m || dy.abs() > self.reach_m {
            return false;
        }
        let along = dx * self.cos + dy * self.sin;
        let across = dy * self.cos - dx * self.sin;
        along.abs() < self.half_m[0]
            && across.abs() < self.half_m[1]
            && (p[2] - self.center_m[2]).abs() < self.half_m[2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::testing::frame;
    use crate::random::{Purpose, frame_rng};

    #[test]
    fn labels_go_with_their_points_through_dropping_and_shuffling() {
        let mut frame = frame();
        let count = frame.cloud.len();
        let ids: Vec<u16> = (0..count as u16).collect();
        frame.point_labels = Some(PointLabels { class_ids: ids.clone(), instance_ids: ids });
        let width = 4;
        for (i, point) in frame.cloud.values_mut().chunks_exact_mut(width).enumerate() {
            point[3] = i as f32;
        }
        let ranges = PointRanges { drop_fraction: [0.4, 0.4], shuffle: true, ..PointRanges::default() };
        points(&mut frame, &ranges, &mut frame_rng(1, 1, Purpose::Points));
        assert!(frame.cloud.len() < count * 3 / 4 && frame.cloud.len() > count / 3);
        let labels = frame.point_labels.as_ref().unwrap();
        assert_eq!(labels.len(), frame.cloud.len());
        for (point, id) in frame.cloud.points().zip(&labels.class_ids) {
            assert_eq!(point[3], f32::from(*id));
        }
        assert_ne!(labels.class_ids[..4], [0, 1, 2, 3]);
    }

    #[test]
    fn an_ignored_intensity_is_zero_and_a_random_one_stays_in_range() {
        let mut silent = frame();
        let ranges = |intensity| PointRanges { intensity, ..PointRanges::default() };
        points(&mut silent, &ranges(IntensityMode::Ignore), &mut frame_rng(1, 1, Purpose::Points));
        assert!(silent.cloud.points().all(|p| p[3] == 0.0));
        let mut random = frame();
        points(&mut random, &ranges(IntensityMode::Randomise), &mut frame_rng(1, 1, Purpose::Points));
        assert!(random.cloud.points().all(|p| (0.0..=1.0).contains(&p[3])));
        assert_ne!(random.cloud, frame().cloud);
    }

    #[test]
    fn counting_agrees_with_the_box_itself() {
        let mut frame = frame();
        frame.objects[0].num_points = 0;
        count_points_in_boxes(&mut frame);
        let inside = |p: &&[f32]| frame.objects[0].box3d.contains([p[0], p[1], p[2]].map(f64::from));
        assert_eq!(frame.objects[0].num_points, frame.cloud.points().filter(inside).count());
        assert_eq!(frame.objects[0].num_points, 27);
    }
}
