//! Objects of other frames pasted into this one, where nothing stands.
//!
//! An object keeps its place and its points and is set on the ground found round it.
//! Source  Yan et al., SECOND, Sensors 2018, section 3.4.

use percept_types::{Box3d, LabelledFrame, PointCloud, PointLabels, TruthObject};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::points::BoxInterior;
use super::retain_points;

/// How many objects a frame should hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PasteSettings {
    /// Objects of each class that a frame is filled up to.
    pub objects_per_class: BTreeMap<String, usize>,
}

/// An object with the rows of its points.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredObject {
    /// What it is and where it stood.
    pub object: TruthObject,
    /// Its points, in the frame it was taken from.
    pub points: PointCloud,
}

/// Objects by class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectDatabase {
    objects: BTreeMap<String, Vec<StoredObject>>,
}

/// Ground is looked for within this distance of a box's sides.
const GROUND_MARGIN_M: f64 = 1.5;
/// Fewer points than this tell no ground.
const MIN_GROUND_POINTS: usize = 8;

impl ObjectDatabase {
    /// Takes in the objects of a frame that have at least `min_points` points.
    pub fn add_frame(&mut self, frame: &LabelledFrame, min_points: usize) {
        for object in frame.objects.iter().filter(|object| object.box3d.is_valid()) {
            let inside = BoxInterior::new(&object.box3d);
            let points = frame.cloud.filtered(|p| inside.contains(p));
            if points.len() >= min_points.max(1) {
                let stored =
                    StoredObject { object: TruthObject { num_points: points.len(), ..object.clone() }, points };
                self.objects.entry(object.class_name.clone()).or_default().push(stored);
            }
        }
    }

    /// Stored objects of a class.
    pub fn len_of(&self, class_name: &str) -> usize {
        self.objects.get(class_name).map_or(0, Vec::len)
    }

    /// Fills a frame up with objects that touch nothing.
    pub fn paste(&self, frame: &mut LabelledFrame, settings: &PasteSettings, rng: &mut ChaCha8Rng) {
        for (class_name, &wanted) in &settings.objects_per_class {
            let Some(stored) = self.objects.get(class_name).filter(|stored| !stored.is_empty()) else { continue };
            let present = frame.objects.iter().filter(|object| &object.class_name == class_name).count();
            for _ in present..wanted {
                let candidate = &stored[rng.random_range(0..stored.len())];
                if candidate.points.layout() == frame.cloud.layout() {
                    paste_one(frame, candidate);
                }
            }
        }
    }
}

fn paste_one(frame: &mut LabelledFrame, stored: &StoredObject) {
    let mut object = stored.object.clone();
    let footprint = object.box3d.bev();
    if frame.objects.iter().any(|other| other.box3d.bev().intersection_area_m2(&footprint) > 0.0) {
        return;
    }
    let lift_m = ground_height_m(frame, &object.box3d).map_or(0.0, |ground| ground - object.box3d.bottom_z_m());
    object.box3d.center_m[2] += lift_m;
    object.image_box = None;
    object.instance_id = frame.objects.iter().map(|other| other.instance_id).max().unwrap_or(0).saturating_add(1);

    let inside = BoxInterior::new(&object.box3d);
    retain_points(frame, |p| !inside.contains(p));
    let mut added = stored.points.clone();
    let width = added.num_features();
    for point in added.values_mut().chunks_exact_mut(width) {
        point[2] += lift_m as f32;
    }
    append_points(frame, added, object.instance_id);
    frame.objects.push(object);
}

/// Height of the lowest tenth of the points beside a box; `None` where too few are seen.
fn ground_height_m(frame: &LabelledFrame, b: &Box3d) -> Option<f64> {
    let [length, width, _] = b.size_m;
    // Tall: everything beside the box at whatever height.
    let size_m = [length + 2.0 * GROUND_MARGIN_M, width + 2.0 * GROUND_MARGIN_M, 20.0];
    let around = BoxInterior::new(&Box3d { size_m, ..*b });
    let mut heights: Vec<f32> = frame.cloud.points().filter(|p| around.contains(p)).map(|p| p[2]).collect();
    if heights.len() < MIN_GROUND_POINTS {
        return None;
    }
    heights.sort_unstable_by(f32::total_cmp);
    heights.get(heights.len() / 10).map(|height| f64::from(*height))
}

fn append_points(frame: &mut LabelledFrame, added: PointCloud, instance_id: u32) {
    let count = added.len();
    let layout = frame.cloud.layout().clone();
    let mut values = std::mem::replace(&mut frame.cloud, PointCloud::empty_xyzi()).into_values();
    values.extend(added.into_values());
    if let Ok(cloud) = PointCloud::new(layout, values) {
        frame.cloud = cloud;
    }
    if let Some(PointLabels { class_ids, instance_ids }) = &mut frame.point_labels {
        // The class of the object's other points, where it has any, is not known here: 0 is "unlabelled".
        class_ids.extend(std::iter::repeat_n(0, count));
        instance_ids.extend(std::iter::repeat_n(u16::try_from(instance_id).unwrap_or(0), count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::testing::frame;
    use crate::random::{Purpose, frame_rng};

    fn settings(count: usize) -> PasteSettings {
        PasteSettings { objects_per_class: BTreeMap::from([("Car".to_owned(), count)]) }
    }

    fn database(at_y_m: f64) -> ObjectDatabase {
        let mut other = frame();
        let shift = at_y_m - other.objects[0].box3d.center_m[1];
        other.objects[0].box3d.center_m[1] = at_y_m;
        for point in other.cloud.values_mut().chunks_exact_mut(4) {
            point[1] += shift as f32;
            point[2] += 0.4;
        }
        other.objects[0].box3d.center_m[2] += 0.4;
        let mut database = ObjectDatabase::default();
        database.add_frame(&other, 5);
        database
    }

    #[test]
    fn a_pasted_car_brings_its_points_stands_on_the_ground_and_is_truth() {
        let mut pasted = frame();
        database(-4.0).paste(&mut pasted, &settings(2), &mut frame_rng(1, 1, Purpose::Paste));
        assert_eq!(pasted.objects.len(), 2);
        let car = &pasted.objects[1];
        assert!((car.box3d.bottom_z_m() + 1.8).abs() < 1e-5, "bottom at {}", car.box3d.bottom_z_m());
        let inside = BoxInterior::new(&car.box3d);
        assert_eq!(pasted.cloud.points().filter(|p| inside.contains(p)).count(), 27);
        assert_eq!(car.instance_id, 2);
    }

    #[test]
    fn nothing_is_pasted_onto_what_stands_there_or_beyond_the_wanted_number() {
        let mut same = frame();
        database(4.5).paste(&mut same, &settings(5), &mut frame_rng(1, 1, Purpose::Paste));
        assert_eq!(same, frame());
        database(-4.0).paste(&mut same, &settings(1), &mut frame_rng(1, 1, Purpose::Paste));
        assert_eq!(same, frame());
        assert_eq!(database(-4.0).len_of("Car"), 1);
    }
}
