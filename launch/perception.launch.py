"""Perception of a vehicle: the LiDAR detector, and RViz if asked for."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

# Handed on to the detector's own launch file as they are: name, default, description.
PASSED_ON = [
    ("input_topic", "/sensing/lidar/points", "PointCloud2 of the sensor."),
    ("objects_topic", "/perception/objects", "Boxes: vision_msgs/Detection3DArray."),
    ("markers_topic", "/perception/markers", "The same boxes as a MarkerArray for RViz."),
    ("use_sim_time", "false", "true: time is told by /clock, as in a replay."),
    ("namespace", "", "Namespace of the nodes, empty for none."),
    ("log_level", "info", "debug, info, warn, error or fatal."),
    ("respawn", "true", "true: a node that ends is started again."),
]


def generate_launch_description():
    share = FindPackageShare("percept_bringup")
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, default, description in PASSED_ON
    ]
    arguments += [
        DeclareLaunchArgument(
            "params_file",
            default_value=PathJoinSubstitution([share, "config", "lidar_detector.yaml"]),
            description="Parameters of the detector; copy this file to change them.",
        ),
        DeclareLaunchArgument(
            "weights",
            default_value=PathJoinSubstitution(
                [FindPackageShare("percept_models_data"), "weights", "pointpillars_4x_kitti.safetensors"]
            ),
            description="Weights of the network (safetensors); overrides the parameter file.",
        ),
        DeclareLaunchArgument("rviz", default_value="false", description="true: RViz with cloud, boxes, labels, arrows."),
        DeclareLaunchArgument(
            "rviz_config",
            default_value=PathJoinSubstitution([share, "rviz", "perception.rviz"]),
            description="Configuration of RViz.",
        ),
        DeclareLaunchArgument("fixed_frame", default_value="base_link", description="Frame in which RViz draws."),
    ]
    handed_on = [name for name, _, _ in PASSED_ON] + ["params_file", "weights"]
    detector = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(
            PathJoinSubstitution([FindPackageShare("percept_lidar_detector"), "launch", "lidar_detector.launch.py"])
        ),
        launch_arguments=[(name, LaunchConfiguration(name)) for name in handed_on],
    )
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        name="rviz2",
        namespace=LaunchConfiguration("namespace"),
        condition=IfCondition(LaunchConfiguration("rviz")),
        arguments=["-d", LaunchConfiguration("rviz_config"), "-f", LaunchConfiguration("fixed_frame")],
        parameters=[{"use_sim_time": ParameterValue(LaunchConfiguration("use_sim_time"), value_type=bool)}],
        # The configuration names the default topics; RViz follows the rules as any node does.
        remappings=[
            ("/sensing/lidar/points", LaunchConfiguration("input_topic")),
            ("/perception/markers", LaunchConfiguration("markers_topic")),
        ],
    )
    return LaunchDescription([*arguments, detector, rviz])
