"""A recorded drive through the detector: `ros2 bag play` with /clock, the nodes, RViz, and a record of the boxes.

What is played over the middleware may lose frames; for figures that can be repeated use `percept replay`.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, EmitEvent, ExecuteProcess, IncludeLaunchDescription
from launch.actions import RegisterEventHandler
from launch.conditions import IfCondition
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, PythonExpression
from launch_ros.substitutions import FindPackageShare


def generate_launch_description():
    share = FindPackageShare("percept_bringup")
    arguments = [
        DeclareLaunchArgument("bag", description="Folder of the bag (rosbag2)."),
        DeclareLaunchArgument("rate", default_value="1.0", description="How fast it is played."),
        DeclareLaunchArgument("delay", default_value="5.0", description="Seconds until it is played: nodes load first."),
        DeclareLaunchArgument(
            "record", default_value="", description="Bag that boxes, markers and diagnostics go to, empty for none."
        ),
        DeclareLaunchArgument("input_topic", default_value="/sensing/lidar/points", description="PointCloud2 in the bag."),
        DeclareLaunchArgument("objects_topic", default_value="/perception/objects", description="Boxes."),
        DeclareLaunchArgument("markers_topic", default_value="/perception/markers", description="Boxes for RViz."),
        DeclareLaunchArgument(
            "params_file",
            default_value=PathJoinSubstitution([share, "config", "lidar_detector.yaml"]),
            description="Parameters of the detector.",
        ),
        DeclareLaunchArgument(
            "weights",
            default_value=PathJoinSubstitution(
                [FindPackageShare("percept_models_data"), "weights", "pointpillars_4x_kitti.safetensors"]
            ),
            description="Weights of the network (safetensors).",
        ),
        DeclareLaunchArgument("rviz", default_value="true", description="true: RViz with cloud, boxes, labels, arrows."),
        DeclareLaunchArgument("fixed_frame", default_value="odom", description="Frame in which RViz draws."),
        DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn, error or fatal."),
    ]
    names = ["input_topic", "objects_topic", "markers_topic", "params_file", "weights", "rviz", "fixed_frame", "log_level"]
    perception = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(PathJoinSubstitution([share, "launch", "perception.launch.py"])),
        launch_arguments=[(name, LaunchConfiguration(name)) for name in names]
        + [("use_sim_time", "true"), ("respawn", "false")],
    )
    record = LaunchConfiguration("record")
    recorder = ExecuteProcess(
        cmd=["ros2", "bag", "record", "--use-sim-time", "-o", record]
        + [LaunchConfiguration("objects_topic"), LaunchConfiguration("markers_topic"), "/diagnostics"],
        condition=IfCondition(PythonExpression(["'", record, "' != ''"])),
        output="screen",
    )
    player = ExecuteProcess(
        cmd=["ros2", "bag", "play", LaunchConfiguration("bag"), "--clock", "100"]
        + ["--rate", LaunchConfiguration("rate"), "--delay", LaunchConfiguration("delay")],
        output="screen",
    )
    ended = RegisterEventHandler(
        OnProcessExit(target_action=player, on_exit=[EmitEvent(event=Shutdown(reason="the bag has been played"))])
    )
    return LaunchDescription([*arguments, perception, recorder, player, ended])
