//! What comes out of the network.

use percept_kernels::voxelize::CellWindow;

use super::{BOX_CODE_SIZE, PointPillarsConfig};
use crate::ModelError;

/// Headings of the two anchors of a class, as published (not pi/2).
pub const ANCHOR_ROTATIONS: [f64; 2] = [0.0, 1.57];
/// Direction bins.
pub(crate) const DIRECTION_BINS: usize = 2;

/// Channels of the head's three maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadChannels {
    /// A, anchors a cell.
    pub anchors: usize,
    /// A K.
    pub cls: usize,
    /// A 7.
    pub boxes: usize,
    /// A 2.
    pub dir: usize,
}

impl HeadChannels {
    /// For K classes.
    pub fn new(num_classes: usize) -> Self {
        let anchors = num_classes * ANCHOR_ROTATIONS.len();
        Self { anchors, cls: anchors * num_classes, boxes: anchors * BOX_CODE_SIZE, dir: anchors * DIRECTION_BINS }
    }
}

/// The predictions for one frame or window, channels first as the network writes them.
#[derive(Clone, Copy, Debug)]
pub struct PointPillarsOutput<'a> {
    /// (A K, H, W) class logits.
    pub cls: &'a [f32],
    /// (A 7, H, W) box codes.
    pub boxes: &'a [f32],
    /// (A 2, H, W) direction logits.
    pub dir: &'a [f32],
    /// The cells that the maps stand for.
    pub window: CellWindow,
}

impl<'a> PointPillarsOutput<'a> {
    /// Predictions checked against a configuration.
    ///
    /// # Errors
    /// A map of another length than configuration and window ask for.
    pub fn new(
        config: &PointPillarsConfig,
        window: CellWindow,
        cls: &'a [f32],
        boxes: &'a [f32],
        dir: &'a [f32],
    ) -> Result<Self, ModelError> {
        let [height, width] = config.output_size(&window);
        let channels = HeadChannels::new(config.num_classes());
        for (what, map, channels) in [
            ("class logits", cls, channels.cls),
            ("box codes", boxes, channels.boxes),
            ("direction logits", dir, channels.dir),
        ] {
            let expected = channels * height * width;
            if map.len() != expected {
                return Err(ModelError::Length { what, expected, found: map.len() });
            }
        }
        Ok(Self { cls, boxes, dir, window })
    }
}
