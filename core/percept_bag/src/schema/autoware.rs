//! Objects and timings as Autoware publishes them.

/// autoware_perception_msgs.
pub(super) const PERCEPTION_MSGS: &[(&str, &str)] = &[
    (
        "DetectedObject",
        "\
float32 existence_probability
ObjectClassification[] classification
DetectedObjectKinematics kinematics
Shape shape
",
    ),
    (
        "DetectedObjectKinematics",
        "\
uint8 UNAVAILABLE=0
uint8 SIGN_UNKNOWN=1
uint8 AVAILABLE=2
geometry_msgs/PoseWithCovariance pose_with_covariance
bool has_position_covariance
uint8 orientation_availability
geometry_msgs/TwistWithCovariance twist_with_covariance
bool has_twist
bool has_twist_covariance
",
    ),
    (
        "DetectedObjects",
        "\
std_msgs/Header header
DetectedObject[] objects
",
    ),
    (
        "ObjectClassification",
        "\
uint8 UNKNOWN=0
uint8 CAR=1
uint8 TRUCK=2
uint8 BUS=3
uint8 TRAILER=4
uint8 MOTORCYCLE=5
uint8 BICYCLE=6
uint8 PEDESTRIAN=7
uint8 ANIMAL=8
uint8 HAZARD=9
uint8 OVER_DRIVABLE=10
uint8 UNDER_DRIVABLE=11
uint8 label
float32 probability
",
    ),
    (
        "Shape",
        "\
uint8 BOUNDING_BOX=0
uint8 CYLINDER=1
uint8 POLYGON=2
uint8 type
geometry_msgs/Polygon footprint
geometry_msgs/Vector3 dimensions
",
    ),
];

/// autoware_internal_debug_msgs.
pub(super) const INTERNAL_DEBUG_MSGS: &[(&str, &str)] = &[(
    "Float64Stamped",
    "\
builtin_interfaces/Time stamp
float64 data
",
)];
