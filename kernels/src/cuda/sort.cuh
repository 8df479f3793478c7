// Sorting and selecting keys within one block.
#pragma once
#include "cuda/device.cuh"

/// Most keys of a block: 32 KiB of shared memory.
static const u32 MAX_KEYS = 4096;

/// A key that sorts by score, largest first, then by index, smallest first. Scores are not negative, so their bits rise
/// with them.
__device__ __forceinline__ u64 score_key(float score, u32 index) {
    return static_cast<u64>(__float_as_uint(score)) << 32 | (0xffffffffu - index);
}
__device__ __forceinline__ float key_score(u64 key) { return __uint_as_float(static_cast<u32>(key >> 32)); }
__device__ __forceinline__ u32 key_index(u64 key) { return 0xffffffffu - static_cast<u32>(key); }

/// keys (count) in shared memory -> largest first. All threads of the block take part; keys are distinct.
/// Source  Batcher, bitonic sorting, AFIPS 1968.
__device__ __forceinline__ void sort_descending(u64 *keys, u32 count) {
    u32 size = 1;
    while (size < count) size *= 2;
    for (u32 i = count + threadIdx.x; i < size; i += blockDim.x) keys[i] = 0;
    __syncthreads();
    for (u32 run = 2; run <= size; run *= 2) {
        for (u32 apart = run / 2; apart > 0; apart /= 2) {
            for (u32 pair = threadIdx.x; pair < size / 2; pair += blockDim.x) {
                const u32 low = pair / apart * 2 * apart + pair % apart, high = low + apart;
                const bool is_descending = (low & run) == 0;
                const u64 a = keys[low], b = keys[high];
                if (is_descending ? a < b : a > b) {
                    keys[low] = b;
                    keys[high] = a;
                }
            }
            __syncthreads();
        }
    }
}

/// The key of rank `rank` (0 the largest) among distinct keys in global memory, digit by digit.
__device__ __forceinline__ u64 select_rank(const u64 *keys, u32 count, u32 rank) {
    __shared__ u32 digits[256];
    __shared__ u64 chosen;
    __shared__ u32 left;
    if (threadIdx.x == 0) {
        chosen = 0;
        left = rank;
    }
    for (int shift = 56; shift >= 0; shift -= 8) {
        for (u32 i = threadIdx.x; i < 256; i += blockDim.x) digits[i] = 0;
        __syncthreads();
        const u64 above = shift == 56 ? 0 : ~0ull << (shift + 8);
        for (u32 i = threadIdx.x; i < count; i += blockDim.x) {
            if ((keys[i] & above) == chosen) atomicAdd(&digits[keys[i] >> shift & 255], 1u);
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            u32 digit = 255;
            while (left >= digits[digit]) left -= digits[digit--];
            chosen |= static_cast<u64>(digit) << shift;
        }
        __syncthreads();
    }
    return chosen;
}
