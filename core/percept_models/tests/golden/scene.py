"""What the two generators share: a random scene, padded pillars, and imports without compiled operations."""

import importlib
import sys
import types
from pathlib import Path

import numpy as np
import torch

# 24 x 16 cells: unequal sides, so that a swap of x and y does not pass unseen.
RANGE = [0.0, -1.28, -3.0, 3.84, 1.28, 1.0]
VOXEL = [0.16, 0.16, 4.0]
GRID = [24, 16, 1]
MAX_POINTS = 5


def points(seed, pillars=60):
    """(N, 4) float32 inside the range, several to a cell."""
    rng = np.random.default_rng(seed)
    low, high = np.array(RANGE[:3]), np.array(RANGE[3:])
    centres = rng.uniform(low, high, (pillars, 3))
    spread = rng.normal(0, [0.05, 0.05, 0.4], (4, pillars, 3))
    xyz = np.clip((centres[None] + spread).reshape(-1, 3), low, high - 1e-3)
    intensity = rng.uniform(0, 1, (len(xyz), 1))
    return np.concatenate([xyz, intensity], 1).astype(np.float32)


def padded_pillars(cloud):
    """(P, M, 4), (P, 4) [b, z, y, x], (P): pillars by (y, x), points by arrival; float32 subtraction and division."""
    low, size = np.array(RANGE[:3], np.float32), np.array(VOXEL, np.float32)
    cells = np.floor((cloud[:, :3] - low) / size).astype(int)
    members = {}
    for point, (x, y, _) in zip(cloud, cells):
        members.setdefault((y, x), []).append(point)
    voxels = np.zeros((len(members), MAX_POINTS, 4), np.float32)
    coords = np.zeros((len(members), 4), np.int32)
    counts = np.zeros(len(members), np.int32)
    for row, (y, x) in enumerate(sorted(members)):
        kept = members[y, x][:MAX_POINTS]
        voxels[row, : len(kept)] = kept
        coords[row] = [0, 0, y, x]
        counts[row] = len(kept)
    return torch.from_numpy(voxels), torch.from_numpy(coords), torch.from_numpy(counts)


def randomise(module, seed):
    """Random weights of a useful size, and statistics of batch norms as after training."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in sorted(module.state_dict().items()):
            if value.dtype != torch.float32:
                continue
            if name.endswith("running_var"):
                value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
            elif value.dim() > 1:
                fan_in = value[0].numel()
                value.copy_(torch.randn(value.shape, generator=generator) * (2 / fan_in) ** 0.5)
            elif name.endswith("weight"):
                value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
            else:
                value.copy_(torch.randn(value.shape, generator=generator) * 0.2)
    return module.eval()


def package(name, folder=None):
    """A package whose __init__ is not run: its modules are found by path, its compiled parts are not asked for."""
    module = types.ModuleType(name)
    module.__path__ = [str(folder)] if folder else []
    sys.modules[name] = module
    return module


def stub(name, **attributes):
    """A module with only what is imported from it by name."""
    module = types.ModuleType(name)
    for key, value in attributes.items():
        setattr(module, key, value)
    sys.modules[name] = module
    return module


def decorated_rows(padded, counts):
    """(P, M, D) -> (R, D): the real points alone."""
    return torch.cat([padded[row, : int(count)] for row, count in enumerate(counts)])


def save(path, tensors, **metadata):
    from safetensors.torch import save_file

    # Counts and cells as well: the reader of the tests takes floats, and these are small.
    save_file({name: value.to(torch.float32).contiguous() for name, value in tensors.items()}, path, metadata)
    size = Path(path).stat().st_size
    print(f"{path}: {len(tensors)} tensors, {size} bytes")
    assert size < 100_000, "golden files stay under 100 kB"


def module(name):
    return importlib.import_module(name)
