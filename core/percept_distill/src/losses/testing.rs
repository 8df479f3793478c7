//! A small batch for the tests of the losses: two frames of 2 x 3 cells, three kinds of two classes.

use super::BatchTargets;
use crate::targets::{AnchorLabel, AssignedFrame, Normaliser, PositiveAnchor};

/// Values spread over ±`amplitude`, none of them at a kink of the losses.
pub(super) fn wave(len: usize, amplitude: f32) -> Vec<f32> {
    (0..len).map(|i| amplitude * (i as f32 * 0.7311 + 0.123).sin()).collect()
}

/// Positives in both frames, ignored anchors among them.
pub(super) fn targets() -> BatchTargets {
    let frame = |shift: usize| {
        let mut labels = vec![AnchorLabel::Background; 18];
        labels[3] = AnchorLabel::Ignored;
        let positives: Vec<PositiveAnchor> = [1 + shift, 7, 16 - shift]
            .iter()
            .map(|&anchor| PositiveAnchor {
                anchor,
                class_index: [0, 0, 1][anchor % 3],
                box_code: std::array::from_fn(|i| 0.4 * ((anchor * 7 + i) as f32).cos()),
                direction_bin: anchor % 2,
            })
            .collect();
        for positive in &positives {
            labels[positive.anchor] = AnchorLabel::Positive;
        }
        AssignedFrame { labels, positives }
    };
    BatchTargets::new(vec![frame(0), frame(1)], vec![0, 0, 1], 2, [2, 3], Normaliser::PerFrame).unwrap()
}
