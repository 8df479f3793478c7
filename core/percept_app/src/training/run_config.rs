//! From the few things that a person says about a run to its full settings.

use percept_distill::augment::{AugmentationSettings, GeometryRanges, IntensityMode, PasteSettings, PointRanges};
use percept_distill::data::WindowSettings;
use percept_distill::train::TrainSettings;
use percept_models::pointpillars::{GridPreset, IntensityTreatment, RawPointPillarsConfig, Width};

use super::TrainingError;
use crate::DetectorConfig;

/// Steps of a run unless told otherwise.
pub const DEFAULT_STEPS: u64 = 6000;

/// What a person says about a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunConfig {
    /// A detector's parameters whose classes, grid, anchors and limits take the place of the preset's.
    pub detector: Option<DetectorConfig>,
    /// Width of the network.
    pub width: Width,
    /// Grid of the network.
    pub grid: GridPreset,
    /// Seed of everything.
    pub seed: u64,
    /// Optimiser steps of the one cycle.
    pub steps: u64,
    /// Frames a step.
    pub frames_per_step: usize,
    /// Windows of each frame.
    pub windows_per_frame: usize,
    /// Cells of a window along x and y; `None` for the whole grid.
    pub window: Option<[usize; 2]>,
    /// Highest learning rate of the cycle.
    pub peak_learning_rate: f64,
    /// Whether the network reads intensity (0..1); where not, it is fed 0 and serves any sensor.
    pub intensity: bool,
    /// Share of the frames cut to the camera's view; 0 for sources without a camera.
    pub camera_crop_probability: f64,
    /// Objects of each class that frames are filled up to by pasting; 0 for none.
    pub paste_objects: usize,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            detector: None,
            width: Width::Quarter,
            grid: GridPreset::Kitti,
            seed: 1,
            steps: DEFAULT_STEPS,
            frames_per_step: 2,
            windows_per_frame: 2,
            window: Some([168, 168]),
            peak_learning_rate: 3e-3,
            intensity: false,
            camera_crop_probability: 0.5,
            paste_objects: 0,
        }
    }
}

impl RunConfig {
    /// A name for people: architecture, width, grid.
    pub fn model_id(&self) -> String {
        format!("pointpillars-{}-{}", self.width.name(), self.grid.name())
    }

    /// Degrees to each side of straight ahead that simulated frames must cover: the camera's 41 and the largest turn
    /// for the KITTI grid, everything for a grid all round.
    pub fn half_width_deg(&self) -> f64 {
        match self.grid {
            GridPreset::Kitti => 64.0,
            GridPreset::Surround => 180.0,
        }
    }

    /// The full settings for frames of a source.
    ///
    /// # Errors
    /// The first number outside its limits, by name.
    pub fn settings(&self, source: String) -> Result<TrainSettings, TrainingError> {
        let mut model = RawPointPillarsConfig::preset(self.width, self.grid);
        if let Some(detector) = &self.detector {
            apply_detector(&mut model, detector);
        }
        model.input.intensity = if self.intensity {
            IntensityTreatment::Used { scale: 1.0, clip: Some(1.0) }
        } else {
            IntensityTreatment::Ignored
        };
        let mut settings = TrainSettings::recipe(model, self.seed, self.steps, source);
        settings.frames_per_step = self.frames_per_step;
        settings.schedule.peak_learning_rate = self.peak_learning_rate;
        settings.augmentation = self.augmentation(&settings.model.class_names);
        let config = settings.validate()?;
        let whole = config.whole_window();
        let [nx, ny] = self.window.unwrap_or([whole.nx, whole.ny]);
        let per_frame = self.windows_per_frame;
        settings.windows = WindowSettings { nx, ny, per_frame, on_object_probability: 0.85 };
        settings.validate()?;
        Ok(settings)
    }

    fn augmentation(&self, class_names: &[String]) -> AugmentationSettings {
        // Turned by more, the camera's view would reach beyond what was simulated ahead.
        let rotation_rad = match self.grid {
            GridPreset::Kitti => 0.4,
            GridPreset::Surround => std::f64::consts::PI,
        };
        let pasted = class_names.iter().filter(|_| self.paste_objects > 0);
        AugmentationSettings {
            geometry: GeometryRanges { rotation_rad, lift_m: 0.15, slope: 0.01, ..GeometryRanges::kitti() },
            points: PointRanges {
                drop_fraction: [0.0, 0.15],
                jitter_std_m: 0.008,
                intensity: if self.intensity { IntensityMode::Randomise } else { IntensityMode::Ignore },
                shuffle: true,
            },
            camera_crop_probability: self.camera_crop_probability,
            paste: PasteSettings { objects_per_class: pasted.map(|name| (name.clone(), self.paste_objects)).collect() },
        }
    }
}

/// What a detector's parameters say of the network.
fn apply_detector(model: &mut RawPointPillarsConfig, detector: &DetectorConfig) {
    if let Some(grid) = &detector.grid {
        let [x, y, _] = grid.voxel_size_m();
        (model.point_cloud_range_m, model.pillar_size_m) = (grid.range_m(), [x, y]);
    }
    if let Some(names) = &detector.class_names {
        model.class_names.clone_from(names);
        model.anchors.retain(|name, _| names.contains(name));
    }
    for anchor in &detector.anchors {
        if let Some(known) = model.anchors.get_mut(&anchor.class_name) {
            known.size_m = anchor.size_m.unwrap_or(known.size_m);
            known.bottom_z_m = anchor.bottom_z_m.unwrap_or(known.bottom_z_m);
        }
    }
    model.max_points_per_pillar = detector.max_points_per_voxel.unwrap_or(model.max_points_per_pillar);
    model.max_pillars = detector.max_voxels.unwrap_or(model.max_pillars);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_run_is_valid_and_two_seeds_are_two_runs() {
        let settings = RunConfig::default().settings("simulator".into()).unwrap();
        assert_eq!(settings.schedule.steps, DEFAULT_STEPS);
        let other = RunConfig { seed: 2, ..RunConfig::default() }.settings("simulator".into()).unwrap();
        assert_ne!(settings, other);
    }

    #[test]
    fn a_window_that_fits_no_stride_is_refused() {
        let run = RunConfig { window: Some([200, 100]), ..RunConfig::default() };
        assert!(run.settings("simulator".into()).is_err());
        let surround = RunConfig { grid: GridPreset::Surround, window: None, ..RunConfig::default() };
        assert_eq!(surround.settings("simulator".into()).unwrap().windows.nx, 640);
    }
}
