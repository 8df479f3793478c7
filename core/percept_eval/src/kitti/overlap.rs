//! Overlap over union of two annotations in the image, from above and in space.
//!
//! Boxes whose sides are not positive (DontCare's -1) overlap nothing from above and in space.

use super::{Annotation, Metric};
use percept_types::ImageBox;

/// Area that two image boxes share.
fn image_intersection(a: &ImageBox, b: &ImageBox) -> f64 {
    let width = a.right.min(b.right) - a.left.max(b.left);
    let height = a.bottom.min(b.bottom) - a.top.max(b.top);
    if width > 0.0 && height > 0.0 { width * height } else { 0.0 }
}

/// Intersection over union of image boxes.
pub fn image_overlap(a: &ImageBox, b: &ImageBox) -> f64 {
    let shared = image_intersection(a, b);
    if shared > 0.0 { shared / (a.area() + b.area() - shared) } else { 0.0 }
}

/// Part of `inner` that lies in `region`.
pub(crate) fn share_inside(inner: &ImageBox, region: &ImageBox) -> f64 {
    let shared = image_intersection(inner, region);
    if shared > 0.0 { shared / inner.area() } else { 0.0 }
}

fn has_extent(a: &Annotation) -> bool {
    a.size_m.iter().all(|side| *side > 0.0)
}

/// Intersection over union of footprints in the camera's x-z plane.
pub fn bev_overlap(a: &Annotation, b: &Annotation) -> f64 {
    if has_extent(a) && has_extent(b) { a.footprint().iou(&b.footprint()) } else { 0.0 }
}

/// Intersection over union of volumes: footprints times the shared part of [y - height, y].
pub fn volume_overlap(a: &Annotation, b: &Annotation) -> f64 {
    let (bottom_a, bottom_b) = (a.bottom_center_m[1], b.bottom_center_m[1]);
    let shared_height = bottom_a.min(bottom_b) - (bottom_a - a.size_m[2]).max(bottom_b - b.size_m[2]);
    if !(has_extent(a) && has_extent(b)) || shared_height <= 0.0 {
        return 0.0;
    }
    let shared = a.footprint().intersection_area_m2(&b.footprint()) * shared_height;
    shared / (a.volume_m3() + b.volume_m3() - shared)
}

/// The overlap that a metric compares.
pub fn overlap_of(metric: Metric, a: &Annotation, b: &Annotation) -> f64 {
    match metric {
        Metric::Bbox | Metric::Aos => image_overlap(&a.image_box, &b.image_box),
        Metric::Bev => bev_overlap(a, b),
        Metric::Volume => volume_overlap(a, b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn car(x: f64, y: f64, rotation_y_rad: f64) -> Annotation {
        Annotation {
            class_name: "Car".into(),
            truncation: 0.0,
            occlusion: 0,
            alpha_rad: 0.0,
            image_box: ImageBox { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0 },
            size_m: [4.0, 2.0, 1.5],
            bottom_center_m: [x, y, 20.0],
            rotation_y_rad,
        }
    }

    #[test]
    fn boxes_at_different_heights_share_only_the_common_layer() {
        assert!((volume_overlap(&car(0.0, 1.5, 0.3), &car(0.0, 1.5, 0.3)) - 1.0).abs() < 1e-12);
        // Half of the height is shared: 0.75 / (1.5 + 1.5 - 0.75).
        assert!((volume_overlap(&car(0.0, 1.5, 0.0), &car(0.0, 2.25, 0.0)) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(volume_overlap(&car(0.0, 1.5, 0.0), &car(0.0, 3.0, 0.0)), 0.0);
        assert!((bev_overlap(&car(0.0, 1.5, 0.0), &car(0.0, 3.0, 0.0)) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_dont_care_box_without_size_overlaps_nothing_in_space() {
        let mut region = car(0.0, 1.5, 0.0);
        region.size_m = [-1.0; 3];
        assert_eq!(bev_overlap(&region, &region), 0.0);
        assert_eq!(volume_overlap(&region, &region), 0.0);
    }

    #[test]
    fn length_lies_along_x_at_rotation_zero_and_along_z_at_a_quarter_turn() {
        let shifted = car(2.0, 1.5, 0.0);
        assert!((bev_overlap(&car(0.0, 1.5, 0.0), &shifted) - 1.0 / 3.0).abs() < 1e-12);
        let quarter = std::f64::consts::FRAC_PI_2;
        assert!(bev_overlap(&car(0.0, 1.5, quarter), &car(2.0, 1.5, quarter)) < 1e-12);
    }
}
