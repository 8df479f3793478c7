//! Points, poses, transforms and velocities; odometry and transform messages.

/// geometry_msgs.
pub(super) const GEOMETRY_MSGS: &[(&str, &str)] = &[
    (
        "Point",
        "\
float64 x
float64 y
float64 z
",
    ),
    (
        "Point32",
        "\
float32 x
float32 y
float32 z
",
    ),
    (
        "PointStamped",
        "\
std_msgs/Header header
Point point
",
    ),
    (
        "Polygon",
        "\
Point32[] points
",
    ),
    (
        "PolygonStamped",
        "\
std_msgs/Header header
Polygon polygon
",
    ),
    (
        "Pose",
        "\
Point position
Quaternion orientation
",
    ),
    (
        "PoseArray",
        "\
std_msgs/Header header
Pose[] poses
",
    ),
    (
        "PoseStamped",
        "\
std_msgs/Header header
Pose pose
",
    ),
    (
        "PoseWithCovariance",
        "\
Pose pose
float64[36] covariance
",
    ),
    (
        "PoseWithCovarianceStamped",
        "\
std_msgs/Header header
PoseWithCovariance pose
",
    ),
    (
        "Quaternion",
        "\
float64 x 0
float64 y 0
float64 z 0
float64 w 1
",
    ),
    (
        "QuaternionStamped",
        "\
std_msgs/Header header
Quaternion quaternion
",
    ),
    (
        "Transform",
        "\
Vector3 translation
Quaternion rotation
",
    ),
    (
        "TransformStamped",
        "\
std_msgs/Header header
string child_frame_id
Transform transform
",
    ),
    (
        "Twist",
        "\
Vector3 linear
Vector3 angular
",
    ),
    (
        "TwistStamped",
        "\
std_msgs/Header header
Twist twist
",
    ),
    (
        "TwistWithCovariance",
        "\
Twist twist
float64[36] covariance
",
    ),
    (
        "TwistWithCovarianceStamped",
        "\
std_msgs/Header header
TwistWithCovariance twist
",
    ),
    (
        "Vector3",
        "\
float64 x
float64 y
float64 z
",
    ),
    (
        "Vector3Stamped",
        "\
std_msgs/Header header
Vector3 vector
",
    ),
];

/// nav_msgs.
pub(super) const NAV_MSGS: &[(&str, &str)] = &[(
    "Odometry",
    "\
std_msgs/Header header
string child_frame_id
geometry_msgs/PoseWithCovariance pose
geometry_msgs/TwistWithCovariance twist
",
)];

/// tf2_msgs.
pub(super) const TF2_MSGS: &[(&str, &str)] = &[(
    "TFMessage",
    "\
geometry_msgs/TransformStamped[] transforms
",
)];
