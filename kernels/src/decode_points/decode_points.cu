// The bytes of a cloud message to points: any field order, datatype, endianness and padding.
//
// bytes as they came, `Cloud` -> points (N, columns) f32 in order of arrival.
// Drops   a point of which any value asked for is not finite keeps its place with x = NaN, so that voxelization leaves
//         it out; counted.
// Moves   finite points into the frame of training, in f64, by the formula of percept_types::ModelFrame.
// Twin    cpu.rs; values equal to the last bit.
#include "cuda/device.cuh"

static const u32 MAX_COLUMNS = 8;

/// Datatypes by their number on the wire; 0 is a constant.
struct Column {
    u32 offset, datatype;
    float constant;
    u32 unused;
};

/// One message; the order is that of `CloudDescription` in cuda.rs.
struct Cloud {
    u64 bytes;
    u64 row_step, point_step;
    u32 num_points, width, num_columns, is_big_endian, is_moved, unused;
    Column columns[MAX_COLUMNS];
    /// Unit quaternion x, y, z, w and translation of t_model_cloud.
    double rotation[4], translation[3];
};

struct Counts {
    u32 not_finite;
};

__device__ __forceinline__ u64 read_bits(const u8 *bytes, u32 size, bool is_big_endian) {
    u64 bits = 0;
    for (u32 i = 0; i < size; ++i) {
        bits |= static_cast<u64>(bytes[i]) << (8 * (is_big_endian ? size - 1 - i : i));
    }
    return bits;
}

__device__ __forceinline__ float read_value(const u8 *bytes, u32 datatype, bool is_big_endian) {
    switch (datatype) {
        case 1: return static_cast<float>(static_cast<signed char>(bytes[0]));
        case 2: return static_cast<float>(bytes[0]);
        case 3: return static_cast<float>(static_cast<short>(read_bits(bytes, 2, is_big_endian)));
        case 4: return static_cast<float>(static_cast<u16>(read_bits(bytes, 2, is_big_endian)));
        case 5: return static_cast<float>(static_cast<int>(read_bits(bytes, 4, is_big_endian)));
        case 6: return static_cast<float>(static_cast<u32>(read_bits(bytes, 4, is_big_endian)));
        case 7:
            // Drivers' own layout: one aligned word.
            if (!is_big_endian && reinterpret_cast<u64>(bytes) % 4 == 0) return *reinterpret_cast<const float *>(bytes);
            return __uint_as_float(static_cast<u32>(read_bits(bytes, 4, is_big_endian)));
        default:
            return static_cast<float>(__longlong_as_double(static_cast<long long>(read_bits(bytes, 8, is_big_endian))));
    }
}

__device__ __forceinline__ bool is_finite(float value) { return (__float_as_uint(value) & 0x7f800000u) != 0x7f800000u; }

/// q v q* + translation: t = 2 (q x v); v + w t + q x t.
__device__ __forceinline__ void move(const Cloud *cloud, float *value) {
    const double x = value[0], y = value[1], z = value[2];
    const double qx = cloud->rotation[0], qy = cloud->rotation[1], qz = cloud->rotation[2], qw = cloud->rotation[3];
    const double tx = (qy * z - qz * y) * 2.0, ty = (qz * x - qx * z) * 2.0, tz = (qx * y - qy * x) * 2.0;
    const double cx = qy * tz - qz * ty, cy = qz * tx - qx * tz, cz = qx * ty - qy * tx;
    value[0] = static_cast<float>(tx * qw + cx + x + cloud->translation[0]);
    value[1] = static_cast<float>(ty * qw + cy + y + cloud->translation[1]);
    value[2] = static_cast<float>(tz * qw + cz + z + cloud->translation[2]);
}

extern "C" __global__ void decode_points(const Cloud *__restrict__ cloud, float *__restrict__ points,
                                         Counts *__restrict__ counts) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= cloud->num_points) return;
    const u8 *start = reinterpret_cast<const u8 *>(cloud->bytes) + i / cloud->width * cloud->row_step +
                      i % cloud->width * cloud->point_step;
    float values[MAX_COLUMNS];
    bool are_finite = true;
    const u32 num_columns = cloud->num_columns;
#pragma unroll
    for (u32 c = 0; c < MAX_COLUMNS; ++c) {
        if (c >= num_columns) break;
        const Column &column = cloud->columns[c];
        values[c] = column.datatype == 0 ? column.constant
                                         : read_value(start + column.offset, column.datatype, cloud->is_big_endian);
        are_finite = are_finite && is_finite(values[c]);
    }
    if (!are_finite) {
        values[0] = __uint_as_float(0x7fc00000u);
        atomicAdd(&counts->not_finite, 1u);
    } else if (cloud->is_moved) {
        move(cloud, values);
    }
#pragma unroll
    for (u32 c = 0; c < MAX_COLUMNS; ++c) {
        if (c < num_columns) points[static_cast<u64>(i) * num_columns + c] = values[c];
    }
}

/// Every `stride`-th point, for the statistics of the input: points (N, columns) -> samples (S, columns).
extern "C" __global__ void decode_points_sample(const Cloud *__restrict__ cloud, const float *__restrict__ points,
                                                float *__restrict__ samples, u32 capacity) {
    const u32 sample = blockIdx.x * blockDim.x + threadIdx.x, count = cloud->num_points;
    const u32 stride = max((count + capacity - 1) / capacity, 1u);
    const u64 i = static_cast<u64>(sample) * stride;
    if (sample >= capacity || i >= count) return;
    const u32 columns = cloud->num_columns;
    for (u32 c = 0; c < columns; ++c) samples[sample * columns + c] = points[i * columns + c];
}

EXPORT_KERNEL(decode_points)
EXPORT_KERNEL(decode_points_sample)
