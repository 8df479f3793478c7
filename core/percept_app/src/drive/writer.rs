//! The topics of a drive and one frame's messages on them.

use super::camera_topics::CameraTopics;
use super::resume::PROVENANCE;
use super::{DriveCamera, DriveFrame};
use crate::output_bag::{OutputBag, OutputTopic};
use crate::{AppError, topics};
use percept_bag::{QosProfile, RawMessage, TopicInfo};
use percept_msgs::DriverLayout;
use percept_msgs::geometry_msgs::{Pose, PoseWithCovariance, TransformStamped, Twist, TwistWithCovariance, Vector3};
use percept_msgs::nav_msgs::Odometry;
use percept_msgs::sensor_msgs::{CameraInfo, CompressedImage, PointCloud2};
use percept_msgs::std_msgs::{Header, String as StringMsg};
use percept_msgs::tf2_msgs::TFMessage;
use percept_msgs::vision_msgs::Detection3DArray;
use percept_types::{Camera, Stamp, Transform};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

/// What does not change over a drive.
#[derive(Clone, Debug, PartialEq)]
pub struct DriveOptions {
    /// Where the LiDAR sits on the vehicle.
    pub t_base_lidar: Transform,
    /// Where odometry starts on the data set's map, where it tells one.
    pub t_map_odom: Option<Transform>,
    /// Whether the camera that KITTI's truth refers to sits fast on the LiDAR: one static transform, else one with each frame.
    pub fixed_camera: bool,
    /// Whether the labelled cloud is written where labels are known.
    pub labelled_points: bool,
    /// Where the drive comes from, for the bag's metadata.
    pub provenance: BTreeMap<String, String>,
}

/// Writes a drive.
pub struct DriveWriter {
    bag: OutputBag,
    options: DriveOptions,
    layout: DriverLayout,
    is_first: bool,
    points: OutputTopic<PointCloud2>,
    tf_static: OutputTopic<TFMessage>,
    tf: OutputTopic<TFMessage>,
    odometry: OutputTopic<Odometry>,
    camera_info: OutputTopic<CameraInfo>,
    image: OutputTopic<CompressedImage>,
    cameras: BTreeMap<String, CameraTopics>,
    truth_objects: OutputTopic<Detection3DArray>,
    truth_points: OutputTopic<PointCloud2>,
    truth_kitti: OutputTopic<StringMsg>,
    truth_kitti_calib: OutputTopic<StringMsg>,
}

impl DriveWriter {
    /// A new bag in a folder that does not exist or is empty.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(out: &Path, options: DriveOptions) -> Result<Self, AppError> {
        let mut bag = OutputBag::create(out)?;
        bag.note(PROVENANCE, &options.provenance)?;
        Ok(Self {
            points: bag.topic(topics::POINTS, QosProfile::SENSOR_DATA)?,
            tf_static: OutputTopic::when_used(topics::TF_STATIC, QosProfile::LATCHED),
            tf: OutputTopic::when_used(topics::TF, QosProfile::RELIABLE),
            odometry: OutputTopic::when_used(topics::ODOMETRY, QosProfile::RELIABLE),
            camera_info: OutputTopic::when_used(topics::CAMERA_INFO, QosProfile::RELIABLE),
            image: OutputTopic::when_used(topics::CAMERA_IMAGE, QosProfile::RELIABLE),
            cameras: BTreeMap::new(),
            truth_objects: OutputTopic::when_used(topics::TRUTH_OBJECTS, QosProfile::RELIABLE),
            truth_points: OutputTopic::when_used(topics::TRUTH_POINTS, QosProfile::RELIABLE),
            truth_kitti: OutputTopic::when_used(topics::TRUTH_KITTI, QosProfile::RELIABLE),
            truth_kitti_calib: OutputTopic::when_used(topics::TRUTH_KITTI_CALIB, QosProfile::RELIABLE),
            bag,
            options,
            layout: DriverLayout::default(),
            is_first: true,
        })
    }

    /// The same with clouds in the layout of another driver than Velodyne's.
    pub fn in_layout(self, layout: DriverLayout) -> Self {
        Self { layout, ..self }
    }

    /// Tells where the vehicle is at a moment without a frame, such as the end of the last sweep.
    ///
    /// # Errors
    /// When the message cannot be written.
    pub fn write_pose(&mut self, stamp: Stamp, t_odom_base: Transform) -> Result<(), AppError> {
        let transforms = vec![base_transform(stamp, t_odom_base)];
        self.bag.write(&self.tf, stamp.nanoseconds, &TFMessage { transforms })
    }

    /// Writes a message of an unfinished drive as it is; transforms that do not change are then written already.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn copy(&mut self, topic: &TopicInfo, message: &RawMessage) -> Result<(), AppError> {
        self.is_first = false;
        self.bag.copy(topic, message)
    }

    /// Takes the mounting of these cameras for written.
    pub fn cameras_are_mounted<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        self.cameras.extend(names.into_iter().map(|name| (name.to_owned(), CameraTopics::of(name))));
    }

    /// Writes what the frame has: transforms and calibration first, then the sweep, then truth, then cameras that looked
    /// while the sweep went on: in the order of their stamps where these are not before the frame's.
    ///
    /// # Errors
    /// When a message cannot be written; what was written before is readable.
    pub fn write(&mut self, frame: &DriveFrame) -> Result<(), AppError> {
        self.transforms(frame)?;
        self.sensors(frame)?;
        self.truth(frame)?;
        self.camera_images(frame)
    }

    /// Completes the bag.
    ///
    /// # Errors
    /// When its index cannot be written.
    pub fn finish(self) -> Result<(), AppError> {
        self.bag.finish()
    }

    fn transforms(&mut self, frame: &DriveFrame) -> Result<(), AppError> {
        let at = frame.stamp.nanoseconds;
        let camera = frame.camera.as_ref().map(|camera| camera_transform(frame.stamp, topics::FRAME_CAMERA, camera));
        let mut fixed = Vec::new();
        if std::mem::take(&mut self.is_first) {
            fixed.extend(self.mounting(frame.stamp));
            fixed.extend(camera.clone().filter(|_| self.options.fixed_camera));
        }
        for camera in &frame.cameras {
            if let Entry::Vacant(unknown) = self.cameras.entry(camera.name.clone()) {
                unknown.insert(CameraTopics::of(&camera.name));
                fixed.push(camera_transform(frame.stamp, &topics::camera_frame_of(&camera.name), &camera.camera));
            }
        }
        if !fixed.is_empty() {
            self.bag.write(&self.tf_static, at, &TFMessage { transforms: fixed })?;
        }
        let mut moving: Vec<TransformStamped> = camera.filter(|_| !self.options.fixed_camera).into_iter().collect();
        moving.extend(frame.further_poses.iter().map(|(stamp, t_odom_base)| base_transform(*stamp, *t_odom_base)));
        if let Some(t_odom_base) = frame.t_odom_base {
            moving.push(base_transform(frame.stamp, t_odom_base));
            self.bag.write(&self.odometry, at, &odometry(frame, t_odom_base))?;
        }
        moving.sort_by_key(|transform| Stamp::from(transform.header.stamp));
        if !moving.is_empty() {
            self.bag.write(&self.tf, at, &TFMessage { transforms: moving })?;
        }
        Ok(())
    }

    /// What sits where, whatever the frame.
    fn mounting(&self, stamp: Stamp) -> impl Iterator<Item = TransformStamped> + use<> {
        let of_map = |t| TransformStamped::new(stamp, topics::FRAME_MAP, topics::FRAME_ODOM, t);
        let map = self.options.t_map_odom.map(of_map);
        let t_base_lidar = self.options.t_base_lidar;
        let lidar = TransformStamped::new(stamp, topics::FRAME_BASE, topics::FRAME_LIDAR, t_base_lidar);
        map.into_iter().chain([lidar])
    }

    fn sensors(&mut self, frame: &DriveFrame) -> Result<(), AppError> {
        let at = frame.stamp.nanoseconds;
        let optical = Header::new(frame.stamp, topics::FRAME_CAMERA);
        if let Some(camera) = &frame.camera {
            self.bag.write(&self.camera_info, at, &CameraInfo::from_camera(camera, optical.clone()))?;
        }
        if let Some(png) = &frame.image_png {
            let image = CompressedImage { header: optical, format: "png".to_owned(), data: png.clone() };
            self.bag.write(&self.image, at, &image)?;
        }
        let header = Header::new(frame.stamp, topics::FRAME_LIDAR);
        let cloud = PointCloud2::from_sweep(&frame.cloud, self.layout, header);
        self.bag.write(&self.points, at, &cloud.map_err(AppError::encode(topics::POINTS))?)
    }

    fn camera_images(&mut self, frame: &DriveFrame) -> Result<(), AppError> {
        let mut cameras: Vec<&DriveCamera> = frame.cameras.iter().collect();
        cameras.sort_by_key(|camera| camera.stamp);
        for camera in cameras {
            if let Some(topics) = self.cameras.get(&camera.name) {
                topics.write(&mut self.bag, camera)?;
            }
        }
        Ok(())
    }

    fn truth(&mut self, frame: &DriveFrame) -> Result<(), AppError> {
        let at = frame.stamp.nanoseconds;
        let header = Header::new(frame.stamp, topics::FRAME_LIDAR);
        if let Some(objects) = &frame.objects {
            let mut array = Detection3DArray::from_truth(objects, &header);
            for (detection, details) in array.detections.iter_mut().zip(&frame.object_details) {
                detection.id.extend(details.iter().map(|(key, value)| format!(" {key}={value}")));
            }
            self.bag.write(&self.truth_objects, at, &array)?;
        }
        if let Some(labels) = frame.labels.as_ref().filter(|_| self.options.labelled_points) {
            let cloud = PointCloud2::from_labelled_cloud(&frame.cloud, labels, percept_viz::rgb_of_label, header);
            let cloud = match self.layout {
                DriverLayout::Ouster { rows } => cloud.and_then(|cloud| cloud.organised(rows)),
                DriverLayout::Velodyne | DriverLayout::Hesai => cloud,
            };
            self.bag.write(&self.truth_points, at, &cloud.map_err(AppError::encode(topics::TRUTH_POINTS))?)?;
        }
        for (text, topic) in [(&frame.kitti_text, &self.truth_kitti), (&frame.kitti_calib, &self.truth_kitti_calib)] {
            if let Some(text) = text {
                self.bag.write(topic, at, &StringMsg { data: text.clone() })?;
            }
        }
        Ok(())
    }
}

/// TF tells where the child is in its parent: the camera in the LiDAR's frame.
fn camera_transform(stamp: Stamp, frame: &str, camera: &Camera) -> TransformStamped {
    TransformStamped::new(stamp, topics::FRAME_LIDAR, frame, camera.t_camera_lidar.inverse())
}

fn base_transform(stamp: Stamp, t_odom_base: Transform) -> TransformStamped {
    TransformStamped::new(stamp, topics::FRAME_ODOM, topics::FRAME_BASE, t_odom_base)
}

/// Variance of a speed that nobody told: whoever weighs by it gives it no weight.
const UNKNOWN_VARIANCE: f64 = 1e6;

fn odometry(frame: &DriveFrame, t_odom_base: Transform) -> Odometry {
    let [speed_mps, yaw_rate_radps] = frame.speed_mps_yaw_rate_radps.unwrap_or_default();
    let pose = Pose { position: t_odom_base.translation_m().into(), orientation: t_odom_base.quaternion_xyzw().into() };
    let twist =
        Twist { linear: Vector3::from([speed_mps, 0.0, 0.0]), angular: Vector3::from([0.0, 0.0, yaw_rate_radps]) };
    let mut twist = TwistWithCovariance { twist, ..TwistWithCovariance::default() };
    if frame.speed_mps_yaw_rate_radps.is_none() {
        // The diagonal of 6 x 6.
        twist.covariance.iter_mut().step_by(7).for_each(|variance| *variance = UNKNOWN_VARIANCE);
    }
    Odometry {
        header: Header::new(frame.stamp, topics::FRAME_ODOM),
        child_frame_id: topics::FRAME_BASE.to_owned(),
        pose: PoseWithCovariance { pose, ..PoseWithCovariance::default() },
        twist,
    }
}
