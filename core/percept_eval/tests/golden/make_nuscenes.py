"""Makes nuscenes_frames_{0,1,2}.json and nuscenes_expected.json.

Random but plausible samples (seeded) are scored by nuscenes-devkit 1.2.0 from PyPI: its own filters, accumulation, AP,
true-positive errors and NDS (`filter_eval_boxes`, `DetectionEval.evaluate`), configuration detection_cvpr_2019. Only the
tables are replaced: a small object answers what the filters look up (vehicle poses and bicycle racks).

    python make_nuscenes.py

needs nuscenes-devkit (made with 1.2.0, numpy 1.26.4, Python 3.11).

A frame is {ego: [x, y], truth: rows, predictions: rows, racks: rows}. A truth row is
[class, x, y, z, width, length, height, yaw, vx, vy, attribute, points], a prediction has its score in place of the
points; classes and attributes are indices into the lists of nuscenes_expected.json; velocity null = not annotated,
attribute -1 = none.
"""

import json
import math
import pathlib

import numpy as np
from nuscenes.eval.common.config import config_factory
from nuscenes.eval.common.data_classes import EvalBoxes
from nuscenes.eval.common.loaders import add_center_dist, filter_eval_boxes
from nuscenes.eval.detection.constants import ATTRIBUTE_NAMES, DETECTION_NAMES
from nuscenes.eval.detection.data_classes import DetectionBox
from nuscenes.eval.detection.evaluate import DetectionEval
from nuscenes.eval.detection.utils import detection_name_to_rel_attributes

HERE = pathlib.Path(__file__).parent
NUM_FRAMES = 132
NUM_FILES = 3
# class: share, (w, l, h), typical speed
CLASSES = {
    "car": (0.28, (1.9, 4.6, 1.7), 5.0),
    "truck": (0.08, (2.5, 7.0, 2.9), 4.0),
    "bus": (0.05, (2.9, 11.0, 3.5), 4.0),
    "trailer": (0.04, (2.9, 12.0, 3.9), 2.0),
    "construction_vehicle": (0.04, (2.8, 6.5, 3.2), 0.5),
    "pedestrian": (0.18, (0.7, 0.7, 1.8), 1.2),
    "motorcycle": (0.07, (0.8, 2.1, 1.5), 3.0),
    "bicycle": (0.08, (0.6, 1.7, 1.3), 2.0),
    "traffic_cone": (0.09, (0.4, 0.4, 1.1), 0.0),
    "barrier": (0.09, (2.5, 0.5, 1.0), 0.0),
}


def yaw_of(rng):
    return round(float(rng.uniform(-math.pi, math.pi)), 3)


def random_truth(rng, ego):
    names = list(CLASSES)
    shares = np.array([CLASSES[n][0] for n in names])
    name = str(rng.choice(names, p=shares / shares.sum()))
    _, size, speed = CLASSES[name]
    distance, angle = rng.uniform(2, 58), rng.uniform(-math.pi, math.pi)
    center = [ego[0] + distance * math.cos(angle), ego[1] + distance * math.sin(angle), rng.normal(1.0, 0.3)]
    size = np.array(size) * np.exp(rng.normal(0, 0.1, 3))
    yaw = yaw_of(rng)
    velocity = [None, None]
    if rng.random() > 0.07:
        v = speed * abs(rng.normal()) * (rng.random() < 0.6)
        velocity = [round(v * math.cos(yaw), 2), round(v * math.sin(yaw), 2)]
    choices = detection_name_to_rel_attributes(name)
    attribute = ATTRIBUTE_NAMES.index(str(rng.choice(choices))) if choices and rng.random() > 0.06 else -1
    points = 0 if rng.random() < 0.08 else int(rng.integers(1, 200))
    numbers = [round(float(v), 2) for v in [*center, *size]]
    return [DETECTION_NAMES.index(name), *numbers, yaw, *velocity, attribute, points]


def noisy(rng, row, quality):
    out = list(row[:11])
    for i, sigma in ((1, 0.5), (2, 0.5), (3, 0.2)):
        out[i] = round(out[i] + float(rng.normal(0, sigma * quality)), 2)
    for i in (4, 5, 6):
        out[i] = round(max(out[i] * float(np.exp(rng.normal(0, 0.1 * quality))), 0.1), 2)
    out[7] = round(out[7] + float(rng.normal(0, 0.2 * quality)) + (math.pi if rng.random() < 0.1 else 0.0), 3)
    speed = [0.0 if v is None else v for v in out[8:10]]
    out[8:10] = [round(v + float(rng.normal(0, 0.4 * quality)), 2) for v in speed]
    if rng.random() < 0.2 and out[10] >= 0:
        choices = detection_name_to_rel_attributes(DETECTION_NAMES[out[0]])
        out[10] = ATTRIBUTE_NAMES.index(str(rng.choice(choices)))
    return out


def score_of(rng, quality):
    value = 1 / (1 + math.exp(-(1.5 - 1.2 * quality + rng.normal(0, 0.8))))
    # Two digits make many equal scores, four make few.
    return min(max(round(value, 2 if rng.random() < 0.5 else 4), 0.01), 0.99)


def make_frame(rng):
    ego = [round(float(v), 2) for v in rng.uniform(300, 1500, 2)]
    truth = [random_truth(rng, ego) for _ in range(rng.integers(5, 14))]
    racks = []
    for row in truth:
        if DETECTION_NAMES[row[0]] in ("bicycle", "motorcycle") and rng.random() < 0.25:
            jitter = rng.normal(0, 0.8, 2)
            center = [round(row[1] + float(jitter[0]), 2), round(row[2] + float(jitter[1]), 2), row[3]]
            racks.append([*center, 2.0, 5.0, 1.5, yaw_of(rng)])
    predictions = []
    for row in truth:
        chance = 0.85
        while rng.random() < chance:
            quality = rng.gamma(2.0, 0.5)
            predictions.append([*noisy(rng, row, quality), score_of(rng, quality)])
            chance = 0.25
    for _ in range(rng.poisson(3)):
        predictions.append([*noisy(rng, random_truth(rng, ego), 1.0), score_of(rng, 2.0)])
    order = rng.permutation(len(predictions))
    return {"ego": ego, "truth": truth, "predictions": [predictions[i] for i in order], "racks": racks}


class Tables:
    """What the devkit's filters look up."""

    def __init__(self, frames):
        self.frames = frames

    def get(self, table, token):
        if table == "sample_annotation":
            frame, rack = map(int, token.split("/"))
            x, y, z, w, l, h, yaw = self.frames[frame]["racks"][rack]
            rotation = [math.cos(yaw / 2), 0, 0, math.sin(yaw / 2)]
            name = "static_object.bicycle_rack"
            return {"category_name": name, "translation": [x, y, z], "size": [w, l, h], "rotation": rotation}
        frame = self.frames[int(token)]
        if table == "ego_pose":
            return {"translation": [*frame["ego"], 0.0]}
        racks = [f"{token}/{i}" for i in range(len(frame["racks"]))]
        return {"data": {"LIDAR_TOP": token}, "ego_pose_token": token, "anns": racks}


def boxes_of(frames, key):
    boxes = EvalBoxes()
    for i, frame in enumerate(frames):
        rows = []
        for name, x, y, z, w, l, h, yaw, vx, vy, attribute, last in frame[key]:
            extra = {"num_pts": last} if key == "truth" else {"detection_score": float(last)}
            rows.append(
                DetectionBox(
                    sample_token=str(i),
                    translation=(x, y, z),
                    size=(w, l, h),
                    rotation=(math.cos(yaw / 2), 0, 0, math.sin(yaw / 2)),
                    velocity=(math.nan, math.nan) if vx is None else (vx, vy),
                    detection_name=DETECTION_NAMES[name],
                    attribute_name=ATTRIBUTE_NAMES[attribute] if attribute >= 0 else "",
                    **extra,
                )
            )
        boxes.add_boxes(str(i), rows)
    return boxes


def main():
    rng = np.random.default_rng(20240607)
    # What is written is what is scored.
    frames = json.loads(json.dumps([make_frame(rng) for _ in range(NUM_FRAMES)]))
    tables = Tables(frames)
    evaluation = DetectionEval.__new__(DetectionEval)
    evaluation.cfg, evaluation.verbose = config_factory("detection_cvpr_2019"), False
    sides, counts = {}, {}
    for key in ("truth", "predictions"):
        boxes = add_center_dist(tables, boxes_of(frames, key))
        counts[key] = [len(boxes.all)]
        sides[key] = filter_eval_boxes(tables, boxes, evaluation.cfg.class_range)
        counts[key].append(len(boxes.all))
    evaluation.gt_boxes, evaluation.pred_boxes = sides["truth"], sides["predictions"]
    metrics, curves = evaluation.evaluate()
    summary = metrics.serialize()
    error = {name: {k: None if math.isnan(v) else v for k, v in e.items()} for name, e in summary["label_tp_errors"].items()}
    expected = {
        "source": "nuscenes-devkit 1.2.0 (PyPI), configuration detection_cvpr_2019",
        "classes": DETECTION_NAMES,
        "attributes": ATTRIBUTE_NAMES,
        "boxes_before_and_after_the_filters": counts,
        "label_aps": {name: list(aps.values()) for name, aps in summary["label_aps"].items()},
        "label_tp_errors": error,
        "mean_ap": summary["mean_ap"],
        "tp_errors": summary["tp_errors"],
        "nd_score": summary["nd_score"],
        "car_precision_at_2_m": np.round(curves[("car", 2.0)].precision, 9).tolist(),
        "car_confidence_at_2_m": np.round(curves[("car", 2.0)].confidence, 9).tolist(),
    }
    size = -(-NUM_FRAMES // NUM_FILES)
    for i in range(NUM_FILES):
        chosen = frames[i * size : (i + 1) * size]
        (HERE / f"nuscenes_frames_{i}.json").write_text(json.dumps(chosen, separators=(",", ":")) + "\n")
    (HERE / "nuscenes_expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
