//! One frame made into what a training step reads: pillars and targets of its windows.

use std::sync::Arc;

use percept_models::pointpillars::{
    Anchors, CellWindow, IntensityTreatment, Pillarizer, Pillars, PointPillarsConfig, tap,
};
use percept_types::{Camera, LabelledFrame, PointCloud};

use super::{FrameSource, FrameStatistics, WindowSettings, place_window};
use crate::DistillError;
use crate::augment::Augmentation;
use crate::random::{Purpose, frame_rng};
use crate::targets::{AssignedFrame, AssignmentRules, assign};
use crate::teacher::{SceneMotion, TeacherNeeds, TeacherRecord, WindowTargets, points_sha256};

/// A window of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowSample {
    /// Its cells.
    pub window: CellWindow,
    /// What the network reads.
    pub pillars: Pillars,
    /// What it is asked to say.
    pub targets: AssignedFrame,
    /// What a teacher said of it, where that was recorded.
    pub teacher: Option<WindowTargets>,
}

/// The input of a window as losses see it: what lies under the pillars.
#[derive(Clone, Debug, PartialEq)]
pub struct InputFrame {
    /// (N, 4) x, y, z, intensity of the whole frame, augmented.
    pub points: Arc<[f32]>,
    /// The camera whose image the labels cover, where it is known and the scene was not moved.
    pub camera: Option<Camera>,
    /// The window of the canvas.
    pub window: CellWindow,
}

/// All windows of one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameSamples {
    /// The frame's index in its source.
    pub index: u64,
    /// Its points (N, 4) x, y, z, intensity, augmented.
    pub points: Arc<[f32]>,
    /// The camera whose image the labels cover, where it is known and the scene was not moved.
    pub camera: Option<Camera>,
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
    needs: TeacherNeeds,
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
        Ok(Self { source, config, augmentation, rules, windows, run_seed, needs: TeacherNeeds::default() })
    }

    /// The same with the records of the source cut to each window.
    ///
    /// # Errors
    /// A feature that is valid only live; an augmentation that changes what the teacher saw and cannot be applied to its
    /// record, by name.
    pub fn with_records(mut self, needs: TeacherNeeds) -> Result<Self, DistillError> {
        check_recordable(&needs)?;
        self.augmentation.settings().check_records(&needs)?;
        self.needs = needs;
        Ok(self)
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
        let record = self.record_of(index, &frame)?;
        let motion = self.augmentation.apply(&mut frame, self.run_seed, index);
        let intensity_scale = match self.config.input().intensity {
            IntensityTreatment::Used { scale, .. } => scale,
            IntensityTreatment::Ignored => 1.0,
        };
        let statistics = FrameStatistics::of(&frame.cloud, self.config.grid(), intensity_scale);
        let points: Arc<[f32]> = xyzi(&frame.cloud).into();
        let in_grid = self.rules.truth_boxes(&frame.objects, |b| self.config.grid().contains(b.center_m));
        let mut rng = frame_rng(self.run_seed, index, Purpose::Window);
        let windows = (0..self.windows.per_frame).map(|_| {
            let window = place_window(&self.config, &self.windows, &in_grid, &mut rng);
            self.window_sample(window, &points, &frame, record.as_deref().map(|record| (record, &motion)))
        });
        let windows = windows.collect::<Result<_, _>>()?;
        let camera = self.source.camera().filter(|_| motion.is_still());
        Ok(FrameSamples { index, points, camera, windows, statistics })
    }

    /// The frame's record, held against the points that it was made of.
    fn record_of(&self, index: u64, frame: &LabelledFrame) -> Result<Option<Arc<TeacherRecord>>, DistillError> {
        if self.needs.is_empty() {
            return Ok(None);
        }
        let fault = |source| DistillError::Source { index, source };
        let record = self.source.record(index).map_err(fault)?;
        let record = record.ok_or_else(|| DistillError::Record {
            reason: format!("there is none for frame {index}: record the bag to its end with percept record"),
        })?;
        if record.points_sha256 != points_sha256(&xyzi(&frame.cloud)) {
            let reason = format!("of frame {index} was made of other points than the bag holds: record the bag again");
            return Err(DistillError::Record { reason });
        }
        Ok(Some(record))
    }

    fn window_sample(
        &self,
        window: CellWindow,
        points: &[f32],
        frame: &LabelledFrame,
        record: Option<(&TeacherRecord, &SceneMotion)>,
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
        let teacher = record.map(|(record, motion)| {
            WindowTargets::of_record(record, &self.config, &self.needs, (&window, &pillars), motion)
        });
        Ok(WindowSample { window, pillars, targets, teacher: teacher.transpose()? })
    }
}

/// Dense features are too large to be recorded and are not cut out of a larger map exactly.
fn check_recordable(needs: &TeacherNeeds) -> Result<(), DistillError> {
    match needs.taps.iter().find(|name| *name != tap::PILLAR_FEATURES) {
        None => Ok(()),
        Some(name) => {
            let reason =
                format!("the features {name:?} are not recorded, they need a live teacher: leave out the records");
            Err(DistillError::Record { reason })
        }
    }
}

/// (N, 4) x, y, z, intensity; 0 where a cloud has no intensity.
pub fn xyzi(cloud: &PointCloud) -> Vec<f32> {
    let intensity = cloud.layout().index_of("intensity");
    let of = |point: &[f32]| intensity.and_then(|column| point.get(column).copied()).unwrap_or(0.0);
    cloud.points().flat_map(|p| [p[0], p[1], p[2], of(p)]).collect()
}
