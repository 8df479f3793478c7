//! One sweep with whatever is known about it.

use percept_types::{Camera, ImageBox, PointCloud, PointLabels, Stamp, Transform, TruthObject};

/// One frame; parts that are unknown are `None` or empty and leave no message.
#[derive(Clone, Debug)]
pub struct DriveFrame {
    /// The stamp of the sweep; also the log time.
    pub stamp: Stamp,
    /// The sweep in the LiDAR's frame; columns `ring` and `time` are kept where it has them.
    pub cloud: PointCloud,
    /// The camera that KITTI's truth refers to.
    pub camera: Option<Camera>,
    /// A file's bytes of its image, PNG.
    pub image_png: Option<Vec<u8>>,
    /// Further cameras, each on topics of its own.
    pub cameras: Vec<DriveCamera>,
    /// Where the vehicle is.
    pub t_odom_base: Option<Transform>,
    /// Where it is at other moments of the frame (those of its cameras), for TF.
    pub further_poses: Vec<(Stamp, Transform)>,
    /// Forward speed in metres a second and yaw rate in radians a second.
    pub speed_mps_yaw_rate_radps: Option<[f64; 2]>,
    /// The true boxes in the LiDAR's frame.
    pub objects: Option<Vec<TruthObject>>,
    /// What else is known of each of the objects, in their order; empty where there is nothing.
    pub object_details: Vec<ObjectDetails>,
    /// A class and an instance a point.
    pub labels: Option<PointLabels>,
    /// The frame's text of KITTI's label file, DontCare included.
    pub kitti_text: Option<String>,
    /// The frame's text of KITTI's calibration file.
    pub kitti_calib: Option<String>,
}

impl DriveFrame {
    /// A sweep of which nothing else is known.
    pub fn of_cloud(stamp: Stamp, cloud: PointCloud) -> Self {
        Self {
            stamp,
            cloud,
            camera: None,
            image_png: None,
            cameras: Vec::new(),
            t_odom_base: None,
            further_poses: Vec::new(),
            speed_mps_yaw_rate_radps: None,
            objects: None,
            object_details: Vec::new(),
            labels: None,
            kitti_text: None,
            kitti_calib: None,
        }
    }
}

/// One of several cameras: calibration on `/camera/<name>/camera_info`, images on `/camera/<name>/image/compressed`,
/// frame `<name>_optical_frame`.
#[derive(Clone, Debug)]
pub struct DriveCamera {
    /// Its name: lower-case letters, digits and underscores.
    pub name: String,
    /// When it looked.
    pub stamp: Stamp,
    /// The calibration, of the rectified image.
    pub camera: Camera,
    /// k1, k2, p1, p2, k3 of the image as it is; `None` where it is rectified.
    pub distortion: Option<[f64; 5]>,
    /// The image.
    pub image: Option<EncodedImage>,
    /// What is true of the image, where that is known.
    pub truth: Option<CameraTruth>,
}

/// What is true of an image: `/camera/<name>/depth/compressed`, `/truth/camera/<name>/...`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CameraTruth {
    /// Distance along the optical axis in millimetres, 16 bits; 0 where it is unknown.
    pub depth: Option<EncodedImage>,
    /// SemanticKITTI's raw class numbers, 8 bits.
    pub classes: Option<EncodedImage>,
    /// Instances as in the labelled cloud, 16 bits.
    pub instances: Option<EncodedImage>,
    /// The objects whose boxes reach into the image.
    pub objects: Vec<CameraObject>,
}

/// An object in an image.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraObject {
    /// Class by KITTI's names.
    pub class_name: String,
    /// Its number, as in the labelled cloud.
    pub instance_id: u16,
    /// Hull of its box in the image, clipped.
    pub image_box: ImageBox,
    /// Share of the hull outside of the image.
    pub truncation: f64,
    /// Share of its outline within the image that nothing hides.
    pub visible_share: f64,
}

/// An image as a file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedImage {
    /// What CompressedImage calls it: holds `jpeg` or `png`.
    pub format: &'static str,
    /// The bytes of the file.
    pub data: Vec<u8>,
}

/// What a data set tells of an object and a box has no field for: keys without blanks and `=`, values without blanks.
/// They stand behind the attributes in the detection's `id` as `key=value`.
pub type ObjectDetails = Vec<(&'static str, String)>;
