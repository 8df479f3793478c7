//! The published vectors of the suppression operations, and the order of ties.
//!
//! Numbers from the tests of mmcv (test_iou3d, test_nms_rotated) and mmdetection3d (test_box3d_nms), both Apache-2.0.

use super::*;

fn rectangle([x, y, length, width, yaw_rad]: [f64; 5]) -> BevRectangle {
    BevRectangle { center_m: [x, y], size_m: [length, width], yaw_rad }
}

#[test]
fn the_published_bev_suppression_is_reproduced() {
    let boxes = [
        [1.0, 1.0, 2.0, 2.0, 0.0],
        [2.0, 2.0, 2.0, 2.0, 0.0],
        [3.0, 3.0, 3.0, 2.0, 0.3],
        [3.0, 3.0, 3.0, 2.0, 0.0],
        [3.0, 3.2, 3.0, 2.0, 0.3],
    ]
    .map(rectangle);
    assert_eq!(nms_rotated(&boxes, &[0.6, 0.9, 0.1, 0.2, 0.15], 0.3, 100).unwrap(), [1, 0, 3]);
}

/// mmcv gives labels [1, 0, 1, 0] with these boxes, but its expectation is that of one class: its last box falls to
/// one of the other label. Within classes all four stay (the overlaps are 0.43 and 0.26).
#[test]
fn the_published_suppression_of_turned_boxes_is_reproduced() {
    let boxes = [
        [6.0, 3.0, 8.0, 7.0, 0.5],
        [3.0, 6.0, 9.0, 11.0, 0.6],
        [3.0, 7.0, 10.0, 12.0, 0.3],
        [1.0, 4.0, 13.0, 7.0, 0.6],
    ]
    .map(rectangle);
    let scores = [0.7, 0.8, 0.5, 0.9];
    assert_eq!(nms_rotated(&boxes, &scores, 0.5, 100).unwrap(), [3, 1, 0]);
    assert_eq!(nms_rotated_by_class(&boxes, &scores, &[1, 0, 1, 0], 0.5, 100).unwrap(), [3, 1, 0, 2]);
}

#[test]
fn the_published_circle_suppression_is_reproduced() {
    let rows: [[f64; 3]; 10] = [
        [-11.11, 2.13, 0.8823],
        [-11.281, 2.2422, 0.8914],
        [-10.3966, -0.3198, 0.8643],
        [-10.2906, -13.3159, 0.8401],
        [5.6518, 9.9791, 0.8271],
        [-11.2652, 13.3637, 0.8267],
        [4.7768, -13.0409, 0.781],
        [5.6621, 9.0422, 0.7753],
        [-10.5561, 18.9627, 0.7518],
        [-10.5643, 13.2293, 0.72],
    ];
    let centers = rows.map(|[x, y, _]| [x, y]);
    let scores = rows.map(|[.., score]| score as f32);
    let mut kept = nms_circle(&centers, &scores, 0.175, 83).unwrap();
    kept.sort_unstable();
    assert_eq!(kept, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn the_published_suppression_of_aligned_boxes_is_reproduced() {
    let boxes = ALIGNED_BOXES.map(|[x0, y0, z0, x1, y1, z1]| AlignedBox { min_m: [x0, y0, z0], max_m: [x1, y1, z1] });
    let kept = nms_aligned_3d(&boxes, &ALIGNED_SCORES, &ALIGNED_CLASSES, 0.25).unwrap();
    assert_eq!(kept, ALIGNED_PICK);
}

/// mmcv's random case: 555 boxes of numpy's legacy generator, of which 176 stay there. Its kernel counts a corner up to
/// 1 cm outside a box as inside, which for boxes of less than a metre suppresses three more than the true overlap does.
#[test]
fn of_the_published_random_boxes_as_many_stay_by_the_published_overlap_and_three_more_by_the_true_one() {
    let mut random = NumpyRandom::new(42);
    let values: Vec<f32> = (0..555 * 7).map(|_| random.next_f64() as f32).collect();
    let scores: Vec<f32> = (0..555).map(|_| random.next_f64() as f32).collect();
    let boxes: Vec<BevRectangle> =
        values.chunks_exact(7).map(|b| rectangle([b[0], b[1], b[3], b[4], b[6]].map(f64::from))).collect();
    let published = greedy(&scores, 555, |kept, other| iou_with_margin(&boxes[kept], &boxes[other]) > 0.3);
    assert_eq!(published.len(), 176);
    assert_eq!(nms_rotated(&boxes, &scores, 0.3, 555).unwrap().len(), 179);
}

/// The overlap as mmcv's kernel computes it: crossings of edges and corners within the margin, sorted round their mean.
fn iou_with_margin(a: &BevRectangle, b: &BevRectangle) -> f64 {
    let (p, q) = (a.corners_m(), b.corners_m());
    let mut polygon: Vec<[f64; 2]> = Vec::new();
    for i in 0..4 {
        polygon.extend((0..4).filter_map(|j| crossing([p[i], p[(i + 1) % 4]], [q[j], q[(j + 1) % 4]])));
    }
    polygon.extend(q.iter().filter(|corner| inside_with_margin(**corner, a)));
    polygon.extend(p.iter().filter(|corner| inside_with_margin(**corner, b)));
    let mean = [0, 1].map(|axis| polygon.iter().map(|c| c[axis]).sum::<f64>() / polygon.len() as f64);
    let angle = |c: &[f64; 2]| (c[1] - mean[1]).atan2(c[0] - mean[0]);
    polygon.sort_by(|u, v| angle(u).total_cmp(&angle(v)));
    let pairs = polygon.windows(2).map(|pair| cross(pair[0], pair[1], polygon[0]));
    let area = pairs.sum::<f64>().abs() / 2.0;
    area / (a.area_m2() + b.area_m2() - area).max(1e-8)
}

fn cross(a: [f64; 2], b: [f64; 2], origin: [f64; 2]) -> f64 {
    (a[0] - origin[0]) * (b[1] - origin[1]) - (b[0] - origin[0]) * (a[1] - origin[1])
}

fn crossing([p0, p1]: [[f64; 2]; 2], [q0, q1]: [[f64; 2]; 2]) -> Option<[f64; 2]> {
    let (s1, s2) = (cross(q0, p1, p0), cross(p1, q1, p0));
    let (s3, s4, s5) = (cross(p0, q1, q0), cross(q1, p1, q0), cross(q1, p1, p0));
    let crosses = s1 * s2 > 0.0 && s3 * s4 > 0.0 && (s5 - s1).abs() > 1e-8;
    crosses.then(|| [0, 1].map(|axis| (s5 * q0[axis] - s1 * q1[axis]) / (s5 - s1)))
}

fn inside_with_margin(point: [f64; 2], b: &BevRectangle) -> bool {
    let (sin, cos) = b.yaw_rad.sin_cos();
    let [dx, dy] = [0, 1].map(|axis| point[axis] - b.center_m[axis]);
    let local = [dx * cos + dy * sin, dy * cos - dx * sin];
    (0..2).all(|axis| local[axis].abs() < b.size_m[axis] / 2.0 + 1e-2)
}

/// mmcv's batched_nms_data: upright image boxes by class at 0.7, the first 100 of those above 0.5.
#[test]
fn the_published_batch_of_image_boxes_is_reproduced() {
    let Some(path) = crate::test_data::eval_vector("mmcv_batched_nms.npz") else { return };
    let arrays = crate::test_data::read_npz(&path);
    let boxes: Vec<BevRectangle> = arrays["boxes"]
        .values
        .chunks_exact(4)
        .map(|b| rectangle([(b[0] + b[2]) / 2.0, (b[1] + b[3]) / 2.0, b[2] - b[0], b[3] - b[1], 0.0]))
        .collect();
    let scores: Vec<f32> = arrays["scores"].values.iter().map(|v| *v as f32).collect();
    let classes: Vec<usize> = arrays["idxs"].values.iter().map(|v| *v as usize).collect();
    let published: Vec<usize> = arrays["keep"].values.iter().map(|v| *v as usize).collect();
    let kept = nms_rotated_by_class(&boxes, &scores, &classes, 0.7, boxes.len()).unwrap();
    assert_eq!(kept.len(), published.len());
    assert_eq!(kept, published);
}

#[test]
fn equal_scores_are_kept_by_index_and_nan_never() {
    let apart = [0.0, 10.0, 20.0, 30.0].map(|x| rectangle([x, 0.0, 1.0, 1.0, 0.0]));
    assert_eq!(nms_rotated(&apart, &[0.5, f32::NAN, 0.9, 0.5], 0.1, 10).unwrap(), [2, 0, 3]);
    assert_eq!(nms_rotated(&apart, &[0.5, f32::NAN, 0.9, 0.5], 0.1, 2).unwrap(), [2, 0]);
    let same = [[0.0, 0.0, 1.0, 1.0, 0.0]; 3].map(rectangle);
    assert_eq!(nms_rotated(&same, &[0.5; 3], 0.1, 10).unwrap(), [0]);
    assert!(nms_rotated(&[], &[], 0.1, 10).unwrap().is_empty());
}

#[test]
fn scores_and_classes_that_do_not_match_the_boxes_are_refused() {
    let boxes = [rectangle([0.0; 5])];
    assert!(nms_rotated(&boxes, &[], 0.1, 1).is_err());
    assert!(nms_rotated_by_class(&boxes, &[0.1], &[], 0.1, 1).is_err());
    assert!(nms_circle(&[[0.0; 2]], &[], 0.1, 1).is_err());
    assert!(nms_aligned_3d(&[], &[0.1], &[], 0.1).is_err());
}

/// MT19937 as numpy's `RandomState(seed).rand()` uses it (Matsumoto and Nishimura, 1998).
struct NumpyRandom {
    state: [u32; 624],
    next: usize,
}

impl NumpyRandom {
    fn new(seed: u32) -> Self {
        let mut state = [seed; 624];
        for i in 1..624 {
            let previous = state[i - 1];
            state[i] = 1_812_433_253u32.wrapping_mul(previous ^ (previous >> 30)).wrapping_add(i as u32);
        }
        Self { state, next: 624 }
    }

    fn next_u32(&mut self) -> u32 {
        if self.next == 624 {
            for i in 0..624 {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % 624] & 0x7fff_ffff);
                let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + 397) % 624] ^ (y >> 1) ^ odd;
            }
            self.next = 0;
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn next_f64(&mut self) -> f64 {
        let (a, b) = (self.next_u32() >> 5, self.next_u32() >> 6);
        (f64::from(a) * 67_108_864.0 + f64::from(b)) / 9_007_199_254_740_992.0
    }
}

const ALIGNED_BOXES: [[f64; 6]; 30] = [
    [1.2261, 0.6679, -1.2678, 2.6547, 1.0428, 0.1],
    [5.0919, 0.6512, 0.7238, 5.4821, 1.2451, 2.1095],
    [6.8392, -1.2205, 0.857, 7.692, 0.322, 3.2223],
    [3.69, -0.4235, -1.038, 4.4415, 0.2671, -0.1442],
    [4.8071, -1.4311, 0.7004, 5.5788, -0.6837, 1.2487],
    [2.1807, -1.5811, -1.1289, 3.0151, -0.1346, -0.5351],
    [4.4631, -4.2588, -1.1403, 5.3012, -3.4463, -0.3212],
    [4.7607, -3.3311, 0.5993, 5.2976, -2.7874, 1.2273],
    [3.1265, 0.7113, -0.0296, 3.8944, 1.3532, 0.9785],
    [5.5828, -3.535, 1.0105, 8.2841, -0.0405, 3.3614],
    [3.0003, -2.1099, -1.0608, 5.3423, 0.0328, 0.6252],
    [2.7148, 0.6082, -1.1738, 3.6995, 1.2375, -0.0209],
    [4.9263, -0.2152, 0.2889, 5.6963, 0.3416, 1.3471],
    [5.0713, 1.3459, -0.2598, 5.6278, 1.93, 1.2835],
    [4.5985, -2.3996, -0.3393, 5.2705, -1.7306, 0.5698],
    [4.1386, 0.5658, 0.0422, 4.8937, 1.1983, 0.9911],
    [2.7694, -1.9822, -1.0637, 4.0691, 0.3575, -0.1393],
    [4.6464, -3.0123, -1.0694, 5.1421, -2.445, -0.3758],
    [3.4754, 0.4443, -1.1282, 4.6727, 1.3786, 0.255],
    [2.5905, -0.3504, -1.1202, 3.1599, 0.1153, -0.3036],
    [4.1336, -3.4813, 1.1477, 6.2091, -0.8776, 2.6757],
    [3.9966, 0.2069, -1.1148, 5.0841, 1.0525, -0.0648],
    [4.3216, -1.8647, 0.4733, 6.2069, 0.6671, 3.3363],
    [4.7683, 0.4286, -0.05, 5.5642, 1.2906, 0.8902],
    [1.7337, 0.7625, -1.0058, 3.0675, 1.3617, 0.3849],
    [4.7193, -3.3687, -0.9635, 5.1633, -2.7656, 1.1001],
    [4.4704, -2.7744, -1.1127, 5.0971, -2.0228, -0.315],
    [2.7027, 0.6122, -0.9169, 3.3083, 1.2117, 0.6129],
    [4.8789, -2.0025, 0.8385, 5.5214, -1.3668, 1.3552],
    [3.7856, -1.7582, -0.1738, 5.3373, -0.63, 0.5558],
];
const ALIGNED_SCORES: [f32; 30] = [
    0.0036414, 0.022901, 0.00027576, 0.012238, 0.0005931, 0.12659, 0.024104, 0.0050742, 0.0023581, 2.0946e-07, 0.88039,
    0.19127, 5.0469e-05, 0.0093638, 0.0030663, 0.009435, 0.05338, 0.17895, 0.20048, 0.0011294, 3.0304e-08, 0.20237,
    1.0894e-08, 0.067972, 0.67156, 0.00093986, 0.7947, 0.39736, 0.00018, 0.00079151,
];
const ALIGNED_CLASSES: [usize; 30] =
    [8, 8, 8, 3, 3, 1, 3, 3, 7, 8, 0, 6, 7, 8, 3, 7, 2, 7, 6, 3, 8, 6, 6, 7, 6, 8, 7, 6, 3, 1];
const ALIGNED_PICK: [usize; 29] =
    [10, 26, 24, 27, 21, 18, 17, 5, 23, 16, 6, 1, 3, 15, 13, 7, 0, 14, 8, 19, 25, 29, 4, 2, 28, 12, 9, 20, 22];
