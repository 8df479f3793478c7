//! What an anchor detector is asked to say: labels, box codes and direction bins for every anchor.
//!
//! Input   truth boxes of a frame, the anchors of the grid or of a window of it, rules a class.
//! Output  a label an anchor (background, ignored or a class) and, for positives, the box code and direction bin.
//! Order   anchors [y, x, class, rotation], as the model numbers them.
//! Source  Lang et al., PointPillars, CVPR 2019, section 3.2; OpenPCDet's axis-aligned assigner;
//!         mmdetection3d's MaxIoUAssigner for the second normaliser.

mod assign;
mod nearest_bev;
mod roles;

pub use assign::{AnchorLabel, AssignedFrame, PositiveAnchor, assign};
pub use roles::{AssignmentRules, ClassRules, TruthBox, TruthRole};

/// By what a batch's losses are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normaliser {
    /// Each frame by its own number of positives, then the mean over the batch (OpenPCDet).
    PerFrame,
    /// All frames by the positives of the whole batch (mmdetection3d).
    PerBatch,
}

impl Normaliser {
    /// The factor of each frame's losses.
    pub fn frame_weights(self, positives: &[usize]) -> Vec<f32> {
        match self {
            Self::PerFrame => {
                let batch = positives.len().max(1) as f32;
                positives.iter().map(|&count| 1.0 / (count.max(1) as f32 * batch)).collect()
            }
            Self::PerBatch => {
                let total: usize = positives.iter().sum();
                vec![1.0 / total.max(1) as f32; positives.len()]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_normalisers_survive_a_batch_without_positives() {
        assert_eq!(Normaliser::PerFrame.frame_weights(&[0, 4]), vec![0.5, 0.125]);
        assert_eq!(Normaliser::PerBatch.frame_weights(&[0, 4]), vec![0.25, 0.25]);
        assert_eq!(Normaliser::PerBatch.frame_weights(&[0, 0]), vec![1.0, 1.0]);
    }
}
