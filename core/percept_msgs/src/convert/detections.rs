//! `Detections` to and from vision_msgs/Detection3DArray.
//!
//! A detection's class is its name; its velocity has no place in this message and is left out.

use super::finite::{box_of, pose_of, score_of};
use crate::geometry_msgs::PoseWithCovariance;
use crate::std_msgs::Header;
use crate::vision_msgs::{
    BoundingBox2D, BoundingBox3D, Detection2D, Detection3D, Detection3DArray, ObjectHypothesis,
    ObjectHypothesisWithPose, Point2D, Pose2D,
};
use crate::{Message, MsgError};
use percept_types::{Box3d, Detection, Detections, ImageBox};

impl Detection3D {
    /// A box of one class.
    pub fn new(header: Header, class_id: &str, score: f64, b: &Box3d, id: String) -> Self {
        let pose = pose_of(b);
        let hypothesis = ObjectHypothesis { class_id: class_id.to_owned(), score };
        let result = ObjectHypothesisWithPose { hypothesis, pose: PoseWithCovariance { pose, covariance: [0.0; 36] } };
        Self { header, results: vec![result], bbox: BoundingBox3D { center: pose, size: b.size_m.into() }, id }
    }

    /// The hypothesis of the highest score, the first of several as high; NaN is never the highest.
    pub fn best_hypothesis(&self) -> Option<&ObjectHypothesis> {
        let hypotheses = self.results.iter().map(|result| &result.hypothesis);
        hypotheses.reduce(|best, other| if other.score > best.score || best.score.is_nan() { other } else { best })
    }
}

impl Detection2D {
    /// A rectangle in an image, of one class; pixels as in [`ImageBox`].
    pub fn new(header: Header, class_id: &str, score: f64, b: &ImageBox, id: String) -> Self {
        let hypothesis = ObjectHypothesis { class_id: class_id.to_owned(), score };
        let result = ObjectHypothesisWithPose { hypothesis, pose: PoseWithCovariance::default() };
        let position = Point2D { x: (b.left + b.right) / 2.0, y: (b.top + b.bottom) / 2.0 };
        let center = Pose2D { position, theta: 0.0 };
        let bbox = BoundingBox2D { center, size_x: b.right - b.left, size_y: b.bottom - b.top };
        Self { header, results: vec![result], bbox, id }
    }
}

impl Detection3DArray {
    /// The boxes of a frame, in their order.
    ///
    /// # Errors
    /// [`MsgError::Value`] for a class index beyond the names.
    pub fn from_detections(detections: &Detections, header: &Header) -> Result<Self, MsgError> {
        let detection3d = |(index, detection): (usize, &Detection)| {
            let class_name = class_name_of(Self::TYPE_NAME, detections, index, detection)?;
            let score = f64::from(detection.score);
            Ok(Detection3D::new(header.clone(), class_name, score, &detection.box3d, String::new()))
        };
        let boxes = detections.boxes.iter().enumerate().map(detection3d).collect::<Result<_, MsgError>>()?;
        Ok(Self { header: header.clone(), detections: boxes })
    }

    /// The boxes with the class names as they first occur, best score first; of several hypotheses the best.
    ///
    /// # Errors
    /// Where a box has no hypothesis, a score outside 0 to 1, or numbers that are not finite.
    pub fn to_detections(&self) -> Result<Detections, MsgError> {
        let mut class_names: Vec<String> = Vec::new();
        self.collect_detections(|found| {
            let known = class_names.iter().position(|name| name == found);
            Ok(known.unwrap_or_else(|| {
                class_names.push(found.to_owned());
                class_names.len() - 1
            }))
        })
        .map(|boxes| Detections { class_names, boxes })
    }

    /// The boxes with class indices into the given names, best score first.
    ///
    /// # Errors
    /// As [`to_detections`](Self::to_detections), and [`MsgError::UnknownClass`] for a class that is not given.
    pub fn to_detections_of(&self, class_names: &[String]) -> Result<Detections, MsgError> {
        let unknown = |found: &str| MsgError::UnknownClass {
            type_name: Self::TYPE_NAME,
            field: "detections[].results[].hypothesis.class_id".to_owned(),
            found: found.to_owned(),
            known: class_names.to_vec(),
        };
        let index_of = |found: &str| class_names.iter().position(|name| name == found).ok_or_else(|| unknown(found));
        let boxes = self.collect_detections(index_of)?;
        Ok(Detections { class_names: class_names.to_vec(), boxes })
    }

    fn collect_detections(
        &self,
        mut class_index_of: impl FnMut(&str) -> Result<usize, MsgError>,
    ) -> Result<Vec<Detection>, MsgError> {
        let mut boxes = Vec::with_capacity(self.detections.len());
        for (index, detection) in self.detections.iter().enumerate() {
            let hypothesis = detection.hypothesis_at(index)?;
            let score = score_of(Self::TYPE_NAME, format!("detections[{index}].results[].score"), hypothesis.score)?;
            let class_index = class_index_of(&hypothesis.class_id)?;
            boxes.push(Detection { box3d: detection.box_at(index)?, class_index, score, velocity_mps: None });
        }
        boxes.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(boxes)
    }
}

impl Detection3D {
    pub(super) fn hypothesis_at(&self, index: usize) -> Result<&ObjectHypothesis, MsgError> {
        self.best_hypothesis().ok_or_else(|| MsgError::Value {
            type_name: Detection3DArray::TYPE_NAME,
            field: format!("detections[{index}].results"),
            found: "empty".to_owned(),
            expected: "at least one hypothesis",
        })
    }

    pub(super) fn box_at(&self, index: usize) -> Result<Box3d, MsgError> {
        let field = format!("detections[{index}].bbox");
        box_of(Detection3DArray::TYPE_NAME, &field, &self.bbox.center, &self.bbox.size)
    }
}

pub(super) fn class_name_of<'a>(
    type_name: &'static str,
    detections: &'a Detections,
    index: usize,
    detection: &Detection,
) -> Result<&'a str, MsgError> {
    detections.class_names.get(detection.class_index).map(String::as_str).ok_or_else(|| MsgError::Value {
        type_name,
        field: format!("boxes[{index}].class_index"),
        found: format!("{} of {} class names", detection.class_index, detections.class_names.len()),
        expected: "an index into the class names",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::Stamp;

    fn detections() -> Detections {
        let detection = |x: f64, class_index, score| Detection {
            box3d: Box3d { center_m: [x, -2.0, 0.5], size_m: [4.2, 1.8, 1.5], yaw_rad: -2.5 },
            class_index,
            score,
            velocity_mps: None,
        };
        Detections {
            class_names: vec!["Car".into(), "Pedestrian".into()],
            boxes: vec![detection(10.0, 0, 0.9), detection(20.0, 1, 0.4), detection(30.0, 0, 0.1)],
        }
    }

    fn header() -> Header {
        Header::new(Stamp::from_ns(1_500_000_000), "velodyne")
    }

    #[test]
    fn boxes_survive_the_message() {
        let sent = detections();
        let message = Detection3DArray::from_detections(&sent, &header()).unwrap();
        let received = Detection3DArray::decode(&message.encode()).unwrap();
        let back = received.to_detections_of(&sent.class_names).unwrap();
        assert_eq!(back.class_names, sent.class_names);
        for (a, b) in back.boxes.iter().zip(&sent.boxes) {
            assert_eq!(
                (a.class_index, a.score, a.box3d.center_m, a.box3d.size_m),
                (b.class_index, b.score, b.box3d.center_m, b.box3d.size_m)
            );
            assert!((a.box3d.yaw_rad - b.box3d.yaw_rad).abs() < 1e-12);
        }
        assert_eq!(received.detections[0].header, header());
    }

    #[test]
    fn of_several_hypotheses_the_best_is_taken_and_boxes_are_sorted() {
        let mut message = Detection3DArray::from_detections(&detections(), &header()).unwrap();
        let mut other = message.detections[2].results[0].clone();
        other.hypothesis = ObjectHypothesis { class_id: "Tram".into(), score: 0.95 };
        message.detections[2].results.push(other);
        let back = message.to_detections().unwrap();
        assert_eq!(back.class_names, ["Car", "Pedestrian", "Tram"]);
        assert_eq!((back.boxes[0].class_index, back.boxes[0].score), (2, 0.95));
        let known = detections().class_names;
        assert!(
            matches!(message.to_detections_of(&known), Err(MsgError::UnknownClass { found, .. }) if found == "Tram")
        );
    }

    #[test]
    fn faulty_boxes_are_refused_with_their_place() {
        let base = Detection3DArray::from_detections(&detections(), &header()).unwrap();
        let fault = |change: &dyn Fn(&mut Detection3D)| {
            let mut message = base.clone();
            change(&mut message.detections[1]);
            message.to_detections().unwrap_err().to_string()
        };
        assert!(fault(&|d| d.results.clear()).contains("detections[1].results"));
        assert!(fault(&|d| d.bbox.size.x = 0.0).contains("detections[1].bbox"));
        assert!(fault(&|d| d.bbox.center.orientation = [0.0; 4].into()).contains("quaternion"));
        assert!(fault(&|d| d.results[0].hypothesis.score = f64::NAN).contains("NaN"));
        let mut nameless = detections();
        nameless.boxes[0].class_index = 7;
        assert!(Detection3DArray::from_detections(&nameless, &header()).is_err());
    }
}
