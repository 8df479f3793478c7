"""The LiDAR detector alone: PointCloud2 in, Detection3DArray and MarkerArray out."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare


def generate_launch_description():
    own_share = FindPackageShare("percept_lidar_detector")
    weights_share = FindPackageShare("percept_models_data")
    arguments = [
        DeclareLaunchArgument(
            "input_topic",
            default_value="/sensing/lidar/points",
            description="PointCloud2 of the sensor; best-effort and reliable publishers both match.",
        ),
        DeclareLaunchArgument(
            "objects_topic", default_value="/perception/objects", description="Boxes: vision_msgs/Detection3DArray."
        ),
        DeclareLaunchArgument(
            "markers_topic", default_value="/perception/markers", description="The same boxes as a MarkerArray for RViz."
        ),
        DeclareLaunchArgument(
            "label_info_topic",
            default_value="/perception/label_info",
            description="Names of the classes: vision_msgs/LabelInfo, latched.",
        ),
        DeclareLaunchArgument(
            "params_file",
            default_value=PathJoinSubstitution([own_share, "config", "lidar_detector.yaml"]),
            description="Parameters of the detector; copy this file to change them.",
        ),
        DeclareLaunchArgument(
            "weights",
            default_value=PathJoinSubstitution([weights_share, "weights", "pointpillars_4x_kitti.safetensors"]),
            description="Weights of the network (safetensors); overrides the parameter file.",
        ),
        DeclareLaunchArgument(
            "use_sim_time", default_value="false", description="true: time is told by /clock, as in a replay."
        ),
        DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node, empty for none."),
        DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn, error or fatal."),
        DeclareLaunchArgument(
            "respawn", default_value="false", description="true: the node is started again when it ends."
        ),
    ]
    node = Node(
        package="percept_lidar_detector",
        executable="lidar_detector",
        name="lidar_detector",
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        respawn=LaunchConfiguration("respawn"),
        respawn_delay=2.0,
        arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
        parameters=[
            LaunchConfiguration("params_file"),
            {
                "weights": ParameterValue(LaunchConfiguration("weights"), value_type=str),
                "use_sim_time": ParameterValue(LaunchConfiguration("use_sim_time"), value_type=bool),
            },
        ],
        remappings=[
            ("~/input/pointcloud", LaunchConfiguration("input_topic")),
            ("~/output/objects", LaunchConfiguration("objects_topic")),
            ("~/output/markers", LaunchConfiguration("markers_topic")),
            ("~/output/label_info", LaunchConfiguration("label_info_topic")),
        ],
    )
    return LaunchDescription([*arguments, node])
