//! Boxes as offsets from anchors, and the two direction bins.
//!
//! Source  Lang et al., PointPillars, section 2.3 (after Yan et al., SECOND, 2018); heights are taken at the centres
//!         of both boxes, in either toolbox.

use percept_types::{Box3d, wrap_to_pi};
use std::f64::consts::{PI, TAU};

/// Numbers of a box code: x, y, z, length, width, height, yaw.
pub const BOX_CODE_SIZE: usize = 7;

/// `(target, anchor) -> [x, y, z, l, w, h, yaw]` relative to the anchor; the yaw is the plain difference.
pub fn encode_box(target: &Box3d, anchor: &Box3d) -> [f64; BOX_CODE_SIZE] {
    let diagonal = anchor.size_m[0].hypot(anchor.size_m[1]);
    let offset = |axis: usize| target.center_m[axis] - anchor.center_m[axis];
    let ratio = |axis: usize| (target.size_m[axis] / anchor.size_m[axis]).ln();
    [
        offset(0) / diagonal,
        offset(1) / diagonal,
        offset(2) / anchor.size_m[2],
        ratio(0),
        ratio(1),
        ratio(2),
        target.yaw_rad - anchor.yaw_rad,
    ]
}

/// The exact inverse of [`encode_box`].
pub fn decode_box(code: &[f64; BOX_CODE_SIZE], anchor: &Box3d) -> Box3d {
    let diagonal = anchor.size_m[0].hypot(anchor.size_m[1]);
    let [x, y, z] = anchor.center_m;
    Box3d {
        center_m: [x + code[0] * diagonal, y + code[1] * diagonal, z + code[2] * anchor.size_m[2]],
        size_m: std::array::from_fn(|axis| anchor.size_m[axis] * code[3 + axis].exp()),
        yaw_rad: code[6] + anchor.yaw_rad,
    }
}

/// `value - floor(value / period + offset) * period`: into `[-offset * period, (1 - offset) * period)`.
pub fn limit_period(value: f64, offset: f64, period: f64) -> f64 {
    value - (value / period + offset).floor() * period
}

/// The bin of a heading: 0 within half a turn from `offset_rad`, else 1.
pub fn direction_bin(yaw_rad: f64, offset_rad: f64) -> usize {
    // limit_period may round up to a whole turn; the bin is clamped, as in both toolboxes.
    usize::from(limit_period(yaw_rad - offset_rad, 0.0, TAU) >= PI)
}

/// The heading in [-pi, pi) with the axis of `yaw_rad` that lies in the bin.
pub fn resolve_yaw(yaw_rad: f64, bin: usize, offset_rad: f64) -> f64 {
    wrap_to_pi(limit_period(yaw_rad - offset_rad, 0.0, PI) + offset_rad + PI * bin as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_undoes_encoding() {
        let anchor = Box3d { center_m: [10.0, -3.0, -1.0], size_m: [3.9, 1.6, 1.56], yaw_rad: 1.57 };
        let target = Box3d { center_m: [10.7, -2.2, -0.8], size_m: [4.4, 1.8, 1.4], yaw_rad: 1.2 };
        let back = decode_box(&encode_box(&target, &anchor), &anchor);
        for axis in 0..3 {
            assert!((back.center_m[axis] - target.center_m[axis]).abs() < 1e-12);
            assert!((back.size_m[axis] - target.size_m[axis]).abs() < 1e-12);
        }
        assert!((back.yaw_rad - target.yaw_rad).abs() < 1e-12);
    }

    #[test]
    fn a_heading_comes_back_from_its_axis_and_its_bin() {
        for offset in [crate::pointpillars::OPENPCDET_DIRECTION_OFFSET_RAD, -PI / 2.0, 0.0] {
            for step in 0..720 {
                let yaw = -7.0 + 0.02 * step as f64;
                // The network tells the axis only: half a turn more or less is the same to it.
                for regressed in [yaw, yaw + PI, yaw - PI] {
                    let resolved = resolve_yaw(regressed, direction_bin(yaw, offset), offset);
                    assert!(wrap_to_pi(resolved - yaw).abs() < 1e-9, "{yaw} {offset} {resolved}");
                }
            }
        }
    }

    #[test]
    fn the_bins_of_version_zero_agree_with_its_own_formula() {
        // limit_period(yaw, 1, pi) + (1 - bin) * pi, and an offset of 0: the same heading.
        for step in 0..100 {
            let yaw = -3.0 + 0.06 * step as f64;
            for bin in 0..2 {
                let published = limit_period(yaw, 1.0, PI) + (1 - bin) as f64 * PI;
                assert!(wrap_to_pi(published - resolve_yaw(yaw, bin, 0.0)).abs() < 1e-9);
            }
        }
    }
}
