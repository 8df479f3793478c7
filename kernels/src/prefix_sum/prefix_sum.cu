// Exclusive prefix sums over the sums of tiles: the middle step of a scan over more items than a block has threads.
//
// sums (columns, tiles + 1) u32 -> each column's exclusive prefix sums, the total in its last place.
// Order   integers: the same result whatever the order.
#include "cuda/device.cuh"

/// One block of 1024 threads a column.
extern "C" __global__ void __launch_bounds__(1024) prefix_sum_tiles(u32 *__restrict__ sums, u32 tiles) {
    u32 *column = sums + static_cast<u64>(blockIdx.x) * (tiles + 1);
    u32 before = 0;
    for (u32 start = 0; start < tiles; start += blockDim.x) {
        const u32 at = start + threadIdx.x;
        u32 total;
        const u32 within = block_prefix_sum(at < tiles ? column[at] : 0, total);
        if (at < tiles) column[at] = before + within;
        before += total;
    }
    if (threadIdx.x == 0) column[tiles] = before;
}

EXPORT_KERNEL(prefix_sum_tiles)
