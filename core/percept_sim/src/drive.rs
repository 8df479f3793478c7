//! A continuous drive: the ego vehicle follows the first road of one world while others move.

use crate::camera::t_base_lidar;
use crate::error::SimError;
use crate::frame::{Moment, View, WorldConfig, record};
use crate::render::{CameraFrame, Cameras, RenderSettings};
use crate::rig::CameraRig;
use crate::scene::World;
use crate::sensor::LidarModel;
use percept_types::{LabelledFrame, PointCloud, Stamp, Transform};

/// One frame of a drive.
#[derive(Clone, Debug)]
pub struct DriveFrame {
    /// When the sweep began; where its motion is taken out, when the sensor looked ahead.
    pub stamp: Stamp,
    /// From the vehicle's base (on the ground below the sensor) into the frame in which it started.
    pub t_odom_base: Transform,
    /// The same one revolution later, when the next frame begins.
    pub t_odom_base_after: Transform,
    /// The cloud and its truth, in the sensor's frame (of each point's own time in a rolling sweep).
    pub frame: LabelledFrame,
    /// What the cameras saw during the sweep, in the order of the rig; none without one.
    pub cameras: Vec<CameraFrame>,
}

impl DriveFrame {
    /// The cloud as a sensor would have seen it that stood where this one was at the stamp: the vehicle's motion taken
    /// out exactly, by the poses that it was simulated with. What moves by itself stays where it was seen, and pixels
    /// without a return stay zeros. The cloud itself where the sensor's sweeps do not roll; `None` where a rolling one
    /// has no column `time`.
    pub fn motion_compensated(&self, sensor: &LidarModel) -> Option<PointCloud> {
        let mut cloud = self.frame.cloud.clone();
        if !sensor.is_rolling() {
            return Some(cloud);
        }
        let time = cloud.layout().index_of("time")?;
        let t_base_lidar = t_base_lidar(sensor);
        let t_first_odom = (self.t_odom_base * t_base_lidar).inverse();
        let columns = cloud.num_features();
        for point in cloud.values_mut().chunks_exact_mut(columns).filter(|p| p[..3] != [0.0; 3]) {
            let share = f64::from(point[time]) / sensor.period_s();
            let t_odom_base = self.t_odom_base.interpolate(&self.t_odom_base_after, share);
            let place_m = [point[0], point[1], point[2]].map(f64::from);
            let place_m = (t_first_odom * t_odom_base * t_base_lidar).apply(place_m);
            point[..3].copy_from_slice(&place_m.map(|v| v as f32));
        }
        Some(cloud)
    }
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
    cameras: Option<Cameras>,
    /// Into the frame in which the vehicle started.
    t_odom_world: Transform,
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
        let range_m = f64::from(config.sensor.range_m[1]);
        let mut world = World::sample_for_drive(&config.scene, seed, ahead_m, range_m, speed_mps)?;
        world.clear_the_lane(speed_mps, (num_frames as f64 / config.sensor.rotation_hz).min(LANE_CLEARED_S));
        let t_odom_world = world.t_world_base(0.0).inverse();
        Ok(Self { config, world, seed, view, speed_mps, start, num_frames, next: 0, cameras: None, t_odom_world })
    }

    /// The same drive with cameras on the vehicle.
    ///
    /// # Errors
    /// When a camera exposes after the revolution is over.
    pub fn with_cameras(mut self, rig: CameraRig, settings: RenderSettings) -> Result<Self, SimError> {
        self.cameras = Some(Cameras::new(rig, settings, &self.config.sensor, self.seed)?);
        Ok(self)
    }

    /// The same drive from frame `first` on: the frames are those that it would have been followed by.
    #[must_use]
    pub fn starting_at(self, first: u64) -> Self {
        Self { next: first, ..self }
    }

    /// The sensor.
    pub fn sensor(&self) -> &LidarModel {
        &self.config.sensor
    }

    /// The world driven through.
    pub fn world(&self) -> &World {
        &self.world
    }
}

/// Frames after which what lies far behind is forgotten, and how much farther than the sensor sees that is.
const FORGET_EVERY: u64 = 64;
const FORGET_MARGIN_M: f64 = 40.0;

/// Of the first stretch nothing is left to meet after so long: two hours.
const LANE_CLEARED_S: f64 = 7_200.0;

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
        if index % FORGET_EVERY == FORGET_EVERY - 1 {
            let range_m = f64::from(self.config.sensor.range_m[1]) + FORGET_MARGIN_M;
            self.world.forget_behind(self.speed_mps * time_s, range_m, time_s);
        }
        if let Err(error) = self.world.come_to(self.speed_mps * time_s) {
            self.next = self.num_frames;
            return Some(Err(error));
        }
        let moment = Moment { time_s, ego_s_m: self.speed_mps * time_s, ego_speed_mps: self.speed_mps, index };
        let after_s_m = self.speed_mps * (index + 1) as f64 * period_s;
        let [t_odom_base, t_odom_base_after] =
            [moment.ego_s_m, after_s_m].map(|s_m| self.t_odom_world * self.world.t_world_base(s_m));
        let stamp = Stamp { nanoseconds: self.start.nanoseconds + (time_s * 1e9).round() as i64 };
        let frame = record(&self.config, &self.world, self.seed, moment, self.view);
        let record = |cameras: &Cameras| cameras.record(&self.config, &self.world, self.seed, moment, stamp);
        let cameras = self.cameras.as_ref().map(record).unwrap_or_default();
        Some(frame.map(|frame| DriveFrame { stamp, t_odom_base, t_odom_base_after, frame, cameras }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.num_frames.saturating_sub(self.next) as usize;
        (left, Some(left))
    }
}
