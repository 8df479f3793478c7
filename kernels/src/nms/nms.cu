// Non-maximum suppression of turned rectangles: bit masks of 64 x 64 pairs, then a greedy walk.
//
// Lists of box numbers, best first -> rows of boxes kept, list after list, best first in each.
// Rule    a box falls when its overlap with a kept one of its list is above the threshold.
// Order   integers and f64 in the CPU's order: the boxes kept are those of cpu.rs.
#include "rotated_iou/rotated_iou.cuh"

/// As in ../box_decode/box_decode.cu.
struct Box {
    double center[3], size[3], yaw, sin, cos;
    u32 best_class, unused;
};

/// As in box_decode.cu, without the thresholds.
struct NmsSettings {
    double iou_threshold;
    u32 max_detections;
};

/// One box kept; the order is that of `DetectionRow` in box_decode/mod.rs.
struct Row {
    double center[3], size[3], yaw;
    float score;
    /// Number of the box among the candidates, of its list, and of its class.
    u32 rank, list, class_index;
};

__device__ __forceinline__ Rectangle footprint(const Box &box) {
    return Rectangle{box.center[0], box.center[1], box.size[0], box.size[1], box.sin, box.cos};
}

/// 64 rows by 64 columns a block of 64 threads: bit c of word w of row r: does r suppress 64 w + c (beyond r)?
extern "C" __global__ void __launch_bounds__(64)
    nms_masks(u32 capacity, const NmsSettings *__restrict__ settings, const Box *__restrict__ boxes,
              const u32 *__restrict__ list_ranks, const u32 *__restrict__ list_counts, u64 *__restrict__ masks) {
    const u32 list = blockIdx.z, count = list_counts[list], words = (capacity + 63) / 64;
    const u32 row = blockIdx.x * 64 + threadIdx.x, first = blockIdx.y * 64;
    if (blockIdx.y < blockIdx.x || row >= count || first >= count) return;
    const u32 *ranks = list_ranks + static_cast<u64>(list) * capacity;
    const Rectangle mine = footprint(boxes[ranks[row]]);
    const double threshold = settings->iou_threshold;
    u64 bits = 0;
    for (u32 c = 0; c < 64 && first + c < count; ++c) {
        if (first + c > row && rotated_iou(mine, footprint(boxes[ranks[first + c]])) > threshold) bits |= 1ull << c;
    }
    masks[(static_cast<u64>(list) * capacity + row) * words + blockIdx.y] = bits;
}

/// One block of 64 threads: list after list, 64 boxes at a time. Where each class has its list, as many as
/// there are; else as many as the settings allow.
extern "C" __global__ void __launch_bounds__(64)
    nms_keep(u32 capacity, u32 num_lists, u32 is_per_class, const NmsSettings *__restrict__ settings,
             const Box *__restrict__ boxes, const u32 *__restrict__ list_ranks, const float *__restrict__ list_scores,
             const u32 *__restrict__ list_counts, const u64 *__restrict__ masks, Row *__restrict__ rows,
             u32 *__restrict__ num_rows) {
    __shared__ u64 removed[64], within[64], kept;
    const u32 words = (capacity + 63) / 64, me = threadIdx.x, limit = is_per_class ? capacity : settings->max_detections;
    u32 written = 0;
    for (u32 list = 0; list < num_lists; ++list) {
        const u32 count = list_counts[list], *ranks = list_ranks + static_cast<u64>(list) * capacity;
        const u64 *of_list = masks + static_cast<u64>(list) * capacity * words;
        u32 of_this_list = 0;
        removed[me] = 0;
        for (u32 word = 0; word * 64 < count && of_this_list < limit; ++word) {
            const u32 mine = word * 64 + me;
            within[me] = mine < count ? of_list[static_cast<u64>(mine) * words + word] : 0;
            __syncthreads();
            if (me == 0) {
                u64 fallen = removed[word];
                kept = 0;
                for (u32 bit = 0; bit < 64 && word * 64 + bit < count; ++bit) {
                    if ((fallen >> bit & 1) || of_this_list + __popcll(kept) >= limit) continue;
                    kept |= 1ull << bit;
                    fallen |= within[bit];
                }
            }
            __syncthreads();
            const u64 survivors = kept;
            for (u64 left = survivors; left != 0 && me > word && me < words; left &= left - 1) {
                if (me * 64 >= count) break;
                const u32 bit = static_cast<u32>(__ffsll(static_cast<long long>(left)) - 1);
                removed[me] |= of_list[static_cast<u64>(word * 64 + bit) * words + me];
            }
            if (survivors >> me & 1) {
                const u32 place = written + __popcll(survivors & ((1ull << me) - 1));
                const Box box = boxes[ranks[mine]];
                Row row;
                for (u32 axis = 0; axis < 3; ++axis) {
                    row.center[axis] = box.center[axis];
                    row.size[axis] = box.size[axis];
                }
                row.yaw = box.yaw;
                row.score = list_scores[static_cast<u64>(list) * capacity + mine];
                row.rank = ranks[mine];
                row.list = list;
                row.class_index = is_per_class ? list : box.best_class;
                rows[place] = row;
            }
            written += __popcll(survivors);
            of_this_list += __popcll(survivors);
            // The next round writes what this one reads.
            __syncthreads();
        }
        __syncthreads();
    }
    if (me == 0) *num_rows = written;
}

EXPORT_KERNEL(nms_masks)
EXPORT_KERNEL(nms_keep)
