#!/usr/bin/env python3
"""Decodes every message of a bag of ours with mcap-ros2-support and with rosbags, from the definitions in the bag.

    check_messages.py BAG LISTING    LISTING: what `percept inspect BAG --json` printed

Exit code 0 where both read everything and agree with the listing, 1 where anything differs.
"""

import collections
import json
import sys
from pathlib import Path

from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

FAILURES = []


def check(condition, text):
    if not condition:
        FAILURES.append(text)
        print(f"MISMATCH: {text}", file=sys.stderr)


def check_cloud(topic, message):
    check(message.row_step == message.point_step * message.width, f"{topic}: row_step {message.row_step}")
    check(len(message.data) == message.row_step * message.height, f"{topic}: {len(message.data)} bytes of data")
    names = [field.name for field in message.fields]
    check(names[:3] == ["x", "y", "z"], f"{topic}: fields {names}")


def check_boxes(topic, message):
    for detection in message.detections:
        q = detection.bbox.center.orientation
        norm = q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w
        check(abs(norm - 1) < 1e-6, f"{topic}: a quaternion of length {norm}")
        check(min(detection.bbox.size.x, detection.bbox.size.y, detection.bbox.size.z) > 0, f"{topic}: a flat box")
        check(len(detection.results) >= 1, f"{topic}: a box without a class")


def check_markers(topic, message):
    check(message.markers and message.markers[0].action == 3, f"{topic}: the first marker is not DELETEALL")


def check_value(topic, kind, message):
    if kind == "sensor_msgs/msg/PointCloud2":
        check_cloud(topic, message)
    elif kind == "vision_msgs/msg/Detection3DArray":
        check_boxes(topic, message)
    elif kind == "visualization_msgs/msg/MarkerArray":
        check_markers(topic, message)


def count_by_mcap(bag):
    counts = collections.Counter()
    for path in sorted(bag.glob("*.mcap")):
        with path.open("rb") as stream:
            for schema, channel, _, message in make_reader(stream, decoder_factories=[DecoderFactory()]).iter_decoded_messages():
                counts[channel.topic, schema.name] += 1
                check_value(channel.topic, schema.name, message)
    return counts


def count_by_rosbags(bag):
    counts = collections.Counter()
    with Reader(bag) as reader:
        store = get_typestore(Stores.EMPTY)
        for connection in reader.connections:
            types = get_types_from_msg(connection.msgdef.data, connection.msgtype)
            store.register({name: fields for name, fields in types.items() if name not in store.fielddefs})
        for connection, _, data in reader.messages():
            message = store.deserialize_cdr(data, connection.msgtype)
            counts[connection.topic, connection.msgtype] += 1
            again = bytes(store.serialize_cdr(message, connection.msgtype))
            check(again == bytes(data), f"{connection.topic}: serialised anew by rosbags it has other bytes")
    return counts


def main(bag, listing):
    listing = json.loads(Path(listing).read_text())
    listed = {(t["name"], t["type"]): t["messages"] for t in listing["topics"] if t["messages"] > 0}
    check(bool(listed), "the listing has no messages")
    for name, counts in (("mcap-ros2-support", count_by_mcap(bag)), ("rosbags", count_by_rosbags(bag))):
        check(dict(counts) == listed, f"{name} read {dict(counts)}, percept lists {listed}")
        print(f"{name}: {sum(counts.values())} messages on {len(counts)} topics of {bag}")
    sys.exit(1 if FAILURES else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
