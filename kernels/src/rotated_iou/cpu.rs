//! All pairs, one after another.

use percept_types::BevRectangle;

/// a (N), b (M) -> IoU (N, M), row-major.
pub fn rotated_iou(a: &[BevRectangle], b: &[BevRectangle]) -> Vec<f64> {
    a.iter().flat_map(|first| b.iter().map(|second| first.iou(second))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rectangle([x, y, length, width, yaw_rad]: [f64; 5]) -> BevRectangle {
        BevRectangle { center_m: [x, y], size_m: [length, width], yaw_rad }
    }

    /// Numbers of mmcv's tests/test_ops/test_box_iou_rotated.py (Apache-2.0), to its own tolerance.
    #[test]
    fn the_published_overlaps_are_reproduced_in_either_sense_of_rotation() {
        let a = [[1.0, 1.0, 3.0, 4.0, 0.5], [2.0, 2.0, 3.0, 4.0, 0.6], [7.0, 7.0, 8.0, 8.0, 0.4]];
        let b = [[0.0, 2.0, 2.0, 5.0, 0.3], [2.0, 1.0, 3.0, 3.0, 0.5], [5.0, 5.0, 6.0, 7.0, 0.4]];
        let expected = [0.3708, 0.4351, 0.0, 0.1104, 0.4487, 0.0424, 0.0, 0.0, 0.3622];
        let clockwise = |boxes: [[f64; 5]; 3]| boxes.map(|[x, y, w, h, angle]| rectangle([x, y, w, h, angle]));
        let found = rotated_iou(&clockwise(a), &clockwise(b));
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }

    /// Numbers of mmcv's tests/test_ops/test_iou3d.py (Apache-2.0): shared areas on the ground.
    #[test]
    fn the_published_bev_areas_are_reproduced() {
        use std::f64::consts::PI;
        let a = [[1.0, 1.0, 2.0, 2.0, 0.0], [2.0, 2.0, 2.0, 2.0, 0.0], [3.0, 3.0, 3.0, 2.0, 0.0]].map(rectangle);
        let b = [0.0, PI / 2.0, PI / 4.0].map(|yaw| rectangle([1.0, 1.0, 2.0, 2.0, yaw]));
        let expected = [4.0, 4.0, 3.313_708_498_984_76, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0];
        for (index, expected) in expected.into_iter().enumerate() {
            let area = a[index / 3].intersection_area_m2(&b[index % 3]);
            assert!((area - expected).abs() < 1e-9, "{index}: {area} {expected}");
        }
    }
}
