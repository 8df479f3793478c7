//! Frames out of the simulator: each a world of its own, as many as asked for.

use percept_distill::data::FrameSource;
use percept_distill::random::{Purpose, frame_rng};
use percept_sim::{LidarModel, SceneMix, View, WorldConfig, kitti_camera, sample_frame};
use percept_types::{BoxError, Camera, LabelledFrame};
use rand::Rng;
use serde_json::Value;

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
    /// So many worlds, again and again; endlessly many where left out.
    worlds: Option<u64>,
    /// What was changed, in words.
    changes: String,
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
        Self::new(scenes, view, seed)
    }

    /// Frames to validate on, cropped to KITTI's image; they share no world with those of any training run.
    ///
    /// # Errors
    /// When the shipped sensor is damaged or the list names no scenes.
    pub fn held_out(scenes: &str) -> Result<Self, TrainingError> {
        Self::new(scenes, View::KittiCamera, HELD_OUT)
    }

    fn new(scenes: &str, view: View, seed: u64) -> Result<Self, TrainingError> {
        let (world, scenes) = (WorldConfig::kitti()?, SceneMix::parse(scenes)?);
        Ok(Self { world, scenes, view, seed, worlds: None, changes: String::new() })
    }

    /// The same with other keys of all its scene files.
    ///
    /// # Errors
    /// When a key is unknown or a value impossible.
    pub fn with_scene_changes(mut self, changes: &Value) -> Result<Self, TrainingError> {
        self.scenes = self.scenes.changed(changes)?;
        self.changes.push_str(&format!(", scenes with {changes}"));
        Ok(self)
    }

    /// The same with other keys of the sensor's file.
    ///
    /// # Errors
    /// When a key is unknown or a value impossible.
    pub fn with_sensor_changes(mut self, changes: &Value) -> Result<Self, TrainingError> {
        self.world.sensor = LidarModel::hdl64e_kitti_changed(changes)?;
        self.changes.push_str(&format!(", sensor with {changes}"));
        Ok(self)
    }

    /// The same with no more than so many different worlds, which come again and again.
    ///
    /// # Errors
    /// When there are none.
    pub fn with_worlds(mut self, worlds: u64) -> Result<Self, TrainingError> {
        if worlds == 0 {
            return Err(TrainingError::Setting { name: "worlds", found: "0".into(), expected: "at least 1" });
        }
        self.worlds = Some(worlds);
        self.changes.push_str(&format!(", {worlds} worlds"));
        Ok(self)
    }

    /// What the frames are, in words, for checkpoints and cards.
    pub fn describe(&self) -> String {
        let Self { world, scenes, view, seed, changes, .. } = self;
        format!("simulator, {}, scenes {scenes}, {view:?}, seed {seed}{changes}", world.sensor.name)
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
        let index = self.worlds.map_or(index, |worlds| index % worlds);
        let world_seed = frame_rng(self.seed, index, Purpose::Scene).next_u64();
        let world = WorldConfig { scene: self.scenes.draw(world_seed).clone(), ..self.world.clone() };
        Ok(sample_frame(&world, world_seed, self.view)?)
    }
}
