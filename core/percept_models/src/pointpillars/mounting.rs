//! A sensor that is mounted otherwise than the one in training: another height, other axes.

use percept_types::{Box3d, Transform};

use super::encoder::POINT_FEATURES;
use super::{InputTreatment, SensorAxes};
use crate::ModelError;

/// From the cloud's frame to the frame that the network was trained in, where they differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mounting {
    t_network_cloud: Option<Transform>,
}

impl Mounting {
    /// For a sensor of this height and these axes; as in training where left out.
    pub(crate) fn new(
        trained: &InputTreatment,
        sensor_height_m: Option<f64>,
        axes: Option<SensorAxes>,
    ) -> Result<Self, ModelError> {
        let height_m = sensor_height_m.unwrap_or(trained.sensor_height_m);
        if !(height_m.is_finite() && height_m.abs() <= 100.0) {
            return Err(ModelError::value("sensor_height_m", height_m, "between -100 and 100"));
        }
        // The ground lies at minus the height; both grounds are put on each other.
        let lift_m = height_m - trained.sensor_height_m;
        let yaw_rad = trained.axes.forward_yaw_rad() - axes.unwrap_or(trained.axes).forward_yaw_rad();
        let same = lift_m == 0.0 && yaw_rad == 0.0;
        Ok(Self { t_network_cloud: (!same).then(|| Transform::from_yaw([0.0, 0.0, lift_m], yaw_rad)) })
    }

    /// points (N, 4), moved in place.
    pub(crate) fn to_network(self, points: &mut [f32]) {
        let Some(t_network_cloud) = self.t_network_cloud else { return };
        for point in points.chunks_exact_mut(POINT_FEATURES) {
            let moved = t_network_cloud.apply([point[0], point[1], point[2]].map(f64::from));
            point[..3].copy_from_slice(&moved.map(|v| v as f32));
        }
    }

    /// A box of the network, in the cloud's frame.
    pub(crate) fn to_cloud(self, b: &Box3d) -> Box3d {
        self.t_network_cloud.map_or(*b, |t_network_cloud| t_network_cloud.inverse().apply_box(b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pointpillars::IntensityTreatment;

    #[test]
    fn the_ground_of_a_higher_sensor_lies_where_the_network_learnt_it() {
        let trained = InputTreatment {
            intensity: IntensityTreatment::Ignored,
            sensor_height_m: 1.73,
            axes: SensorAxes::ForwardLeftUp,
        };
        assert_eq!(Mounting::new(&trained, None, None).unwrap().t_network_cloud, None);
        let mounting = Mounting::new(&trained, Some(1.84), Some(SensorAxes::RightForwardUp)).unwrap();
        // Ten metres ahead of a sensor of nuScenes, on the ground.
        let mut point = [0.0, 10.0, -1.84, 0.5];
        mounting.to_network(&mut point);
        for (found, expected) in point.iter().zip([10.0, 0.0, -1.73, 0.5]) {
            assert!((found - expected).abs() < 1e-5, "{point:?}");
        }
        let seen = Box3d { center_m: [10.0, 0.0, -0.9], size_m: [4.0, 1.7, 1.5], yaw_rad: 0.3 };
        let back = mounting.to_cloud(&seen);
        assert!((back.center_m[1] - 10.0).abs() < 1e-12 && (back.center_m[2] + 1.01).abs() < 1e-12);
        assert!((back.yaw_rad - 0.3 - std::f64::consts::FRAC_PI_2).abs() < 1e-12);
        assert!(Mounting::new(&trained, Some(f64::NAN), None).is_err());
    }
}
