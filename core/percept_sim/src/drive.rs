//! A continuous drive: the ego vehicle follows the first road of one world while others move.

use crate::error::SimError;
use crate::frame::{Moment, View, WorldConfig, record};
use crate::scene::World;
use percept_types::{LabelledFrame, Stamp, Transform};

/// One frame of a drive.
#[derive(Clone, Debug)]
pub struct DriveFrame {
    /// When the sensor looked ahead.
    pub stamp: Stamp,
    /// From the vehicle's base (on the ground below the sensor) into the frame in which it started.
    pub t_odom_base: Transform,
    /// The cloud and its truth, in the sensor's frame.
    pub frame: LabelledFrame,
}

/// An iterator over the frames of a drive, one a revolution.
#[derive(Debug)]
pub struct Drive {
    config: WorldConfig,
    world: World,
    seed: u64,
    view: View,
    speed_mps: f64,
    start: Stamp,
    num_frames: u64,
    next: u64,
}

impl Drive {
    /// A drive of `num_frames` revolutions at a constant speed, starting at `start`.
    ///
    /// # Errors
    /// When the configuration is impossible.
    pub fn new(
        config: WorldConfig,
        seed: u64,
        view: View,
        speed_mps: f64,
        num_frames: u64,
        start: Stamp,
    ) -> Result<Self, SimError> {
        if !(0.0..=60.0).contains(&speed_mps) {
            let expected = "0 to 60 metres a second";
            return Err(SimError::SceneSetting { name: "speed_mps", found: format!("{speed_mps}"), expected });
        }
        let ahead_m = speed_mps * num_frames as f64 / config.sensor.rotation_hz;
        if ahead_m > MAX_LENGTH_M {
            let expected = "speed times duration of at most 20 km: split the drive by seeds";
            return Err(SimError::SceneSetting { name: "num_frames", found: format!("{num_frames}"), expected });
        }
        let mut world = World::sample(&config.scene, seed, ahead_m)?;
        world.clear_the_lane(speed_mps, num_frames as f64 / config.sensor.rotation_hz);
        Ok(Self { config, world, seed, view, speed_mps, start, num_frames, next: 0 })
    }

    /// The world driven through.
    pub fn world(&self) -> &World {
        &self.world
    }
}

/// Longest drive laid out at once.
const MAX_LENGTH_M: f64 = 20_000.0;

impl Iterator for Drive {
    type Item = Result<DriveFrame, SimError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.num_frames {
            return None;
        }
        let index = self.next;
        self.next += 1;
        let period_s = 1.0 / self.config.sensor.rotation_hz;
        let time_s = index as f64 * period_s;
        let moment = Moment { time_s, ego_s_m: self.speed_mps * time_s, index };
        let t_odom_base = self.world.t_world_base(0.0).inverse() * self.world.t_world_base(moment.ego_s_m);
        let stamp = Stamp { nanoseconds: self.start.nanoseconds + (time_s * 1e9).round() as i64 };
        let frame = record(&self.config, &self.world, self.seed, moment, self.view);
        Some(frame.map(|frame| DriveFrame { stamp, t_odom_base, frame }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.num_frames - self.next) as usize;
        (left, Some(left))
    }
}
