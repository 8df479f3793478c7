#!/usr/bin/env python3
"""Checks the DDS back-end on the wire against an independent peer, the PyPI package cyclonedds.

    check_wire.py DDS_ANSWER [--detector PERCEPT WEIGHTS BAG BOXES] [SCENARIO]...

DDS_ANSWER is percept_transport's example of this name. --detector: the command `percept` built with the feature `dds`, and
what its replay of a bag gave, to which the node over DDS is held. To be run where multicast works and nobody else is on
domain 0: wire.sh gives it a network namespace of its own. Without a name every scenario runs. Exit code 0 where all of it
holds.
"""

import argparse
import json
import math
import random
import socket
import struct
import subprocess
import sys
import time
import zlib

from cyclonedds.builtin import BuiltinDataReader, BuiltinTopicDcpsPublication, BuiltinTopicDcpsSubscription
from cyclonedds.core import Policy, Qos, ReadCondition, ViewState, InstanceState, SampleState, WaitSet
from cyclonedds.domain import DomainParticipant
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

import wire_types as ros

FRAMES, RATE_HZ = 300, 10.0
POINT_STEP = 22
# About 2 MB, and lengths that leave every remainder of 4 behind them.
WIDTHS = [90909, 90910, 90911, 90912]


def qos(reliable, depth=10, latched=False):
    return Qos(
        Policy.Reliability.Reliable(duration(seconds=1)) if reliable else Policy.Reliability.BestEffort,
        Policy.Durability.TransientLocal if latched else Policy.Durability.Volatile,
        Policy.History.KeepLast(depth),
    )


class Cloud:
    """A cloud in Velodyne's layout of 22 bytes a point, serialised once; stamp and checksum change with each frame."""

    def __init__(self, width, frame_id):
        fields = [ros.PointField(name, 4 * at, 7, 1) for at, name in enumerate(["x", "y", "z", "intensity"])]
        fields += [ros.PointField("ring", 16, 4, 1), ros.PointField("time", 18, 7, 1)]
        draw = random.Random(width)
        angles = [draw.uniform(0, 2 * math.pi) for _ in range(256)]
        ranges = [draw.uniform(2, 60) for _ in range(256)]
        points = [
            struct.pack("<ffffHf", r * math.cos(a), r * math.sin(a), draw.uniform(-2, 1), 40.0, at % 32, 0.0)
            for at, (a, r) in enumerate(zip(angles, ranges))
        ]
        data = (b"".join(points) * (width // 256 + 1))[: width * POINT_STEP]
        header = ros.Header(ros.Time(0, 0), frame_id)
        self.message = ros.PointCloud2(
            header, 1, width, fields, False, POINT_STEP, POINT_STEP * width, data, True
        )
        whole = self.message.serialize(use_version_2=False)
        self.message.prepared = bytearray(whole)
        self.width, self.frame_id = width, frame_id
        self.start, self.end = whole.index(data), whole.index(data) + len(data)
        self.message.data = []

    def stamped(self, frame):
        """The message of this frame and what a node must tell of it: points and checksum."""
        prepared = self.message.prepared
        prepared[4:12] = struct.pack("<iI", 1000 + frame, 7)
        # The last point's time tells the frame, so that no two frames have the same bytes.
        prepared[self.end - 4 : self.end] = struct.pack("<f", frame)
        checksum = zlib.crc32(memoryview(prepared)[self.start : self.end])
        return self.message, f"{self.width} {checksum:08x}"


class Node:
    """The node under test, percept_transport's example, and a peer's ears for what it publishes."""

    def __init__(self, command, name, *options, participant=None, environment=None):
        self.name = name
        self.process = subprocess.Popen(
            [command, name, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        ready = self.process.stdout.readline()
        if ready.strip() != "ready":
            raise SystemExit(f"{name} did not start: {ready!r} {self.process.stderr.read()}")
        self.answers, self.drawn, self.delays_ms = {}, {}, []
        if participant:
            self.attach(participant)

    def attach(self, participant):
        """Listens with this participant from now on."""
        policies = qos(True, 400)
        self.objects = heard(participant, f"rt/{self.name}/output/objects", ros.Detection3DArray, policies)
        self.markers = heard(participant, f"rt/{self.name}/output/markers", ros.MarkerArray, policies)

    def listen(self, sent_at):
        for message in self.objects.take(64):
            frame = message.header.stamp.sec - 1000
            self.answers.setdefault(frame, []).append((message.header.frame_id, message.detections[0].id))
            if frame in sent_at:
                self.delays_ms.append((time.monotonic() - sent_at[frame]) * 1e3)
        for message in self.markers.take(64):
            self.drawn[message.markers[0].header.stamp.sec - 1000] = message.markers[0].text

    def peak_mb(self):
        """Memory at its most so far."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024

    def end(self):
        """Lets the node end; its counts and what it said."""
        try:
            out, said = self.process.communicate("", timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise SystemExit(f"{self.name} does not end")
        check(self.process.returncode == 0, f"{self.name} ended with {self.process.returncode}: {said}")
        return json.loads(out.strip().splitlines()[-1]), said


def heard(participant, topic, kind, policies):
    return DataReader(participant, Topic(participant, topic, kind), qos=policies)


def check(holds, text):
    if not holds:
        raise SystemExit(f"FAILED: {text}")


def wait_for(holds, text, at_most_s=15.0):
    until = time.monotonic() + at_most_s
    while not holds():
        check(time.monotonic() < until, f"{text}, within {at_most_s} s")
        time.sleep(0.05)


def matched(writer, count):
    wait_for(lambda: len(writer.get_matched_subscriptions()) >= count, f"{count} subscribers find the publisher")


def listening(nodes):
    for node in nodes:
        for reader in (node.objects, node.markers):
            wait_for(lambda: reader.get_matched_publications(), f"{node.name}'s outputs are found")


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def publish(writer, clouds, frames, nodes, first=0):
    """Publishes frames at RATE_HZ while the nodes' answers are taken; what must come back, by frame."""
    expected, sent_at, begin = {}, {}, time.monotonic()
    conditions = WaitSet(writer.participant)
    for node in nodes:
        for reader in (node.objects, node.markers):
            conditions.attach(ReadCondition(reader, ViewState.Any | InstanceState.Any | SampleState.NotRead))
    listen_until = lambda moment: listen(conditions, nodes, sent_at, moment)
    for at in range(frames):
        cloud = clouds[at % len(clouds)]
        message, told = cloud.stamped(first + at)
        expected[first + at] = (cloud.frame_id, told, str(cloud.width))
        sent_at[first + at] = time.monotonic()
        writer.write(message)
        listen_until(begin + (at + 1) / RATE_HZ)
    complete = lambda: all(set(expected) <= set(node.answers) and set(expected) <= set(node.drawn) for node in nodes)
    until = time.monotonic() + 5
    while not complete() and time.monotonic() < until:
        listen_until(time.monotonic() + 0.1)
    return expected


def listen(conditions, nodes, sent_at, until):
    while True:
        left = until - time.monotonic()
        if left <= 0:
            return
        conditions.wait(int(left * 1e9))
        for node in nodes:
            node.listen(sent_at)


def compare(node, expected):
    missing = sorted(set(expected) - set(node.answers))
    check(not missing, f"{node.name}: {len(missing)} of {len(expected)} frames unanswered: {missing[:10]}")
    for frame, (frame_id, told, points) in expected.items():
        check(node.answers[frame] == [(frame_id, told)], f"{node.name}, frame {frame}: {node.answers[frame]}, {told!r} expected")
        check(node.drawn.get(frame) == points, f"{node.name}, frame {frame}: marker {node.drawn.get(frame)!r}, {points} expected")


def report(scenario, node, counts, peak_mb):
    check(peak_mb < 256, f"{node.name} took {peak_mb:.0f} MB")
    print(
        f"   {scenario}, {node.name}: {counts['received']} clouds of 2 MB received, {len(node.answers)} answered whole, "
        f"cloud to answer p50 {percentile(node.delays_ms, 0.5):.1f} ms, p99 {percentile(node.delays_ms, 0.99):.1f} ms, at most {peak_mb:.0f} MB of memory"
    )


def clouds():
    return [Cloud(width, "velodyne" + "_top"[: width % 5]) for width in WIDTHS]


def reliable(command, participant):
    """Two nodes at once hear a reliable publisher, one reliable and one best effort."""
    nodes = [
        Node(command, "front", "--reliable", "~/input/pointcloud:=/lidar/points", participant=participant),
        Node(command, "rear", "~/input/pointcloud:=/lidar/points", participant=participant),
    ]
    writer = DataWriter(participant, Topic(participant, "rt/lidar/points", ros.PointCloud2), qos=qos(True))
    matched(writer, 2)
    listening(nodes)
    expected = publish(writer, clouds(), FRAMES, nodes)
    for node in nodes:
        peak_mb = node.peak_mb()
        counts, _ = node.end()
        compare(node, expected)
        check(counts["received"] == FRAMES and counts["dropped"] == counts["undecodable"] == 0, f"{node.name}: {counts}")
        check(counts["publishers"] == 1, f"{node.name} sees {counts['publishers']} publishers")
        report("reliable publisher", node, counts, peak_mb)


def best_effort(command, participant):
    """A best-effort publisher is heard by the best-effort node; the reliable one says why it hears nothing."""
    node = Node(command, "sensor", "~/input/pointcloud:=/lidar/points", participant=participant)
    strict = Node(command, "strict", "--reliable", "~/input/pointcloud:=/lidar/points", participant=participant)
    writer = DataWriter(participant, Topic(participant, "rt/lidar/points", ros.PointCloud2), qos=qos(False))
    matched(writer, 1)
    listening([node])
    expected = publish(writer, clouds(), FRAMES, [node])
    peak_mb = node.peak_mb()
    counts, _ = node.end()
    compare(node, expected)
    report("best-effort publisher", node, counts, peak_mb)
    counts, said = strict.end()
    check(counts["received"] == 0 and counts["mismatched_peers"] == 1, f"strict: {counts}")
    check("offers less than we ask for" in said, f"strict said {said!r}")


def graph(command, participant):
    """Node name and gids in ros_discovery_info, a late joiner of the latched topic, a service, all sizes of bodies."""
    node = Node(command, "named", "__ns:=/front", participant=None)
    info = heard(participant, "ros_discovery_info", ros.ParticipantEntitiesInfo, qos(True, 100, latched=True))
    told = {}

    def complete():
        for message in info.take(10):
            told[bytes(message.gid.data)] = message
        nodes = [entities for message in told.values() for entities in message.node_entities_info_seq]
        found = [n for n in nodes if (n.node_namespace, n.node_name) == ("/front", "named")]
        return found and len(found[0].reader_gid_seq) == 2 and len(found[0].writer_gid_seq) == 4 and found[0]

    wait_for(complete, "the node's name with 2 readers and 4 writers in ros_discovery_info")
    entities = complete()
    for kind, name, gids in (
        (BuiltinTopicDcpsPublication, "writers", entities.writer_gid_seq),
        (BuiltinTopicDcpsSubscription, "readers", entities.reader_gid_seq),
    ):
        builtin = BuiltinDataReader(participant, kind)
        known = lambda: {sample.key.bytes: sample for sample in builtin.read(500)}
        wait_for(lambda: {bytes(gid.data) for gid in gids} <= set(known()), f"the gids are those of its {name}")
    labels = heard(participant, "rt/front/named/output/label_info", ros.LabelInfo, qos(True, 1, latched=True))
    late = []
    wait_for(lambda: late.extend(labels.take(5)) or late, "the latched label info reaches a late joiner")
    check([c.class_name for c in late[-1].class_map] == ["Car"], f"label info: {late[-1]}")
    asked = call(participant, "/front/named/get_state", 20)
    check(node.end()[0]["replies_failed"] == 0, "a response could not be sent")
    print(f"   graph: node /front/named with 2 readers and 4 writers, label info for a late joiner, {asked} requests answered")


def call(participant, service, requests):
    service_qos = qos(True)
    writer = DataWriter(participant, Topic(participant, f"rq{service}Request", ros.GetStateRequest), qos=service_qos)
    reader = heard(participant, f"rr{service}Reply", ros.GetStateResponse, service_qos)
    matched(writer, 1)
    wait_for(lambda: reader.get_matched_publications(), f"{service} offers its replies")
    answered = []
    for seq in range(requests):
        writer.write(ros.GetStateRequest(0x0123456789ABCDEF, seq, 0))
        wait_for(lambda: answered.extend(reader.take(5)) or len(answered) > seq, f"request {seq} is answered")
        last = answered[-1]
        told = (last.guid, last.seq, last.current_state.id, last.current_state.label)
        check(told == (0x0123456789ABCDEF, seq, 3, "active"), f"request {seq}: {told}")
    return len(answered)


def returning(command, participant):
    """A publisher that is killed and comes back; it was a reliable subscriber too, whose silence holds nobody up."""
    node = Node(command, "patient", "~/input/pointcloud:=/lidar/points", participant=participant)
    for first in (0, 100):
        peer = subprocess.Popen(
            [sys.executable, __file__, command, "as_publisher", str(first)], stdout=subprocess.PIPE, text=True
        )
        check(peer.stdout.readline().strip() == "published", "the other publisher did not publish")
        peer.kill()
        peer.wait()
        until = time.monotonic() + 5
        while time.monotonic() < until and len([f for f in node.answers if f >= first]) < 20:
            node.listen({})
            time.sleep(0.05)
        frames = sorted(frame for frame in node.answers if frame >= first)
        check(frames == list(range(first, first + 20)), f"patient heard {frames} of the publisher at {first}")
    counts, _ = node.end()
    print(f"   returning: {counts['received']} of 40 clouds of a publisher that was killed and came back")


def as_publisher(first):
    participant = DomainParticipant(0)
    writer = DataWriter(participant, Topic(participant, "rt/lidar/points", ros.PointCloud2), qos=qos(True))
    matched(writer, 1)
    objects = heard(participant, "rt/patient/output/objects", ros.Detection3DArray, qos(True))
    wait_for(lambda: objects.get_matched_publications(), "the node's output")
    time.sleep(0.3)
    cloud = Cloud(WIDTHS[1], "velodyne")
    for at in range(20):
        writer.write(cloud.stamped(first + at)[0])
        time.sleep(0.1)
    time.sleep(0.5)
    print("published", flush=True)
    time.sleep(60)


def detector(args, participant):
    """The real node, `percept node`: the clouds of a bag over DDS give the boxes that replay gave, to the last bit."""
    from rosbags.rosbag2 import Reader

    percept, weights, bag, boxes = args.detector
    with Reader(bag) as reader:
        recorded = [(connection.topic, bytes(data)) for connection, _, data in reader.messages()]
    with Reader(boxes) as reader:
        replayed = [
            ros.Detection3DArray.deserialize(bytes(data))
            for connection, _, data in reader.messages()
            if connection.topic == "/perception/objects"
        ]
    expected = {stamp(message): message for message in replayed}
    statics = DataWriter(participant, Topic(participant, "rt/tf_static", ros.TFMessage), qos=qos(True, 10, latched=True))
    for topic, data in recorded:
        if topic == "/tf_static":
            statics.write(prepared(ros.TFMessage([]), data))
    name = "/front/lidar_detector"
    node = subprocess.Popen(
        [percept, "node", "--transport", "dds", "--weights", weights, "--namespace", "/front"]
        + ["--ros-args", "-r", "~/input/pointcloud:=/sensing/lidar/points", "-p", "publish_markers:=true"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        answers = heard(participant, f"rt{name}/output/objects", ros.Detection3DArray, qos(True, 100))
        markers = heard(participant, f"rt{name}/output/markers", ros.MarkerArray, qos(True, 100))
        health = heard(participant, "rt/diagnostics", ros.DiagnosticArray, qos(True, 100))
        writer = DataWriter(participant, Topic(participant, "rt/sensing/lidar/points", ros.PointCloud2), qos=qos(False, 1))
        wait_for(lambda: node.poll() is not None or writer.get_matched_subscriptions(), "the node subscribes", 60)
        check(node.poll() is None, f"the node ended: {node.stderr.read() if node.poll() is not None else ''}")
        wait_for(lambda: answers.get_matched_publications() and markers.get_matched_publications(), "its outputs")
        state = call(participant, f"{name}/get_state", 3)
        delays_ms, drawn, told = [], 0, []
        for data in [data for topic, data in recorded if topic == "/sensing/lidar/points"]:
            sent, got = time.monotonic(), []
            writer.write(prepared(blank_cloud(), data))
            wait_for(lambda: got.extend(answers.take(5)) or got, "a cloud is answered", 30)
            delays_ms.append((time.monotonic() - sent) * 1e3)
            check(len(got) == 1 and stamp(got[0]) in expected, f"{len(got)} answers, stamps {[stamp(g) for g in got]}")
            check(got[0] == expected.pop(stamp(got[0])), f"frame {len(delays_ms)}: boxes differ from those of replay")
            drawn += len(markers.take(5))
            told += health.take(50)
        check(not expected, f"{len(expected)} frames of the replay never came")
        wait_for(lambda: told.extend(health.take(50)) or told, "diagnostics")
        node.terminate()
        said = node.communicate(timeout=20)[1]
        check(node.returncode == 0, f"SIGTERM ended the node with {node.returncode}: {said}")
    finally:
        node.kill()
    count = sum(len(message.detections) for message in replayed)
    print(
        f"   detector: {len(replayed)} clouds gave the {count} boxes of replay to the last bit, {drawn} marker arrays, "
        f"{len(told)} diagnostics, {state} requests answered, cloud to boxes p50 {percentile(delays_ms, 0.5):.0f} ms"
    )


def stamp(message):
    return message.header.stamp.sec, message.header.stamp.nanosec


def prepared(message, data):
    """A message whose bytes are those that a bag holds."""
    check(data[:2] == b"\x00\x01", "a bag holds big-endian messages")
    message.prepared = data
    return message


def blank_cloud():
    return ros.PointCloud2(ros.Header(), 0, 0, [], False, 0, 0, [], True)


def garbage(command, participant):
    """Noise, made-up RTPS, and real datagrams cut short and with changed bytes, to every port of domain 0.

    First in the name of strangers: the node's peers go on undisturbed. Then in the name of those peers, which no DDS
    without its security can tell from the real ones: the node must still serve whoever comes after.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("239.255.0.1", 7400))
    joined = socket.inet_aton("239.255.0.1") + socket.inet_aton("127.0.0.1")
    listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
    listener.settimeout(5)
    node = Node(command, "hardy", "~/input/pointcloud:=/lidar/points", participant=participant)
    writer = DataWriter(participant, Topic(participant, "rt/lidar/points", ros.PointCloud2), qos=qos(True))
    matched(writer, 1)
    listening([node])
    real, draw = [listener.recv(65536) for _ in range(4)] + made_datagrams(), random.Random(20)
    strangers = [datagram.replace(datagram[8:20], draw.randbytes(12)) for datagram in real]
    sent = flood(draw, strangers, 1500)
    compare(node, publish(writer, clouds()[:2], 20, [node]))
    sent += flood(draw, real, 1500)
    fresh = DomainParticipant(0)
    node.attach(fresh)
    writer = DataWriter(fresh, Topic(fresh, "rt/lidar/points", ros.PointCloud2), qos=qos(True))
    matched(writer, 1)
    listening([node])
    compare(node, publish(writer, clouds()[:2], 20, [node], first=100))
    counts, _ = node.end()
    check(counts["malformed"] > sent // 4, f"of {sent} datagrams few were counted: {counts}")
    print(f"   garbage: {sent} datagrams sent, {counts['malformed']} counted as malformed, 40 of 40 clouds answered")


def flood(draw, real, rounds):
    """Sends garbage of every kind; how many datagrams."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
    ports = [("127.0.0.1", port) for port in range(7410, 7420)] + [("239.255.0.1", 7400), ("239.255.0.1", 7401)]
    sent = 0
    for round_ in range(rounds):
        noise = draw.randbytes(draw.randrange(0, 1500))
        for datagram in (noise, b"RTPS" + noise, changed(draw, real), changed(draw, real)):
            try:
                sender.sendto(datagram, ports[draw.randrange(len(ports))])
            except ConnectionRefusedError:
                pass  # Nobody has this port: what an earlier datagram met is told to the next.
            sent += 1
        if round_ % 10 == 0:
            time.sleep(0.005)
    return sent


def made_datagrams():
    """Well-formed RTPS around nonsense: fragments that lie about their sizes, heartbeats and gaps without end."""
    head = b"RTPS\x02\x03\x01\x10" + bytes(range(12))
    submessage = lambda kind, flags, body: struct.pack("<BBH", kind, flags, len(body)) + body
    entity = b"\x00\x00\x00\x00\x00\x00\x01\x03"
    fragment = struct.pack("<HH", 0, 28) + entity + struct.pack("<iIIHHI", 0, 1, 0xFFFFFFFF, 0xFFFF, 0, 0xFFFFFFFF)
    return [
        head + submessage(0x16, 1, fragment + bytes(40)),
        head + submessage(0x07, 1, entity + struct.pack("<iIiII", 0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 1)),
        head + submessage(0x08, 1, entity + struct.pack("<iIiII", 0, 1, 0x7FFFFFFF, 0, 0xFFFFFFFF) + bytes(64)),
        head + submessage(0x15, 5, struct.pack("<HH", 0, 0xFFFF) + entity + struct.pack("<iI", -1, 0)),
        head + submessage(0x06, 1, entity + struct.pack("<iII", 0, 1, 0xFFFFFFFF) + bytes(8)),
    ]


def changed(draw, real):
    datagram = bytearray(draw.choice(real))
    for _ in range(draw.randrange(1, 9)):
        datagram[draw.randrange(len(datagram))] = draw.randrange(256)
    return bytes(datagram[: draw.randrange(1, len(datagram) + 1)])


def no_multicast(command, _):
    """Where the only interface has no multicast the node says so and does not start."""
    script = 'ip link set lo up; exec "$0" deaf'
    ended = subprocess.run(
        ["unshare", "-n", "sh", "-c", script, command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30
    )
    check(ended.returncode != 0 and "lo (no multicast)" in ended.stderr, f"exit {ended.returncode}: {ended.stderr!r}")
    print("   no multicast: refused at start, with the interface and the way out")


SCENARIOS = [graph, no_multicast, reliable, best_effort, returning, garbage]


def main():
    if sys.argv[2:3] == ["as_publisher"]:
        return as_publisher(int(sys.argv[3]))
    parser = argparse.ArgumentParser(description="The DDS back-end against cyclonedds")
    parser.add_argument("answer", metavar="DDS_ANSWER")
    parser.add_argument("--detector", nargs=4, metavar=("PERCEPT", "WEIGHTS", "BAG", "BOXES"))
    names = [scenario.__name__ for scenario in [*SCENARIOS, detector]]
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(names))
    args = parser.parse_intermixed_args()
    check(set(args.scenarios) <= set(names), f"no such scenario; there are {names}")
    wanted = args.scenarios or [name for name in names if name != "detector" or args.detector]
    for scenario in [*SCENARIOS, detector]:
        if scenario.__name__ in wanted:
            begin, participant = time.monotonic(), DomainParticipant(0)
            scenario(args if scenario is detector else args.answer, participant)
            del participant
            print(f"   ({scenario.__name__}: {time.monotonic() - begin:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
