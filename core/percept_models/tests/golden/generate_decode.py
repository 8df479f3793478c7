"""Golden detections: both decoding rules over the predictions of openpcdet_network.safetensors.

    python generate_decode.py

Independent of our code: scores and boxes are those that OpenPCDet decoded (openpcdet_head.safetensors), thresholds,
candidates and suppression follow the published rules (OpenPCDet class_agnostic_nms, commit
8cacccec11db6f59bf6934600c9a175dae254806; mmdetection3d box3d_multiclass_nms, commit
fe25f7a51d36e3702f961e198894580d83c4387b) in numpy, overlaps come from shapely 2. Writes decode.safetensors.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from shapely import affinity
from shapely.geometry import box

import scene

HERE = Path(__file__).parent


def footprint(row):
    rectangle = box(-row[3] / 2, -row[4] / 2, row[3] / 2, row[4] / 2)
    return affinity.translate(affinity.rotate(rectangle, row[6], use_radians=True, origin=(0, 0)), row[0], row[1])


def suppress(rows, scores, threshold):
    shapes = [footprint(row.astype(np.float64)) for row in rows]
    kept = []
    for candidate in np.argsort(-scores, kind="stable"):
        overlaps = (shapes[candidate].intersection(shapes[one]).area / shapes[candidate].union(shapes[one]).area
                    for one in kept)
        if all(overlap <= threshold for overlap in overlaps):
            kept.append(candidate)
    return kept


def class_agnostic(scores, boxes, threshold, candidates, iou, most):
    best = scores.max(1)
    chosen = np.flatnonzero(best >= threshold)
    chosen = chosen[np.argsort(-best[chosen], kind="stable")][:candidates]
    kept = chosen[suppress(boxes[chosen], best[chosen], iou)][:most]
    return [(scores[i].argmax(), best[i], *boxes[i]) for i in kept]


def per_class(scores, boxes, threshold, candidates, iou, most):
    top = np.argsort(-scores.max(1), kind="stable")[:candidates]
    found = []
    for label in range(scores.shape[1]):
        chosen = top[scores[top, label] > threshold]
        kept = chosen[suppress(boxes[chosen], scores[chosen, label], iou)]
        found += [(label, scores[i, label], *boxes[i]) for i in kept]
    return sorted(found, key=lambda row: -row[1])[:most]


def main():
    head = load_file(HERE / "openpcdet_head.safetensors")
    scores = 1 / (1 + np.exp(-head["decoded_logits"].astype(np.float64)))
    boxes = head["decoded_boxes"]
    tensors = {}
    for name, rule, options in [
        ("class_agnostic", class_agnostic, dict(threshold=0.6, candidates=200, iou=0.1, most=500)),
        ("class_agnostic_few", class_agnostic, dict(threshold=0.1, candidates=4096, iou=0.01, most=5)),
        ("per_class", per_class, dict(threshold=0.55, candidates=100, iou=0.1, most=50)),
        ("per_class_few", per_class, dict(threshold=0.1, candidates=30, iou=0.01, most=4)),
    ]:
        rows = np.array(rule(scores, boxes, **options), np.float32)
        print(name, rows.shape, "classes", np.bincount(rows[:, 0].astype(int)))
        tensors[name] = torch.from_numpy(rows)
        tensors[f"{name}.options"] = torch.tensor(list(options.values()), dtype=torch.float64)
    scene.save(HERE / "decode.safetensors", tensors, source="published rules in numpy and shapely")


if __name__ == "__main__":
    main()
