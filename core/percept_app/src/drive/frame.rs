//! One sweep with whatever is known about it.

use percept_types::{Camera, PointCloud, PointLabels, Stamp, Transform, TruthObject};

/// One frame; parts that are unknown are `None` and leave no message.
#[derive(Clone, Debug)]
pub struct DriveFrame {
    /// When the sweep began; also the log time.
    pub stamp: Stamp,
    /// The sweep in the LiDAR's frame; columns `ring` and `time` are kept where it has them.
    pub cloud: PointCloud,
    /// The camera that KITTI's truth refers to.
    pub camera: Option<Camera>,
    /// A file's bytes of its image, PNG.
    pub image_png: Option<Vec<u8>>,
    /// Where the vehicle is.
    pub t_odom_base: Option<Transform>,
    /// Forward speed in metres a second and yaw rate in radians a second.
    pub speed_mps_yaw_rate_radps: Option<[f64; 2]>,
    /// The true boxes in the LiDAR's frame.
    pub objects: Option<Vec<TruthObject>>,
    /// A class and an instance a point.
    pub labels: Option<PointLabels>,
    /// The frame's text of KITTI's label file, DontCare included.
    pub kitti_text: Option<String>,
}
