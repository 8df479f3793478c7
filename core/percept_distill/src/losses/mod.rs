//! What training minimises, one file a method.
//!
//! Every loss reads the network's outputs and feature taps, the input frames and the targets (of truth or of a
//! teacher), and gives one scalar tensor with a right gradient.

mod adapters;
mod box_regression;
mod direction;
mod distillation;
mod feature_regression;
mod focal;
mod fused;
mod point_distiller;
mod response;
mod supervised;

pub use distillation::{
    DistillationLoss, DistillationMethod, DistillationSettings, DistillationTerm, DistillationValue, TapChannels,
};
pub use feature_regression::FeatureRegressionSettings;
pub use focal::FocalShape;
pub use point_distiller::{Edge, ImportanceScore, PointDistillerSettings, Reduction, Selection, Weighting};
pub use response::ResponseSettings;
pub use supervised::{LossTerms, SupervisedLoss};

use crate::targets::{AssignedFrame, Normaliser, PositiveAnchor};

/// Targets of a batch on one lattice shape.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchTargets {
    /// One entry a frame.
    pub(crate) frames: Vec<AssignedFrame>,
    /// What each frame's losses are multiplied by.
    pub(crate) frame_weights: Vec<f32>,
    /// Class of each kind of anchor, A entries.
    pub(crate) class_of_kind: Vec<usize>,
    /// K.
    pub(crate) num_classes: usize,
    /// H.
    pub(crate) ny: usize,
    /// W.
    pub(crate) nx: usize,
}

impl BatchTargets {
    /// Puts the assigned frames of a batch together. `ny` and `nx` are the sides of the head's map.
    ///
    /// # Errors
    /// When a frame has another number of anchors than the map and the kinds say.
    pub fn new(
        frames: Vec<AssignedFrame>,
        class_of_kind: Vec<usize>,
        num_classes: usize,
        [ny, nx]: [usize; 2],
        normaliser: Normaliser,
    ) -> Result<Self, crate::DistillError> {
        let anchors = ny * nx * class_of_kind.len();
        if let Some(frame) = frames.iter().find(|frame| frame.labels.len() != anchors) {
            let (expected, found) = (vec![ny, nx, class_of_kind.len()], vec![frame.labels.len()]);
            return Err(crate::DistillError::Shape { what: "anchor labels", expected, found });
        }
        let positives: Vec<usize> = frames.iter().map(|frame| frame.positives.len()).collect();
        let frame_weights = normaliser.frame_weights(&positives);
        Ok(Self { frames, frame_weights, class_of_kind, num_classes, ny, nx })
    }

    /// Positive anchors of the batch.
    pub fn num_positives(&self) -> usize {
        self.frames.iter().map(|frame| frame.positives.len()).sum()
    }

    pub(crate) fn class_channels(&self) -> usize {
        self.class_of_kind.len() * self.num_classes
    }

    /// Positives with the index of their frame.
    fn positives(&self) -> impl Iterator<Item = (usize, &PositiveAnchor)> {
        self.frames.iter().enumerate().flat_map(|(frame, f)| f.positives.iter().map(move |positive| (frame, positive)))
    }

    /// Where value `i` of an anchor lies in a map (B, A·values, H, W).
    fn offset(&self, frame: usize, anchor: usize, values: usize, i: usize) -> usize {
        let kinds = self.class_of_kind.len();
        let (cell, kind) = (anchor / kinds, anchor % kinds);
        ((frame * kinds + kind) * values + i) * self.ny * self.nx + cell
    }
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod testing;
