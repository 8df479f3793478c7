#!/usr/bin/env python3
"""Checks a simulated drive with cameras (`--cameras ... --depth --masks`) against independent readers.

Needs the PyPI packages rosbags, pillow and numpy.

    check_cameras.py BAG [PICTURES]

Decodes every image, joins it with its CameraInfo and the static transforms, and projects
- the true boxes of the sweep: their hulls must lie on the pixels of their instances,
- the points of the sweep: their depths must be those of the depth image.
With PICTURES, a folder, it draws both over the images. Exit code 0 where all of it holds.
"""

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

# Classes of solid surfaces that stand: ground, houses (SemanticKITTI's numbers).
SOLID = (40, 44, 48, 50, 52)


def matrix(translation, q):
    x, y, z, w = q.x, q.y, q.z, q.w
    m = np.eye(4)
    m[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    m[:3, 3] = translation.x, translation.y, translation.z
    return m


def read(bag):
    """Messages by topic, the static transforms by child, and the vehicle's poses."""
    topics, static, poses = {}, {}, []
    with Reader(bag) as reader:
        store = get_typestore(Stores.ROS2_HUMBLE)
        for connection in reader.connections:
            known = connection.msgtype in store.fielddefs
            if not known and connection.msgdef.data:
                store.register(get_types_from_msg(connection.msgdef.data, connection.msgtype))
        for connection, time_ns, data in reader.messages():
            message = store.deserialize_cdr(data, connection.msgtype)
            topics.setdefault(connection.topic, []).append((time_ns, message))
            for transform in message.transforms if connection.topic in ("/tf_static", "/tf") else []:
                t = matrix(transform.transform.translation, transform.transform.rotation)
                if connection.topic == "/tf_static":
                    static[transform.child_frame_id] = (transform.header.frame_id, t)
                else:
                    poses.append((stamp_ns(transform.header), t))
    return topics, static, sorted(poses, key=lambda entry: entry[0])


def stamp_ns(header):
    return header.stamp.sec * 10**9 + header.stamp.nanosec


def poses_at(poses, times_ns):
    """The vehicle's poses between its transforms, straight (they differ by less than a degree)."""
    times, matrices = np.array([time for time, _ in poses]), np.stack([m for _, m in poses])
    after = np.clip(np.searchsorted(times, times_ns, side="right"), 1, len(times) - 1)
    share = (times_ns - times[after - 1]) / (times[after] - times[after - 1])
    return matrices[after - 1] + (matrices[after] - matrices[after - 1]) * np.clip(share, 0, 1)[:, None, None]


def in_camera(points, time_ns, cloud, t_camera_lidar, poses, t_base_lidar):
    """Points of a rolling sweep in a camera's axes at its own time: through where the vehicle was at theirs."""
    offsets = {field.name: field.offset for field in cloud.fields}
    raw = np.asarray(cloud.data).reshape(-1, cloud.point_step)
    seconds = raw[:, offsets["time"]: offsets["time"] + 4].copy().view("<f4")[:, 0].astype(float)
    t_odom_lidar = poses_at(poses, stamp_ns(cloud.header) + seconds * 1e9) @ t_base_lidar
    in_odom = np.einsum("nij,nj->ni", t_odom_lidar[:, :3, :3], points) + t_odom_lidar[:, :3, 3]
    t_odom_now = poses_at(poses, np.array([time_ns], float))[0] @ t_base_lidar
    t_camera_odom = t_camera_lidar @ np.linalg.inv(t_odom_now)
    return in_odom @ t_camera_odom[:3, :3].T + t_camera_odom[:3, 3]


def points_of(cloud):
    offsets = {field.name: field.offset for field in cloud.fields}
    raw = np.asarray(cloud.data).reshape(-1, cloud.point_step)
    column = lambda name, kind: raw[:, offsets[name]: offsets[name] + np.dtype(kind).itemsize].copy().view(kind)[:, 0]
    xyz = np.stack([column(name, "<f4") for name in "xyz"], axis=1).astype(float)
    return xyz, column("label", "<u2") if "label" in offsets else None


def corners(box):
    half = np.array([box.size.x, box.size.y, box.size.z]) / 2
    signs = np.array([[sx, sy, sz] for sx in (-1, 1) for sy in (-1, 1) for sz in (-1, 1)])
    m = matrix(box.center.position, box.center.orientation)
    return (signs * half) @ m[:3, :3].T + m[:3, 3]


def project(k, points):
    z = points[:, 2]
    safe = np.where(z > 0.1, z, 1.0)
    return (k[0, 0] * points[:, 0] + k[0, 2] * z) / safe, (k[1, 1] * points[:, 1] + k[1, 2] * z) / safe, z


def hull_of(k, points):
    u, v, z = project(k, points)
    return None if (z < 0.3).any() else np.array([u.min(), v.min(), u.max(), v.max()])


def overlap(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    area = lambda r: (r[2] - r[0]) * (r[3] - r[1])
    inter = max(w, 0) * max(h, 0)
    return inter / (area(a) + area(b) - inter)


def nearest(messages, time_ns):
    return min(messages, key=lambda entry: abs(stamp_ns(entry[1].header) - time_ns))[1]


def check_image(topics, camera, index, t_camera_lidar, poses, t_base_lidar, pictures):
    name = f"/camera/{camera}"
    image_message = topics[f"{name}/image/compressed"][index][1]
    info = topics[f"{name}/camera_info"][index][1]
    header = image_message.header
    assert stamp_ns(info.header) == stamp_ns(header) and info.header.frame_id == header.frame_id
    assert info.distortion_model == "plumb_bob" and not np.asarray(info.d).any()
    decode = lambda topic: np.asarray(Image.open(io.BytesIO(bytes(topics[topic][index][1].data))))
    image = Image.open(io.BytesIO(bytes(image_message.data)))
    depth = decode(f"{name}/depth/compressed").astype(float) / 1000
    instances = decode(f"/truth/camera/{camera}/instances/compressed")
    classes = decode(f"/truth/camera/{camera}/classes/compressed")
    assert image.format == "JPEG" and image.size == (info.width, info.height) == depth.shape[::-1]
    k = np.asarray(info.k).reshape(3, 3)
    # Boxes are told for the moment at which the LiDAR looked there: but for the seam of the sweep within 10 ms of the image's.
    sweep = [m for _, m in topics["/truth/labelled_points"] if stamp_ns(m.header) <= stamp_ns(header)][-1]
    objects = nearest(topics["/truth/objects"], stamp_ns(sweep.header))
    xyz, labels = points_of(sweep)
    overlaps = []
    draw = ImageDraw.Draw(image) if pictures else None
    for detection in objects.detections:
        place = corners(detection.bbox) @ t_camera_lidar[:3, :3].T + t_camera_lidar[:3, 3]
        hull = hull_of(k, place)
        instance = int(detection.id.split()[0])
        ys, xs = np.nonzero(instances == instance)
        if hull is None or len(xs) < 250:
            continue
        own = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
        cut = np.clip(hull, 0, [info.width, info.height] * 2)
        shown = [d for d in topics[f"/truth/camera/{camera}/objects"][index][1].detections if int(d.id.split()[0]) == instance]
        visible = float(shown[0].id.split("visible=")[1].split()[0]) if shown else 0.0
        if visible > 0.9:
            overlaps.append(overlap(cut, own))
        if draw:
            draw.rectangle(list(cut), outline=(255, 220, 0) if visible > 0.5 else (255, 90, 60))
    cloud = nearest(topics["/sensing/lidar/points"], stamp_ns(sweep.header))
    p = in_camera(xyz, stamp_ns(header), cloud, t_camera_lidar, poses, t_base_lidar)
    u, v, z = project(k, p)
    ui, vi = np.round(u).astype(int), np.round(v).astype(int)
    inside = (z > 1) & (ui > 0) & (vi > 0) & (ui < info.width - 1) & (vi < info.height - 1)
    ui, vi, z, labels = ui[inside], vi[inside], z[inside], labels[inside]
    seen = depth[vi, ui]
    spread = np.max([abs(depth[vi + dv, ui + du] - seen) for du, dv in ((1, 0), (-1, 0), (0, 1), (0, -1))], axis=0)
    good = np.isin(labels, SOLID) & (classes[vi, ui] == labels) & (spread < 0.15) & (seen > 0)
    differences = abs(seen[good] - z[good])
    if draw:
        for x, y, d in zip(ui, vi, z):
            share = min(d / 50, 1)
            draw.point((x, y), fill=(int(255 * (1 - share)), int(180 * share) + 60, int(255 * share)))
        image.save(Path(pictures) / f"{camera}_{index}.png")
    return overlaps, differences


def main(bag, pictures=None):
    topics, static, poses = read(bag)
    t_base_lidar = static["lidar"][1]
    cameras = sorted(t.split("/")[2] for t in topics if t.startswith("/camera/") and t.endswith("/image/compressed"))
    if pictures:
        Path(pictures).mkdir(parents=True, exist_ok=True)
    all_overlaps, all_differences = [], []
    for camera in cameras:
        parent, t_lidar_camera = static[f"{camera}_optical_frame"]
        assert parent == "lidar"
        overlaps, differences = [], []
        for index in range(len(topics[f"/camera/{camera}/image/compressed"])):
            found = check_image(topics, camera, index, np.linalg.inv(t_lidar_camera), poses, t_base_lidar, pictures)
            overlaps += found[0]
            differences += list(found[1])
        sizes = [len(m.data) for _, m in topics[f"/camera/{camera}/image/compressed"]]
        print(
            f"{camera}: {len(sizes)} images of {np.mean(sizes) / 1000:.0f} kB, {len(overlaps)} boxes with overlap "
            f"{np.mean(overlaps or [np.nan]):.2f}, {len(differences)} points within "
            f"{np.median(differences or [np.nan]):.3f} m (median), {np.percentile(differences or [np.nan], 90):.3f} m (nine of ten)"
        )
        all_overlaps += overlaps
        all_differences += differences
    # The hull of a turned box is wider than what it holds.
    holds = np.mean(all_overlaps) > 0.6 and np.median(all_differences) < 0.05 and np.percentile(all_differences, 90) < 0.15
    print("ok" if holds else "MISMATCH")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
