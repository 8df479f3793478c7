// From predictions to candidates: anchors that may say something, the best of them, their boxes.
//
// cls (cells, A K), box (cells, A 7), dir (cells, A 2) f32, channels last -> candidates by score, then by anchor.
// Anchor  (cell K + class) 2 + rotation; channel = (class 2 + rotation) width + value.
// Twin    percept_models' decode: the same rule, order and formulas in f64.
// Limits  at most 4096 candidates are chosen; scores are rounded from f64, boxes differ by the last bits of exp.
// Source  Lang et al., PointPillars, section 2.3; OpenPCDet and mmdetection3d for the two rules.
#include "cuda/sort.cuh"

static const double PI = 3.14159265358979323846;
static const u32 MAX_CLASSES = 256;

/// Sizes; the order is that of `DecodeShape` in mod.rs.
struct DecodeShape {
    u32 cells, width, num_classes, is_per_class, max_candidates;
    u32 cls_pitch, box_pitch, dir_pitch;
    double direction_offset;
};

/// What may change from frame to frame.
struct DecodeSettings {
    double iou_threshold;
    u32 max_detections;
    float least_logit;
    float thresholds[MAX_CLASSES];
};

struct DecodeCounts {
    /// Anchors that may say something; those chosen.
    u32 num_candidates, num_chosen;
    /// ~place of the first logit that is no number, ~rank of the first candidate without a box; 0: there is none.
    u32 bad_logit, bad_box;
    u32 num_rows;
};

/// One row a class: length, width, height, height of the centre.
struct AnchorSize {
    double size[3], center_z;
};

/// A candidate's box, as in ../nms/nms.cu.
struct Box {
    double center[3], size[3], yaw, sin, cos;
    u32 best_class, unused;
};

__device__ __forceinline__ float sigmoid(float logit) {
    const float e = static_cast<float>(exp(-static_cast<double>(logit)));
    return 1.0f / (1.0f + e);
}

__device__ __forceinline__ bool is_number(double value) { return value - value == 0.0; }

/// One thread an anchor.
extern "C" __global__ void box_decode_candidates(DecodeShape shape, const DecodeSettings *__restrict__ settings,
                                                 const float *__restrict__ cls, u64 *__restrict__ keys,
                                                 DecodeCounts *__restrict__ counts) {
    const u32 per_cell = 2 * shape.num_classes, anchor = blockIdx.x * blockDim.x + threadIdx.x;
    const u32 cell = anchor / per_cell, in_cell = anchor % per_cell;
    if (cell >= shape.cells) return;
    const float *logits = cls + static_cast<u64>(cell) * shape.cls_pitch + in_cell * shape.num_classes;
    u32 best = 0;
    for (u32 c = 0; c < shape.num_classes; ++c) {
        if (!is_number(logits[c])) atomicMax(&counts->bad_logit, ~((in_cell * shape.num_classes + c) * shape.cells + cell));
        if (logits[c] > logits[best]) best = c;
    }
    // The comparison fails for what is no number.
    if (!(logits[best] >= settings->least_logit)) return;
    const float score = sigmoid(logits[best]);
    if (!shape.is_per_class && !(score >= settings->thresholds[best])) return;
    keys[atomicAdd(&counts->num_candidates, 1u)] = score_key(score, anchor);
}

/// The best candidates, best first. One block.
extern "C" __global__ void __launch_bounds__(1024)
    box_decode_choose(DecodeShape shape, const u64 *__restrict__ keys, u32 *__restrict__ anchors,
                      float *__restrict__ scores, DecodeCounts *__restrict__ counts) {
    __shared__ u64 best[MAX_KEYS];
    __shared__ u32 num_best;
    const u32 count = counts->num_candidates, chosen = min(count, shape.max_candidates);
    u64 least = 0;
    if (count > chosen) least = select_rank(keys, count, chosen - 1);
    if (threadIdx.x == 0) num_best = 0;
    __syncthreads();
    for (u32 i = threadIdx.x; i < count; i += blockDim.x) {
        if (keys[i] >= least) best[atomicAdd(&num_best, 1u)] = keys[i];
    }
    __syncthreads();
    sort_descending(best, chosen);
    for (u32 i = threadIdx.x; i < chosen; i += blockDim.x) {
        anchors[i] = key_index(best[i]);
        scores[i] = key_score(best[i]);
    }
    if (threadIdx.x == 0) counts->num_chosen = chosen;
}

/// value - floor(value / PI) PI
__device__ __forceinline__ double within_half_turn(double value) { return value - floor(value / PI + 0.0) * PI; }

__device__ __forceinline__ double wrap_to_pi(double angle) {
    double rest = fmod(angle + PI, 2.0 * PI);
    if (rest < 0.0) rest += 2.0 * PI;
    const double wrapped = rest - PI;
    return wrapped >= PI ? -PI : wrapped;
}

/// One thread a candidate: its box, from the code and the anchor.
extern "C" __global__ void box_decode_boxes(DecodeShape shape, const float *__restrict__ cls,
                                            const float *__restrict__ box_codes,
                                            const float *__restrict__ directions, const double *__restrict__ xs,
                                            const double *__restrict__ ys, const AnchorSize *__restrict__ sizes,
                                            const u32 *__restrict__ anchors, Box *__restrict__ boxes,
                                            DecodeCounts *__restrict__ counts) {
    const u32 rank = blockIdx.x * blockDim.x + threadIdx.x;
    if (rank >= counts->num_chosen) return;
    const u32 per_cell = 2 * shape.num_classes, cell = anchors[rank] / per_cell, in_cell = anchors[rank] % per_cell;
    const float *code = box_codes + static_cast<u64>(cell) * shape.box_pitch + in_cell * 7;
    const float *direction = directions + static_cast<u64>(cell) * shape.dir_pitch + in_cell * 2;
    const AnchorSize anchor = sizes[in_cell / 2];
    const double anchor_yaw = in_cell % 2 ? 1.57 : 0.0;
    const double diagonal = hypot(anchor.size[0], anchor.size[1]);
    Box box;
    box.center[0] = xs[cell % shape.width] + static_cast<double>(code[0]) * diagonal;
    box.center[1] = ys[cell / shape.width] + static_cast<double>(code[1]) * diagonal;
    box.center[2] = anchor.center_z + static_cast<double>(code[2]) * anchor.size[2];
    for (u32 axis = 0; axis < 3; ++axis) box.size[axis] = anchor.size[axis] * exp(static_cast<double>(code[3 + axis]));
    const double yaw = static_cast<double>(code[6]) + anchor_yaw;
    bool is_valid = is_number(yaw) && direction[0] == direction[0] && direction[1] == direction[1];
    for (u32 axis = 0; axis < 3; ++axis) {
        is_valid = is_valid && is_number(box.center[axis]) && is_number(box.size[axis]) && box.size[axis] > 0.0;
    }
    if (!is_valid) atomicMax(&counts->bad_box, ~rank);
    const double bin = direction[1] > direction[0] ? 1.0 : 0.0;
    box.yaw = wrap_to_pi(within_half_turn(yaw - shape.direction_offset) + shape.direction_offset + PI * bin);
    box.sin = sin(box.yaw);
    box.cos = cos(box.yaw);
    const float *logits = cls + static_cast<u64>(cell) * shape.cls_pitch + in_cell * shape.num_classes;
    box.best_class = 0;
    box.unused = 0;
    for (u32 c = 1; c < shape.num_classes; ++c) {
        if (logits[c] > logits[box.best_class]) box.best_class = c;
    }
    boxes[rank] = box;
}

/// Whose boxes suppress each other: all candidates, or for each class those above its threshold. One block a list.
extern "C" __global__ void __launch_bounds__(1024)
    box_decode_lists(DecodeShape shape, const DecodeSettings *__restrict__ settings, const float *__restrict__ cls,
                     const u32 *__restrict__ anchors, const float *__restrict__ scores, u32 *__restrict__ list_ranks,
                     float *__restrict__ list_scores, u32 *__restrict__ list_counts,
                     const DecodeCounts *__restrict__ counts) {
    __shared__ u64 keys[MAX_KEYS];
    __shared__ u32 num_keys;
    const u32 list = blockIdx.x, chosen = counts->num_chosen;
    if (threadIdx.x == 0) num_keys = 0;
    __syncthreads();
    for (u32 rank = threadIdx.x; rank < chosen; rank += blockDim.x) {
        float score = scores[rank];
        if (shape.is_per_class) {
            const u32 per_cell = 2 * shape.num_classes, cell = anchors[rank] / per_cell, in_cell = anchors[rank] % per_cell;
            score = sigmoid(cls[static_cast<u64>(cell) * shape.cls_pitch + in_cell * shape.num_classes + list]);
            if (!(score > settings->thresholds[list])) continue;
        }
        keys[atomicAdd(&num_keys, 1u)] = score_key(score, rank);
    }
    __syncthreads();
    const u32 count = num_keys;
    sort_descending(keys, count);
    for (u32 i = threadIdx.x; i < count; i += blockDim.x) {
        list_ranks[list * shape.max_candidates + i] = key_index(keys[i]);
        list_scores[list * shape.max_candidates + i] = key_score(keys[i]);
    }
    if (threadIdx.x == 0) list_counts[list] = count;
}

EXPORT_KERNEL(box_decode_candidates)
EXPORT_KERNEL(box_decode_choose)
EXPORT_KERNEL(box_decode_boxes)
EXPORT_KERNEL(box_decode_lists)
