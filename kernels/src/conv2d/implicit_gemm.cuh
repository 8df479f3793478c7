// A convolution, and a transposed one whose kernel is its stride, as one matrix product on tensor cores.
//
//   rows     output pixels (for the transposed one: input pixels)
//   columns  output channels (transposed: of each of the scale^2 pixels that an input pixel becomes)
//   depth    taps times input channels, in pieces of 8 channels (16 bytes), so that a piece lies in one tap
//
// input (H, W, Ci) half, weight (columns, depth) half, bias f32 -> output (Ho, Wo, Co) half or f32.
// Tiles   128 rows by 32 or 64 columns by a depth of 32 a block of 4 warps; three tiles in flight from global memory.
// Order   depth by depth, sums in f32: the same bytes whatever the scheduling.
// Limits  channels of maps are padded to multiples of 8; columns of the weight to 64, its depth to 32, with zeros.
// Source  implicit GEMM: Chetlur et al., cuDNN, 2014, section 3.
#pragma once
#include "cuda/device.cuh"

static const u32 TILE_ROWS = 128, TILE_DEPTH = 32, STAGES = 3, GEMM_THREADS = 128;
/// Pieces of 16 bytes in a row of a tile.
static const u32 PIECES = TILE_DEPTH / 8;

/// Sizes; the order is that of `GemmShape` in cuda.rs.
struct GemmShape {
    u32 height, width;
    /// Channels from a pixel of the input to the next, and pieces of 8 channels that are read of each.
    u32 in_pitch, in_pieces;
    u32 kernel, stride, padding;
    /// Pixels that are rows of the product.
    u32 rows_y, rows_x;
    /// Channels from a pixel of the output to the next, and how many are written (multiple of 8).
    u32 out_pitch, out_channels;
    /// 1, or how much larger the transposed convolution's result is.
    u32 scale;
    u32 depth_tiles;
    u32 relu, is_f32;
};

/// Where piece `piece` of row `row` lies in a tile: turned so that eight rows of one piece touch all banks once.
__device__ __forceinline__ u32 place(u32 row, u32 piece) {
    return row * TILE_DEPTH + (piece ^ (row >> 1 & 3)) * 8;
}

/// What one thread brings of the input: one piece of every 32nd row, tap after tap.
struct InputReader {
    static const u32 ROWS = TILE_ROWS / (GEMM_THREADS / PIECES);
    const half_bits *input;
    int top[ROWS], left[ROWS];
    u32 piece, tap_y, tap_x;

    __device__ __forceinline__ InputReader(const GemmShape &shape, const half_bits *input, u32 first_row)
        : input(input), piece(threadIdx.x % PIECES), tap_y(0), tap_x(0) {
#pragma unroll
        for (u32 i = 0; i < ROWS; ++i) {
            const u32 row = first_row + threadIdx.x / PIECES + i * (GEMM_THREADS / PIECES);
            const bool is_there = row < shape.rows_y * shape.rows_x;
            // A row beyond the last lies above the map, whatever the tap.
            top[i] = is_there ? static_cast<int>(row / shape.rows_x * shape.stride) - static_cast<int>(shape.padding)
                              : -(1 << 20);
            left[i] = static_cast<int>(row % shape.rows_x * shape.stride) - static_cast<int>(shape.padding);
        }
        settle(shape);
    }

    __device__ __forceinline__ void settle(const GemmShape &shape) {
        while (piece >= shape.in_pieces) {
            piece -= shape.in_pieces;
            if (++tap_x == shape.kernel) {
                tap_x = 0;
                ++tap_y;
            }
        }
    }

    /// Brings its part of the next tile.
    __device__ __forceinline__ void bring(const GemmShape &shape, half_bits *tile) {
#pragma unroll
        for (u32 i = 0; i < ROWS; ++i) {
            const int y = top[i] + static_cast<int>(tap_y), x = left[i] + static_cast<int>(tap_x);
            const bool is_inside = tap_y < shape.kernel && y >= 0 && x >= 0 && y < static_cast<int>(shape.height) &&
                                   x < static_cast<int>(shape.width);
            const u64 pixel = is_inside ? static_cast<u64>(y) * shape.width + x : 0;
            const u32 row = threadIdx.x / PIECES + i * (GEMM_THREADS / PIECES);
            begin_copy_16(tile + place(row, threadIdx.x % PIECES),
                          input + pixel * shape.in_pitch + (is_inside ? piece * 8 : 0), is_inside);
        }
        piece += PIECES;
        settle(shape);
    }
};

/// Writes two neighbouring channels of one output pixel.
__device__ __forceinline__ void store_pair(const GemmShape &shape, const float *bias, void *output, u32 row, u32 column,
                                           float first, float second) {
    const u32 tap = column / shape.out_channels, channel = column % shape.out_channels;
    if (row >= shape.rows_y * shape.rows_x || tap >= shape.scale * shape.scale) return;
    first += bias[channel];
    second += bias[channel + 1];
    if (shape.relu) {
        // Written so that a NaN stays one.
        first = first < 0.0f ? 0.0f : first;
        second = second < 0.0f ? 0.0f : second;
    }
    const u32 y = row / shape.rows_x * shape.scale + tap / shape.scale;
    const u32 x = row % shape.rows_x * shape.scale + tap % shape.scale;
    const u64 at = (static_cast<u64>(y) * shape.rows_x * shape.scale + x) * shape.out_pitch + channel;
    if (shape.is_f32) {
        static_cast<float *>(output)[at] = first;
        static_cast<float *>(output)[at + 1] = second;
    } else {
        *reinterpret_cast<u32 *>(static_cast<half_bits *>(output) + at) = pack_halves(first, second);
    }
}

/// One tile of the product; COLUMNS is 32 or 64.
template <u32 COLUMNS>
__device__ __forceinline__ void implicit_gemm(const GemmShape &shape, const half_bits *__restrict__ input,
                                              const half_bits *__restrict__ weight, const float *__restrict__ bias,
                                              void *__restrict__ output) {
    constexpr u32 WARPS_ACROSS = COLUMNS / 32, WARPS_DOWN = 4 / WARPS_ACROSS;
    constexpr u32 WARP_ROWS = TILE_ROWS / WARPS_DOWN, STRIPS = WARP_ROWS / 16;
    alignas(16) __shared__ half_bits a_tiles[STAGES][TILE_ROWS * TILE_DEPTH];
    alignas(16) __shared__ half_bits b_tiles[STAGES][COLUMNS * TILE_DEPTH];
    const u32 first_row = blockIdx.x * TILE_ROWS, first_column = blockIdx.y * COLUMNS;
    const u32 lane = threadIdx.x % WARP_SIZE, warp = threadIdx.x / WARP_SIZE;
    const u32 warp_row = warp % WARPS_DOWN * WARP_ROWS, warp_column = warp / WARPS_DOWN * 32;
    InputReader reader(shape, input, first_row);
    const u64 depth = static_cast<u64>(shape.depth_tiles) * TILE_DEPTH;
    const auto bring = [&](u32 tile) {
        if (tile < shape.depth_tiles) {
            reader.bring(shape, a_tiles[tile % STAGES]);
            for (u32 row = threadIdx.x / PIECES; row < COLUMNS; row += GEMM_THREADS / PIECES) {
                const u32 piece = threadIdx.x % PIECES;
                begin_copy_16(b_tiles[tile % STAGES] + place(row, piece),
                              weight + (first_column + row) * depth + tile * TILE_DEPTH + piece * 8, true);
            }
        }
        commit_copies();
    };
    float sums[STRIPS][4][4];
#pragma unroll
    for (u32 s = 0; s < STRIPS; ++s)
#pragma unroll
        for (u32 n = 0; n < 4; ++n)
#pragma unroll
            for (u32 i = 0; i < 4; ++i) sums[s][n][i] = 0.0f;
    for (u32 tile = 0; tile + 1 < STAGES; ++tile) bring(tile);
    for (u32 tile = 0; tile < shape.depth_tiles; ++tile) {
        wait_copies<STAGES - 2>();
        // All have brought this tile, and all are done with the one whose place the next takes.
        __syncthreads();
        bring(tile + STAGES - 1);
        const half_bits *a_tile = a_tiles[tile % STAGES], *b_tile = b_tiles[tile % STAGES];
#pragma unroll
        for (u32 half = 0; half < TILE_DEPTH / 16; ++half) {
            u32 a[STRIPS][4], b[2][4];
#pragma unroll
            for (u32 s = 0; s < STRIPS; ++s) {
                load_matrices(a[s], a_tile + place(warp_row + 16 * s + lane % 16, 2 * half + lane / 16));
            }
#pragma unroll
            for (u32 n = 0; n < 2; ++n) {
                const u32 row = warp_column + 16 * n + lane / 16 * 8 + lane % 8;
                load_matrices(b[n], b_tile + place(row, 2 * half + lane / 8 % 2));
            }
#pragma unroll
            for (u32 s = 0; s < STRIPS; ++s)
#pragma unroll
                for (u32 n = 0; n < 4; ++n) {
                    const u32 pair[2] = {b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]};
                    mma_m16n8k16(sums[s][n], a[s], pair);
                }
        }
    }
    wait_copies<0>();
#pragma unroll
    for (u32 s = 0; s < STRIPS; ++s)
#pragma unroll
        for (u32 n = 0; n < 4; ++n) {
            const u32 row = first_row + warp_row + 16 * s + lane / 4;
            const u32 column = first_column + warp_column + 8 * n + lane % 4 * 2;
            store_pair(shape, bias, output, row, column, sums[s][n][0], sums[s][n][1]);
            store_pair(shape, bias, output, row + 8, column, sums[s][n][2], sums[s][n][3]);
        }
}
