//! One frame made into what a training step reads: pillars and targets of its windows.

use std::sync::Arc;

use percept_models::pointpillars::{Anchors, CellWindow, IntensityTreatment, Pillarizer, Pillars, PointPillarsConfig};
use percept_types::{LabelledFrame, PointCloud};

use super::{FrameSource, FrameStatistics, WindowSettings, place_window};
use crate::DistillError;
use crate::augment::Augmentation;
use crate::random::{Purpose, frame_rng};
use crate::targets::{AssignedFrame, AssignmentRules, assign};

/// A window of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowSample {
    /// Its cells.
    pub window: CellWindow,
    /// What the network reads.
    pub pillars: Pillars,
    /// What it is asked to say.
    pub targets: AssignedFrame,
}

/// All windows of one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameSamples {
    /// The frame's index in its source.
    pub index: u64,
    /// Its windows.
    pub windows: Vec<WindowSample>,
    /// What its points look like.
    pub statistics: FrameStatistics,
}

/// Makes samples; shared by the loader's threads.
pub struct SampleMaker {
    source: Arc<dyn FrameSource>,
    config: PointPillarsConfig,
    augmentation: Augmentation,
    rules: AssignmentRules,
    windows: WindowSettings,
    run_seed: u64,
}

impl SampleMaker {
    /// Puts the parts together.
    ///
    /// # Errors
    /// A source without frames, windows that do not fit the grid.
    pub fn new(
        source: Arc<dyn FrameSource>,
        config: PointPillarsConfig,
        augmentation: Augmentation,
        rules: AssignmentRules,
        windows: WindowSettings,
        run_seed: u64,
    ) -> Result<Self, DistillError> {
        if source.is_empty() {
            return Err(DistillError::EmptySource);
        }
        windows.validate(&config)?;
        Ok(Self { source, config, augmentation, rules, windows, run_seed })
    }

    /// Windows a frame.
    pub fn windows_per_frame(&self) -> usize {
        self.windows.per_frame
    }

    /// Everything a step needs of one frame.
    ///
    /// # Errors
    /// When the source cannot make the frame, or its points cannot be sorted into pillars.
    pub fn make(&self, index: u64) -> Result<FrameSamples, DistillError> {
        let mut frame = self.source.frame(index).map_err(|source| DistillError::Source { index, source })?;
        self.augmentation.apply(&mut frame, self.run_seed, index);
        let intensity_scale = match self.config.input().intensity {
            IntensityTreatment::Used { scale, .. } => scale,
            IntensityTreatment::Ignored => 1.0,
        };
        let statistics = FrameStatistics::of(&frame.cloud, self.config.grid(), intensity_scale);
        let points = xyzi(&frame.cloud);
        let in_grid = self.rules.truth_boxes(&frame.objects, |b| self.config.grid().contains(b.center_m));
        let mut rng = frame_rng(self.run_seed, index, Purpose::Window);
        let windows = (0..self.windows.per_frame).map(|_| {
            let window = place_window(&self.config, &self.windows, &in_grid, &mut rng);
            self.window_sample(window, &points, &frame)
        });
        Ok(FrameSamples { index, windows: windows.collect::<Result<_, _>>()?, statistics })
    }

    fn window_sample(
        &self,
        window: CellWindow,
        points: &[f32],
        frame: &LabelledFrame,
    ) -> Result<WindowSample, DistillError> {
        let mut pillars = Pillars::empty(self.config.pfn_layout().num_features());
        Pillarizer::new(&self.config, window)?.pillarize(points, &mut pillars)?;
        let range_m = window.range_m(self.config.grid());
        let inside = |b: &percept_types::Box3d| {
            (0..3).all(|axis| b.center_m[axis] >= range_m[axis] && b.center_m[axis] < range_m[axis + 3])
        };
        let truth = self.rules.truth_boxes(&frame.objects, inside);
        let anchors = Anchors::new(&self.config, &window)?;
        let targets = assign(&anchors, &self.rules, &truth, self.config.raw().direction_offset_rad);
        Ok(WindowSample { window, pillars, targets })
    }
}

/// (N, 4) x, y, z, intensity; 0 where a cloud has no intensity.
pub(crate) fn xyzi(cloud: &PointCloud) -> Vec<f32> {
    let intensity = cloud.layout().index_of("intensity");
    let of = |point: &[f32]| intensity.and_then(|column| point.get(column).copied()).unwrap_or(0.0);
    cloud.points().flat_map(|p| [p[0], p[1], p[2], of(p)]).collect()
}
