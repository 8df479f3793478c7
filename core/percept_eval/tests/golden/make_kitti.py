"""Makes kitti_truth.txt, kitti_detections_{0,1}.txt and kitti_expected.json.

Random but plausible street scenes (seeded), written as KITTI label text, are scored by the public KITTI evaluation of
OpenPCDet (pcdet/datasets/kitti/kitti_object_eval_python, commit 8cacccec11db6f59bf6934600c9a175dae254806).

    python make_kitti.py /path/to/OpenPCDet

needs numpy, numba and shapely (made with numpy 1.26.4, numba 0.68.1, shapely 2.0.7, Python 3.11). The upstream rotated
overlap is a CUDA kernel in f32. Its device function runs here unchanged in numba's CUDA simulator, pair by pair; only
the launch over a grid is replaced by a loop, because the simulator's threads disturb each other. `--iou shapely`
replaces the whole overlap by an f64 computation with shapely; both give the same figures (`--check` compares with the
stored file instead of writing). To make that possible two kinds of detections are left out: those with an overlap within
2e-3 of a threshold (the kernel is off by up to 1.2e-3), and those exactly parallel to a truth box that they meet (the
kernel may lose common corners there, and gave overlaps of 0 and -1.2 where 1 and 0.99 are right).
"""

import argparse
import json
import math
import os
import pathlib
import sys
import tempfile
import types

import numpy as np
from shapely import affinity, geometry

HERE = pathlib.Path(__file__).parent
NUM_FRAMES = 130
WIDTH, HEIGHT = 1242, 375
P2 = np.array([[721.5377, 0, 609.5593, 44.85728], [0, 721.5377, 172.854, 0.2163791], [0, 0, 1, 0.002745884]])
# class: share, (l, w, h), spread of the size, detected as
CLASSES = {
    "Car": (0.30, (3.9, 1.63, 1.53), 0.08, "Car"),
    "Van": (0.07, (5.0, 1.9, 2.2), 0.08, "Car"),
    "Truck": (0.04, (10.0, 2.6, 3.2), 0.15, "Car"),
    "Pedestrian": (0.22, (0.84, 0.66, 1.76), 0.1, "Pedestrian"),
    "Person_sitting": (0.05, (0.8, 0.6, 1.28), 0.08, "Pedestrian"),
    "Cyclist": (0.20, (1.76, 0.6, 1.74), 0.05, "Cyclist"),
    "Tram": (0.02, (16.0, 2.5, 3.5), 0.1, None),
    "Misc": (0.03, (3.0, 1.5, 1.7), 0.3, "Car"),
    "DontCare": (0.07, (4.0, 1.6, 1.5), 0.2, "Car"),
}
THRESHOLDS = (0.25, 0.5, 0.7)


def corners(box):
    """(8, 3) corners of (l, w, h, x, y, z, ry) in the camera frame."""
    l, w, h, x, y, z, ry = box
    along = np.array([1, -1, -1, 1, 1, -1, -1, 1]) * l / 2
    across = np.array([1, 1, -1, -1, 1, 1, -1, -1]) * w / 2
    up = np.array([0, 0, 0, 0, -h, -h, -h, -h])
    c, s = math.cos(ry), math.sin(ry)
    return np.stack([x + c * along + s * across, y + up, z - s * along + c * across], 1)


def hull(box):
    """Image hull, clipped, and the part of its area that was cut off; None where it is not in the image."""
    points = np.concatenate([corners(box), np.ones((8, 1))], 1) @ P2.T
    if points[:, 2].min() < 0.5:
        return None
    uv = points[:, :2] / points[:, 2:]
    whole = np.array([uv[:, 0].min(), uv[:, 1].min(), uv[:, 0].max(), uv[:, 1].max()])
    cut = np.clip(whole, 0, [WIDTH - 1, HEIGHT - 1, WIDTH - 1, HEIGHT - 1])
    area = (cut[2] - cut[0]) * (cut[3] - cut[1])
    if area <= 0:
        return None
    return cut, 1 - area / ((whole[2] - whole[0]) * (whole[3] - whole[1]))


def rounded(box):
    l, w, h, x, y, z, ry = box
    ry = (ry + math.pi) % (2 * math.pi) - math.pi
    return tuple(float(round(v, 2)) for v in (max(l, 0.1), max(w, 0.1), max(h, 0.1), x, y, z, ry))


def alpha(box):
    a = box[6] - math.atan2(box[3], box[5])
    return (a + math.pi) % (2 * math.pi) - math.pi


def line(name, truncated, occluded, bbox, box, score=None):
    l, w, h, x, y, z, ry = box
    numbers = [alpha(box), *bbox, h, w, l, x, y, z, ry]
    text = f"{name} {truncated:.2f} {occluded} " + " ".join(f"{v:.2f}" for v in numbers)
    return text if score is None else f"{text} {score:.4f}".rstrip("0")


def random_box(rng, name):
    _, size, spread, _ = CLASSES[name]
    l, w, h = np.array(size) * np.exp(rng.normal(0, spread, 3))
    z = rng.uniform(4, 45) if rng.random() < 0.85 else rng.uniform(45, 75)
    x = rng.uniform(-0.9, 0.9) * z
    ry = rng.choice([-1.57, 1.57, 0.0, 3.14]) + rng.normal(0, 0.15) if rng.random() < 0.7 else rng.uniform(-3.14, 3.14)
    return rounded((l, w, h, x, 1.65 + rng.normal(0, 0.1), z, ry))


def footprint(box):
    l, w, _, x, _, z, ry = box
    return affinity.translate(affinity.rotate(geometry.box(-l / 2, -w / 2, l / 2, w / 2), -ry, use_radians=True), x, z)


def overlaps(a, b):
    """(bev, 3d) intersection over union."""
    fa, fb = footprint(a), footprint(b)
    shared = fa.intersection(fb).area
    bev = shared / (fa.area + fb.area - shared)
    height = min(a[4], b[4]) - max(a[4] - a[2], b[4] - b[2])
    volume = shared * max(height, 0.0)
    return bev, volume / (a[0] * a[1] * a[2] + b[0] * b[1] * b[2] - volume)


def is_doubtful(box, truth_boxes):
    """Whether f32 and f64 might judge it differently: near a threshold, or parallel to a truth box that it meets."""
    for truth in truth_boxes:
        if abs(truth[3] - box[3]) + abs(truth[5] - box[5]) > 20:
            continue
        bev, volume = overlaps(box, truth)
        if bev > 0 and abs(truth[6] - box[6]) < 0.005:
            return True
        if any(abs(v - threshold) < 2e-3 for v in (bev, volume) for threshold in THRESHOLDS):
            return True
    return False


def noisy(rng, box, quality):
    l, w, h, x, y, z, ry = box
    scale = np.exp(rng.normal(0, 0.04 * quality, 3))
    move = rng.normal(0, [0.12 * quality, 0.06 * quality, 0.15 * quality])
    turn = rng.normal(0, 0.08 * quality) + (math.pi if rng.random() < 0.08 else 0.0)
    return rounded((l * scale[0], w * scale[1], h * scale[2], x + move[0], y + move[1], z + move[2], ry + turn))


def make_frame(rng):
    names = list(CLASSES)
    shares = np.array([CLASSES[n][0] for n in names])
    truth, truth_boxes, wanted = [], [], []
    for _ in range(rng.integers(4, 12)):
        if wanted and rng.random() < 0.2:  # a companion so near that detections fit either
            name, (l, w, h, x, y, z, ry) = wanted[-1]
            box = rounded((l, w, h, x + rng.normal(0, 0.25 * l), y, z + rng.normal(0, 0.25 * w), ry))
        else:
            name = str(rng.choice(names, p=shares / shares.sum()))
            box = random_box(rng, name)
        seen = hull(box)
        if seen is None:
            continue
        bbox, truncated = seen
        if name == "DontCare":
            pad = " -1 -1 -1 -1000 -1000 -1000 -10"
            truth.append("DontCare -1 -1 -10 " + " ".join(f"{v:.2f}" for v in bbox) + pad)
        else:
            occluded = int(rng.choice(4, p=[0.55, 0.25, 0.13, 0.07]))
            truth.append(line(name, truncated, occluded, bbox, box))
            truth_boxes.append(box)
        wanted.append((name, box))
    detections = []
    for name, box in wanted:
        detected_as = CLASSES[name][3]
        chance = {"DontCare": 0.6, "Truck": 0.25, "Misc": 0.3, "Van": 0.6, "Person_sitting": 0.6}.get(name, 0.88)
        for copy in range(3):
            if detected_as is None or rng.random() > chance:
                break
            label = detected_as if rng.random() < 0.95 else str(rng.choice(["Car", "Pedestrian", "Cyclist"]))
            quality = rng.gamma(2.0, 0.5) + 0.3 * copy
            score = 1 / (1 + math.exp(-(2.2 - 1.3 * quality - 0.02 * box[5] + rng.normal(0, 0.7))))
            detections.append((label, noisy(rng, box, quality), score))
            chance = 0.2
    for _ in range(rng.poisson(2.5)):
        label = str(rng.choice(["Car", "Pedestrian", "Cyclist"]))
        detections.append((label, random_box(rng, label), rng.beta(1.5, 5)))
    if detections and rng.random() < 0.3:
        detections.append(detections[rng.integers(len(detections))])  # the same box and score twice
    rng.shuffle(detections)
    results = []
    for label, box, score in detections:
        seen = hull(box)
        if seen is None or is_doubtful(box, truth_boxes):
            continue
        # Two digits make many equal scores, four make few.
        score = min(max(round(score, 2 if rng.random() < 0.6 else 4), 0.01), 0.99)
        results.append(line(label, -1, -1, seen[0], box, score))
    return truth, results


def shapely_overlap(boxes, query_boxes, criterion=-1):
    """Replacement of the upstream kernel: (N, 5), (K, 5) of x, z, l, w, ry -> (N, K)."""
    shapes = [[footprint((b[2], b[3], 1, b[0], 0, b[1], b[4])) for b in group] for group in (boxes, query_boxes)]
    out = np.zeros((len(boxes), len(query_boxes)))
    for i, a in enumerate(shapes[0]):
        for j, b in enumerate(shapes[1]):
            if abs(boxes[i][0] - query_boxes[j][0]) + abs(boxes[i][1] - query_boxes[j][1]) > 40:
                continue
            shared = a.intersection(b).area
            whole = {-1: a.area + b.area - shared, 0: a.area, 1: b.area}.get(criterion, 1.0)
            out[i, j] = shared / whole
    return out


def kernel_overlap(module):
    """Replacement of the upstream launch: its own device function for each pair, in one thread."""
    from numba.cuda.simulator import kernel, kernelapi

    def overlap(boxes, query_boxes, criterion=-1, device_id=0):
        kernel._kernel_context = kernelapi.FakeCUDAModule((1, 1, 1), (1, 1, 1), 0)
        boxes, query_boxes = boxes.astype(np.float32), query_boxes.astype(np.float32)
        out = np.zeros((len(boxes), len(query_boxes)), np.float32)
        for i, a in enumerate(boxes):
            for j, b in enumerate(query_boxes):
                if abs(a[0] - b[0]) + abs(a[1] - b[1]) < 40:  # farther apart no two boxes meet
                    out[i, j] = module.devRotateIoUEval(b, a, criterion)
        return out

    return overlap


def score_upstream(checkout, iou, frames):
    folder = pathlib.Path(checkout) / "pcdet/datasets/kitti"
    sys.path.insert(0, str(folder))
    image_reader = types.ModuleType("skimage")  # imported by the label reader, used only for images
    image_reader.io = None
    sys.modules.setdefault("skimage", image_reader)
    from kitti_object_eval_python import eval as upstream
    from kitti_object_eval_python import kitti_common, rotate_iou

    upstream.rotate_iou_gpu_eval = shapely_overlap if iou == "shapely" else kernel_overlap(rotate_iou)
    with tempfile.TemporaryDirectory() as tmp:
        annos = {}
        for side, part in (("truth", 0), ("detections", 1)):
            (pathlib.Path(tmp) / side).mkdir()
            for i, frame in enumerate(frames):
                (pathlib.Path(tmp) / side / f"{i:06d}.txt").write_text("\n".join(frame[part]) + "\n" * bool(frame[part]))
            annos[side] = kitti_common.get_label_annos(os.path.join(tmp, side), list(range(len(frames))))
    # The overlaps of get_official_eval_result: [set][bbox, bev, 3d][Car, Pedestrian, Cyclist].
    strict = [[0.7, 0.5, 0.5]] * 3
    loose = [[0.7, 0.5, 0.5], [0.5, 0.25, 0.25], [0.5, 0.25, 0.25]]
    curves = {}
    values = upstream.do_eval(annos["truth"], annos["detections"], [0, 1, 2], np.array([strict, loose]), True, curves)
    # do_eval gives bbox, bev, 3d, aos for R11, then for R40.
    names = [f"{metric}_{points}" for points in ("R11", "R40") for metric in ("bbox", "bev", "3d", "aos")]
    result = {name: value.tolist() for name, value in zip(names, values)}
    result["curves_moderate_strict"] = {
        metric: np.round(curve[:, 1, 0], 9).tolist() for metric, curve in curves.items()
    }
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkout")
    parser.add_argument("--iou", choices=["kernel", "shapely"], default="kernel")
    parser.add_argument("--check", action="store_true", help="compare with kitti_expected.json and write nothing")
    args = parser.parse_args()
    os.environ["NUMBA_ENABLE_CUDASIM"] = "1"  # read when the upstream code imports numba
    rng = np.random.default_rng(20240607)
    frames = [make_frame(rng) for _ in range(NUM_FRAMES)]
    expected = score_upstream(args.checkout, args.iou, frames)
    expected["order"] = "[class Car, Pedestrian, Cyclist][easy, moderate, hard][overlap set strict, loose], percent"
    expected["source"] = "OpenPCDet kitti_object_eval_python, commit 8cacccec11db6f59bf6934600c9a175dae254806"
    if args.check:
        stored = json.loads((HERE / "kitti_expected.json").read_text())
        names = [name for name in stored if name.rsplit("_", 1)[-1] in ("R11", "R40")]
        worst = max(float(np.abs(np.array(stored[n]) - np.array(expected[n])).max()) for n in names)
        print(f"largest difference {worst:.3e} percent over {len(names)} arrays")
        sys.exit(worst > 1e-9)

    def text(part, chosen):
        return "".join(f"# {i:06d}\n" + "".join(row + "\n" for row in frames[i][part]) for i in chosen)

    half = NUM_FRAMES // 2
    (HERE / "kitti_truth.txt").write_text(text(0, range(NUM_FRAMES)))
    (HERE / "kitti_detections_0.txt").write_text(text(1, range(half)))
    (HERE / "kitti_detections_1.txt").write_text(text(1, range(half, NUM_FRAMES)))
    (HERE / "kitti_expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
