//! One revolution of the sensor in a world: cast, drop, disturb, label.

use crate::error::SimError;
use crate::random::mix;
use crate::report::assemble;
use crate::scene::{SceneConfig, World};
use crate::sensor::LidarModel;
use crate::stage::Stage;
use crate::sweep::Sweep;
use crate::truth;
use percept_types::{LabelledFrame, Transform};

/// Which part of a revolution is cast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View {
    /// All of it.
    Full,
    /// Azimuths within `half_width_deg` of straight ahead.
    Ahead {
        /// Half of the sector.
        half_width_deg: f64,
    },
    /// What KITTI's camera sees, cropped to its image as KITTI's reduced clouds are.
    KittiCamera,
}

/// What a world and its recording are drawn from.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// Distributions of the scene.
    pub scene: SceneConfig,
    /// The sensor.
    pub sensor: LidarModel,
    /// Whether `ring` and `time` (seconds from the stamp) follow x, y, z, intensity, and for Ouster's driver
    /// `reflectivity` and `range` (metres).
    pub ring_and_time: bool,
    /// Whether other things move during a revolution. The vehicle's own motion is the sensor's matter
    /// ([`LidarModel::sweep`]).
    pub moving_targets: bool,
    /// Objects farther from the sensor than this are not told.
    pub truth_range_m: f64,
}

impl WorldConfig {
    /// The default scene seen by an HDL-64E.
    ///
    /// # Errors
    /// When the shipped sensor file is damaged.
    pub fn kitti() -> Result<Self, SimError> {
        Ok(Self {
            scene: SceneConfig::default(),
            sensor: LidarModel::hdl64e_kitti()?,
            ring_and_time: false,
            moving_targets: true,
            truth_range_m: 80.0,
        })
    }
}

/// A labelled frame of a world of its own: the same seed gives the same bytes, with any number of threads.
///
/// # Errors
/// When the configuration is impossible.
pub fn sample_frame(config: &WorldConfig, seed: u64, view: View) -> Result<LabelledFrame, SimError> {
    let world = World::sample(&config.scene, seed, 0.0)?;
    record(config, &world, seed, Moment { time_s: 0.0, ego_s_m: 0.0, ego_speed_mps: 0.0, index: 0 }, view)
}

/// When and where a frame is recorded: at the stamp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Seconds since the start of the world.
    pub time_s: f64,
    /// Place of the ego vehicle along the first road.
    pub ego_s_m: f64,
    /// Its speed.
    pub ego_speed_mps: f64,
    /// Number of the frame, for draws.
    pub index: u64,
}

impl Moment {
    /// From the ego vehicle's base into the world, at the stamp and one revolution later; between them it moves evenly,
    /// as whoever reads its transforms from a bag will find. At the stamp throughout where motion is taken out.
    pub(crate) fn t_world_bases(&self, world: &World, sensor: &LidarModel) -> [Transform; 2] {
        let travel_m = if sensor.is_rolling() { self.ego_speed_mps * sensor.period_s() } else { 0.0 };
        [self.ego_s_m, self.ego_s_m + travel_m].map(|s_m| world.t_world_base(s_m))
    }
}

/// Records one frame of a world.
///
/// # Errors
/// When the view is empty.
pub fn record(
    config: &WorldConfig,
    world: &World,
    seed: u64,
    moment: Moment,
    view: View,
) -> Result<LabelledFrame, SimError> {
    let sweep = Sweep::new(config, view)?;
    let stage = Stage::new(config, world, moment, &sweep);
    let rays = sweep.cast(config, &stage, mix(mix(seed, 0x7261_7973), moment.index));
    let (cloud, point_labels) = assemble(config, &sweep, &rays, seed)?;
    let objects = truth::objects(config, &stage.actors, &stage.scene, &rays, &sweep, &cloud);
    Ok(LabelledFrame { cloud, point_labels: Some(point_labels), objects })
}
