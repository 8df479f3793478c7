// The words that the kernels of this crate are written in: short types, fp16 as bits, and the instructions of tensor
// cores and asynchronous copies. Every piece of inline PTX of the crate is here, each beside what it means (for the
// emulator, kernels/emulator/).
// Source  PTX ISA 8.2, sections on mma.sync.m16n8k16, ldmatrix and cp.async.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
/// A half-precision number by its bits.
typedef unsigned short half_bits;

static const u32 FULL_WARP = 0xffffffffu;
static const u32 WARP_SIZE = 32;

#ifdef PERCEPT_EMULATED
/// Makes a kernel known to the emulator.
#define EXPORT_KERNEL(name) static const bool name##_is_known = ::emulator::add(#name, name);
#else
#define EXPORT_KERNEL(name)
#endif

/// Rounded to nearest, ties to even; overflow is infinity.
__device__ __forceinline__ half_bits to_half(float value) {
#ifdef PERCEPT_EMULATED
    return emulator::float_to_half(value);
#else
    half_bits bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
#endif
}

__device__ __forceinline__ float from_half(half_bits bits) {
#ifdef PERCEPT_EMULATED
    return emulator::half_to_float(bits);
#else
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
#endif
}

/// Two halves in one word, the first in the low bits.
__device__ __forceinline__ u32 pack_halves(float low, float high) {
    return static_cast<u32>(to_half(low)) | static_cast<u32>(to_half(high)) << 16;
}

/// d (16, 8) += a (16, 16) b (16, 8) over the lanes of a warp, products of halves summed in f32.
/// Lane l, group g = l / 4, pair p = 2 (l % 4):
///   a  words [row g, g + 8, g, g + 8][columns p, p + 1 of the left, left, right, right 8]
///   b  words [column g][rows p, p + 1 of the upper, lower 8]
///   d  row g columns p, p + 1; row g + 8 columns p, p + 1
__device__ __forceinline__ void mma_m16n8k16(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
#ifdef PERCEPT_EMULATED
    const u32 mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
    const u32 *all = emulator::exchange(FULL_WARP, mine, 6);
    const u32 lane = emulator::lane(), group = lane / 4, pair = 2 * (lane % 4);
    const auto half_of = [&](u32 of_lane, u32 word, u32 high) {
        return emulator::half_to_float(static_cast<u16>(all[of_lane * emulator::WORDS + word] >> (16 * high)));
    };
    for (u32 i = 0; i < 4; ++i) {
        const u32 row = group + 8 * (i / 2), column = pair + i % 2;
        float sum = 0.0f;
        for (u32 k = 0; k < 16; ++k) {
            const u32 a_word = 2 * (k / 8) + row / 8, b_word = 4 + k / 8;
            const u32 a_lane = row % 8 * 4 + k % 8 / 2, b_lane = column * 4 + k % 8 / 2;
            sum += half_of(a_lane, a_word, k % 2) * half_of(b_lane, b_word, k % 2);
        }
        d[i] += sum;
    }
#else
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

/// Four matrices of 8 x 8 halves from shared memory: lane l tells where row l % 8 of matrix l / 8 lies (16 bytes,
/// aligned), and is given columns 2 (l % 4) and the next of row l / 4 of each matrix.
__device__ __forceinline__ void load_matrices(u32 (&words)[4], const void *row) {
#ifdef PERCEPT_EMULATED
    u32 address[2];
    memcpy(address, &row, 8);
    const u32 *all = emulator::exchange(FULL_WARP, address, 2);
    const u32 lane = emulator::lane();
    for (u32 matrix = 0; matrix < 4; ++matrix) {
        const u8 *from;
        memcpy(&from, all + (8 * matrix + lane / 4) * emulator::WORDS, 8);
        memcpy(&words[matrix], from + 4 * (lane % 4), 4);
    }
    // Nobody goes on, and perhaps writes, before all have read.
    emulator::exchange(FULL_WARP, nullptr, 0);
#else
    const u32 address = static_cast<u32>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address)
                 : "memory");
#endif
}

/// Begins to copy 16 bytes (both sides aligned to 16) from global to shared memory; zeros where `is_there` is false.
__device__ __forceinline__ void begin_copy_16(void *shared, const void *global, bool is_there) {
#ifdef PERCEPT_EMULATED
    emulator::begin_copy(shared, is_there ? global : nullptr);
#else
    const u32 address = static_cast<u32>(__cvta_generic_to_shared(shared));
    const int bytes = is_there ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(global), "r"(bytes) : "memory");
#endif
}

/// Closes the group of copies begun since the last one.
__device__ __forceinline__ void commit_copies() {
#ifdef PERCEPT_EMULATED
    emulator::commit_copies();
#else
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/// Waits for this thread's groups but the last `PENDING`.
template <int PENDING> __device__ __forceinline__ void wait_copies() {
#ifdef PERCEPT_EMULATED
    emulator::wait_copies(PENDING);
#else
    asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
#endif
}

/// Sum over the lanes before this one; `total` is that of all. Every lane of the warp takes part.
__device__ __forceinline__ u32 warp_prefix_sum(u32 value, u32 &total) {
    const u32 lane = threadIdx.x % WARP_SIZE;
    u32 sum = value;
    for (u32 step = 1; step < WARP_SIZE; step *= 2) {
        const u32 before = __shfl_up_sync(FULL_WARP, sum, step);
        if (lane >= step) sum += before;
    }
    total = __shfl_sync(FULL_WARP, sum, 31);
    return sum - value;
}

/// Sum over the threads of the block before this one; `total` is that of all. Every thread takes part; at most 1024,
/// a multiple of 32.
__device__ __forceinline__ u32 block_prefix_sum(u32 value, u32 &total) {
    __shared__ u32 warps[WARP_SIZE];
    u32 of_warp;
    const u32 within = warp_prefix_sum(value, of_warp);
    const u32 warp = threadIdx.x / WARP_SIZE, count = blockDim.x / WARP_SIZE;
    if (threadIdx.x % WARP_SIZE == 0) warps[warp] = of_warp;
    __syncthreads();
    u32 before = 0;
    total = 0;
    for (u32 i = 0; i < count; ++i) {
        if (i == warp) before = total;
        total += warps[i];
    }
    // The next call writes the same words.
    __syncthreads();
    return before + within;
}
