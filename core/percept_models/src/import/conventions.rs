//! mmdetection3d 0.x's boxes, turned into ours by turning the weights of the head.
//!
//! mmdetection3d before 1.0 stores sizes as (width, length, height) and measures yaw clockwise from -y
//! (`yaw = -yaw_mm0 - pi/2`, the conversion that Autoware applies to such networks). Both are linear in the box
//! code, so instead of another decoder the head's rows are permuted and one of them negated:
//! rows (x, y, z, w, l, h, r) become (x, y, z, l, w, h, -r). The anchors' rotations and the direction offset turn
//! with them: a rotation `r` becomes `-r - pi/2`, and bins that began at 0 begin at `-3 pi / 2`.

use super::tensors::CheckpointTensor;
use super::ImportError;

/// Values of the box code.
pub(super) const BOX_CODE: usize = 7;

/// The yaw, in our convention, of a yaw of mmdetection3d 0.x.
pub(super) fn yaw_from_mm0(yaw_rad: f64) -> f64 {
    -yaw_rad - std::f64::consts::FRAC_PI_2
}

/// Where the first direction bin begins for a network of mmdetection3d 0.x, whose own bins begin at 0.
pub(super) const DIRECTION_OFFSET_MM0_RAD: f64 = -1.5 * std::f64::consts::PI;

/// Turns the rows of the box head, weight (A*7, C, 1, 1) or bias (A*7).
pub(super) fn turn_box_rows(name: &str, tensor: &mut CheckpointTensor) -> Result<(), ImportError> {
    let rows = tensor.shape.first().copied().unwrap_or(0);
    if rows == 0 || !rows.is_multiple_of(BOX_CODE) {
        let expected = format!("a multiple of {BOX_CODE} rows");
        return Err(ImportError::Shape { name: name.to_owned(), found: tensor.shape.clone(), expected });
    }
    let row_len = tensor.values.len() / rows;
    if row_len == 0 {
        let expected = "rows that are not empty".to_owned();
        return Err(ImportError::Shape { name: name.to_owned(), found: tensor.shape.clone(), expected });
    }
    for code in tensor.values.chunks_exact_mut(BOX_CODE * row_len) {
        let (width, length) = code[3 * row_len..5 * row_len].split_at_mut(row_len);
        width.swap_with_slice(length);
        code[6 * row_len..].iter_mut().for_each(|value| *value = -*value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_width_and_length_change_places_and_yaw_changes_sign() {
        let mut bias = CheckpointTensor { shape: vec![14], values: (1..=14).map(|v| v as f32).collect() };
        turn_box_rows("conv_box.bias", &mut bias).unwrap();
        assert_eq!(bias.values, [1., 2., 3., 5., 4., 6., -7., 8., 9., 10., 12., 11., 13., -14.]);
    }

    /// The decoding of mmdetection3d 0.x and ours, on the same logits: bin 0 is yaw_mm0 in [0, pi), bin 1 in [-pi, 0).
    #[test]
    fn headings_decode_alike_after_turning() {
        use std::f64::consts::PI;
        let limit_period = |v: f64, o: f64, t: f64| v - (v / t + o).floor() * t;
        for step in 0..400 {
            for (anchor_mm0, bin) in [(0.0, 0), (0.0, 1), (1.57, 0), (1.57, 1)] {
                let residual = -4.0 + 0.02 * f64::from(step) + 1e-3;
                let yaw_mm0 = limit_period(anchor_mm0 + residual, 1.0, PI) + f64::from(1 - bin) * PI;
                let decoded = yaw_from_mm0(anchor_mm0) - residual;
                let off = DIRECTION_OFFSET_MM0_RAD;
                let ours = limit_period(decoded - off, 0.0, PI) + off + PI * f64::from(bin);
                let difference = percept_types::wrap_to_pi(ours - yaw_from_mm0(yaw_mm0));
                assert!(difference.abs() < 1e-9, "residual {residual}, bin {bin}: {difference}");
            }
        }
    }
}
