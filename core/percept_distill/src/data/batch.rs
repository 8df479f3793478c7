//! Windows of several frames put together for one step.

use std::sync::Arc;

use percept_models::pointpillars::{ANCHOR_ROTATIONS, Pillars, PointPillarsConfig};

use super::{FrameSamples, FrameStatistics, InputFrame};
use crate::DistillError;
use crate::losses::BatchTargets;
use crate::targets::Normaliser;
use crate::teacher::TeacherTargets;

/// What one step reads.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Pillars of all windows, numbered as frames of the batch.
    pub pillars: Pillars,
    /// Targets of all windows.
    pub targets: Arc<BatchTargets>,
    /// What lies under each window.
    pub frames: Vec<InputFrame>,
    /// What a teacher said of the windows, where that was recorded.
    pub teacher: Option<TeacherTargets>,
    /// Statistics of the frames.
    pub statistics: Vec<FrameStatistics>,
}

impl Batch {
    /// Puts the windows of frames together; all have one size.
    ///
    /// # Errors
    /// When no window is given, or sizes differ.
    pub fn new(
        config: &PointPillarsConfig,
        frames: Vec<FrameSamples>,
        normaliser: Normaliser,
    ) -> Result<Self, DistillError> {
        let size = frames.iter().flat_map(|frame| &frame.windows).map(|w| config.output_size(&w.window)).next();
        let size = size.ok_or(DistillError::EmptySource)?;
        let mut pillars = Pillars::empty(config.pfn_layout().num_features());
        let (mut assigned, mut statistics) = (Vec::new(), Vec::new());
        let (mut inputs, mut teacher) = (Vec::new(), Vec::new());
        for frame in frames {
            statistics.push(frame.statistics);
            for window in frame.windows {
                pillars.append(&window.pillars)?;
                assigned.push(window.targets);
                teacher.push(window.teacher);
                let (points, camera) = (frame.points.clone(), frame.camera.clone());
                inputs.push(InputFrame { points, camera, window: window.window });
            }
        }
        let class_of_kind = (0..config.num_classes() * ANCHOR_ROTATIONS.len()).map(|k| k / ANCHOR_ROTATIONS.len());
        let targets = BatchTargets::new(assigned, class_of_kind.collect(), config.num_classes(), size, normaliser)?;
        let teacher = TeacherTargets::of_windows(teacher)?;
        Ok(Self { pillars, targets: Arc::new(targets), frames: inputs, teacher, statistics })
    }
}
