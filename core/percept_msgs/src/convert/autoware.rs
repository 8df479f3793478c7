//! `Detections` to and from autoware_perception_msgs/DetectedObjects.

use super::detections::class_name_of;
use super::finite::{box_of, pose_of, score_of};
use crate::autoware_perception_msgs::{
    DetectedObject, DetectedObjectKinematics, DetectedObjects, ObjectClassification, Shape,
};
use crate::geometry_msgs::{PoseWithCovariance, Twist, TwistWithCovariance, Vector3};
use crate::std_msgs::Header;
use crate::{Message, MsgError};
use percept_types::{Detection, Detections};

/// Class names of KITTI, nuScenes and Autoware, lower case without separators, with Autoware's numbers.
const LABELS: [(&str, u8); 22] = [
    ("car", ObjectClassification::CAR),
    ("van", ObjectClassification::CAR),
    ("truck", ObjectClassification::TRUCK),
    ("constructionvehicle", ObjectClassification::TRUCK),
    ("bus", ObjectClassification::BUS),
    ("trailer", ObjectClassification::TRAILER),
    ("motorcycle", ObjectClassification::MOTORCYCLE),
    ("motorcyclist", ObjectClassification::MOTORCYCLE),
    ("bicycle", ObjectClassification::BICYCLE),
    ("cyclist", ObjectClassification::BICYCLE),
    ("bicyclist", ObjectClassification::BICYCLE),
    ("pedestrian", ObjectClassification::PEDESTRIAN),
    ("person", ObjectClassification::PEDESTRIAN),
    ("personsitting", ObjectClassification::PEDESTRIAN),
    ("animal", ObjectClassification::ANIMAL),
    ("hazard", ObjectClassification::HAZARD),
    ("overdrivable", ObjectClassification::OVER_DRIVABLE),
    ("underdrivable", ObjectClassification::UNDER_DRIVABLE),
    ("tram", ObjectClassification::UNKNOWN),
    ("misc", ObjectClassification::UNKNOWN),
    ("barrier", ObjectClassification::UNKNOWN),
    ("trafficcone", ObjectClassification::UNKNOWN),
];

/// Names of Autoware's labels, in the order of their numbers.
const LABEL_NAMES: [&str; 12] = [
    "unknown",
    "car",
    "truck",
    "bus",
    "trailer",
    "motorcycle",
    "bicycle",
    "pedestrian",
    "animal",
    "hazard",
    "over_drivable",
    "under_drivable",
];

impl ObjectClassification {
    /// Autoware's number for a class by its name; `UNKNOWN` for names without one.
    pub fn label_of(class_name: &str) -> u8 {
        let plain: String =
            class_name.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
        LABELS.iter().find(|(name, _)| *name == plain).map_or(Self::UNKNOWN, |(_, label)| *label)
    }
}

impl DetectedObjects {
    /// The boxes of a frame, in their order: the score as existence probability, one class of probability 1, velocity
    /// turned into the object's own axes.
    ///
    /// # Errors
    /// [`MsgError::Value`] for a class index beyond the names.
    pub fn from_detections(detections: &Detections, header: &Header) -> Result<Self, MsgError> {
        let object = |(index, detection): (usize, &Detection)| {
            let class_name = class_name_of(Self::TYPE_NAME, detections, index, detection)?;
            Ok(detected_object(detection, ObjectClassification::label_of(class_name)))
        };
        let objects = detections.boxes.iter().enumerate().map(object).collect::<Result<_, MsgError>>()?;
        Ok(Self { header: header.clone(), objects })
    }

    /// The boxes with Autoware's class names, best score first; of several classes the most probable.
    ///
    /// # Errors
    /// Where an object is no cuboid, has no class, an unknown label, or numbers that are not finite.
    pub fn to_detections(&self) -> Result<Detections, MsgError> {
        let mut boxes = self
            .objects
            .iter()
            .enumerate()
            .map(|(i, object)| detection_of(i, object))
            .collect::<Result<Vec<_>, _>>()?;
        boxes.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(Detections { class_names: LABEL_NAMES.map(str::to_owned).to_vec(), boxes })
    }
}

fn detected_object(detection: &Detection, label: u8) -> DetectedObject {
    let b = &detection.box3d;
    let mut kinematics = DetectedObjectKinematics {
        pose_with_covariance: PoseWithCovariance { pose: pose_of(b), ..Default::default() },
        orientation_availability: DetectedObjectKinematics::AVAILABLE,
        ..Default::default()
    };
    if let Some(velocity_mps) = detection.velocity_mps {
        let [x, y] = turned(velocity_mps, -b.yaw_rad);
        let twist = Twist { linear: Vector3 { x, y, z: 0.0 }, ..Default::default() };
        kinematics.twist_with_covariance = TwistWithCovariance { twist, ..Default::default() };
        kinematics.has_twist = true;
    }
    DetectedObject {
        existence_probability: detection.score,
        classification: vec![ObjectClassification { label, probability: 1.0 }],
        kinematics,
        shape: Shape { kind: Shape::BOUNDING_BOX, dimensions: b.size_m.into(), ..Default::default() },
    }
}

fn detection_of(index: usize, object: &DetectedObject) -> Result<Detection, MsgError> {
    let fault = |field: &str, found: String, expected| MsgError::Value {
        type_name: DetectedObjects::TYPE_NAME,
        field: format!("objects[{index}].{field}"),
        found,
        expected,
    };
    if object.shape.kind != Shape::BOUNDING_BOX {
        return Err(fault("shape.type", object.shape.kind.to_string(), "BOUNDING_BOX (0)"));
    }
    let classes = object.classification.iter().copied();
    let Some(class) = classes.reduce(|best, other| if other.probability > best.probability { other } else { best })
    else {
        return Err(fault("classification", "empty".to_owned(), "at least one class"));
    };
    if usize::from(class.label) >= LABEL_NAMES.len() {
        return Err(fault("classification[].label", class.label.to_string(), "a label of 0 to 11"));
    }
    let pose = &object.kinematics.pose_with_covariance.pose;
    let place = format!("objects[{index}]");
    let box3d = box_of(DetectedObjects::TYPE_NAME, &place, pose, &object.shape.dimensions)?;
    let linear = object.kinematics.twist_with_covariance.twist.linear;
    let velocity_mps = object.kinematics.has_twist.then(|| turned([linear.x, linear.y], box3d.yaw_rad));
    let field = format!("{place}.existence_probability");
    let score = score_of(DetectedObjects::TYPE_NAME, field, f64::from(object.existence_probability))?;
    Ok(Detection { box3d, class_index: usize::from(class.label), score, velocity_mps })
}

fn turned([x, y]: [f64; 2], angle_rad: f64) -> [f64; 2] {
    let (sin, cos) = angle_rad.sin_cos();
    [x * cos - y * sin, x * sin + y * cos]
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::Box3d;
    use std::f64::consts::FRAC_PI_2;

    fn detections(class_name: &str) -> Detections {
        let box3d = Box3d { center_m: [5.0, 6.0, 0.2], size_m: [4.0, 2.0, 1.5], yaw_rad: FRAC_PI_2 };
        let boxes = vec![Detection { box3d, class_index: 0, score: 0.75, velocity_mps: Some([0.0, 3.0]) }];
        Detections { class_names: vec![class_name.to_owned()], boxes }
    }

    #[test]
    fn a_car_that_drives_left_drives_forward_in_its_own_axes() {
        let message = DetectedObjects::from_detections(&detections("Car"), &Header::default()).unwrap();
        let linear = message.objects[0].kinematics.twist_with_covariance.twist.linear;
        assert!((linear.x - 3.0).abs() < 1e-12 && linear.y.abs() < 1e-12);
        let back = DetectedObjects::decode(&message.encode()).unwrap().to_detections().unwrap();
        let velocity_mps = back.boxes[0].velocity_mps.unwrap();
        assert!(velocity_mps[0].abs() < 1e-12 && (velocity_mps[1] - 3.0).abs() < 1e-12);
        assert_eq!((back.class_name(&back.boxes[0]), back.boxes[0].score), (Some("car"), 0.75));
    }

    #[test]
    fn class_names_of_the_data_sets_have_autowares_numbers() {
        let labels = ["Car", "Cyclist", "Person_sitting", "construction_vehicle", "Tram", "OVER_DRIVABLE", "unheard"];
        assert_eq!(labels.map(ObjectClassification::label_of), [1, 6, 7, 2, 0, 10, 0]);
        for (label, name) in LABEL_NAMES.iter().enumerate().skip(1) {
            assert_eq!(usize::from(ObjectClassification::label_of(name)), label);
        }
    }

    #[test]
    fn objects_that_are_no_cuboids_are_refused() {
        let mut message = DetectedObjects::from_detections(&detections("Car"), &Header::default()).unwrap();
        message.objects[0].shape.kind = Shape::CYLINDER;
        assert!(message.to_detections().unwrap_err().to_string().contains("objects[0].shape.type"));
    }
}
