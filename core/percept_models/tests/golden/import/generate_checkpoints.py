"""Writes the small checkpoints that the import is tested with. Needs PyTorch (made with 2.15.0); run in this folder.

Values are arange(n) / 8 shifted by a number per tensor, so the test states them without a second file.
"""
import collections
import os
import pickle

import torch


def ramp(start, *shape):
    count = 1
    for size in shape:
        count *= size
    return (torch.arange(count, dtype=torch.float32) / 8 + start).reshape(shape)


def tensors():
    table = collections.OrderedDict()
    table["plain"] = ramp(1, 2, 3)
    table["transposed"] = ramp(2, 3, 4).t()
    table["slice"] = ramp(3, 4, 4)[1:3, 2:]
    table["half"] = ramp(4, 5).half()
    table["bfloat"] = ramp(5, 4).bfloat16()
    table["double"] = ramp(6, 3).double()
    table["counter"] = torch.tensor(77, dtype=torch.int64)
    table["parameter"] = torch.nn.Parameter(ramp(7, 2, 2))
    table["empty"] = torch.zeros(0, 4)
    shared = ramp(8, 6)
    table["shared_a"], table["shared_b"] = shared[:4], shared[2:]
    return table


def module_state():
    """A real module's table: an OrderedDict with a `_metadata` attribute, which the pickle sets by BUILD."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2))
    with torch.no_grad():
        module[0].weight.copy_(ramp(9, 2, 1, 1, 1))
    return module.state_dict()


class Malicious:
    def __reduce__(self):
        return (os.system, ("touch percept_was_here",))


pcdet = {"epoch": 80, "it": 1.5, "model_state": tensors(), "optimizer_state": {"lr": 3e-3, "betas": (0.9, 0.99)},
         "version": "pcdet+0.6.0"}
mmdet = {"meta": {"config": "model = dict()", "CLASSES": ["Pedestrian", "Cyclist", "Car"]}, "state_dict": module_state()}
torch.save(pcdet, "pcdet_zip.pth")
torch.save(pcdet, "pcdet_legacy.pth", _use_new_zipfile_serialization=False)
torch.save(mmdet, "mmdet_zip.pth")
torch.save(mmdet, "mmdet_legacy.pth", _use_new_zipfile_serialization=False)
torch.save(tensors(), "bare_protocol4.pth", pickle_protocol=4)
torch.save({"state_dict": {"weight": ramp(1, 2)}, "hook": Malicious()}, "malicious_zip.pth")
with open("not_torch.pkl", "wb") as file:
    pickle.dump({"state_dict": {}}, file)


def network(features, layout):
    """The tensors of a small PointPillars under a code base's names: 4 channels, one further convolution a stage."""
    torch.manual_seed(1)
    pcdet = layout == "pcdet"
    vfe, blocks, neck, head = (
        ("vfe", "backbone_2d.blocks", "backbone_2d.deblocks", "dense_head") if pcdet
        else ("voxel_encoder", "backbone.blocks", "neck.deblocks", "bbox_head"))
    state = collections.OrderedDict()

    def norm(name, channels):
        for leaf in ("weight", "bias", "running_mean", "running_var"):
            state[f"{name}.{leaf}"] = torch.rand(channels) + 0.5
        state[f"{name}.num_batches_tracked"] = torch.tensor(10)

    state[f"{vfe}.pfn_layers.0.linear.weight"] = torch.randn(4, features)
    norm(f"{vfe}.pfn_layers.0.norm", 4)
    for stage in range(3):
        for j in range(2):
            first = 3 * j + (1 if pcdet else 0)
            state[f"{blocks}.{stage}.{first}.weight"] = torch.randn(4, 4, 3, 3) / 6
            norm(f"{blocks}.{stage}.{first + 1}", 4)
        state[f"{neck}.{stage}.0.weight"] = torch.randn(4, 4, 2 ** stage, 2 ** stage) / 2
        norm(f"{neck}.{stage}.1", 4)
    for name, channels in (("conv_cls", 18), ("conv_box" if pcdet else "conv_reg", 42), ("conv_dir_cls", 12)):
        state[f"{head}.{name}.weight"] = torch.randn(channels, 12, 1, 1)
        state[f"{head}.{name}.bias"] = torch.randn(channels)
    if pcdet:
        state["global_step"] = torch.tensor(297000)
    return state


torch.save({"epoch": 80, "model_state": network(10, "pcdet")}, "network_pcdet.pth")
torch.save({"meta": {}, "state_dict": network(10, "mmdet")}, "network_mmdet1.pth")
torch.save({"meta": {}, "state_dict": network(9, "mmdet")}, "network_mmdet0.pth", _use_new_zipfile_serialization=False)
