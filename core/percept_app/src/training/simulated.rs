//! Frames out of the simulator: each a world of its own, as many as asked for.

use percept_distill::data::FrameSource;
use percept_distill::random::{Purpose, frame_rng};
use percept_sim::{View, WorldConfig, kitti_camera, sample_frame};
use percept_types::{BoxError, Camera, LabelledFrame};
use rand::Rng;

use super::TrainingError;

/// Added to the run's seed for frames that are never trained on.
const HELD_OUT: u64 = 0x6865_6c64_5f6f_7574;

/// An endless source of simulated frames.
#[derive(Clone, Debug)]
pub struct SimulatedFrames {
    world: WorldConfig,
    view: View,
    seed: u64,
}

impl SimulatedFrames {
    /// Frames to train on: `half_width_deg` to each side of straight ahead.
    ///
    /// # Errors
    /// When the shipped sensor is damaged.
    pub fn for_training(seed: u64, half_width_deg: f64) -> Result<Self, TrainingError> {
        let world = WorldConfig::kitti()?;
        let view = if half_width_deg >= 180.0 { View::Full } else { View::Ahead { half_width_deg } };
        Ok(Self { world, view, seed })
    }

    /// Frames to validate on, cropped to KITTI's image; they share no world with those of any training run.
    ///
    /// # Errors
    /// When the shipped sensor is damaged.
    pub fn held_out() -> Result<Self, TrainingError> {
        Ok(Self { world: WorldConfig::kitti()?, view: View::KittiCamera, seed: HELD_OUT })
    }

    /// What the frames are, in words, for checkpoints and cards.
    pub fn describe(&self) -> String {
        format!("simulator, {}, {:?}, seed {}", self.world.sensor.name, self.view, self.seed)
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
        Ok(sample_frame(&self.world, world_seed, self.view)?)
    }
}
