//! Axis-aligned bird's-eye overlap after each box is snapped to the nearer axis: what the assigner measures by.
//!
//! f32 throughout and in the order of the published assigners, so that ties (which the force match counts) are theirs.

use std::f32::consts::{FRAC_PI_4, PI};

/// An upright rectangle: x and y of the lower corner, then of the upper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct UprightRectangle {
    pub(super) min_m: [f32; 2],
    pub(super) max_m: [f32; 2],
}

impl UprightRectangle {
    /// The rectangle of a box (centre, length and width, yaw), sides swapped where it lies nearer to the y axis.
    pub(super) fn snapped(center_m: [f32; 2], size_m: [f32; 2], yaw_rad: f32) -> Self {
        // To [-pi/2, pi/2): v - floor(v / T + 0.5) T with T = pi.
        let turned = (yaw_rad - (yaw_rad / PI + 0.5).floor() * PI).abs();
        let [dx, dy] = if turned < FRAC_PI_4 { size_m } else { [size_m[1], size_m[0]] };
        Self {
            min_m: [center_m[0] - dx / 2.0, center_m[1] - dy / 2.0],
            max_m: [center_m[0] + dx / 2.0, center_m[1] + dy / 2.0],
        }
    }

    fn area_m2(&self) -> f32 {
        (self.max_m[0] - self.min_m[0]) * (self.max_m[1] - self.min_m[1])
    }

    /// Overlap over union.
    pub(super) fn iou(&self, other: &Self) -> f32 {
        let side =
            |axis: usize| (self.max_m[axis].min(other.max_m[axis]) - self.min_m[axis].max(other.min_m[axis])).max(0.0);
        let intersection = side(0) * side(1);
        intersection / (self.area_m2() + other.area_m2() - intersection).max(1e-6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_nearer_to_the_y_axis_has_its_sides_swapped() {
        let across = UprightRectangle::snapped([0.0, 0.0], [4.0, 2.0], 1.5);
        assert_eq!(across.max_m, [1.0, 2.0]);
        let backwards = UprightRectangle::snapped([0.0, 0.0], [4.0, 2.0], 3.1);
        assert_eq!(backwards.max_m, [2.0, 1.0]);
    }

    #[test]
    fn overlap_over_union_of_shifted_squares_is_a_third() {
        let a = UprightRectangle::snapped([0.0, 0.0], [2.0, 2.0], 0.0);
        let b = UprightRectangle::snapped([1.0, 0.0], [2.0, 2.0], 0.0);
        assert!((a.iou(&b) - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(a.iou(&UprightRectangle::snapped([5.0, 0.0], [2.0, 2.0], 0.0)), 0.0);
    }
}
