//! Names of the topics and frames that Percept writes, and the choice of the cloud to read.

use crate::AppError;
use percept_bag::TopicInfo;
use std::path::Path;

/// Type of the clouds that are read.
pub const POINT_CLOUD_TYPE: &str = "sensor_msgs/msg/PointCloud2";

/// Point clouds of the one LiDAR of simulated and converted bags.
pub const POINTS: &str = "/sensing/lidar/points";
/// Calibration of the camera that KITTI's truth refers to.
pub const CAMERA_INFO: &str = "/camera/camera_info";
/// Images of that camera.
pub const CAMERA_IMAGE: &str = "/camera/image/compressed";
/// Odometry of the vehicle.
pub const ODOMETRY: &str = "/odom";
/// Transforms that change.
pub const TF: &str = "/tf";
/// Transforms that do not.
pub const TF_STATIC: &str = "/tf_static";

/// True boxes.
pub const TRUTH_OBJECTS: &str = "/truth/objects";
/// The cloud with a class and an instance a point.
pub const TRUTH_POINTS: &str = "/truth/labelled_points";
/// KITTI's label text of the frame.
pub const TRUTH_KITTI: &str = "/truth/kitti_labels";
/// KITTI's calibration text of the frame: camera topics hold P2 and rectified axes alone.
pub const TRUTH_KITTI_CALIB: &str = "/truth/kitti_calib";

/// Detected boxes.
pub const OBJECTS: &str = "/perception/objects";
/// Boxes to look at.
pub const MARKERS: &str = "/perception/markers";
/// What the class numbers mean.
pub const LABEL_INFO: &str = "/perception/label_info";
/// Time of each frame.
pub const PROCESSING_TIME: &str = "/perception/debug/processing_time_ms";
/// How it is going.
pub const DIAGNOSTICS: &str = "/diagnostics";

/// The vehicle: on the ground below the rear axle, x forward.
pub const FRAME_BASE: &str = "base_link";
/// The LiDAR.
pub const FRAME_LIDAR: &str = "lidar";
/// The camera, z forward.
pub const FRAME_CAMERA: &str = "camera_optical_frame";
/// Where odometry starts.
pub const FRAME_ODOM: &str = "odom";
/// The frame in which a data set tells its poses, where that is not where odometry starts.
pub const FRAME_MAP: &str = "map";

/// Calibration of one of several cameras.
pub fn camera_info_of(camera: &str) -> String {
    format!("/camera/{camera}/camera_info")
}

/// Images of one of several cameras.
pub fn camera_image_of(camera: &str) -> String {
    format!("/camera/{camera}/image/compressed")
}

/// Depth images of one of several simulated cameras.
pub fn camera_depth_of(camera: &str) -> String {
    format!("/camera/{camera}/depth/compressed")
}

/// True classes of the pixels of one of several simulated cameras.
pub fn camera_classes_of(camera: &str) -> String {
    format!("/truth/camera/{camera}/classes/compressed")
}

/// True instances of the pixels of one of several simulated cameras.
pub fn camera_instances_of(camera: &str) -> String {
    format!("/truth/camera/{camera}/instances/compressed")
}

/// True boxes in the images of one of several simulated cameras.
pub fn camera_objects_of(camera: &str) -> String {
    format!("/truth/camera/{camera}/objects")
}

/// The frame of one of several cameras, z forward.
pub fn camera_frame_of(camera: &str) -> String {
    format!("{camera}_optical_frame")
}

/// The topic to read clouds from: the one asked for, or the only one of its type.
///
/// # Errors
/// When the topic asked for is missing or of another type, or none was asked for and there are none or several; the
/// message lists what there is.
pub fn pick_cloud_topic<'a>(
    bag: &Path,
    topics: &'a [TopicInfo],
    asked: Option<&str>,
) -> Result<&'a TopicInfo, AppError> {
    let clouds: Vec<&TopicInfo> = topics.iter().filter(|topic| topic.type_name == POINT_CLOUD_TYPE).collect();
    // The labelled cloud of a simulated bag is truth about the points, not a sensor.
    let sensors: Vec<&TopicInfo> = clouds.iter().copied().filter(|topic| topic.name != TRUTH_POINTS).collect();
    let candidates = || clouds.iter().map(|t| format!("{} ({} messages)", t.name, t.message_count)).collect();
    let picked = match (asked, sensors.as_slice()) {
        (Some(name), _) => match clouds.iter().copied().find(|topic| topic.name == name) {
            Some(topic) => topic,
            None => return Err(missing(bag, topics, name, candidates())),
        },
        (None, [only]) => only,
        (None, []) => {
            let topics = topics.iter().map(|t| format!("{} ({})", t.name, t.type_name)).collect();
            return Err(AppError::NoCloudTopic { bag: bag.to_owned(), topics });
        }
        (None, _) => return Err(AppError::SeveralCloudTopics { bag: bag.to_owned(), candidates: candidates() }),
    };
    if picked.message_encoding != "cdr" {
        return Err(AppError::WrongTopicType {
            bag: bag.to_owned(),
            topic: picked.name.clone(),
            found: format!("encoded as {:?}", picked.message_encoding),
            expected: "cdr, the encoding of ROS 2",
        });
    }
    Ok(picked)
}

fn missing(bag: &Path, topics: &[TopicInfo], asked: &str, candidates: Vec<String>) -> AppError {
    match topics.iter().find(|topic| topic.name == asked) {
        Some(other) => AppError::WrongTopicType {
            bag: bag.to_owned(),
            topic: asked.to_owned(),
            found: other.type_name.clone(),
            expected: POINT_CLOUD_TYPE,
        },
        None => AppError::NoSuchTopic { bag: bag.to_owned(), asked: asked.to_owned(), candidates },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str, type_name: &str) -> TopicInfo {
        TopicInfo {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            message_encoding: "cdr".to_owned(),
            message_count: 3,
            offered_qos_profiles: String::new(),
            schema: None,
        }
    }

    fn pick(topics: &[TopicInfo], asked: Option<&str>) -> Result<String, String> {
        pick_cloud_topic(Path::new("drive"), topics, asked).map(|t| t.name.clone()).map_err(|e| e.to_string())
    }

    #[test]
    fn the_only_cloud_is_taken_without_asking() {
        let topics = [topic("/imu", "sensor_msgs/msg/Imu"), topic("/points", POINT_CLOUD_TYPE)];
        assert_eq!(pick(&topics, None).unwrap(), "/points");
    }

    #[test]
    fn labelled_truth_is_no_second_sensor() {
        let topics = [topic(POINTS, POINT_CLOUD_TYPE), topic(TRUTH_POINTS, POINT_CLOUD_TYPE)];
        assert_eq!(pick(&topics, None).unwrap(), POINTS);
        assert_eq!(pick(&topics, Some(TRUTH_POINTS)).unwrap(), TRUTH_POINTS);
    }

    #[test]
    fn without_a_cloud_the_topics_there_are_listed() {
        let error = pick(&[topic("/imu", "sensor_msgs/msg/Imu")], None).unwrap_err();
        assert_eq!(error, "drive has no sensor_msgs/msg/PointCloud2 topic; it has /imu (sensor_msgs/msg/Imu)");
    }

    #[test]
    fn several_clouds_are_listed_with_the_way_to_name_one() {
        let topics = [topic("/left", POINT_CLOUD_TYPE), topic("/right", POINT_CLOUD_TYPE)];
        let error = pick(&topics, None).unwrap_err();
        assert!(error.contains("--topic: /left (3 messages), /right (3 messages)"), "{error}");
        assert_eq!(pick(&topics, Some("/right")).unwrap(), "/right");
    }

    #[test]
    fn a_topic_that_is_missing_or_no_cloud_is_refused_by_name() {
        let topics = [topic("/imu", "sensor_msgs/msg/Imu"), topic("/points", POINT_CLOUD_TYPE)];
        assert!(pick(&topics, Some("/pionts")).unwrap_err().contains("no topic /pionts"));
        assert!(pick(&topics, Some("/imu")).unwrap_err().contains("/imu is sensor_msgs/msg/Imu"));
    }
}
