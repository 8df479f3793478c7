//! Between boxes of the LiDAR's frame and annotations of the rectified camera frame.
//!
//! The conversion is geometric: the heading is carried through the calibration's rotation, of which only the turn about
//! the camera's vertical axis remains. KITTI's shorthand `rotation_y = -yaw - pi/2` differs from it by the small angle
//! between the two sensors, under half a degree.

use super::{Annotation, ScoredAnnotation};
use crate::EvalError;
use percept_types::{Box3d, Camera, Detections, ImageBox, Occlusion, Transform, TruthObject, wrap_to_pi};

/// Parts of a box nearer to the image plane than this are cut off before the rest is projected, metres.
const NEAR_PLANE_M: f64 = 0.1;

/// The edges of a box, as pairs of corners: bottom, top, uprights.
const EDGES: [(usize, usize); 12] =
    [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)];

/// Detections as annotations.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ConvertedDetections {
    /// Those that the image shows, in their order.
    pub annotations: Vec<ScoredAnnotation>,
    /// For each of them its index among the detections.
    pub source_indices: Vec<usize>,
    /// How many the image does not show: KITTI's truth ends at its borders, so they cannot be judged.
    pub num_outside_image: usize,
}

/// Detections as KITTI judges them: camera frame, image hull, only those that the image shows.
/// `frame` is named in errors.
///
/// # Errors
/// For a class index without name and for a box or score that is not finite.
pub fn detections_in_image(
    frame: usize,
    detections: &Detections,
    camera: &Camera,
) -> Result<ConvertedDetections, EvalError> {
    let mut converted = ConvertedDetections::default();
    for (index, detection) in detections.boxes.iter().enumerate() {
        let class_name = detections.class_name(detection).ok_or_else(|| EvalError::ClassWithoutName {
            detection: index,
            class_index: detection.class_index,
            class_names: detections.class_names.clone(),
        })?;
        let score = f64::from(detection.score);
        if !score.is_finite() {
            let class_name = class_name.to_owned();
            return Err(EvalError::ScoreNotFinite { frame, detection: index, class_name, score });
        }
        check_finite(frame, "detection", index, class_name, &detection.box3d)?;
        match annotation_of_box(class_name, &detection.box3d, camera) {
            Some(annotation) => {
                converted.annotations.push(ScoredAnnotation { annotation, score });
                converted.source_indices.push(index);
            }
            None => converted.num_outside_image += 1,
        }
    }
    Ok(converted)
}

pub(crate) fn check_finite(
    frame: usize,
    what: &'static str,
    index: usize,
    class_name: &str,
    b: &Box3d,
) -> Result<(), EvalError> {
    let fields = [
        ("centre", b.center_m.iter().all(|v| v.is_finite())),
        ("size", b.size_m.iter().all(|v| v.is_finite())),
        ("yaw", b.yaw_rad.is_finite()),
    ];
    match fields.iter().find(|(_, finite)| !finite) {
        Some((field, _)) => {
            Err(EvalError::BoxNotFinite { frame, what, index, class_name: class_name.to_owned(), field })
        }
        None => Ok(()),
    }
}

/// Truth as KITTI labels it, with the index of each among the objects. Objects outside the image are left out, as in
/// KITTI's labels; an object named DontCare needs only its image box.
///
/// # Errors
/// For a box that is not finite.
pub fn annotations_of_truth(
    frame: usize,
    objects: &[TruthObject],
    camera: &Camera,
) -> Result<Vec<(usize, Annotation)>, EvalError> {
    let mut annotations = Vec::with_capacity(objects.len());
    for (index, object) in objects.iter().enumerate() {
        if object.class_name == "DontCare" {
            annotations.extend(object.image_box.map(|image_box| (index, dont_care(image_box))));
            continue;
        }
        check_finite(frame, "truth", index, &object.class_name, &object.box3d)?;
        let Some(projected) = annotation_of_box(&object.class_name, &object.box3d, camera) else { continue };
        let annotation = Annotation {
            truncation: object.truncation,
            occlusion: object.occlusion as i32,
            image_box: object.image_box.unwrap_or(projected.image_box),
            ..projected
        };
        annotations.push((index, annotation));
    }
    Ok(annotations)
}

fn dont_care(image_box: ImageBox) -> Annotation {
    Annotation {
        class_name: "DontCare".to_owned(),
        truncation: -1.0,
        occlusion: -1,
        alpha_rad: -10.0,
        image_box,
        size_m: [-1.0; 3],
        bottom_center_m: [-1000.0; 3],
        rotation_y_rad: -10.0,
    }
}

/// A box of the LiDAR's frame as a detector's annotation (truncation and occlusion -1, that is not known);
/// `None` where the image does not show it.
pub fn annotation_of_box(class_name: &str, b: &Box3d, camera: &Camera) -> Option<Annotation> {
    let bottom_m = [b.center_m[0], b.center_m[1], b.bottom_z_m()];
    let bottom_center_m = camera.t_camera_lidar.apply(bottom_m);
    let heading = turned(&camera.t_camera_lidar, [b.yaw_rad.cos(), b.yaw_rad.sin(), 0.0]);
    let rotation_y_rad = (-heading[2]).atan2(heading[0]);
    let unclipped = hull(&camera_corners_m(&bottom_center_m, &b.size_m, rotation_y_rad), camera)?;
    Some(Annotation {
        class_name: class_name.to_owned(),
        truncation: -1.0,
        occlusion: -1,
        alpha_rad: observation_angle_rad(&bottom_center_m, rotation_y_rad),
        image_box: camera.clip(&unclipped)?,
        size_m: b.size_m,
        bottom_center_m,
        rotation_y_rad,
    })
}

/// The box of an annotation in the LiDAR's frame; `None` for one without extent in space (DontCare).
pub fn box_of_annotation(annotation: &Annotation, t_camera_lidar: &Transform) -> Option<Box3d> {
    if !annotation.size_m.iter().all(|side| *side > 0.0) {
        return None;
    }
    let t_lidar_camera = t_camera_lidar.inverse();
    let [x, y, z] = t_lidar_camera.apply(annotation.bottom_center_m);
    let (sin, cos) = annotation.rotation_y_rad.sin_cos();
    let heading = turned(&t_lidar_camera, [cos, 0.0, -sin]);
    Some(Box3d {
        center_m: [x, y, z + annotation.size_m[2] / 2.0],
        size_m: annotation.size_m,
        yaw_rad: heading[1].atan2(heading[0]),
    })
}

/// A label as an object of a frame, standing still and with no points counted yet (set `num_points`: evaluation by
/// points ignores objects that have too few); `None` for DontCare, see [`region_of_annotation`].
/// An occlusion outside 0 to 2 is unknown.
pub fn truth_of_annotation(
    annotation: &Annotation,
    t_camera_lidar: &Transform,
    instance_id: u32,
) -> Option<TruthObject> {
    Some(TruthObject {
        class_name: annotation.class_name.clone(),
        box3d: box_of_annotation(annotation, t_camera_lidar)?,
        velocity_mps: [0.0; 2],
        instance_id,
        num_points: 0,
        occlusion: match annotation.occlusion {
            0 => Occlusion::Visible,
            1 => Occlusion::Partly,
            2 => Occlusion::Largely,
            _ => Occlusion::Unknown,
        },
        truncation: annotation.truncation,
        image_box: Some(annotation.image_box),
    })
}

/// A DontCare label as an object that has an image box and, not being a thing in space, a box of no size at the origin
/// (`Box3d::is_valid` is false); `None` for any other label. Only evaluation reads such objects.
pub fn region_of_annotation(annotation: &Annotation) -> Option<TruthObject> {
    annotation.is_dont_care().then(|| TruthObject {
        class_name: annotation.class_name.clone(),
        box3d: Box3d { center_m: [0.0; 3], size_m: [0.0; 3], yaw_rad: 0.0 },
        velocity_mps: [0.0; 2],
        instance_id: 0,
        num_points: 0,
        occlusion: Occlusion::Unknown,
        truncation: -1.0,
        image_box: Some(annotation.image_box),
    })
}

/// The clipped image hull of a box given in the camera frame; `None` where the image does not show it.
pub fn image_box_of_camera_box(annotation: &Annotation, camera: &Camera) -> Option<ImageBox> {
    let corners = camera_corners_m(&annotation.bottom_center_m, &annotation.size_m, annotation.rotation_y_rad);
    camera.clip(&hull(&corners, camera)?)
}

/// The angle under which the camera sees it: its turn less the direction to it.
fn observation_angle_rad(bottom_center_m: &[f64; 3], rotation_y_rad: f64) -> f64 {
    wrap_to_pi(rotation_y_rad - bottom_center_m[0].atan2(bottom_center_m[2]))
}

fn turned(transform: &Transform, direction: [f64; 3]) -> [f64; 3] {
    let (tip, origin) = (transform.apply(direction), transform.apply([0.0; 3]));
    [tip[0] - origin[0], tip[1] - origin[1], tip[2] - origin[2]]
}

/// Corners in the camera frame: the bottom four, then the top four (y points down).
fn camera_corners_m(bottom_center_m: &[f64; 3], size_m: &[f64; 3], rotation_y_rad: f64) -> [[f64; 3]; 8] {
    let [length, width, height] = *size_m;
    let (sin, cos) = rotation_y_rad.sin_cos();
    let around = [[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]];
    std::array::from_fn(|i| {
        let (along, across) = (around[i % 4][0] * length / 2.0, around[i % 4][1] * width / 2.0);
        [
            bottom_center_m[0] + cos * along + sin * across,
            bottom_center_m[1] - if i < 4 { 0.0 } else { height },
            bottom_center_m[2] - sin * along + cos * across,
        ]
    })
}

/// Hull of the edges' visible parts, not clipped to the image; `None` when all of it is behind the near plane.
fn hull(corners_m: &[[f64; 3]; 8], camera: &Camera) -> Option<ImageBox> {
    let row = |i: usize, p: &[f64; 3]| {
        let r = &camera.projection[i * 4..i * 4 + 4];
        r[0] * p[0] + r[1] * p[1] + r[2] * p[2] + r[3]
    };
    let projected = corners_m.map(|corner| [row(0, &corner), row(1, &corner), row(2, &corner)]);
    let mut hull = ImageBox { left: f64::MAX, top: f64::MAX, right: f64::MIN, bottom: f64::MIN };
    for (a, b) in EDGES.map(|(a, b)| (projected[a], projected[b])) {
        let Some((start, end)) = in_front(a, b) else { continue };
        for [u, v, w] in [start, end] {
            hull.left = hull.left.min(u / w);
            hull.right = hull.right.max(u / w);
            hull.top = hull.top.min(v / w);
            hull.bottom = hull.bottom.max(v / w);
        }
    }
    (hull.left <= hull.right).then_some(hull)
}

/// The part of a segment of homogeneous image points that lies in front of the near plane.
fn in_front(a: [f64; 3], b: [f64; 3]) -> Option<([f64; 3], [f64; 3])> {
    let cut = |inside: [f64; 3], outside: [f64; 3]| {
        let t = (inside[2] - NEAR_PLANE_M) / (inside[2] - outside[2]);
        [inside[0] + t * (outside[0] - inside[0]), inside[1] + t * (outside[1] - inside[1]), NEAR_PLANE_M]
    };
    match (a[2] >= NEAR_PLANE_M, b[2] >= NEAR_PLANE_M) {
        (true, true) => Some((a, b)),
        (true, false) => Some((a, cut(a, b))),
        (false, true) => Some((cut(b, a), b)),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kitti::Calibration;

    /// KITTI's usual rig.
    pub(crate) const CALIBRATION: &str = "\
P2: 7.215377e+02 0 6.095593e+02 4.485728e+01 0 7.215377e+02 1.728540e+02 2.163791e-01 0 0 1 2.745884e-03
R0_rect: 9.999239e-01 9.837760e-03 -7.445048e-03 -9.869795e-03 9.999421e-01 -4.278459e-03 7.402527e-03 4.351614e-03 9.999631e-01
Tr_velo_to_cam: 7.533745e-03 -9.999714e-01 -6.166020e-04 -4.069766e-03 1.480249e-02 7.280733e-04 -9.998902e-01 -7.631618e-02 9.998621e-01 7.523790e-03 1.480755e-02 -2.717806e-01
";

    fn camera() -> Camera {
        Calibration::parse("calib", CALIBRATION).unwrap().camera(1242, 375)
    }

    fn car(x: f64, y: f64, yaw_rad: f64) -> Box3d {
        Box3d { center_m: [x, y, -0.9], size_m: [4.0, 1.7, 1.5], yaw_rad }
    }

    #[test]
    fn a_box_comes_back_from_the_camera_frame() {
        let camera = camera();
        for i in 0..40 {
            let b = car(8.0 + i as f64, (i % 7) as f64 - 3.0, wrap_to_pi(i as f64 * 0.4));
            let annotation = annotation_of_box("Car", &b, &camera).unwrap();
            let back = box_of_annotation(&annotation, &camera.t_camera_lidar).unwrap();
            let moved = (0..3).map(|a| (back.center_m[a] - b.center_m[a]).abs()).fold(0.0, f64::max);
            // The frames are tilted by under a degree, so height and heading come back nearly, position better.
            assert!(moved < 1e-9, "{moved}");
            assert!(wrap_to_pi(back.yaw_rad - b.yaw_rad).abs() < 1e-3);
            assert_eq!(back.size_m, b.size_m);
        }
    }

    #[test]
    fn a_car_ahead_that_drives_away_is_seen_from_behind() {
        let annotation = annotation_of_box("Car", &car(20.0, 0.0, 0.0), &camera()).unwrap();
        let quarter = std::f64::consts::FRAC_PI_2;
        assert!((annotation.rotation_y_rad + quarter).abs() < 0.02, "{}", annotation.rotation_y_rad);
        assert!((annotation.alpha_rad + quarter).abs() < 0.03, "{}", annotation.alpha_rad);
        assert!((annotation.bottom_center_m[2] - 19.7).abs() < 0.1);
        assert!(annotation.image_box.left < 609.0 && annotation.image_box.right > 609.0);
    }

    #[test]
    fn a_box_behind_or_beside_the_image_is_not_shown() {
        assert_eq!(annotation_of_box("Car", &car(-20.0, 0.0, 0.0), &camera()), None);
        assert_eq!(annotation_of_box("Car", &car(10.0, 40.0, 0.0), &camera()), None);
    }

    #[test]
    fn a_box_that_reaches_behind_the_camera_keeps_its_visible_part() {
        let annotation = annotation_of_box("Car", &car(1.5, 2.5, 0.0), &camera()).unwrap();
        assert_eq!(annotation.image_box.left, 0.0);
        assert!(annotation.image_box.right > 0.0 && annotation.image_box.right < 621.0, "{annotation:?}");
    }

    #[test]
    fn a_region_of_a_label_file_comes_back_and_is_no_thing_in_space() {
        let line = "DontCare -1 -1 -10 698.61 186.03 732.54 198.61 -1 -1 -1 -1000 -1000 -1000 -10";
        let label = &crate::kitti::parse_labels("label", line).unwrap()[0];
        assert_eq!(truth_of_annotation(label, &camera().t_camera_lidar, 1), None);
        let object = region_of_annotation(label).unwrap();
        assert!(!object.box3d.is_valid());
        assert_eq!(annotations_of_truth(0, &[object], &camera()).unwrap(), vec![(0, label.clone())]);
    }

    #[test]
    fn an_object_outside_the_image_is_no_truth_and_one_inside_keeps_its_own_hull() {
        let label = annotation_of_box("Car", &car(20.0, 0.0, 0.0), &camera()).unwrap();
        let mut seen = truth_of_annotation(&label, &camera().t_camera_lidar, 1).unwrap();
        let own = ImageBox { left: 1.0, top: 2.0, right: 3.0, bottom: 4.0 };
        (seen.image_box, seen.occlusion, seen.truncation) = (Some(own), Occlusion::Partly, 0.25);
        let behind = TruthObject { box3d: car(-20.0, 0.0, 0.0), image_box: None, ..seen.clone() };
        let truth = annotations_of_truth(0, &[behind, seen], &camera()).unwrap();
        assert_eq!(truth.len(), 1);
        let (index, annotation) = &truth[0];
        assert_eq!((*index, annotation.occlusion, annotation.truncation), (1, 1, 0.25));
        assert_eq!(annotation.image_box, own);
    }

    #[test]
    fn detections_outside_the_image_are_counted_and_nan_is_refused() {
        let detection =
            |b: Box3d, score: f32| percept_types::Detection { box3d: b, class_index: 0, score, velocity_mps: None };
        let mut detections = Detections {
            class_names: vec!["Car".into()],
            boxes: vec![detection(car(-20.0, 0.0, 0.0), 0.9), detection(car(20.0, 0.0, 0.0), 0.8)],
        };
        let converted = detections_in_image(0, &detections, &camera()).unwrap();
        assert_eq!((converted.source_indices.as_slice(), converted.num_outside_image), (&[1][..], 1));
        detections.boxes[0].score = f32::NAN;
        assert!(matches!(
            detections_in_image(7, &detections, &camera()),
            Err(EvalError::ScoreNotFinite { frame: 7, detection: 0, .. })
        ));
        detections.boxes[0].score = 0.1;
        detections.boxes[0].box3d.yaw_rad = f64::INFINITY;
        assert!(matches!(
            detections_in_image(7, &detections, &camera()),
            Err(EvalError::BoxNotFinite { field: "yaw", .. })
        ));
        detections.boxes[0].class_index = 3;
        assert!(matches!(
            detections_in_image(7, &detections, &camera()),
            Err(EvalError::ClassWithoutName { class_index: 3, .. })
        ));
    }
}
