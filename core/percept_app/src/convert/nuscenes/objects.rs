//! A key frame's boxes as objects of the LiDAR's frame.

use super::classes::{detection_class, occlusion_of};
use super::scene::{Annotation, Scene, SceneFrame, SensorFile};
use crate::drive::ObjectDetails;
use percept_types::{Box3d, Transform, TruthObject};

/// Boxes further apart in time than this tell no velocity, seconds (the devkit's `max_time_diff`; twice this where the
/// box before and the box after are used).
const MAX_TIME_APART_S: f64 = 1.5;

/// The objects, and what the data set tells of them beyond a box.
pub(super) fn in_lidar_frame(
    scene: &Scene,
    frame: &SceneFrame,
    lidar: &SensorFile,
) -> (Vec<TruthObject>, Vec<ObjectDetails>) {
    let t_lidar_map = (lidar.t_map_base * lidar.t_base_sensor).inverse();
    let annotations = frame.annotations.iter().filter_map(|token| scene.annotations.get(token));
    annotations.map(|annotation| (truth_object(scene, annotation, t_lidar_map), details(scene, annotation))).unzip()
}

fn truth_object(scene: &Scene, annotation: &Annotation, t_lidar_map: Transform) -> TruthObject {
    let t_lidar_box = t_lidar_map * annotation.t_map_box;
    let [width, length, height] = annotation.row.size;
    let class_name = detection_class(&annotation.category).unwrap_or(&annotation.category);
    TruthObject {
        class_name: class_name.to_owned(),
        box3d: Box3d {
            center_m: t_lidar_box.translation_m(),
            size_m: [length, width, height],
            yaw_rad: t_lidar_box.yaw_rad(),
        },
        velocity_mps: velocity_on_map(scene, annotation).map_or([0.0; 2], |velocity| turned(&t_lidar_map, velocity)),
        instance_id: scene.instance_numbers.get(&annotation.row.instance_token).copied().unwrap_or_default(),
        num_points: annotation.row.num_lidar_pts,
        occlusion: occlusion_of(&annotation.visibility),
        truncation: -1.0,
        image_box: None,
    }
}

/// Centre differences between the boxes before and after (or the one itself at an end of its track), as the devkit's
/// `box_velocity`; metres a second on the map, `None` where the track tells none.
fn velocity_on_map(scene: &Scene, annotation: &Annotation) -> Option<[f64; 3]> {
    let neighbour = |token: &str| scene.annotations.get(token);
    let (before, after) = (neighbour(&annotation.row.prev), neighbour(&annotation.row.next));
    let limit_s = if before.is_some() && after.is_some() { 2.0 * MAX_TIME_APART_S } else { MAX_TIME_APART_S };
    let (first, last) = (before.unwrap_or(annotation), after.unwrap_or(annotation));
    let seconds = last.timestamp_us.saturating_sub(first.timestamp_us) as f64 * 1e-6;
    if !(seconds > 0.0 && seconds <= limit_s) {
        return None;
    }
    let (from, to) = (first.row.translation, last.row.translation);
    Some([0, 1, 2].map(|axis| (to[axis] - from[axis]) / seconds))
}

/// A direction's x and y in another frame.
fn turned(transform: &Transform, direction: [f64; 3]) -> [f64; 2] {
    let (tip, origin) = (transform.apply(direction), transform.apply([0.0; 3]));
    [tip[0] - origin[0], tip[1] - origin[1]]
}

fn details(scene: &Scene, annotation: &Annotation) -> ObjectDetails {
    let mut details = vec![("category", annotation.category.clone())];
    if !annotation.visibility.is_empty() {
        details.push(("visibility", annotation.visibility.clone()));
    }
    details.extend(annotation.attribute.clone().map(|name| ("attribute", name)));
    details.push(("radar_points", annotation.row.num_radar_pts.to_string()));
    details.push(("instance", annotation.row.instance_token.clone()));
    if velocity_on_map(scene, annotation).is_none() {
        details.push(("velocity_known", "no".to_owned()));
    }
    details.retain(|(_, value)| !value.is_empty() && !value.contains(char::is_whitespace));
    details
}
