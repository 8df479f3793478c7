// Hard voxelization: the integers, order and drops of cpu.rs.
//
// points (N, F) f32 -> cells (P) ascending, offsets (P + 1), point_indices (R) by arrival within a voxel.
// How     the first point of each cell by an atomic minimum (order-free); its rank among such points is the voxel's
//         number by arrival, which decides the cap; a scan over cells gives canonical order; of a voxel's points the M
//         smallest indices are selected and ranked. Atomics act on integers alone, so every run gives the same bytes.
// Tables  a word a cell, zero between two frames: `firsts` holds ~index of the first point, `counts` the points (later
//         the next free place), `voxels` 1 + the voxel's number or KEPT.
// Limits  launched for capacities; points beyond the capacity are dropped by the host, which counts them.
#include "cuda/device.cuh"

static const u32 OUTSIDE = 0xffffffffu;
/// Entry of `voxels` of a cell that is kept and has no number yet.
static const u32 KEPT = 0xffffffffu;
/// Threads of a block and items of a thread in the scans.
static const u32 THREADS = 256, ITEMS = 4, TILE = THREADS * ITEMS;

struct Axis {
    float min, max, size;
    u32 cells, first, len;
};

struct Grid {
    Axis x, y, z;
    u32 num_features, num_cells, max_points, max_voxels;
};

/// Counts of a frame; the order is that of `VoxelizeTallies` in cuda.rs.
struct Tallies {
    u32 num_voxels, num_kept, out_of_range, over_voxel_cap, voxels_over_cap, of_dropped_voxels;
};

__device__ __forceinline__ u32 cell_along(const Axis &axis, float value) {
    if (!(value >= axis.min && value < axis.max)) return OUTSIDE;
    const u32 cell = static_cast<u32>((value - axis.min) / axis.size);
    // Rounding may put a point just below the upper edge into a cell that does not exist.
    if (cell >= axis.cells) return OUTSIDE;
    const u32 relative = cell - axis.first;
    return relative < axis.len ? relative : OUTSIDE;
}

/// A cell for each point; first point and number of points of each cell.
extern "C" __global__ void voxelize_assign(Grid grid, const float *__restrict__ points,
                                           const u32 *__restrict__ num_points, u32 *__restrict__ cell_of_point,
                                           u32 *__restrict__ firsts, u32 *__restrict__ counts,
                                           Tallies *__restrict__ tallies) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= *num_points) return;
    const float *point = points + static_cast<u64>(i) * grid.num_features;
    const u32 x = cell_along(grid.x, point[0]), y = cell_along(grid.y, point[1]), z = cell_along(grid.z, point[2]);
    u32 cell = OUTSIDE;
    if (x != OUTSIDE && y != OUTSIDE && z != OUTSIDE) {
        cell = (z * grid.y.len + y) * grid.x.len + x;
        atomicMax(&firsts[cell], ~i);
        atomicAdd(&counts[cell], 1u);
    } else {
        atomicAdd(&tallies->out_of_range, 1u);
    }
    cell_of_point[i] = cell;
}

__device__ __forceinline__ bool leads(u32 i, u32 num_points, const u32 *cell_of_point, const u32 *firsts) {
    if (i >= num_points) return false;
    const u32 cell = cell_of_point[i];
    return cell != OUTSIDE && firsts[cell] == ~i;
}

/// Number of first points in each tile.
extern "C" __global__ void __launch_bounds__(256)
    voxelize_count_firsts(const u32 *__restrict__ num_points, const u32 *__restrict__ cell_of_point,
                          const u32 *__restrict__ firsts, u32 *__restrict__ tile_sums) {
    const u32 start = blockIdx.x * TILE + threadIdx.x * ITEMS, count = *num_points;
    u32 mine = 0, total;
    for (u32 j = 0; j < ITEMS; ++j) mine += leads(start + j, count, cell_of_point, firsts);
    block_prefix_sum(mine, total);
    if (threadIdx.x == 0) tile_sums[blockIdx.x] = total;
}

/// Which voxels survive the cap: those whose first point came first.
extern "C" __global__ void __launch_bounds__(256)
    voxelize_keep(Grid grid, const u32 *__restrict__ num_points, const u32 *__restrict__ cell_of_point,
                  const u32 *__restrict__ firsts, const u32 *__restrict__ counts, const u32 *__restrict__ tile_starts,
                  u32 *__restrict__ voxels, Tallies *__restrict__ tallies) {
    const u32 start = blockIdx.x * TILE + threadIdx.x * ITEMS, count = *num_points;
    u32 mine = 0, total;
    for (u32 j = 0; j < ITEMS; ++j) mine += leads(start + j, count, cell_of_point, firsts);
    u32 arrival = tile_starts[blockIdx.x] + block_prefix_sum(mine, total);
    for (u32 j = 0; j < ITEMS; ++j) {
        if (!leads(start + j, count, cell_of_point, firsts)) continue;
        const u32 cell = cell_of_point[start + j];
        if (arrival < grid.max_voxels) {
            voxels[cell] = KEPT;
        } else {
            atomicAdd(&tallies->voxels_over_cap, 1u);
            atomicAdd(&tallies->of_dropped_voxels, counts[cell]);
        }
        ++arrival;
    }
}

/// Voxels, their points and their kept points in each tile of cells: three columns.
extern "C" __global__ void __launch_bounds__(256)
    voxelize_count_cells(Grid grid, const u32 *__restrict__ counts, const u32 *__restrict__ voxels,
                         u32 *__restrict__ tile_sums, u32 tiles) {
    const u32 start = blockIdx.x * TILE + threadIdx.x * ITEMS;
    u32 mine[3] = {0, 0, 0};
    for (u32 j = 0; j < ITEMS; ++j) {
        const u32 cell = start + j;
        if (cell >= grid.num_cells || voxels[cell] == 0) continue;
        mine[0] += 1;
        mine[1] += counts[cell];
        mine[2] += min(counts[cell], grid.max_points);
    }
    for (u32 column = 0; column < 3; ++column) {
        u32 total;
        block_prefix_sum(mine[column], total);
        if (threadIdx.x == 0) tile_sums[column * (tiles + 1) + blockIdx.x] = total;
    }
}

/// Voxels by linear index: where each begins among all points and among the kept ones.
extern "C" __global__ void __launch_bounds__(256)
    voxelize_number(Grid grid, u32 *__restrict__ counts, u32 *__restrict__ voxels, const u32 *__restrict__ tile_starts,
                    u32 tiles, u32 *__restrict__ cells, u32 *__restrict__ starts, u32 *__restrict__ offsets,
                    Tallies *__restrict__ tallies) {
    const u32 start = blockIdx.x * TILE + threadIdx.x * ITEMS;
    u32 mine[3] = {0, 0, 0}, first[3];
    for (u32 j = 0; j < ITEMS; ++j) {
        const u32 cell = start + j;
        if (cell >= grid.num_cells || voxels[cell] == 0) continue;
        mine[0] += 1;
        mine[1] += counts[cell];
        mine[2] += min(counts[cell], grid.max_points);
    }
    for (u32 column = 0; column < 3; ++column) {
        u32 total;
        first[column] = tile_starts[column * (tiles + 1) + blockIdx.x] + block_prefix_sum(mine[column], total);
    }
    for (u32 j = 0; j < ITEMS; ++j) {
        const u32 cell = start + j;
        if (cell >= grid.num_cells || voxels[cell] == 0) continue;
        const u32 count = counts[cell], kept = min(count, grid.max_points);
        cells[first[0]] = cell;
        starts[first[0]] = first[1];
        offsets[first[0]] = first[2];
        voxels[cell] = first[0] + 1;
        counts[cell] = 0;
        if (count > kept) atomicAdd(&tallies->over_voxel_cap, count - kept);
        first[0] += 1;
        first[1] += count;
        first[2] += kept;
    }
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        const u32 num_voxels = tile_starts[tiles];
        tallies->num_voxels = num_voxels;
        tallies->num_kept = tile_starts[3 * (tiles + 1) - 1];
        starts[num_voxels] = tile_starts[2 * (tiles + 1) - 1];
        offsets[num_voxels] = tallies->num_kept;
    }
}

/// Indices of the points of each voxel, in any order.
extern "C" __global__ void voxelize_gather(const u32 *__restrict__ num_points, const u32 *__restrict__ cell_of_point,
                                           const u32 *__restrict__ voxels, u32 *__restrict__ counts,
                                           const u32 *__restrict__ starts, u32 *__restrict__ members) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= *num_points) return;
    const u32 cell = cell_of_point[i];
    if (cell == OUTSIDE || voxels[cell] == 0) return;
    members[starts[voxels[cell] - 1] + atomicAdd(&counts[cell], 1u)] = i;
}

/// Members of one voxel that are at most `limit`, counted by a warp.
__device__ __forceinline__ u32 count_up_to(const u32 *members, u32 count, u32 limit, u32 lane) {
    u32 found = 0;
    for (u32 start = 0; start < count; start += WARP_SIZE) {
        const u32 j = start + lane;
        found += __popc(__ballot_sync(FULL_WARP, j < count && members[j] <= limit));
    }
    return found;
}

/// The first M points of each voxel by arrival: one warp a voxel.
extern "C" __global__ void voxelize_select(u32 max_points, const u32 *__restrict__ num_points,
                                           const Tallies *__restrict__ tallies, const u32 *__restrict__ starts,
                                           const u32 *__restrict__ offsets, u32 *members,
                                           u32 *__restrict__ point_indices) {
    const u32 voxel = (blockIdx.x * blockDim.x + threadIdx.x) / WARP_SIZE, lane = threadIdx.x % WARP_SIZE;
    if (voxel >= tallies->num_voxels) return;
    u32 *mine = members + starts[voxel];
    const u32 count = starts[voxel + 1] - starts[voxel];
    u32 limit = 0xffffffffu;
    if (count > max_points) {
        // The least index with M members up to it: linear in the voxel's points, however many they are.
        u32 low = 0, high = *num_points - 1;
        while (low < high) {
            const u32 middle = low + (high - low) / 2;
            if (count_up_to(mine, count, middle, lane) >= max_points) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        limit = low;
    }
    // To the front, in place: a write never overtakes the reads of its round.
    u32 kept = 0;
    for (u32 start = 0; start < count; start += WARP_SIZE) {
        const u32 j = start + lane, index = j < count ? mine[j] : 0;
        const bool is_kept = j < count && index <= limit;
        const u32 which = __ballot_sync(FULL_WARP, is_kept);
        if (is_kept) mine[kept + __popc(which & ((1u << lane) - 1))] = index;
        kept += __popc(which);
        __syncwarp();
    }
    for (u32 j = lane; j < kept; j += WARP_SIZE) {
        u32 rank = 0;
        for (u32 other = 0; other < kept; ++other) rank += mine[other] < mine[j];
        point_indices[offsets[voxel] + rank] = mine[j];
    }
}

/// The tables as they were before the frame: only cells that had points are touched.
extern "C" __global__ void voxelize_reset(const u32 *__restrict__ num_points, const u32 *__restrict__ cell_of_point,
                                          u32 *__restrict__ firsts, u32 *__restrict__ counts,
                                          u32 *__restrict__ voxels) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= *num_points) return;
    const u32 cell = cell_of_point[i];
    if (cell == OUTSIDE) return;
    firsts[cell] = 0;
    counts[cell] = 0;
    voxels[cell] = 0;
}

EXPORT_KERNEL(voxelize_assign)
EXPORT_KERNEL(voxelize_count_firsts)
EXPORT_KERNEL(voxelize_keep)
EXPORT_KERNEL(voxelize_count_cells)
EXPORT_KERNEL(voxelize_number)
EXPORT_KERNEL(voxelize_gather)
EXPORT_KERNEL(voxelize_select)
EXPORT_KERNEL(voxelize_reset)
