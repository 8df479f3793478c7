"""Executes every installed launch file against the stand-in of the launch API, and checks what it would start.

    check_launch.py PREFIX BAG    PREFIX: what ros_packages/install.sh laid out; BAG: a bag to replay
"""

import itertools
import py_compile
import re
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from launch_stand_in import execute

LINES = 100
# Faults of one file that are written out; the variants repeat them.
TOLD = 12


def stock_packages(prefix, package):
    """Packages that the manifest says are needed to run: what a launch file may start beside our own."""
    manifest = ElementTree.parse(prefix / "share" / package / "package.xml")
    return {entry.text for kind in ("depend", "exec_depend") for entry in manifest.iter(kind)}


def variants(path, bag, out):
    """Sets of arguments that take every branch of our launch files."""
    base = {"bag": str(bag)} if path.name.startswith("replay") else {}
    yield base
    switches = {
        "perception.launch.py": {"rviz": ["true", "false"], "use_sim_time": ["true", "false"], "respawn": ["true", "false"],
                                 "namespace": ["", "front"], "log_level": ["debug"]},
        "lidar_detector.launch.py": {"use_sim_time": ["true", "false"], "respawn": ["true", "false"],
                                     "namespace": ["", "front"], "input_topic": ["/velodyne_points"]},
        "replay_eval.launch.py": {"rviz": ["true", "false"], "record": ["", str(out / "boxes")]},
    }[path.name]
    for values in itertools.product(*switches.values()):
        yield {**base, **dict(zip(switches, values))}


def node_faults(started, arguments, prefix):
    """What is wrong with one started node beyond what the stand-in saw."""
    for origin, target in started["remappings"]:
        for name in (origin, target):
            if not re.fullmatch(r"(~/|/)?[A-Za-z_]\w*(/[A-Za-z_]\w*)*", name):
                yield f"{name!r} is no name of a topic"
    if started["package"] == "percept_lidar_detector":
        readme = (Path(__file__).parents[2] / "ros_packages/percept_lidar_detector/README.md").read_text()
        yield from (f"README.md knows no topic {origin}" for origin, _ in started["remappings"] if f"`{origin}`" not in readme)
        if not Path(started["parameters"]["weights"]).is_file():
            yield f"weights {started['parameters']['weights']} do not exist"
        expected = arguments.get("use_sim_time", "false") == "true" or "bag" in arguments
        if started["parameters"]["use_sim_time"] is not expected:
            yield f"use_sim_time is {started['parameters']['use_sim_time']!r}, {expected} expected"
        if started["namespace"] != arguments.get("namespace", ""):
            yield f"the namespace is {started['namespace']!r}"
        if "log_level" in arguments and arguments["log_level"] not in started["arguments"]:
            yield "log_level does not reach the node"
    if started["executable"] == "rviz2":
        config = Path(started["arguments"][started["arguments"].index("-d") + 1])
        if not config.is_file():
            yield f"{config} does not exist"
            return
        shown = set(re.findall(r"^\s*Value: (/\S+)$", config.read_text(), re.MULTILINE))
        yield from (f"{config.name} shows no {origin}" for origin, _ in started["remappings"] if origin not in shown)
        classes = set(re.findall(r"Class: (\S+)", config.read_text()))
        needed = {"rviz_default_plugins/PointCloud2", "rviz_default_plugins/MarkerArray"}
        yield from (f"{config.name} has no display {each}" for each in sorted(needed - classes))


def expected_faults(started, arguments):
    """Branches that must have been taken."""
    names = [node.get("executable") or " ".join(node["cmd"][:3]) for node in started]
    wanted = {"lidar_detector"}
    if "bag" in arguments:
        wanted.add("ros2 bag play")
        if arguments.get("record"):
            wanted.add("ros2 bag record")
    if arguments.get("rviz", "true" if "bag" in arguments else "false") == "true":
        wanted.add("rviz2")
    if sorted(names) != sorted(wanted):
        yield f"started {sorted(names)}, {sorted(wanted)} expected"


def check(path, package, prefix, bag):
    """Every fault of one launch file, over all its variants."""
    py_compile.compile(str(path), doraise=True, cfile=str(Path(tempfile.gettempdir()) / "launch_file.pyc"))
    faults, runs = [], 0
    lines = len(path.read_text().splitlines())
    if lines > LINES:
        faults.append(f"{lines} lines, more than {LINES}")
    for arguments in variants(path, bag, prefix):
        run = execute(path, prefix, arguments, stock_packages(prefix, package))
        found = list(run.faults)
        for started in run.started:
            if "package" in started:
                found += node_faults(started, arguments, prefix)
        found += expected_faults(run.started, arguments)
        faults += [f"with {arguments}: {fault}" for fault in found]
        runs += 1
    return faults, runs


BROKEN = '''
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument("required", description="given by nobody"),
        Node(package="percept_nowhere", executable="x"),
        Node(package="percept_lidar_detector", executable="no_such_node", parameters=["/no/such.yaml"],
             namespace=LaunchConfiguration("undeclared"), respawn=LaunchConfiguration("required")),
    ])
'''


def self_test(prefix):
    """The stand-in must see what it is there to see."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "broken.launch.py"
        path.write_text(BROKEN)
        faults = "\n".join(execute(path, prefix, {"surprise": "1"}, set()).faults)
        for text in ("required and was not given", "package percept_nowhere", "no_such_node is no executable",
                     "/no/such.yaml does not exist", "'undeclared' is used", "surprise was given",
                     "neither true nor false"):
            assert text in faults, f"the stand-in overlooks: {text}\n{faults}"
        path.write_text(BROKEN.replace('executable="x"', 'executable="x", surprising=1'))
        try:
            execute(path, prefix, {}, set())
        except TypeError:
            return
        raise AssertionError("the stand-in takes a keyword that Node does not know")


def main():
    prefix, bag = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    self_test(prefix)
    files = sorted(prefix.glob("share/*/launch/*.launch.py"))
    assert len(files) >= 3, f"only {files} below {prefix}"
    bad = 0
    for path in files:
        faults, runs = check(path, path.parents[1].name, prefix, bag)
        for fault in faults[:TOLD]:
            print(f"{path.name}: {fault}", file=sys.stderr)
        bad += len(faults)
        print(f"   {path.parents[1].name}/{path.name}: {runs} sets of arguments, {len(faults)} faults")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
