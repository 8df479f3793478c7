#!/usr/bin/env python3
"""Writes messages.txt: every message that percept_msgs speaks, serialised by an independent implementation.

    python generate.py CHECKOUT... > messages.txt

needs the PyPI package rosbags (0.11.9) and, as arguments, checkouts of the repositories that define the messages:
    ros2/common_interfaces                 c0c0bc57f958eb54a142446f0c2a475754367eee
    ros2/rcl_interfaces                    f6b3741d921ef5414125091b2ccc74b863be3c24
    ros2/geometry2                         1b005c6556cf350d7670812ef30eefed8443a759
    ros-perception/vision_msgs             e77fa2d97d69abaaa546592892d2d5d16cec9977
    autowarefoundation/autoware_msgs       7025d8f7df0ead43037d86f8a4ffda8b397d0293
    autowarefoundation/autoware_internal_msgs 1856e5b23172b0e4c1fb53b3baf8365d6a773007

Form of messages.txt, a block a message:
    type NAME
    field TYPE NAME | field TYPE NAME=VALUE       the upstream definition, comments and defaults dropped
    le HEX | be HEX                               the same values, little- and big-endian; two sets of values
"""

import re
import sys
from itertools import count
from pathlib import Path

import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

TYPES = """
builtin_interfaces/Time builtin_interfaces/Duration
std_msgs/Header std_msgs/String std_msgs/ColorRGBA
geometry_msgs/Point geometry_msgs/Point32 geometry_msgs/Polygon geometry_msgs/Vector3 geometry_msgs/Quaternion
geometry_msgs/Pose geometry_msgs/PoseWithCovariance geometry_msgs/Twist geometry_msgs/TwistWithCovariance
geometry_msgs/Transform geometry_msgs/TransformStamped
sensor_msgs/PointField sensor_msgs/PointCloud2 sensor_msgs/Image sensor_msgs/CompressedImage
sensor_msgs/RegionOfInterest sensor_msgs/CameraInfo
vision_msgs/ObjectHypothesis vision_msgs/ObjectHypothesisWithPose vision_msgs/BoundingBox3D vision_msgs/Detection3D
vision_msgs/Detection3DArray vision_msgs/VisionClass vision_msgs/LabelInfo
vision_msgs/Point2D vision_msgs/Pose2D vision_msgs/BoundingBox2D vision_msgs/Detection2D vision_msgs/Detection2DArray
visualization_msgs/UVCoordinate visualization_msgs/MeshFile visualization_msgs/Marker visualization_msgs/MarkerArray
diagnostic_msgs/KeyValue diagnostic_msgs/DiagnosticStatus diagnostic_msgs/DiagnosticArray
nav_msgs/Odometry tf2_msgs/TFMessage rosgraph_msgs/Clock
autoware_perception_msgs/ObjectClassification autoware_perception_msgs/Shape
autoware_perception_msgs/DetectedObjectKinematics autoware_perception_msgs/DetectedObject
autoware_perception_msgs/DetectedObjects
autoware_internal_debug_msgs/Float64Stamped
""".split()

BUILTIN = "bool byte char float32 float64 int8 uint8 int16 uint16 int32 uint32 int64 uint64 string wstring".split()
TEXTS = ["", "a", "λ1", "lidar", "base_link", "0123456"]


def msg_file(name, checkouts):
    package, kind = name.split("/")
    found = [p for c in checkouts for p in sorted(Path(c).glob(f"**/{package}/msg/{kind}.msg"))]
    assert found, f"{name}: no such file in the checkouts"
    return found[0].read_text()


def fields_of(name, text):
    """The lines of a definition: comments and defaults dropped, types with their package."""
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        kind, rest = line.split(None, 1)
        base = re.match(r"[\w/]+", kind)[0]
        if base not in BUILTIN and "/" not in base:
            package = "std_msgs" if base == "Header" else name.split("/")[0]
            kind = f"{package}/{kind}"
        rest = re.sub(r"\s*=\s*", "=", rest.strip())
        yield f"{kind} {rest}" if "=" in rest else f"{kind} {rest.split()[0]}"


def value(store, node, numbers):
    """A value of a type, other than its neighbours'."""
    kind, detail = int(node[0]), node[1]
    n = next(numbers)
    if kind == 1:  # base
        name = detail[0]
        if name == "string":
            return TEXTS[n % len(TEXTS)]
        if name == "bool":
            return n % 2 == 0
        if name.startswith("float"):
            return float(np.float32((n * 37 % 1009) / 16 - 21.5))
        if name in ("byte", "octet"):
            return n % 128  # rosbags writes it signed
        bits = int(re.search(r"\d+", name)[0]) if name[-1].isdigit() else 8
        signed = name.startswith("int")
        return int((n * 2654435761) % 2 ** (bits - signed)) - (2 ** (bits - 2) if signed else 0)
    if kind == 2:  # record
        return record(store, detail, numbers)
    item, length = detail  # 3 fixed array, 4 sequence
    length = length if kind == 3 else n % 4
    values = [value(store, item, numbers) for _ in range(length)]
    if int(item[0]) == 1 and item[1][0] not in ("string",):
        name = {"byte": "uint8", "octet": "uint8", "char": "uint8"}.get(item[1][0], item[1][0])
        return np.array(values, dtype=name)
    return values


def record(store, name, numbers):
    definition = store.get_msgdef(name)
    return store.types[name](**{field: value(store, node, numbers) for field, node in definition.fields})


def main(checkouts):
    store = get_typestore(Stores.EMPTY)
    for name in TYPES:
        store.register(get_types_from_msg(msg_file(name, checkouts), name.replace("/", "/msg/")))
    print("# Made by generate.py with the PyPI package rosbags; see there.")
    for checkout in checkouts:
        print(f"# from {Path(checkout).name.replace('+', '/')}")
    for name in TYPES:
        full = name.replace("/", "/msg/")
        print(f"type {full}")
        for line in fields_of(name, msg_file(name, checkouts)):
            print(f"field {line}")
        for seed in (1, 6):
            message = record(store, full, count(seed))
            for order, little in (("le", True), ("be", False)):
                print(order, bytes(store.serialize_cdr(message, full, little_endian=little)).hex())


main(sys.argv[1:])
