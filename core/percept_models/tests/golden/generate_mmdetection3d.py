"""Golden tensors of pillar features, anchors, box codes from mmdetection3d's own modules.

    python generate_mmdetection3d.py /path/to/mmdetection3d-1.x COMMIT /path/to/mmdetection3d-0.17 COMMIT

made from commits fe25f7a51d36e3702f961e198894580d83c4387b (1.4.0) and bff52f4befa34176b00dffce638eb4a5d1ee01b6 (0.17.2)
with torch 2.15.0 (CPU). PillarFeatureNet of both generations, AlignedAnchor3DRangeGenerator and
DeltaXYZWLHRBBoxCoder run as they are; registries and mmcv's builder of norm layers are replaced by the few lines that
they come down to. Writes mmdetection3d.safetensors.
"""

import sys
from pathlib import Path

import torch

import scene

RANGES = [[0, -1.28, -0.6, 3.84, 1.28, -0.6], [0, -1.28, -0.6, 3.84, 1.28, -0.6], [0, -1.28, -1.78, 3.84, 1.28, -1.78]]
SIZES = [[0.8, 0.6, 1.73], [1.76, 0.6, 1.73], [3.9, 1.6, 1.56]]


class Registry:
    def register_module(self, *_, **__):
        return lambda cls: cls


def norm_layer(cfg, channels):
    assert cfg["type"] == "BN1d"
    return "bn", torch.nn.BatchNorm1d(channels, eps=cfg["eps"], momentum=cfg["momentum"])


def keep(*_, **__):
    """The decorators of mixed precision: they do nothing in F32."""
    return lambda function: function


def import_upstream(root):
    for name in [name for name in sys.modules if name.split(".")[0] in {"mmdet3d", "mmdet", "mmcv", "mmengine"}]:
        del sys.modules[name]
    for name in ["mmcv", "mmdet", "mmdet.models"]:
        scene.package(name)
    scene.stub("mmengine", is_list_of=lambda values, kind: all(isinstance(value, kind) for value in values))
    scene.stub("mmcv.cnn", build_norm_layer=norm_layer)
    scene.stub("mmcv.ops", DynamicScatter=None)
    scene.stub("mmcv.runner", force_fp32=keep, auto_fp16=keep)
    scene.stub("mmdet.models.task_modules", BaseBBoxCoder=object)
    for name in ["", ".models", ".models.voxel_encoders", ".models.task_modules", ".models.task_modules.anchor",
                 ".models.task_modules.coders"]:
        scene.package("mmdet3d" + name, root / "mmdet3d" / name.strip(".").replace(".", "/"))
    scene.stub("mmdet3d.registry", MODELS=Registry(), TASK_UTILS=Registry())
    scene.stub("mmdet3d.models.builder", VOXEL_ENCODERS=Registry())
    scene.stub("mmdet3d.ops", DynamicScatter=None)


def pillar_features(prefix, seed, **options):
    """Pillar features of the scene and the weights that gave them, named as in OpenPCDet."""
    encoder = scene.module("mmdet3d.models.voxel_encoders.pillar_encoder")
    network = encoder.PillarFeatureNet(
        in_channels=4, feat_channels=[8], voxel_size=scene.VOXEL, point_cloud_range=scene.RANGE, **options)
    scene.randomise(network, seed)
    seen = {}
    network.pfn_layers[0].register_forward_pre_hook(lambda _, args: seen.update(decorated=args[0].clone()))
    voxels, coords, counts = scene.padded_pillars(scene.points(seed=11))
    with torch.no_grad():
        features = network(voxels, counts, coords)
    weights = {f"{prefix}.weights.vfe.{name}": value for name, value in network.state_dict().items()
               if value.dtype == torch.float32}
    decorated = scene.decorated_rows(seen["decorated"], counts)
    return {f"{prefix}.pillar_features": features, f"{prefix}.decorated": decorated, **weights}


def anchors_and_codes():
    """Anchors (bottom centres) over the scene's map, and boxes that random codes decode to from them."""
    generator = scene.module("mmdet3d.models.task_modules.anchor.anchor_3d_generator")
    coder = scene.module("mmdet3d.models.task_modules.coders.delta_xyzwhlr_bbox_coder")
    anchors = generator.AlignedAnchor3DRangeGenerator(
        ranges=RANGES, sizes=SIZES, rotations=[0, 1.57], reshape_out=False)
    anchors = anchors.grid_anchors([(scene.GRID[1] // 2, scene.GRID[0] // 2)], device="cpu")[0].reshape(-1, 7)
    random = torch.Generator().manual_seed(5)
    codes = torch.randn(40, 7, generator=random) * 0.3
    chosen = torch.arange(40) * 14
    decoded = coder.DeltaXYZWLHRBBoxCoder.decode(anchors[chosen], codes)
    return {"anchors": anchors, "code.codes": codes, "code.boxes": decoded, "code.anchor_index": chosen}


def main():
    new, new_commit, old, old_commit = sys.argv[1:5]
    import_upstream(Path(new))
    tensors = pillar_features("mm10_legacy", seed=21, legacy=True)
    tensors |= pillar_features("mm10", seed=22, legacy=False)
    tensors |= anchors_and_codes()
    import_upstream(Path(old))
    tensors |= pillar_features("mm9_legacy", seed=23, legacy=True)
    tensors["points"] = torch.from_numpy(scene.points(seed=11))
    scene.save(Path(__file__).parent / "mmdetection3d.safetensors", tensors,
               source="open-mmlab/mmdetection3d", commit=f"{new_commit} {old_commit}")


if __name__ == "__main__":
    main()
