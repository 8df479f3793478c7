//! Where frames come from.

use percept_types::{BoxError, Camera, LabelledFrame};
use std::sync::Arc;

use crate::teacher::TeacherRecord;

/// Frames by index: the same index gives the same frame, on whatever thread and in whatever order it is asked.
pub trait FrameSource: Send + Sync {
    /// How many different frames there are; `None` where there is no end. Indices beyond go round again.
    fn len(&self) -> Option<u64>;

    /// Whether there is no frame at all.
    fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// The camera that KITTI's evaluation would cut these clouds to, where it is known.
    fn camera(&self) -> Option<Camera> {
        None
    }

    /// What a teacher said about the frame, where that was recorded; under the frame's index.
    ///
    /// # Errors
    /// A record that cannot be read or is of another frame.
    fn record(&self, _index: u64) -> Result<Option<Arc<TeacherRecord>>, BoxError> {
        Ok(None)
    }

    /// Makes a frame.
    ///
    /// # Errors
    /// Whatever keeps the frame from being made; training stops and names the index.
    fn frame(&self, index: u64) -> Result<LabelledFrame, BoxError>;
}

/// Frames held in memory, round and round: to prove that a loop can learn a few frames by heart.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedFrames(pub Vec<LabelledFrame>);

impl FrameSource for FixedFrames {
    fn len(&self) -> Option<u64> {
        Some(self.0.len() as u64)
    }

    fn frame(&self, index: u64) -> Result<LabelledFrame, BoxError> {
        let place = index.checked_rem(self.0.len() as u64).ok_or("there are no frames")?;
        Ok(self.0[place as usize].clone())
    }
}
