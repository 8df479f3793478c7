"""Golden targets and losses from OpenPCDet's own assigner and head.

    python generate_supervised.py /path/to/OpenPCDet COMMIT

made from commit 8cacccec11db6f59bf6934600c9a175dae254806 with torch 2.15.0 (CPU). AnchorHeadSingle assigns the targets
and computes the losses as it is; predictions are a formula that the test repeats, so they are not stored. Writes
supervised.json: true boxes, labels and codes of the positives, ignored anchors, the three losses, gradients.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from easydict import EasyDict

sys.path.insert(0, str(Path(__file__).parents[3] / "percept_models" / "tests" / "golden"))
import generate_openpcdet as upstream
import scene

# 48 x 64 pillars: a head's map of 32 rows and 24 columns.
RANGE = [0.0, -5.12, -3.0, 7.68, 5.12, 1.0]
GRID = [48, 64, 1]
THRESHOLDS = [(0.6, 0.45), (0.5, 0.35), (0.5, 0.35)]
SIZES = [[4.1, 1.7, 1.5], [0.7, 0.65, 1.75], [1.8, 0.6, 1.7]]


def head():
    module = scene.module("pcdet.models.dense_heads.anchor_head_single")
    anchors = [dict(class_name=name, anchor_sizes=[size], anchor_rotations=[0, 1.57], anchor_bottom_heights=[bottom],
                    align_center=False, feature_map_stride=2, matched_threshold=matched, unmatched_threshold=unmatched)
               for name, size, bottom, (matched, unmatched)
               in zip(upstream.CLASSES, upstream.SIZES, upstream.BOTTOMS, THRESHOLDS)]
    return module.AnchorHeadSingle(
        EasyDict(USE_DIRECTION_CLASSIFIER=True, DIR_OFFSET=upstream.DIR_OFFSET, DIR_LIMIT_OFFSET=0.0, NUM_DIR_BINS=2,
                 ANCHOR_GENERATOR_CONFIG=anchors,
                 TARGET_ASSIGNER_CONFIG=dict(NAME="AxisAlignedTargetAssigner", POS_FRACTION=-1.0, SAMPLE_SIZE=512,
                                             NORM_BY_NUM_EXAMPLES=False, MATCH_HEIGHT=False, BOX_CODER="ResidualCoder"),
                 LOSS_CONFIG=dict(LOSS_WEIGHTS=dict(cls_weight=1.0, loc_weight=2.0, dir_weight=0.2,
                                                    code_weights=[1.0] * 7))),
        input_channels=4, num_class=3, class_names=upstream.CLASSES, grid_size=np.array(GRID),
        point_cloud_range=np.array(RANGE))


def truth(seed):
    """(2, 7, 8): boxes with class 1..3; float32 numbers of few digits, so that JSON holds them exactly."""
    rng = np.random.default_rng(seed)
    boxes = np.zeros((2, 7, 8), np.float32)
    for frame in range(2):
        for i in range(7):
            kind = i % 3
            centre = [rng.uniform(0.5, 7.2), rng.uniform(-4.6, 4.6), rng.uniform(-1.2, -0.6)]
            size = np.array(SIZES[kind]) * rng.uniform(0.9, 1.1)
            boxes[frame, i] = np.round([*centre, *size, rng.uniform(-4, 4), kind + 1], 3)
    return boxes


def wave(shape, amplitude):
    """amplitude sin(0.7311 i + 0.123) over the elements of (B, C, H, W), in float64, then float32."""
    i = np.arange(np.prod(shape), dtype=np.float64)
    values = torch.from_numpy((amplitude * np.sin(i * 0.7311 + 0.123)).astype(np.float32).reshape(shape))
    return values.requires_grad_()


def main():
    upstream.import_upstream(Path(sys.argv[1]))
    module, boxes = head(), truth(5)
    height, width = GRID[1] // 2, GRID[0] // 2
    targets = module.assign_targets(torch.from_numpy(boxes))
    maps = dict(cls=wave((2, 18, height, width), 3.0), box=wave((2, 42, height, width), 0.8),
                dir=wave((2, 12, height, width), 1.5))
    module.forward_ret_dict = dict(
        cls_preds=maps["cls"].permute(0, 2, 3, 1).contiguous(), box_preds=maps["box"].permute(0, 2, 3, 1).contiguous(),
        dir_cls_preds=maps["dir"].permute(0, 2, 3, 1).contiguous(), **targets)
    loss, parts = module.get_loss()
    loss.backward()
    labels = targets["box_cls_labels"].numpy()
    frames = []
    for frame in range(2):
        positives = np.flatnonzero(labels[frame] > 0)
        frames.append(dict(
            truth=[[round(float(v), 3) for v in box] for box in boxes[frame]],
            positives=positives.tolist(), classes=labels[frame][positives].astype(int).tolist(),
            ignored=np.flatnonzero(labels[frame] < 0).tolist(),
            codes=[[round(float(v), 6) for v in code] for code in targets["box_reg_targets"][frame][positives]]))
    gradients = {}
    for name, values in maps.items():
        gradient = values.grad.flatten()
        largest = gradient.abs().topk(40).indices.sort().values
        gradients[name] = dict(norm=float(gradient.double().norm()), indices=largest.tolist(),
                               values=[float(f"{v:.7g}") for v in gradient[largest].tolist()])
    losses = dict(cls=parts["rpn_loss_cls"], box=parts["rpn_loss_loc"], dir=parts["rpn_loss_dir"])
    golden = dict(upstream=f"OpenPCDet {sys.argv[2]}", losses=losses, frames=frames, gradients=gradients)
    Path(__file__).with_name("supervised.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
