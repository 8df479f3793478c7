// Points of pillars decorated with the mean of their pillar's points and the pillar's centre.
//
// points (N, 4) [x, y, z, intensity], point_indices (R), offsets (P + 1), cells (P) -> decorated (R, D) f32.
// Columns each of the D columns is one of: 0..3 x, y, z, intensity; 4..6 from the mean; 7..9 from the centre.
// Order   the mean is a sum by arrival and one division, in f32, as on the CPU: equal to the last bit.
#include "cuda/device.cuh"

static const u32 MAX_COLUMNS = 16;

struct Decoration {
    u32 num_columns, nx, ny;
    u32 first_x, first_y;
    float size_x, size_y, offset_x, offset_y, offset_z;
    /// 0: the intensity is fed as 0; 1: divided by the scale; 2: and clipped.
    u32 intensity;
    float scale, clip;
    u8 columns[MAX_COLUMNS];
};

/// One warp a pillar.
extern "C" __global__ void pillar_decorate(Decoration decoration, const float *__restrict__ points,
                                           const u32 *__restrict__ point_indices, const u32 *__restrict__ offsets,
                                           const u32 *__restrict__ cells, const u32 *__restrict__ num_pillars,
                                           float *__restrict__ decorated) {
    const u32 pillar = (blockIdx.x * blockDim.x + threadIdx.x) / WARP_SIZE, lane = threadIdx.x % WARP_SIZE;
    if (pillar >= *num_pillars) return;
    const u32 start = offsets[pillar], end = offsets[pillar + 1];
    float sum[3] = {0.0f, 0.0f, 0.0f};
    for (u32 row = start; row < end; ++row) {
        const float *point = points + static_cast<u64>(point_indices[row]) * 4;
        for (u32 axis = 0; axis < 3; ++axis) sum[axis] += point[axis];
    }
    const float count = static_cast<float>(end - start);
    const u32 cell = cells[pillar] % (decoration.nx * decoration.ny);
    const u32 x = cell % decoration.nx, y = cell / decoration.nx;
    const float centre[3] = {
        static_cast<float>(decoration.first_x + x) * decoration.size_x + decoration.offset_x,
        static_cast<float>(decoration.first_y + y) * decoration.size_y + decoration.offset_y,
        decoration.offset_z,
    };
    for (u32 row = start + lane; row < end; row += WARP_SIZE) {
        const float *point = points + static_cast<u64>(point_indices[row]) * 4;
        float values[10];
        for (u32 axis = 0; axis < 3; ++axis) {
            values[axis] = point[axis];
            values[4 + axis] = point[axis] - sum[axis] / count;
            values[7 + axis] = point[axis] - centre[axis];
        }
        float intensity = decoration.intensity == 0 ? 0.0f : point[3] / decoration.scale;
        if (decoration.intensity == 2 && intensity > decoration.clip) intensity = decoration.clip;
        values[3] = intensity;
        for (u32 c = 0; c < decoration.num_columns; ++c) {
            decorated[static_cast<u64>(row) * decoration.num_columns + c] = values[decoration.columns[c]];
        }
    }
}

EXPORT_KERNEL(pillar_decorate)
