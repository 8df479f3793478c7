//! Where the sensor is during a revolution: between two poses, evenly, as transforms in a bag are interpolated.

use crate::camera::t_base_lidar;
use crate::sensor::LidarModel;
use crate::truth::ActorInView;
use crate::vector::Affine;
use percept_types::Transform;

/// Poses between which rays are placed by straight lines: two in succession differ by less than a thousandth of the
/// revolution, so that nothing of a rotation is lost.
const KNOTS: usize = 1024;

/// The way of the sensor through the axes in which rays are cast.
pub(crate) struct SensorPath {
    t_stage_world: Transform,
    t_world_bases: [Transform; 2],
    t_base_lidar: Transform,
    period_s: f64,
    /// One where it stands still.
    knots: Vec<Affine>,
}

impl SensorPath {
    /// From the vehicle's base at the stamp and one revolution later.
    pub fn new(sensor: &LidarModel, t_stage_world: Transform, t_world_bases: [Transform; 2]) -> Self {
        let mut path = Self {
            t_stage_world,
            t_world_bases,
            t_base_lidar: t_base_lidar(sensor),
            period_s: sensor.period_s(),
            knots: Vec::new(),
        };
        let knots = if sensor.is_rolling() { KNOTS } else { 0 };
        let share = |knot: usize| knot as f64 / KNOTS as f64 * path.period_s;
        path.knots = (0..=knots).map(|k| Affine::from_transform(&path.t_stage_lidar(share(k)))).collect();
        path
    }

    /// From the sensor's axes, seconds after the stamp.
    pub fn t_stage_lidar(&self, time_s: f64) -> Transform {
        let [first, last] = &self.t_world_bases;
        let still = self.knots.len() == 1 || time_s == 0.0;
        let t_world_base = if still { *first } else { first.interpolate(last, time_s / self.period_s) };
        self.t_stage_world * (t_world_base * self.t_base_lidar)
    }

    /// The same for a ray.
    pub fn at(&self, time_s: f64) -> Affine {
        let last = self.knots.len() - 1;
        if last == 0 {
            return self.knots[0];
        }
        let place = (time_s / self.period_s).clamp(0.0, 1.0) * last as f64;
        let knot = (place as usize).min(last - 1);
        self.knots[knot].lerp(&self.knots[knot + 1], (place - knot as f64) as f32)
    }

    /// An actor as it was when the sensor looked at it, told in the sensor's axes of that time, so that its points lie
    /// in its box. `t_stage_actor` is its pose in the middle of the revolution.
    pub fn when_scanned(
        &self,
        sensor: &LidarModel,
        it_moves: bool,
        t_stage_actor: &Transform,
        velocity_mps: [f64; 2],
        seen: impl Fn(&Transform, &Transform) -> ActorInView,
    ) -> ActorInView {
        let at = |time_s: f64| {
            let since_s = if it_moves { time_s - sensor.middle_s() } else { 0.0 };
            let moved = Transform::from_yaw([velocity_mps[0] * since_s, velocity_mps[1] * since_s, 0.0], 0.0);
            seen(&self.t_stage_lidar(time_s), &(moved * *t_stage_actor))
        };
        // The bearing hardly changes in a revolution: two rounds find the time to a microsecond but for what passes close.
        let mut time_s = sensor.middle_s();
        for _ in 0..2 {
            time_s = sensor.seconds_to_azimuth(at(time_s).bearing_rad());
        }
        at(time_s)
    }
}
