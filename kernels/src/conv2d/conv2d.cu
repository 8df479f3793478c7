// Convolution with bias and activation: see implicit_gemm.cuh.
#include "conv2d/implicit_gemm.cuh"

extern "C" __global__ void __launch_bounds__(128)
    conv2d_64(GemmShape shape, const half_bits *__restrict__ input, const half_bits *__restrict__ weight,
              const float *__restrict__ bias, void *__restrict__ output) {
    implicit_gemm<64>(shape, input, weight, bias, output);
}

/// For results of at most 32 channels.
extern "C" __global__ void __launch_bounds__(128)
    conv2d_32(GemmShape shape, const half_bits *__restrict__ input, const half_bits *__restrict__ weight,
              const float *__restrict__ bias, void *__restrict__ output) {
    implicit_gemm<32>(shape, input, weight, bias, output);
}

/// A part of a concatenation that could not be computed in its place: rows of `pieces` times 8 channels.
extern "C" __global__ void conv2d_copy_channels(const uint4 *__restrict__ input, uint4 *__restrict__ output, u32 pixels,
                                                u32 pieces, u32 in_pitch, u32 out_pitch) {
    const u64 at = static_cast<u64>(blockIdx.x) * blockDim.x + threadIdx.x, pixel = at / pieces;
    if (pixel >= pixels) return;
    output[pixel * out_pitch + at % pieces] = input[pixel * in_pitch + at % pieces];
}

EXPORT_KERNEL(conv2d_64)
EXPORT_KERNEL(conv2d_32)
EXPORT_KERNEL(conv2d_copy_channels)
