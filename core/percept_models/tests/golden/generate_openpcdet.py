"""Golden tensors of PointPillars from OpenPCDet's own modules.

    python generate_openpcdet.py /path/to/OpenPCDet COMMIT

made from commit 8cacccec11db6f59bf6934600c9a175dae254806 with torch 2.15.0 (CPU). PillarVFE, PointPillarScatter,
BaseBEVBackbone, AnchorHeadSingle and ResidualCoder run as they are; compiled operations that they import but do not
call here are replaced by empty modules. Writes openpcdet_network.safetensors (inputs, weights, what each module
gives) and openpcdet_head.safetensors (anchors, decoded boxes, box codes, direction targets).
"""

import sys
from pathlib import Path

import numpy as np
import torch
from easydict import EasyDict

import scene

CLASSES = ["Car", "Pedestrian", "Cyclist"]
SIZES = [[3.9, 1.6, 1.56], [0.8, 0.6, 1.73], [1.76, 0.6, 1.73]]
BOTTOMS = [-1.78, -0.6, -0.6]
DIR_OFFSET = 0.78539


def import_upstream(root):
    for name in ["", ".utils", ".ops", ".ops.iou3d_nms", ".ops.roiaware_pool3d", ".models", ".models.backbones_2d",
                 ".models.backbones_2d.map_to_bev", ".models.backbones_3d", ".models.backbones_3d.vfe",
                 ".models.dense_heads", ".models.dense_heads.target_assigner"]:
        scene.package("pcdet" + name, root / "pcdet" / name.strip(".").replace(".", "/"))
    for name in ["iou3d_nms.iou3d_nms_utils", "roiaware_pool3d.roiaware_pool3d_utils"]:
        parent, leaf = name.split(".")
        setattr(sys.modules[f"pcdet.ops.{parent}"], leaf, scene.stub(f"pcdet.ops.{name}"))
    scene.stub("SharedArray")
    scene.stub("scipy", spatial=scene.stub("scipy.spatial", Delaunay=None))
    # The modules put their constants on a GPU; here they stay where they are.
    torch.Tensor.cuda = lambda self, *_, **__: self


def build():
    pillar_vfe = scene.module("pcdet.models.backbones_3d.vfe.pillar_vfe")
    scatter = scene.module("pcdet.models.backbones_2d.map_to_bev.pointpillar_scatter")
    backbone = scene.module("pcdet.models.backbones_2d.base_bev_backbone")
    head = scene.module("pcdet.models.dense_heads.anchor_head_single")
    vfe = pillar_vfe.PillarVFE(
        EasyDict(USE_NORM=True, WITH_DISTANCE=False, USE_ABSLOTE_XYZ=True, NUM_FILTERS=[8]),
        num_point_features=4, voxel_size=scene.VOXEL, point_cloud_range=scene.RANGE)
    to_bev = scatter.PointPillarScatter(EasyDict(NUM_BEV_FEATURES=8), grid_size=scene.GRID)
    backbone_2d = backbone.BaseBEVBackbone(
        EasyDict(LAYER_NUMS=[1, 1, 1], LAYER_STRIDES=[2, 2, 2], NUM_FILTERS=[8, 8, 16],
                 UPSAMPLE_STRIDES=[1, 2, 4], NUM_UPSAMPLE_FILTERS=[4, 4, 4]), 8)
    anchors = [dict(class_name=name, anchor_sizes=[size], anchor_rotations=[0, 1.57], anchor_bottom_heights=[bottom],
                    align_center=False, feature_map_stride=2, matched_threshold=0.6, unmatched_threshold=0.45)
               for name, size, bottom in zip(CLASSES, SIZES, BOTTOMS)]
    dense_head = head.AnchorHeadSingle(
        EasyDict(USE_DIRECTION_CLASSIFIER=True, DIR_OFFSET=DIR_OFFSET, DIR_LIMIT_OFFSET=0.0, NUM_DIR_BINS=2,
                 ANCHOR_GENERATOR_CONFIG=anchors,
                 TARGET_ASSIGNER_CONFIG=dict(NAME="AxisAlignedTargetAssigner", POS_FRACTION=-1.0, SAMPLE_SIZE=512,
                                             NORM_BY_NUM_EXAMPLES=False, MATCH_HEIGHT=False,
                                             BOX_CODER="ResidualCoder"),
                 LOSS_CONFIG=dict(LOSS_WEIGHTS=dict(cls_weight=1.0, loc_weight=2.0, dir_weight=0.2,
                                                    code_weights=[1.0] * 7))),
        input_channels=12, num_class=3, class_names=CLASSES, grid_size=np.array(scene.GRID),
        point_cloud_range=np.array(scene.RANGE))
    return torch.nn.ModuleDict(dict(vfe=vfe, to_bev=to_bev, backbone_2d=backbone_2d, dense_head=dense_head))


def run(network, cloud):
    voxels, coords, counts = scene.padded_pillars(cloud)
    seen = {}
    network["vfe"].pfn_layers[0].register_forward_pre_hook(lambda _, args: seen.update(decorated=args[0].clone()))
    for stage, block in enumerate(network["backbone_2d"].blocks):
        block.register_forward_hook(lambda _, __, out, name=f"backbone_{2 << stage}x": seen.update({name: out[0]}))
    for name in ["cls", "box", "dir_cls"]:
        conv = getattr(network["dense_head"], f"conv_{name}")
        conv.register_forward_hook(lambda _, __, out, name=name.removesuffix("_cls"): seen.update({name: out[0]}))
    batch = dict(batch_size=1, voxels=voxels, voxel_coords=coords, voxel_num_points=counts)
    with torch.no_grad():
        for name in ["vfe", "to_bev", "backbone_2d", "dense_head"]:
            batch = network[name](batch)
    seen["decorated"] = scene.decorated_rows(seen["decorated"], counts)
    seen.update(pillar_features=batch["pillar_features"], bev_features=batch["spatial_features_2d"][0])
    seen.update(num_points=counts, coords=coords[:, 2:].contiguous())
    return seen, batch


def box_codes(network, seed=3):
    """Codes and direction bins of random boxes, by the head's own coder and by its own target."""
    generator = torch.Generator().manual_seed(seed)
    random = lambda *shape: torch.rand(*shape, generator=generator)
    anchors = torch.cat([random(40, 3) * 20 - 10, random(40, 3) * 4 + 0.5, random(40, 1) * 6 - 3], 1)
    boxes = torch.cat([anchors[:, :3] + random(40, 3) - 0.5, random(40, 3) * 4 + 0.5, random(40, 1) * 8 - 4], 1)
    codes = network["dense_head"].box_coder.encode_torch(boxes.clone(), anchors.clone())
    bins = network["dense_head"].get_direction_target(
        anchors[None], codes[None], one_hot=False, dir_offset=DIR_OFFSET)[0]
    return {"code.anchors": anchors, "code.boxes": boxes, "code.codes": codes, "code.bins": bins}


def main():
    root, commit = Path(sys.argv[1]), sys.argv[2]
    import_upstream(root)
    network = scene.randomise(build(), seed=7)
    cloud = scene.points(seed=11)
    seen, batch = run(network, cloud)
    weights = {f"weights.{name}": value for name, value in network.state_dict().items()
               if value.dtype == torch.float32}
    here = Path(__file__).parent
    scene.save(here / "openpcdet_network.safetensors", {"points": torch.from_numpy(cloud), **seen, **weights},
               source="open-mmlab/OpenPCDet", commit=commit)
    anchors = torch.cat(network["dense_head"].anchors, dim=-3).reshape(-1, 7)
    head = dict(anchors=anchors, decoded_boxes=batch["batch_box_preds"][0], decoded_logits=batch["batch_cls_preds"][0])
    scene.save(here / "openpcdet_head.safetensors", {**head, **box_codes(network)},
               source="open-mmlab/OpenPCDet", commit=commit)


if __name__ == "__main__":
    main()
