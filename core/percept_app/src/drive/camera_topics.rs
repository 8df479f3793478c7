//! The topics of one of several cameras.

use super::DriveCamera;
use crate::output_bag::{OutputBag, OutputTopic};
use crate::{AppError, topics};
use percept_bag::QosProfile;
use percept_msgs::sensor_msgs::{CameraInfo, CompressedImage};
use percept_msgs::std_msgs::Header;

/// Calibration and images of a camera.
pub(super) struct CameraTopics {
    info: OutputTopic<CameraInfo>,
    image: OutputTopic<CompressedImage>,
}

impl CameraTopics {
    pub(super) fn of(name: &str) -> Self {
        Self {
            info: OutputTopic::when_used(&topics::camera_info_of(name), QosProfile::RELIABLE),
            image: OutputTopic::when_used(&topics::camera_image_of(name), QosProfile::RELIABLE),
        }
    }

    /// Calibration and, where there is one, the image, both at the moment the camera looked.
    pub(super) fn write(&self, bag: &mut OutputBag, camera: &DriveCamera) -> Result<(), AppError> {
        let at = camera.stamp.nanoseconds;
        let header = Header::new(camera.stamp, topics::camera_frame_of(&camera.name));
        let mut info = CameraInfo::from_camera(&camera.camera, header.clone());
        if let Some(distortion) = camera.distortion {
            info.d = distortion.to_vec();
        }
        bag.write(&self.info, at, &info)?;
        match &camera.image {
            Some(image) => {
                let message = CompressedImage { header, format: image.format.to_owned(), data: image.data.clone() };
                bag.write(&self.image, at, &message)
            }
            None => Ok(()),
        }
    }
}
