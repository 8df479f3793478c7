// Transposed convolution whose kernel is its stride: a product of input pixels with all taps at once, whose results
// are stored where each tap paints. See ../conv2d/implicit_gemm.cuh.
#include "conv2d/implicit_gemm.cuh"

extern "C" __global__ void __launch_bounds__(128)
    conv_transpose2d(GemmShape shape, const half_bits *__restrict__ input, const half_bits *__restrict__ weight,
                     const float *__restrict__ bias, void *__restrict__ output) {
    implicit_gemm<64>(shape, input, weight, bias, output);
}

EXPORT_KERNEL(conv_transpose2d)
