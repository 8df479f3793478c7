//! Truth objects to and from vision_msgs/Detection3DArray.
//!
//! Class, box and score 1 are where any tool looks for them. What this message has no field for is written into
//! `id` as `<instance> points=<n> occlusion=<0..3> truncation=<t> velocity=<vx>,<vy> image_box=<l>,<t>,<r>,<b>`,
//! numbers in their shortest exact form. On reading, a foreign id leaves occlusion and truncation unknown, points 0,
//! velocity 0 and the instance the place in the array, from 1.

use crate::std_msgs::Header;
use crate::vision_msgs::{Detection3D, Detection3DArray};
use crate::{Message, MsgError};
use percept_types::{ImageBox, Occlusion, TruthObject};

impl Detection3DArray {
    /// The objects of a frame, in their order.
    pub fn from_truth(objects: &[TruthObject], header: &Header) -> Self {
        let detection3d =
            |o: &TruthObject| Detection3D::new(header.clone(), &o.class_name, 1.0, &o.box3d, identity_of(o));
        Self { header: header.clone(), detections: objects.iter().map(detection3d).collect() }
    }

    /// The objects of a frame, in their order.
    ///
    /// # Errors
    /// Where an object has no hypothesis, numbers that are not finite, or an attribute in its id that cannot be read.
    pub fn to_truth(&self) -> Result<Vec<TruthObject>, MsgError> {
        self.detections.iter().enumerate().map(|(index, detection)| truth_object(detection, index)).collect()
    }
}

fn identity_of(object: &TruthObject) -> String {
    let [vx, vy] = object.velocity_mps;
    let mut id = format!(
        "{} points={} occlusion={} truncation={} velocity={vx},{vy}",
        object.instance_id, object.num_points, object.occlusion as u8, object.truncation
    );
    if let Some(b) = &object.image_box {
        id.push_str(&format!(" image_box={},{},{},{}", b.left, b.top, b.right, b.bottom));
    }
    id
}

fn truth_object(detection: &Detection3D, index: usize) -> Result<TruthObject, MsgError> {
    let mut object = TruthObject {
        class_name: detection.hypothesis_at(index)?.class_id.clone(),
        box3d: detection.box_at(index)?,
        velocity_mps: [0.0; 2],
        instance_id: u32::try_from(index + 1).unwrap_or(u32::MAX),
        num_points: 0,
        occlusion: Occlusion::Unknown,
        truncation: -1.0,
        image_box: None,
    };
    let mut words = detection.id.split_whitespace();
    if let Some(instance_id) = words.next().and_then(|word| word.parse().ok()) {
        object.instance_id = instance_id;
    }
    for word in words {
        let Some((key, value)) = word.split_once('=') else { continue };
        set_attribute(&mut object, key, value).ok_or_else(|| MsgError::Value {
            type_name: Detection3DArray::TYPE_NAME,
            field: format!("detections[{index}].id"),
            found: format!("{word:?}"),
            expected: "points=, occlusion=, truncation=, velocity= or image_box= with their numbers",
        })?;
    }
    Ok(object)
}

/// `None` where the value of a known key cannot be read; unknown keys are left to whoever wrote them.
fn set_attribute(object: &mut TruthObject, key: &str, value: &str) -> Option<()> {
    match key {
        "points" => object.num_points = value.parse().ok()?,
        "occlusion" => {
            object.occlusion = match value {
                "0" => Occlusion::Visible,
                "1" => Occlusion::Partly,
                "2" => Occlusion::Largely,
                "3" => Occlusion::Unknown,
                _ => return None,
            }
        }
        "truncation" => object.truncation = numbers(value).map(|[t]| t)?,
        "velocity" => object.velocity_mps = numbers(value)?,
        "image_box" => {
            let [left, top, right, bottom] = numbers(value)?;
            object.image_box = Some(ImageBox { left, top, right, bottom });
        }
        _ => {}
    }
    Some(())
}

fn numbers<const N: usize>(text: &str) -> Option<[f64; N]> {
    let parsed = text.split(',').map(|part| part.parse().ok().filter(|v: &f64| v.is_finite()));
    parsed.collect::<Option<Vec<f64>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::{Box3d, Stamp};

    fn object() -> TruthObject {
        TruthObject {
            class_name: "Cyclist".into(),
            box3d: Box3d { center_m: [12.3, -4.5, -0.7], size_m: [1.8, 0.6, 1.75], yaw_rad: 1.25 },
            velocity_mps: [3.1, -0.1],
            instance_id: 42,
            num_points: 131,
            occlusion: Occlusion::Partly,
            truncation: 0.1 + 0.2,
            image_box: Some(ImageBox { left: 1.5, top: 2.25, right: 99.125, bottom: 374.0 }),
        }
    }

    #[test]
    fn everything_true_of_an_object_survives_the_message() {
        let hidden = TruthObject { image_box: None, occlusion: Occlusion::Unknown, truncation: -1.0, ..object() };
        let sent = vec![object(), hidden];
        let message = Detection3DArray::from_truth(&sent, &Header::new(Stamp::from_ns(1), "lidar"));
        let back = Detection3DArray::decode(&message.encode()).unwrap().to_truth().unwrap();
        for (a, b) in back.iter().zip(&sent) {
            assert!((a.box3d.yaw_rad - b.box3d.yaw_rad).abs() < 1e-12);
            assert_eq!(&TruthObject { box3d: b.box3d, ..a.clone() }, b);
        }
        assert_eq!(back[0].difficulty(), sent[0].difficulty());
    }

    #[test]
    fn a_foreign_id_leaves_unknown_what_it_does_not_tell() {
        let mut message = Detection3DArray::from_truth(&[object()], &Header::default());
        message.detections[0].id = "car-left-lane".into();
        let back = message.to_truth().unwrap();
        assert_eq!((back[0].instance_id, back[0].occlusion, back[0].truncation), (1, Occlusion::Unknown, -1.0));
        message.detections[0].id = "7 points=many".into();
        assert!(message.to_truth().unwrap_err().to_string().contains("points=many"));
    }
}
