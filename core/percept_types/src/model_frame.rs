//! The frame in which a network was trained, and the way there from a sensor that is mounted otherwise.
//!
//! ```text
//! p_model = Rz(forward yaw of training) R_base_lidar p_lidar + (0, 0, sensor height - sensor height in training)
//! ```
//! Model frame  straight above or below the sensor at hand, as high over the ground as training's sensor; its axes those
//!              of training (x forward, y left, z up, or as the weights say), levelled: the mounting's roll and pitch are
//!              taken out. Distances in the plane stay those to the sensor, as in training.
//! Base frame   on the ground, x forward, y left, z up (REP-103, REP-105; Autoware's base_link).
//! Limits       a box stays upright in the cloud's axes: its centre and sides are exact, its heading is that of its
//!              length seen along the cloud's z axis. For a cloud that leans by `tilt_rad` the box leans with it.

use crate::{Box3d, RawCloud, Transform};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How the sensor of a network's training was mounted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedMounting {
    /// Height of the sensor above the ground.
    pub sensor_height_m: f64,
    /// Heading of the vehicle's forward direction in the axes of the clouds, radians from +x: 0 where x is forward.
    pub forward_yaw_rad: f64,
}

impl TrainedMounting {
    /// `t_base_lidar` of a sensor mounted as in training, above the base frame's origin.
    pub fn t_base_lidar(&self) -> Transform {
        Transform::from_yaw([0.0, 0.0, self.sensor_height_m], -self.forward_yaw_rad)
    }

    /// From the clouds of a sensor that stands so on its vehicle to the model frame.
    pub fn t_model_lidar(&self, t_base_lidar: &Transform) -> Transform {
        let lift_m = t_base_lidar.translation_m()[2] - self.sensor_height_m;
        let level = Transform::from_parts([0.0; 3], t_base_lidar.quaternion_xyzw()).unwrap_or_else(Transform::identity);
        Transform::from_yaw([0.0, 0.0, lift_m], self.forward_yaw_rad) * level
    }
}

/// A cloud, and how its sensor stands on the vehicle.
#[derive(Clone, Debug, PartialEq)]
pub struct MountedCloud {
    /// The message's own buffer.
    pub cloud: RawCloud,
    /// From the cloud's frame to one on the ground below the vehicle, x forward; `None`: mounted as in training.
    pub t_base_lidar: Option<Transform>,
}

impl From<RawCloud> for MountedCloud {
    /// Mounted as in training.
    fn from(cloud: RawCloud) -> Self {
        Self { cloud, t_base_lidar: None }
    }
}

/// The way of one cloud into the model frame, and of boxes back.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ModelFrame {
    /// `None` where the sensor is mounted as in training: nothing is computed then, and no bit changes.
    t_model_cloud: Option<Transform>,
}

impl ModelFrame {
    /// Mountings that differ by less are the same: springs, camber and load move a vehicle by as much, in training too.
    pub const SAME_HEIGHT_M: f64 = 0.02;
    /// The same for angles: 1 degree.
    pub const SAME_ANGLE_RAD: f64 = 0.0175;

    /// For a sensor that stands so on its vehicle; without it, for one mounted as in training.
    pub fn new(trained: &TrainedMounting, t_base_lidar: Option<&Transform>) -> Self {
        let t_model_cloud = t_base_lidar.map(|t_base_lidar| trained.t_model_lidar(t_base_lidar));
        let differs = |t: &Transform| {
            t.0.rotation.angle() > Self::SAME_ANGLE_RAD || t.0.translation.z.abs() > Self::SAME_HEIGHT_M
        };
        Self { t_model_cloud: t_model_cloud.filter(differs) }
    }

    /// The motion, where there is one.
    pub fn t_model_cloud(&self) -> Option<&Transform> {
        self.t_model_cloud.as_ref()
    }

    /// Moves points (N, F), x, y, z first, in place.
    pub fn to_model(&self, values: &mut [f32], num_features: usize) {
        let Some(t_model_cloud) = self.t_model_cloud else { return };
        for point in values.chunks_exact_mut(num_features.max(3)) {
            let moved = t_model_cloud.apply([point[0], point[1], point[2]].map(f64::from));
            point[..3].copy_from_slice(&moved.map(|v| v as f32));
        }
    }

    /// A box of the network, in the cloud's frame.
    pub fn box_to_cloud(&self, b: &Box3d) -> Box3d {
        self.t_model_cloud.map_or(*b, |t_model_cloud| t_model_cloud.inverse().apply_box(b))
    }

    /// A box of the cloud, in the model frame.
    pub fn box_to_model(&self, b: &Box3d) -> Box3d {
        self.t_model_cloud.map_or(*b, |t_model_cloud| t_model_cloud.apply_box(b))
    }

    /// Angle between the cloud's z axis and the vertical, whichever way it points: by so much boxes lean.
    pub fn tilt_rad(&self) -> f64 {
        let Some(t_model_cloud) = self.t_model_cloud else { return 0.0 };
        (t_model_cloud.0.rotation * nalgebra::Vector3::z()).z.abs().min(1.0).acos()
    }
}

impl fmt::Display for ModelFrame {
    /// What happens to the cloud, in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(t_model_cloud) = self.t_model_cloud else { return write!(f, "as in training, not moved") };
        let lift_m = t_model_cloud.translation_m()[2];
        let (roll, pitch, yaw) = t_model_cloud.0.rotation.euler_angles();
        let way = if lift_m < 0.0 { "lowered" } else { "lifted" };
        write!(f, "{way} by {:.2} m, turned by {:.1} deg", lift_m.abs(), yaw.to_degrees())?;
        if roll.abs().max(pitch.abs()) > 1e-3 {
            write!(f, ", levelled by {:.1} deg roll and {:.1} deg pitch", roll.to_degrees(), pitch.to_degrees())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{FRAC_PI_2, PI};

    const KITTI: TrainedMounting = TrainedMounting { sensor_height_m: 1.73, forward_yaw_rad: 0.0 };
    const NUSCENES: TrainedMounting = TrainedMounting { sensor_height_m: 1.84, forward_yaw_rad: FRAC_PI_2 };

    fn mounted(at_m: [f64; 3], roll_pitch_yaw_rad: [f64; 3]) -> Transform {
        Transform::from_roll_pitch_yaw(at_m, roll_pitch_yaw_rad)
    }

    fn moved(frame: &ModelFrame, point: [f64; 3]) -> [f64; 3] {
        let mut values = [point[0] as f32, point[1] as f32, point[2] as f32, 0.5];
        frame.to_model(&mut values, 4);
        assert_eq!(values[3], 0.5, "the intensity stays");
        [values[0], values[1], values[2]].map(f64::from)
    }

    fn assert_near(found: [f64; 3], expected: [f64; 3]) {
        let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(apart < 1e-5, "{found:?}, expected {expected:?}");
    }

    /// A point of the vehicle, as a sensor sees it.
    fn seen(t_base_lidar: &Transform, point_on_vehicle_m: [f64; 3]) -> [f64; 3] {
        t_base_lidar.inverse().apply(point_on_vehicle_m)
    }

    #[test]
    fn a_sensor_mounted_as_in_training_changes_no_bit() {
        for trained in [KITTI, NUSCENES] {
            let frames = [None, Some(trained.t_base_lidar())];
            for frame in frames.map(|t_base_lidar| ModelFrame::new(&trained, t_base_lidar.as_ref())) {
                assert_eq!(frame, ModelFrame::default());
                let mut values = [0.1_f32, -0.7, 12.3, 0.9, f32::MIN_POSITIVE, 3e7, -0.0, 1.0];
                let before = values.map(f32::to_bits);
                frame.to_model(&mut values, 4);
                assert_eq!(values.map(f32::to_bits), before);
                let b = Box3d { center_m: [10.0, 0.1, -0.9], size_m: [4.0, 1.7, 1.5], yaw_rad: 0.3 };
                assert_eq!((frame.box_to_cloud(&b), frame.box_to_model(&b)), (b, b));
            }
        }
        let further_ahead = mounted([1.2, 0.3, 1.74], [0.0, 0.007, 0.0]);
        assert_eq!(ModelFrame::new(&KITTI, Some(&further_ahead)), ModelFrame::default(), "as springs move it");
    }

    #[test]
    fn the_ground_lies_where_the_network_learnt_it_whatever_the_height_and_axes_of_the_sensor() {
        // nuScenes: x right, y forward, z up, 1.84 m above the ground.
        let nuscenes = mounted([0.94, 0.0, 1.84], [0.0, 0.0, -FRAC_PI_2]);
        let frame = ModelFrame::new(&KITTI, Some(&nuscenes));
        assert_near(moved(&frame, [0.0, 10.0, -1.84]), [10.0, 0.0, -1.73]);
        assert_near(moved(&frame, [-3.0, 0.0, 0.0]), [0.0, 3.0, 0.11]);
        // Weights of nuScenes behind a sensor of KITTI.
        let frame = ModelFrame::new(&NUSCENES, Some(&KITTI.t_base_lidar()));
        assert_near(moved(&frame, [10.0, 2.0, -1.73]), [-2.0, 10.0, -1.84]);
        assert_eq!(frame.to_string(), "lowered by 0.11 m, turned by 90.0 deg");
    }

    #[test]
    fn a_tilted_and_an_upside_down_sensor_see_a_level_world_in_the_model_frame() {
        let places = [[12.0, 3.0, 0.0], [5.0, -4.0, 1.0], [30.0, 0.0, 0.0]];
        let mountings = [
            mounted([0.4, -0.2, 1.1], [0.1, -0.2, 0.7]),
            mounted([0.0, 0.0, 2.0], [PI, 0.0, 0.0]),
            mounted([1.0, 0.0, 0.8], [0.0, FRAC_PI_2, 0.0]),
        ];
        for t_base_lidar in mountings {
            let frame = ModelFrame::new(&KITTI, Some(&t_base_lidar));
            let at_m = t_base_lidar.translation_m();
            for place in places {
                let expected = [place[0] - at_m[0], place[1] - at_m[1], place[2] - 1.73];
                assert_near(moved(&frame, seen(&t_base_lidar, place)), expected);
            }
        }
    }

    #[test]
    fn boxes_come_back_to_where_the_cloud_has_them() {
        let b = Box3d { center_m: [12.0, -3.0, -0.9], size_m: [4.2, 1.8, 1.5], yaw_rad: 0.4 };
        let upside_down = mounted([0.0, 0.0, 1.9], [PI, 0.0, 0.2]);
        for t_base_lidar in [mounted([0.0, 0.0, 2.5], [0.0, 0.0, 1.3]), upside_down] {
            let frame = ModelFrame::new(&KITTI, Some(&t_base_lidar));
            let back = frame.box_to_model(&frame.box_to_cloud(&b));
            assert_near(back.center_m, b.center_m);
            assert!((back.yaw_rad - b.yaw_rad).abs() < 1e-9 && frame.tilt_rad() < 1e-7, "{back:?}");
        }
        // A box's own points stay inside it: what the network found is where the cloud has it.
        let frame = ModelFrame::new(&KITTI, Some(&upside_down));
        let t_model_cloud = frame.t_model_cloud().unwrap();
        let in_cloud = frame.box_to_cloud(&b);
        for corner in b.corners_m() {
            let inner: [f64; 3] = std::array::from_fn(|i| b.center_m[i] + 0.99 * (corner[i] - b.center_m[i]));
            assert!(in_cloud.contains(t_model_cloud.inverse().apply(inner)));
        }
    }

    #[test]
    fn a_box_of_a_leaning_cloud_keeps_centre_and_size_and_its_heading_but_for_the_square_of_the_tilt() {
        let tilt_rad = 0.1;
        let frame = ModelFrame::new(&KITTI, Some(&mounted([0.0, 0.0, 1.73], [0.0, tilt_rad, 0.0])));
        assert!((frame.tilt_rad() - tilt_rad).abs() < 1e-9);
        let b = Box3d { center_m: [12.0, -3.0, -0.9], size_m: [4.2, 1.8, 1.5], yaw_rad: 0.8 };
        let back = frame.box_to_model(&frame.box_to_cloud(&b));
        assert_near(back.center_m, b.center_m);
        assert_eq!(back.size_m, b.size_m);
        assert!((back.yaw_rad - b.yaw_rad).abs() < tilt_rad * tilt_rad, "{back:?}");
    }
}
