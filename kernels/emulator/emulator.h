// What CUDA C++ gives a kernel, as plain C++: the kernels of this crate compile with g++ against this header and run on
// the CPU, thread by thread, so that their results can be held against their CPU twins where there is no GPU.
//
// Threads   fibers: each runs until a barrier or an exchange between the lanes of its warp, in a chosen order.
// Barriers  all threads of a block, all lanes of a mask; one that can never be passed ends the launch with an error.
// Copies    an asynchronous copy lands when it is waited for, never earlier: a missing wait is seen.
// Limits    no timing, no memory model beyond barriers, no textures, no dynamic shared memory.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>
#include <utility>

#define PERCEPT_EMULATED 1
#define __global__
#define __device__
#define __forceinline__ inline
#define __restrict__
#define __launch_bounds__(...)
// A host thread runs one block at a time, so one instance a host thread is one instance a block.
#define __shared__ static thread_local

struct uint4 {
    unsigned x, y, z, w;
};

namespace emulator {

struct Index {
    unsigned x = 0, y = 0, z = 0;
};

constexpr unsigned WARP = 32;
constexpr unsigned WORDS = 12;

struct Fiber;

/// The running thread: its place, and the launch it belongs to.
struct Now {
    Index thread, block, block_size, grid_size;
    Fiber *fiber = nullptr;
};

Now &now();
/// Waits for all threads of the block.
void barrier();
/// Hands `count` words to the lanes of a mask; returns the words of all lanes, `WORDS` a lane, once all have come.
const uint32_t *exchange(unsigned mask, const uint32_t *words, unsigned count);
/// Begins a copy of 16 bytes, of zeros where `source` is null; it lands in `wait_copies`.
void begin_copy(void *target, const void *source);
void commit_copies();
/// Lands all committed groups but the last `pending`.
void wait_copies(unsigned pending);

using Thunk = std::function<std::function<void()>(void **)>;
bool add_kernel(const char *name, Thunk thunk);

template <typename... A, size_t... I>
std::function<void()> bind_arguments(void (*kernel)(A...), void **arguments, std::index_sequence<I...>) {
    auto values = std::make_tuple(*static_cast<std::decay_t<A> *>(arguments[I])...);
    return [kernel, values] { std::apply(kernel, values); };
}

template <typename... A> bool add(const char *name, void (*kernel)(A...)) {
    return add_kernel(name, [kernel](void **arguments) {
        return bind_arguments(kernel, arguments, std::index_sequence_for<A...>{});
    });
}

inline float half_to_float(uint16_t bits) {
    _Float16 half;
    memcpy(&half, &bits, 2);
    return static_cast<float>(half);
}

inline uint16_t float_to_half(float value) {
    const _Float16 half = static_cast<_Float16>(value);
    uint16_t bits;
    memcpy(&bits, &half, 2);
    return bits;
}

inline unsigned lane() { return now().thread.x % WARP; }

}  // namespace emulator

#define threadIdx (::emulator::now().thread)
#define blockIdx (::emulator::now().block)
#define blockDim (::emulator::now().block_size)
#define gridDim (::emulator::now().grid_size)

inline void __syncthreads() { ::emulator::barrier(); }
inline void __syncwarp(unsigned mask = 0xffffffffu) { ::emulator::exchange(mask, nullptr, 0); }

template <typename T> T __shfl_sync(unsigned mask, T value, int source, int = 32) {
    uint32_t words[2] = {0, 0};
    static_assert(sizeof(T) <= 8, "shuffles move 4 or 8 bytes");
    memcpy(words, &value, sizeof(T));
    const uint32_t *all = ::emulator::exchange(mask, words, 2);
    T result;
    memcpy(&result, all + (source & 31) * ::emulator::WORDS, sizeof(T));
    return result;
}

template <typename T> T __shfl_up_sync(unsigned mask, T value, unsigned delta, int = 32) {
    const unsigned lane = ::emulator::lane();
    return __shfl_sync(mask, value, static_cast<int>(lane >= delta ? lane - delta : lane));
}

template <typename T> T __shfl_xor_sync(unsigned mask, T value, int bits, int = 32) {
    return __shfl_sync(mask, value, static_cast<int>(::emulator::lane()) ^ bits);
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
    const uint32_t word = predicate != 0;
    const uint32_t *all = ::emulator::exchange(mask, &word, 1);
    unsigned bits = 0;
    for (unsigned lane = 0; lane < ::emulator::WARP; ++lane) {
        if ((mask >> lane & 1) && all[lane * ::emulator::WORDS]) bits |= 1u << lane;
    }
    return bits;
}

inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __popcll(unsigned long long bits) { return __builtin_popcountll(bits); }
inline int __ffsll(unsigned long long bits) { return __builtin_ffsll(static_cast<long long>(bits)); }

template <typename T> T atomicAdd(T *place, T value) { return __atomic_fetch_add(place, value, __ATOMIC_RELAXED); }
template <typename T> T atomicOr(T *place, T value) { return __atomic_fetch_or(place, value, __ATOMIC_RELAXED); }
template <typename T> T atomicMin(T *place, T value) {
    const T old = *place;
    if (value < old) *place = value;
    return old;
}
template <typename T> T atomicMax(T *place, T value) {
    const T old = *place;
    if (value > old) *place = value;
    return old;
}

inline float __uint_as_float(unsigned bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}
inline unsigned __float_as_uint(float value) {
    unsigned bits;
    memcpy(&bits, &value, 4);
    return bits;
}
inline double __longlong_as_double(long long bits) {
    double value;
    memcpy(&value, &bits, 8);
    return value;
}
inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
inline unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
