#!/usr/bin/env python3
"""Checks percept_bag against independent implementations of rosbag2.

Needs the PyPI packages rosbags, mcap and mcap-ros2-support.

    check_bags.py verify BAG LISTING     a bag of ours, read by rosbags, mcap and mcap-ros2-support,
                                         against LISTING (`list_bag BAG --messages`)
    check_bags.py write DIR              bags of rosbags' making in every form, each DIR/NAME with
                                         its listing DIR/NAME.json
    check_bags.py compare EXPECTED FOUND two listings; FOUND may also be that of
                                         `percept inspect --json`, which lists no messages
    check_bags.py all LIST_BAG WRITE_SAMPLE_BAG
                                         all of it, with the two built examples of percept_bag
    check_bags.py memory LIST_BAG WRITE_SAMPLE_BAG
                                         peak memory while writing and reading 60 and 300 MB

Exit code 0 where everything agrees, 1 where anything differs.
"""

import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rosbags.rosbag2 import CompressionFormat, CompressionMode, Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

FAILURES = []


def check(condition, text):
    if not condition:
        FAILURES.append(text)
        print(f"MISMATCH: {text}", file=sys.stderr)


def entry(topic, log_time_ns, data):
    data = bytes(data)
    return {"topic": topic, "log_time_ns": log_time_ns, "bytes": len(data), "crc32": zlib.crc32(data)}


def in_order(entries):
    return sorted(entries, key=lambda e: (e["log_time_ns"], e["topic"], e["crc32"]))


def compare_messages(name, expected, found):
    keys = ("topic", "log_time_ns", "bytes", "crc32")
    expected = in_order({key: e[key] for key in keys} for e in expected)
    found = in_order({key: e[key] for key in keys} for e in found)
    check(len(expected) == len(found), f"{name}: {len(expected)} messages expected, {len(found)} found")
    for want, got in zip(expected, found):
        if want != got:
            check(False, f"{name}: expected {want}, found {got}")
            return
    print(f"ok   {name}: {len(found)} messages")


def compare_listings(name, expected, found):
    topics = {t["name"]: (t["type"], t["messages"]) for t in expected["topics"]}
    others = {t["name"]: (t["type"], t["messages"]) for t in found["topics"]}
    check(topics == others, f"{name}: topics {topics} expected, {others} found")
    if "messages" in expected and isinstance(found.get("messages"), list):
        compare_messages(name, expected["messages"], found["messages"])
    else:
        print(f"ok   {name}: {len(others)} topics")


def verify(bag, listing):
    """Reads one of our bags with three independent readers."""
    bag = Path(bag)
    expected = listing["messages"]
    published = sorted((e["topic"], e["log_time_ns"], e["publish_time_ns"]) for e in expected)
    with Reader(bag) as reader:
        found = [entry(c.topic, time, data) for c, time, data in reader.messages()]
        compare_messages(f"{bag.name} by rosbags", expected, found)
        check(reader.message_count == len(expected), f"{bag.name}: metadata counts {reader.message_count}")
        check_definitions(bag.name, reader.connections)
        for connection in reader.connections:
            check(len(connection.ext.offered_qos_profiles) == 1, f"{connection.topic}: no QoS profile")
    found, decoded = [], []
    for path in sorted(bag.glob("*.mcap")):
        with open(path, "rb") as file:
            reader = make_reader(file, validate_crcs=True)
            check(reader.get_header().profile == "ros2", f"{path}: profile")
            check(reader.get_summary().statistics is not None, f"{path}: no statistics")
            for _, channel, message in reader.iter_messages():
                found.append(entry(channel.topic, message.log_time, message.data))
                decoded.append((channel.topic, message.log_time, message.publish_time))
    compare_messages(f"{bag.name} by mcap", expected, found)
    check(sorted(decoded) == published, f"{bag.name}: publish times differ")
    count = 0
    for path in sorted(bag.glob("*.mcap")):
        with open(path, "rb") as file:
            reader = make_reader(file, decoder_factories=[DecoderFactory()])
            for _, channel, message, ros in reader.iter_decoded_messages():
                count += 1
                if channel.topic == "/points":
                    stamp = ros.header.stamp.sec * 10**9 + ros.header.stamp.nanosec
                    check(stamp == message.log_time, f"{bag.name}: cloud stamp {stamp}")
                    check(len(ros.data) == ros.row_step, f"{bag.name}: cloud of {len(ros.data)} bytes")
    check(count == len(expected), f"{bag.name}: mcap-ros2-support decoded {count}")
    print(f"ok   {bag.name} by mcap-ros2-support: {count} messages decoded")


def check_definitions(name, connections):
    """Field names, types and order of our definitions against those that rosbags carries."""
    known = get_typestore(Stores.ROS2_JAZZY).fielddefs
    compared = 0
    for connection in connections:
        ours = get_types_from_msg(connection.msgdef.data, connection.msgtype)
        for msgtype, (_, fields) in ours.items():
            if msgtype in known:
                compared += 1
                check(fields == known[msgtype][1], f"{msgtype}: {fields}, rosbags has {known[msgtype][1]}")
    print(f"ok   {name}: {compared} definitions as in rosbags' Jazzy store")


def write_bags(root):
    """Writes bags in every form that rosbags knows, with their listings."""
    root = Path(root)
    store = get_typestore(Stores.ROS2_JAZZY)
    string, image = store.types["std_msgs/msg/String"], store.types["sensor_msgs/msg/Image"]
    header = store.types["std_msgs/msg/Header"]
    stamp = store.types["builtin_interfaces/msg/Time"]
    import numpy

    names = []
    for plugin in (StoragePlugin.SQLITE3, StoragePlugin.MCAP):
        for mode in (CompressionMode.NONE, CompressionMode.FILE, CompressionMode.MESSAGE, CompressionMode.STORAGE):
            for version in (8, 9):
                name = f"{plugin.name}_{mode.name}_v{version}".lower()
                writer = Writer(root / name, version=version, storage_plugin=plugin)
                try:
                    if mode != CompressionMode.NONE:
                        writer.set_compression(mode, CompressionFormat.ZSTD)
                    listed = []
                    with writer:
                        texts = writer.add_connection("/texts", string.__msgtype__, typestore=store)
                        images = writer.add_connection("/images", image.__msgtype__, typestore=store)
                        writer.add_connection("/silent", string.__msgtype__, typestore=store)
                        for number in range(60):
                            time = 10**18 + number * 10**7
                            data = store.serialize_cdr(string(f"text {number}" * number), string.__msgtype__)
                            writer.write(texts, time, data)
                            listed.append(entry("/texts", time, data))
                            if number % 7 == 0:
                                pixels = numpy.full(30000, number, dtype=numpy.uint8)
                                head = header(stamp(number, 0), "camera")
                                picture = image(head, 100, 100, "bgr8", 0, 300, pixels)
                                data = store.serialize_cdr(picture, image.__msgtype__)
                                writer.write(images, time, data)
                                listed.append(entry("/images", time, data))
                except Exception as error:  # a form that rosbags itself refuses
                    print(f"     {name}: rosbags does not write it ({error})")
                    continue
                counts = {"/texts": 60, "/images": 9, "/silent": 0}
                types = {"/images": image.__msgtype__}
                topics = [
                    {"name": t, "type": types.get(t, string.__msgtype__), "messages": n} for t, n in counts.items()
                ]
                (root / f"{name}.json").write_text(json.dumps({"topics": topics, "messages": listed}))
                names.append(name)
    return names


def output(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def check_all(list_bag, write_sample):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for compression in ("none", "lz4", "zstd"):
            for split in (0, 200_000):
                bag = root / f"ours_{compression}_{'split' if split else 'whole'}"
                output(write_sample, bag, compression, split)
                verify(bag, json.loads(output(list_bag, bag, "--messages", "--strict")))
        names = write_bags(root / "theirs")
        check(len(names) >= 8, f"only {names} were written")
        for name in names:
            found = json.loads(output(list_bag, root / "theirs" / name, "--messages", "--strict"))
            expected = json.loads((root / "theirs" / f"{name}.json").read_text())
            compare_listings(f"{name} by percept_bag", expected, found)
            check(found["messages_lost"] == 0 and not found["losses"], f"{name}: losses {found['losses']}")


def peak_bytes(*command):
    """Peak resident memory of a command of its own."""
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    return int(output(sys.executable, "-c", script, *command)) * 1024


def check_memory(list_bag, write_sample):
    with tempfile.TemporaryDirectory() as folder:
        for compression in ("none", "zstd"):
            peaks = []
            for megabytes in (60, 300):
                bag = Path(folder) / f"{compression}_{megabytes}"
                # 62 500 points of 16 bytes: a megabyte a frame.
                written = peak_bytes(write_sample, bag, compression, 0, megabytes, 62_500)
                read = peak_bytes(list_bag, bag)
                peaks.append((written, read))
                print(f"     {compression}, {megabytes} MB: peak {written / 1e6:.1f} MB writing, {read / 1e6:.1f} MB reading")
            for small, large in zip(*peaks):
                check(large < small + 4e6, f"memory grows with the bag: {small} to {large} bytes")


def main(arguments):
    match arguments:
        case ["verify", bag, listing]:
            verify(bag, json.loads(Path(listing).read_text()))
        case ["write", root]:
            write_bags(root)
        case ["compare", expected, found]:
            compare_listings(found, json.loads(Path(expected).read_text()), json.loads(Path(found).read_text()))
        case ["all", list_bag, write_sample]:
            check_all(list_bag, write_sample)
        case ["memory", list_bag, write_sample]:
            check_memory(list_bag, write_sample)
        case _:
            sys.exit(__doc__)
    print(f"{len(FAILURES)} mismatches")
    sys.exit(1 if FAILURES else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
