// The pillar feature net: linear map with the norm folded in, ReLU, maximum over a pillar's slots.
//
// features (R, D) f32, offsets (P + 1), weight (C, D) f32, shift (C) f32 -> (P, C) half.
// Padding the M - n empty slots of a pillar enter the maximum as relu(shift), as on the CPU.
// Limits  D up to 16; C padded to a multiple of 8 with weights and shifts of zero.
#include "cuda/device.cuh"

static const u32 MAX_FEATURES = 16;

/// One warp a pillar, a lane every 32nd channel.
extern "C" __global__ void pillar_encode(const float *__restrict__ features, const u32 *__restrict__ offsets,
                                         const u32 *__restrict__ num_pillars, const float *__restrict__ weight,
                                         const float *__restrict__ shift, half_bits *__restrict__ out,
                                         u32 point_features, u32 channels, u32 max_points) {
    const u32 pillar = (blockIdx.x * blockDim.x + threadIdx.x) / WARP_SIZE, lane = threadIdx.x % WARP_SIZE;
    if (pillar >= *num_pillars) return;
    const u32 start = offsets[pillar], end = offsets[pillar + 1];
    for (u32 c = lane; c < channels; c += WARP_SIZE) {
        float row_of_weight[MAX_FEATURES];
#pragma unroll
        for (u32 d = 0; d < MAX_FEATURES; ++d) {
            row_of_weight[d] = d < point_features ? weight[c * point_features + d] : 0.0f;
        }
        // The shift does not depend on the slot: it is added after the maximum, and a padded slot is 0.
        float largest = end - start < max_points ? 0.0f : __uint_as_float(0xff800000u);
        for (u32 row = start; row < end; ++row) {
            const float *feature = features + static_cast<u64>(row) * point_features;
            float sum = 0.0f;
#pragma unroll
            for (u32 d = 0; d < MAX_FEATURES; ++d) {
                if (d < point_features) sum += row_of_weight[d] * feature[d];
            }
            largest = sum > largest ? sum : largest;
        }
        const float value = largest + shift[c];
        // Written so that a NaN stays one, and is told of at the end of the frame.
        out[static_cast<u64>(pillar) * channels + c] = to_half(value < 0.0f ? 0.0f : value);
    }
}

EXPORT_KERNEL(pillar_encode)
