//! Points on the objects of a frame: how many by distance and occlusion, where on a car, and how deep below its faces.

use super::bins::Binned;
use super::ratio::Tallied;
use percept_types::{Box3d, Occlusion, PointCloud, TruthObject};
use std::collections::BTreeMap;

/// Classes whose points are counted; others are rare in any data set.
pub(super) const CLASSES: [&str; 4] = ["Car", "Van", "Pedestrian", "Cyclist"];
/// The class whose shape is looked at.
const SHAPE_CLASS: &str = "Car";
/// Distances by which objects are told apart: bins of 10 m.
pub(super) const RANGE_BIN_M: f64 = 10.0;
/// The last bin holds what is farther.
pub(super) const RANGE_BINS: usize = 7;
/// An object has no shape to speak of with fewer points.
const MIN_SHAPE_POINTS: usize = 60;
/// Objects cut off by more than this at the image's edge are left out.
const MAX_TRUNCATION: f64 = 0.3;
/// Points so far beside a box are still looked at for the depth below its faces.
const BESIDE_M: f64 = 0.2;
/// Points of the lowest part of a box are the ground's as often as the object's.
const ABOVE_BOTTOM_M: f64 = 0.3;

/// What objects of all frames of one side look like.
#[derive(Clone, Debug)]
pub(super) struct ObjectStatistics {
    /// Points of each object that is seen whole or nearly so, by class and distance.
    pub points: BTreeMap<(usize, usize), Tallied>,
    /// Points of each car, scaled to 20 m, by occlusion level.
    pub by_occlusion: BTreeMap<usize, Tallied>,
    /// Height in the box as a share of it; each car counts the same.
    pub height_profile: Binned,
    /// Depth below the nearest side of the box in metres, negative outside; each car counts the same.
    pub depth: Binned,
    /// Objects that were looked at.
    pub count: u64,
}

impl Default for ObjectStatistics {
    fn default() -> Self {
        Self {
            points: BTreeMap::new(),
            by_occlusion: BTreeMap::new(),
            height_profile: Binned::even(0.0, 0.125, 8),
            depth: Binned::even(-0.2, 0.1, 10),
            count: 0,
        }
    }
}

impl ObjectStatistics {
    /// Adds the objects of a frame.
    pub fn add(&mut self, cloud: &PointCloud, objects: &[TruthObject]) {
        let (mut heights, mut depths) = (self.height_profile.empty(), self.depth.empty());
        let mut shaped = 0.0;
        for object in objects {
            let Some(class) = CLASSES.iter().position(|name| *name == object.class_name) else { continue };
            let near = points_near(cloud, &object.box3d);
            let inside: Vec<[f64; 3]> = near.iter().copied().filter(|p| is_inside(p, &object.box3d)).collect();
            if inside.is_empty() {
                continue;
            }
            self.count += 1;
            self.add_counts(class, object, inside.len());
            if is_clear(object) && object.class_name == SHAPE_CLASS && inside.len() >= MIN_SHAPE_POINTS {
                shaped += 1.0;
                add_shares(&mut heights, inside.iter().map(|p| p[2] / object.box3d.size_m[2] + 0.5));
                add_shares(&mut depths, near.iter().filter_map(|p| depth_m(p, &object.box3d)));
            }
        }
        self.height_profile.add_frame(&heights, shaped);
        self.depth.add_frame(&depths, shaped);
    }

    fn add_counts(&mut self, class: usize, object: &TruthObject, num_points: usize) {
        let [x, y, _] = object.box3d.center_m;
        let range_m = x.hypot(y);
        let bin = ((range_m / RANGE_BIN_M) as usize).min(RANGE_BINS - 1);
        if is_clear(object) {
            self.points.entry((class, bin)).or_default().add(num_points as u64);
        }
        let level = object.occlusion as usize;
        if object.class_name == SHAPE_CLASS && level < 3 && is_whole(object) {
            let at_20_m = num_points as f64 * (range_m / 20.0).powi(2);
            self.by_occlusion.entry(level).or_default().add(at_20_m.round() as u64);
        }
    }
}

/// Where the truth tells it, the object must lie within the image.
fn is_whole(object: &TruthObject) -> bool {
    object.truncation < MAX_TRUNCATION
}

/// At most partly occluded, and whole.
fn is_clear(object: &TruthObject) -> bool {
    object.occlusion <= Occlusion::Partly && is_whole(object)
}

/// Adds each value with a weight that makes all of them one.
fn add_shares(bins: &mut super::bins::FrameBins, values: impl Iterator<Item = f64> + Clone) {
    let weight = 1.0 / values.clone().count().max(1) as f64;
    values.for_each(|value| bins.add(value, weight));
}

/// Points in and beside a box, in its own axes.
fn points_near(cloud: &PointCloud, b: &Box3d) -> Vec<[f64; 3]> {
    let reach_m = b.size_m[0].hypot(b.size_m[1]) / 2.0 + 2.0 * BESIDE_M;
    let near = |p: &&[f32]| (0..2).all(|axis| (f64::from(p[axis]) - b.center_m[axis]).abs() < reach_m);
    let local = |p: &[f32]| b.to_local([p[0], p[1], p[2]].map(f64::from));
    let is_beside = |p: &[f64; 3]| {
        (0..2).all(|axis| p[axis].abs() < b.size_m[axis] / 2.0 + BESIDE_M) && p[2].abs() < b.size_m[2] / 2.0
    };
    cloud.points().filter(near).map(local).filter(is_beside).collect()
}

fn is_inside(local: &[f64; 3], b: &Box3d) -> bool {
    (0..3).all(|axis| local[axis].abs() < b.size_m[axis] / 2.0)
}

/// Depth of a point below the nearest side of the box; `None` near the ground.
fn depth_m(local: &[f64; 3], b: &Box3d) -> Option<f64> {
    let depth = |axis: usize| b.size_m[axis] / 2.0 - local[axis].abs();
    (local[2] + b.size_m[2] / 2.0 > ABOVE_BOTTOM_M).then(|| depth(0).min(depth(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::PointLayout;

    #[test]
    fn points_on_the_side_of_a_car_lie_at_their_depth_and_height() {
        let box3d = Box3d { center_m: [12.0, 4.0, -1.0], size_m: [4.0, 1.6, 1.6], yaw_rad: 0.0 };
        // A hundred points 0.15 m below the right side, in the upper half.
        let values = (0..100).flat_map(|i| [10.6 + i as f32 * 0.025, 3.35, -0.9, 0.0]).collect();
        let cloud = PointCloud::new(PointLayout::xyzi(), values).unwrap();
        let object = TruthObject {
            class_name: "Car".into(),
            box3d,
            velocity_mps: [0.0; 2],
            instance_id: 1,
            num_points: 100,
            occlusion: Occlusion::Visible,
            truncation: 0.0,
            image_box: None,
        };
        let mut statistics = ObjectStatistics::default();
        let cut = TruthObject { truncation: 0.9, ..object.clone() };
        statistics.add(&cloud, &[object, cut]);
        assert_eq!(statistics.points[&(0, 1)].quantile(0.5), Some(100.0));
        assert_eq!(statistics.points[&(0, 1)].len(), 1);
        // -0.2 to 0.8 m in steps of 0.1: 0.15 m is the fourth.
        for share in [statistics.height_profile.ratio(4), statistics.depth.ratio(3)] {
            assert!((share.value().unwrap() - 1.0).abs() < 1e-9, "{share:?}");
        }
    }
}
