//! Frames out of the simulator: each a world of its own, as many as asked for.

use percept_distill::data::FrameSource;
use percept_distill::random::{Purpose, frame_rng};
use percept_sim::{SceneMix, View, WorldConfig, kitti_camera, sample_frame};
use percept_types::{BoxError, Camera, LabelledFrame};
use rand::Rng;

use super::TrainingError;

/// Added to the run's seed for frames that are never trained on.
const HELD_OUT: u64 = 0x6865_6c64_5f6f_7574;

/// An endless source of simulated frames, each in a scene drawn by its own seed.
#[derive(Clone, Debug)]
pub struct SimulatedFrames {
    world: WorldConfig,
    scenes: SceneMix,
    view: View,
    seed: u64,
}

impl SimulatedFrames {
    /// The scenes to train in where nothing else is asked for, `NAME=WEIGHT,...`.
    pub const DEFAULT_SCENES: &str = SceneMix::DEFAULT;

    /// Frames to train on: `half_width_deg` to each side of straight ahead, in scenes of a list
    /// `NAME[=WEIGHT][,NAME[=WEIGHT]...]`.
    ///
    /// # Errors
    /// When the shipped sensor is damaged or the list names no scenes.
    pub fn for_training(seed: u64, half_width_deg: f64, scenes: &str) -> Result<Self, TrainingError> {
        let view = if half_width_deg >= 180.0 { View::Full } else { View::Ahead { half_width_deg } };
        Ok(Self { world: WorldConfig::kitti()?, scenes: SceneMix::parse(scenes)?, view, seed })
    }

    /// Frames to validate on, cropped to KITTI's image; they share no world with those of any training run.
    ///
    /// # Errors
    /// When the shipped sensor is damaged or the list names no scenes.
    pub fn held_out(scenes: &str) -> Result<Self, TrainingError> {
        let (world, scenes) = (WorldConfig::kitti()?, SceneMix::parse(scenes)?);
        Ok(Self { world, scenes, view: View::KittiCamera, seed: HELD_OUT })
    }

    /// What the frames are, in words, for checkpoints and cards.
    pub fn describe(&self) -> String {
        let Self { world, scenes, view, seed } = self;
        format!("simulator, {}, scenes {scenes}, {view:?}, seed {seed}", world.sensor.name)
    }
}

impl FrameSource for SimulatedFrames {
    fn len(&self) -> Option<u64> {
        None
    }

    fn camera(&self) -> Option<Camera> {
        Some(kitti_camera())
    }

    fn frame(&self, index: u64) -> Result<LabelledFrame, BoxError> {
        let world_seed = frame_rng(self.seed, index, Purpose::Scene).next_u64();
        let world = WorldConfig { scene: self.scenes.draw(world_seed).clone(), ..self.world.clone() };
        Ok(sample_frame(&world, world_seed, self.view)?)
    }
}
