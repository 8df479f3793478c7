//! The topics of one of several cameras.

use super::{DriveCamera, EncodedImage};
use crate::output_bag::{OutputBag, OutputTopic};
use crate::{AppError, topics};
use percept_bag::QosProfile;
use percept_msgs::sensor_msgs::{CameraInfo, CompressedImage};
use percept_msgs::std_msgs::Header;
use percept_msgs::vision_msgs::{Detection2D, Detection2DArray};

/// Calibration and images of a camera, and what is true of them.
pub(super) struct CameraTopics {
    info: OutputTopic<CameraInfo>,
    image: OutputTopic<CompressedImage>,
    depth: OutputTopic<CompressedImage>,
    classes: OutputTopic<CompressedImage>,
    instances: OutputTopic<CompressedImage>,
    objects: OutputTopic<Detection2DArray>,
}

impl CameraTopics {
    pub(super) fn of(name: &str) -> Self {
        let image = |topic: String| OutputTopic::when_used(&topic, QosProfile::RELIABLE);
        Self {
            info: OutputTopic::when_used(&topics::camera_info_of(name), QosProfile::RELIABLE),
            image: image(topics::camera_image_of(name)),
            depth: image(topics::camera_depth_of(name)),
            classes: image(topics::camera_classes_of(name)),
            instances: image(topics::camera_instances_of(name)),
            objects: OutputTopic::when_used(&topics::camera_objects_of(name), QosProfile::RELIABLE),
        }
    }

    /// Calibration and, where there are some, images and truth, all at the moment the camera looked.
    pub(super) fn write(&self, bag: &mut OutputBag, camera: &DriveCamera) -> Result<(), AppError> {
        let at = camera.stamp.nanoseconds;
        let header = Header::new(camera.stamp, topics::camera_frame_of(&camera.name));
        let mut info = CameraInfo::from_camera(&camera.camera, header.clone());
        if let Some(distortion) = camera.distortion {
            info.d = distortion.to_vec();
        }
        bag.write(&self.info, at, &info)?;
        let truth = camera.truth.as_ref();
        let images = [
            (&self.image, camera.image.as_ref()),
            (&self.depth, truth.and_then(|truth| truth.depth.as_ref())),
            (&self.classes, truth.and_then(|truth| truth.classes.as_ref())),
            (&self.instances, truth.and_then(|truth| truth.instances.as_ref())),
        ];
        for (topic, image) in images {
            if let Some(EncodedImage { format, data }) = image {
                let (format, data) = ((*format).to_owned(), data.clone());
                bag.write(topic, at, &CompressedImage { header: header.clone(), format, data })?;
            }
        }
        let Some(truth) = truth else { return Ok(()) };
        let detection = |object: &super::CameraObject| {
            let id =
                format!("{} visible={} truncation={}", object.instance_id, object.visible_share, object.truncation);
            Detection2D::new(header.clone(), &object.class_name, 1.0, &object.image_box, id)
        };
        let detections = truth.objects.iter().map(detection).collect();
        bag.write(&self.objects, at, &Detection2DArray { header: header.clone(), detections })
    }
}
