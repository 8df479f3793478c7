//! Things found among those of which only the points are labelled, as in SemanticKITTI.
//!
//! Input   points, a class and an instance a point, detections above a threshold.
//! Truth   the points of one instance of the class in one sweep; counted with enough points within a range and in view.
//! Found   a detection's footprint, widened by [`MARGIN_M`] on each side, holds more than half of them, or its centre lies
//!         within a distance of their mean (which lies on the visible side, not in the middle). Better scores choose
//!         first, held points before near means; a detection finds one thing.
//! False   a detection within range and in view that found nothing and holds fewer than [`EXCUSING_POINTS`] points of the
//!         class, of one like it, or without a label.
//! Limits  there are no boxes to measure overlap with: how well a box sits is not told.

use percept_types::{BevRectangle, Box3d, Detection, Detections, PointCloud, PointLabels};
use serde::Serialize;
use std::collections::BTreeMap;

/// Footprints are widened by this: labels include mirrors and noise.
pub const MARGIN_M: f64 = 0.15;
/// A box on so many points of a thing that does not count is no false one.
pub const EXCUSING_POINTS: usize = 5;

/// What to look for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceConfig {
    /// The detector's class.
    pub class_name: &'static str,
    /// Raw classes of points (SemanticKITTI) that are of it.
    pub class_ids: &'static [u16],
    /// Raw classes so alike that finding one is neither right nor wrong; 0 and 1 carry no label.
    pub neighbours: &'static [u16],
    /// Things with fewer points are ignored.
    pub min_points: usize,
    /// Things and detections farther away are ignored.
    pub max_range_m: f64,
    /// A centre this near to the mean of the points finds them, too.
    pub center_distance_m: f64,
}

impl InstanceConfig {
    /// Cars, pedestrians and cyclists of KITTI among the classes of SemanticKITTI, at rest and moving.
    pub fn semantic_kitti(min_points: usize, max_range_m: f64) -> [Self; 3] {
        let config = |class_name, class_ids, neighbours, center_distance_m| Self {
            class_name,
            class_ids,
            neighbours,
            min_points,
            max_range_m,
            center_distance_m,
        };
        [
            config("Car", &[10, 252], &[0, 1, 13, 16, 18, 20, 256, 257, 258, 259], 2.0),
            config("Pedestrian", &[30, 254], &[0, 1, 31, 32, 253, 255], 0.7),
            config("Cyclist", &[31, 253], &[0, 1, 11, 15, 30, 32, 254, 255], 1.2),
        ]
    }
}

/// How a thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// The footprint holds more than half of its points.
    Points,
    /// The centre lies near the mean of its points.
    Center,
}

/// One thing that counts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceOutcome {
    /// The class.
    pub class_name: &'static str,
    /// Its number in the labels.
    pub instance_id: u16,
    /// Points.
    pub num_points: usize,
    /// Mean of its points in x and y.
    pub mean_m: [f64; 2],
    /// How it was found; `None` where it was not.
    pub found: Option<FoundBy>,
    /// Score of what found it.
    pub score: Option<f32>,
}

/// One sweep's outcome for a class.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InstanceTally {
    /// Things that count.
    pub instances: Vec<InstanceOutcome>,
    /// Things with too few points, too far or out of view.
    pub ignored: usize,
    /// False boxes.
    pub false_boxes: usize,
}

/// Judges the detections of one sweep; `in_view` tells which places (x, y) the detector looks at.
pub fn judge_instances(
    cloud: &PointCloud,
    labels: &PointLabels,
    detections: &Detections,
    score_threshold: f64,
    config: &InstanceConfig,
    in_view: impl Fn([f64; 2]) -> bool,
) -> InstanceTally {
    let counts = |at_m: [f64; 2]| at_m[0].hypot(at_m[1]) <= config.max_range_m && in_view(at_m);
    let of_class = |d: &&Detection| detections.class_name(d) == Some(config.class_name);
    let kept = detections.boxes.iter().filter(of_class).filter(|d| f64::from(d.score) >= score_threshold);
    let mut kept: Vec<&Detection> = kept.collect();
    kept.sort_by(|a, b| b.score.total_cmp(&a.score));
    let things = things_of(cloud, labels, config.class_ids);
    let mut tally = InstanceTally::default();
    let mut found: Vec<Option<(FoundBy, f32)>> = vec![None; things.len()];
    let mut used = vec![false; kept.len()];
    for by in [FoundBy::Points, FoundBy::Center] {
        for (detection, used) in kept.iter().zip(&mut used).filter(|(_, used)| !**used) {
            let worth = |thing: &Thing| thing.held(&detection.box3d, by, config.center_distance_m);
            let free = things.iter().enumerate().filter(|(index, _)| found[*index].is_none());
            let best = free.filter_map(|(i, thing)| Some((i, worth(thing)?))).max_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((index, _)) = best {
                (found[index], *used) = (Some((by, detection.score)), true);
            }
        }
    }
    for (thing, found) in things.iter().zip(found) {
        if thing.points_m.len() < config.min_points || !counts(thing.mean_m) {
            tally.ignored += 1;
            continue;
        }
        tally.instances.push(InstanceOutcome {
            class_name: config.class_name,
            instance_id: thing.instance_id,
            num_points: thing.points_m.len(),
            mean_m: thing.mean_m,
            found: found.map(|(by, _)| by),
            score: found.map(|(_, score)| score),
        });
    }
    let is_false = |d: &Detection| {
        let [x, y, _] = d.box3d.center_m;
        counts([x, y]) && excusing_points(cloud, labels, &d.box3d, config) < EXCUSING_POINTS
    };
    tally.false_boxes = kept.iter().zip(used).filter(|(d, used)| !used && is_false(d)).count();
    tally
}

/// Points of one thing.
struct Thing {
    instance_id: u16,
    points_m: Vec<[f64; 2]>,
    mean_m: [f64; 2],
}

impl Thing {
    /// How well a box holds it: more is better; `None` where it does not.
    fn held(&self, box3d: &Box3d, by: FoundBy, center_distance_m: f64) -> Option<f64> {
        match by {
            FoundBy::Points => {
                let inside = self.points_m.iter().filter(|p| is_over(&box3d.bev(), **p)).count();
                (2 * inside > self.points_m.len()).then_some(inside as f64)
            }
            FoundBy::Center => {
                let (dx, dy) = (box3d.center_m[0] - self.mean_m[0], box3d.center_m[1] - self.mean_m[1]);
                Some(-dx.hypot(dy)).filter(|nearness| *nearness >= -center_distance_m)
            }
        }
    }
}

/// Whether a footprint, widened, lies below a place.
fn is_over(footprint: &BevRectangle, [x, y]: [f64; 2]) -> bool {
    let (sin, cos) = footprint.yaw_rad.sin_cos();
    let (dx, dy) = (x - footprint.center_m[0], y - footprint.center_m[1]);
    let local = [dx * cos + dy * sin, dy * cos - dx * sin];
    (0..2).all(|axis| local[axis].abs() <= footprint.size_m[axis] / 2.0 + MARGIN_M)
}

fn things_of(cloud: &PointCloud, labels: &PointLabels, class_ids: &[u16]) -> Vec<Thing> {
    let mut points: BTreeMap<u16, Vec<[f64; 2]>> = BTreeMap::new();
    for ((point, class_id), instance_id) in cloud.points().zip(&labels.class_ids).zip(&labels.instance_ids) {
        // Number 0 is for what is not told apart.
        if class_ids.contains(class_id) && *instance_id != 0 {
            points.entry(*instance_id).or_default().push([point[0], point[1]].map(f64::from));
        }
    }
    let thing = |(instance_id, points_m): (u16, Vec<[f64; 2]>)| {
        let mean = |axis: usize| points_m.iter().map(|p| p[axis]).sum::<f64>() / points_m.len() as f64;
        Thing { instance_id, mean_m: [mean(0), mean(1)], points_m }
    };
    points.into_iter().map(thing).collect()
}

/// Points of the class, of those like it and without label over the footprint and within the box's height.
fn excusing_points(cloud: &PointCloud, labels: &PointLabels, box3d: &Box3d, config: &InstanceConfig) -> usize {
    let footprint = box3d.bev();
    let excuses = |class_id: &u16| config.class_ids.contains(class_id) || config.neighbours.contains(class_id);
    let is_inside = |p: &[f32]| {
        let z = f64::from(p[2]);
        z > box3d.bottom_z_m() && z < box3d.top_z_m() && is_over(&footprint, [p[0], p[1]].map(f64::from))
    };
    cloud.points().zip(&labels.class_ids).filter(|(p, class_id)| excuses(class_id) && is_inside(p)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::PointLayout;

    /// Points of a class and instance on a line of 2 m through a place.
    fn sweep(things: &[(u16, u16, [f32; 2], usize)]) -> (PointCloud, PointLabels) {
        let (mut values, mut labels) = (Vec::new(), PointLabels::default());
        for (class_id, instance_id, [x, y], count) in things {
            for i in 0..*count {
                values.extend([x - 1.0 + 2.0 * i as f32 / *count as f32, *y, -1.0, 0.0]);
                labels.class_ids.push(*class_id);
                labels.instance_ids.push(*instance_id);
            }
        }
        (PointCloud::new(PointLayout::xyzi(), values).unwrap(), labels)
    }

    fn cars(boxes: &[([f64; 2], f32)]) -> Detections {
        let one = |&([x, y], score): &([f64; 2], f32)| Detection {
            box3d: Box3d { center_m: [x, y, -1.0], size_m: [4.0, 1.8, 1.6], yaw_rad: 0.0 },
            class_index: 0,
            score,
            velocity_mps: None,
        };
        Detections { class_names: vec!["Car".into()], boxes: boxes.iter().map(one).collect() }
    }

    fn judged(things: &[(u16, u16, [f32; 2], usize)], boxes: &[([f64; 2], f32)]) -> InstanceTally {
        let (cloud, labels) = sweep(things);
        let [config, _, _] = InstanceConfig::semantic_kitti(20, 40.0);
        judge_instances(&cloud, &labels, &cars(boxes), 0.3, &config, |at_m| at_m[0] > 0.0)
    }

    #[test]
    fn a_car_is_found_by_its_points_or_by_a_near_centre_and_by_one_box_alone() {
        let held = judged(&[(10, 1, [12.0, 0.0], 50)], &[([12.5, 0.5], 0.9), ([12.0, 0.0], 0.4)]);
        assert_eq!(held.instances[0].found, Some(FoundBy::Points));
        assert_eq!((held.instances[0].score, held.false_boxes), (Some(0.9), 0));
        let near = judged(&[(252, 1, [12.0, 0.0], 50)], &[([12.0, 1.6], 0.9)]);
        assert_eq!(near.instances[0].found, Some(FoundBy::Center));
        let far = judged(&[(10, 1, [12.0, 0.0], 50)], &[([12.0, 3.0], 0.9)]);
        assert_eq!((far.instances[0].found, far.false_boxes), (None, 1));
    }

    #[test]
    fn few_points_far_cars_and_those_behind_are_neither_asked_for_nor_false() {
        let things = [(10, 1, [10.0, 0.0], 19), (10, 2, [45.0, 0.0], 90), (10, 3, [-9.0, 0.0], 90)];
        let tally = judged(&things, &[([10.0, 0.0], 0.9), ([45.0, 0.0], 0.9), ([-9.0, 0.0], 0.9)]);
        assert_eq!((tally.instances.len(), tally.ignored, tally.false_boxes), (0, 3, 0));
    }

    #[test]
    fn a_box_on_a_lorry_is_excused_and_one_below_the_threshold_is_none() {
        let tally = judged(&[(18, 4, [15.0, 2.0], 30)], &[([15.0, 2.0], 0.9), ([25.0, 0.0], 0.2)]);
        assert_eq!((tally.instances.len(), tally.false_boxes), (0, 0));
        assert_eq!(judged(&[(50, 0, [15.0, 2.0], 30)], &[([15.0, 2.0], 0.9)]).false_boxes, 1);
    }
}
