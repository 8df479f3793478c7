//! mmdetection3d 0.x's boxes, turned into ours by turning the weights of the head.
//!
//! mmdetection3d before 1.0 stores sizes as (width, length, height) and measures yaw clockwise from -y
//! (`yaw = -yaw_mm0 - pi/2`, the conversion that Autoware applies to such networks). Both are linear in the box
//! code, so instead of another decoder the head is rearranged:
//! - the rows (x, y, z, w, l, h, r) of each anchor become (x, y, z, l, w, h, -r);
//! - an anchor along its x lies along our y, so the two anchors of each class change places in all three heads;
//! - its rotation 1.57 is no exact quarter turn: the remainder goes into the bias of r;
//! - direction bins that began at 0 begin at `-3 pi / 2`.

use super::ImportError;
use percept_kernels::parameters::{HostTensor, ParameterMap};
use std::f64::consts::{FRAC_PI_2, PI};

/// Values of the box code.
const BOX_CODE: usize = 7;
/// Anchors of a class.
const ROTATIONS: usize = 2;

/// Where the first direction bin begins for a network of mmdetection3d 0.x, whose own bins begin at 0.
pub(super) const DIRECTION_OFFSET_MM0_RAD: f64 = -1.5 * PI;

/// `yaw_ours(anchor of mm0) - yaw_of_our_anchor`, equal for both anchors up to half turns, which the decoder takes off:
/// -pi/2 - 1.57 against 0, and -pi/2 - 0 against 1.57.
const ANCHOR_REMAINDER_RAD: f64 = PI - FRAC_PI_2 - 1.57;

/// Rearranges the three heads of a network of mmdetection3d 0.x.
pub(super) fn turn_head_of_mm0(tensors: &mut ParameterMap, num_classes: usize) -> Result<(), ImportError> {
    for (head, width) in [("conv_cls", num_classes), ("conv_box", BOX_CODE), ("conv_dir_cls", 2)] {
        for leaf in ["weight", "bias"] {
            let name = format!("dense_head.{head}.{leaf}");
            let Some(tensor) = tensors.get_mut(&name) else { continue };
            let row_len = row_len(&name, tensor, num_classes * ROTATIONS * width)?;
            swap_rotations(&mut tensor.data, width * row_len);
            if head == "conv_box" {
                turn_box_rows(&mut tensor.data, row_len);
            }
            if head == "conv_box" && leaf == "bias" {
                tensor.data.chunks_exact_mut(BOX_CODE).for_each(|code| code[6] += ANCHOR_REMAINDER_RAD as f32);
            }
        }
    }
    Ok(())
}

fn row_len(name: &str, tensor: &HostTensor, rows: usize) -> Result<usize, ImportError> {
    let fits = tensor.shape.first() == Some(&rows) && rows > 0 && !tensor.data.is_empty();
    if !fits {
        let expected = format!("{rows} rows");
        return Err(ImportError::Shape { name: name.to_owned(), found: tensor.shape.clone(), expected });
    }
    Ok(tensor.data.len() / rows)
}

fn swap_rotations(values: &mut [f32], anchor_len: usize) {
    for class in values.chunks_exact_mut(ROTATIONS * anchor_len) {
        let (first, second) = class.split_at_mut(anchor_len);
        first.swap_with_slice(second);
    }
}

fn turn_box_rows(values: &mut [f32], row_len: usize) {
    for code in values.chunks_exact_mut(BOX_CODE * row_len) {
        let (width, length) = code[3 * row_len..5 * row_len].split_at_mut(row_len);
        width.swap_with_slice(length);
        code[6 * row_len..].iter_mut().for_each(|value| *value = -*value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pointpillars::{ANCHOR_ROTATIONS, decode_box, limit_period, resolve_yaw};
    use percept_types::{Box3d, wrap_to_pi};

    fn bias(values: Vec<f32>) -> ParameterMap {
        let tensor = HostTensor { shape: vec![values.len()], data: values };
        [("dense_head.conv_box.bias".to_owned(), tensor)].into()
    }

    #[test]
    fn rows_of_width_and_length_change_places_and_so_do_the_anchors() {
        let mut tensors = bias((1..=14).map(|v| v as f32).collect());
        turn_head_of_mm0(&mut tensors, 1).unwrap();
        let remainder = ANCHOR_REMAINDER_RAD as f32;
        let expected = [8., 9., 10., 12., 11., 13., -14. + remainder, 1., 2., 3., 5., 4., 6., -7. + remainder];
        assert_eq!(tensors["dense_head.conv_box.bias"].data, expected);
    }

    #[test]
    fn a_head_of_another_number_of_classes_is_refused() {
        let error = turn_head_of_mm0(&mut bias(vec![0.0; 14]), 3).unwrap_err();
        assert!(error.to_string().contains("42 rows"), "{error}");
    }

    /// What mmdetection3d 0.x decodes: sizes (w, l, h), bin 0 for its yaw in [0, pi), bin 1 in [-pi, 0).
    fn decoded_by_mm0(code: &[f64; 7], anchor_wlh: [f64; 3], anchor_yaw: f64, bin: usize) -> ([f64; 3], f64) {
        let diagonal = anchor_wlh[0].hypot(anchor_wlh[1]);
        let wlh = std::array::from_fn(|i| anchor_wlh[i] * code[3 + i].exp());
        let center = [code[0] * diagonal, code[1] * diagonal];
        assert!(center.iter().all(|c| c.is_finite()));
        let yaw = limit_period(anchor_yaw + code[6], 1.0, PI) + (1 - bin) as f64 * PI;
        (wlh, yaw)
    }

    #[test]
    fn boxes_decode_as_mmdetection3d_0_decodes_them() {
        for step in 0..200 {
            for (mm0_rotation, bin) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let code = [0.1, -0.2, 0.05, 0.02, -0.1, 0.07, -3.0 + 0.03 * f64::from(step) + 1e-3];
                let (wlh, yaw_mm0) = decoded_by_mm0(&code, [1.6, 3.9, 1.56], [0.0, 1.57][mm0_rotation], bin);
                let mut tensors = bias([code.map(|v| v as f32), code.map(|v| v as f32)].concat());
                turn_head_of_mm0(&mut tensors, 1).unwrap();
                let ours = 1 - mm0_rotation;
                let turned = &tensors["dense_head.conv_box.bias"].data[ours * 7..ours * 7 + 7];
                let turned: [f64; 7] = std::array::from_fn(|i| f64::from(turned[i]));
                let anchor = Box3d { center_m: [0.0; 3], size_m: [3.9, 1.6, 1.56], yaw_rad: ANCHOR_ROTATIONS[ours] };
                let decoded = decode_box(&turned, &anchor);
                let yaw = resolve_yaw(decoded.yaw_rad, bin, DIRECTION_OFFSET_MM0_RAD);
                assert!(wrap_to_pi(yaw - (-yaw_mm0 - FRAC_PI_2)).abs() < 1e-5, "residual {}, bin {bin}", code[6]);
                for (size, expected) in decoded.size_m.iter().zip([wlh[1], wlh[0], wlh[2]]) {
                    assert!((size - expected).abs() < 1e-5);
                }
            }
        }
    }
}
