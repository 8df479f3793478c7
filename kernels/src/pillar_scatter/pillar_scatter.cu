// Pillar features to the canvas, channels last; only what the last frame wrote is cleared.
//
// features (P, C) half, cells (P) linear index of each pillar -> canvas (ny, nx, C) half.
// Order   no two pillars share a cell, so threads write where no other does.
// Limits  C is a multiple of 8 (16 bytes); launched for the capacity of pillars, stops at the count on the device.
#include "cuda/device.cuh"

/// written (W) of the last frame, their number -> zeros there.
extern "C" __global__ void pillar_scatter_clear(uint4 *__restrict__ canvas, const u32 *__restrict__ written,
                                                const u32 *__restrict__ num_written, u32 chunks) {
    const u32 at = blockIdx.x * blockDim.x + threadIdx.x, pillar = at / chunks;
    if (pillar >= *num_written) return;
    canvas[static_cast<u64>(written[pillar]) * chunks + at % chunks] = uint4{0, 0, 0, 0};
}

/// features (P, C) -> canvas; notes which cells it wrote.
extern "C" __global__ void pillar_scatter(uint4 *__restrict__ canvas, const uint4 *__restrict__ features,
                                          const u32 *__restrict__ cells, const u32 *__restrict__ num_pillars,
                                          u32 *__restrict__ written, u32 *__restrict__ num_written, u32 chunks) {
    const u32 at = blockIdx.x * blockDim.x + threadIdx.x, pillar = at / chunks, count = *num_pillars;
    if (at == 0) *num_written = count;
    if (pillar >= count) return;
    const u32 cell = cells[pillar];
    canvas[static_cast<u64>(cell) * chunks + at % chunks] = features[at];
    if (at % chunks == 0) written[pillar] = cell;
}

EXPORT_KERNEL(pillar_scatter_clear)
EXPORT_KERNEL(pillar_scatter)
