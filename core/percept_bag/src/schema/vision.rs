//! Detections (vision_msgs 4.x, Humble and later) and markers (Humble and later).

/// vision_msgs.
pub(super) const VISION_MSGS: &[(&str, &str)] = &[
    (
        "BoundingBox2D",
        "\
vision_msgs/Pose2D center
float64 size_x
float64 size_y
",
    ),
    (
        "BoundingBox3D",
        "\
geometry_msgs/Pose center
geometry_msgs/Vector3 size
",
    ),
    (
        "Detection2D",
        "\
std_msgs/Header header
ObjectHypothesisWithPose[] results
BoundingBox2D bbox
string id
",
    ),
    (
        "Detection2DArray",
        "\
std_msgs/Header header
Detection2D[] detections
",
    ),
    (
        "Detection3D",
        "\
std_msgs/Header header
ObjectHypothesisWithPose[] results
BoundingBox3D bbox
string id
",
    ),
    (
        "Detection3DArray",
        "\
std_msgs/Header header
Detection3D[] detections
",
    ),
    (
        "LabelInfo",
        "\
std_msgs/Header header
vision_msgs/VisionClass[] class_map
float32 threshold
",
    ),
    (
        "ObjectHypothesis",
        "\
string class_id
float64 score
",
    ),
    (
        "ObjectHypothesisWithPose",
        "\
ObjectHypothesis hypothesis
geometry_msgs/PoseWithCovariance pose
",
    ),
    (
        "Point2D",
        "\
float64 x
float64 y
",
    ),
    (
        "Pose2D",
        "\
vision_msgs/Point2D position
float64 theta
",
    ),
    (
        "VisionClass",
        "\
uint16 class_id
string class_name
",
    ),
];

/// visualization_msgs.
pub(super) const VISUALIZATION_MSGS: &[(&str, &str)] = &[
    (
        "Marker",
        "\
int32 ARROW=0
int32 CUBE=1
int32 SPHERE=2
int32 CYLINDER=3
int32 LINE_STRIP=4
int32 LINE_LIST=5
int32 CUBE_LIST=6
int32 SPHERE_LIST=7
int32 POINTS=8
int32 TEXT_VIEW_FACING=9
int32 MESH_RESOURCE=10
int32 TRIANGLE_LIST=11
int32 ADD=0
int32 MODIFY=0
int32 DELETE=2
int32 DELETEALL=3
std_msgs/Header header
string ns
int32 id
int32 type
int32 action
geometry_msgs/Pose pose
geometry_msgs/Vector3 scale
std_msgs/ColorRGBA color
builtin_interfaces/Duration lifetime
bool frame_locked
geometry_msgs/Point[] points
std_msgs/ColorRGBA[] colors
string texture_resource
sensor_msgs/CompressedImage texture
UVCoordinate[] uv_coordinates
string text
string mesh_resource
MeshFile mesh_file
bool mesh_use_embedded_materials
",
    ),
    (
        "MarkerArray",
        "\
Marker[] markers
",
    ),
    (
        "MeshFile",
        "\
string filename
uint8[] data
",
    ),
    (
        "UVCoordinate",
        "\
float32 u
float32 v
",
    ),
];
