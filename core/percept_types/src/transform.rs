//! Rigid transforms between named frames.

use crate::Box3d;
use nalgebra::{Isometry3, Matrix3, Matrix4, Point3, Quaternion, Rotation3, Translation3, UnitQuaternion, Vector3};

/// A rigid motion: rotation then translation. Named `t_<to>_<from>` where it is a variable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transform(pub Isometry3<f64>);

impl Transform {
    /// The motion that moves nothing.
    pub fn identity() -> Self {
        Self(Isometry3::identity())
    }

    /// From a translation in metres and a quaternion (x, y, z, w), normalised here.
    /// `None` when the quaternion has no direction (zero or not finite) or the translation is not finite.
    pub fn from_parts(translation_m: [f64; 3], quaternion_xyzw: [f64; 4]) -> Option<Self> {
        let [x, y, z, w] = quaternion_xyzw;
        let quaternion = Quaternion::new(w, x, y, z);
        let norm = quaternion.norm();
        if !(norm.is_finite() && norm > 1e-9 && translation_m.iter().all(|v| v.is_finite())) {
            return None;
        }
        let rotation = UnitQuaternion::from_quaternion(quaternion);
        Some(Self(Isometry3::from_parts(Translation3::from(Vector3::from(translation_m)), rotation)))
    }

    /// A turn by `yaw_rad` about +z and a shift in metres.
    pub fn from_yaw(translation_m: [f64; 3], yaw_rad: f64) -> Self {
        let rotation = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw_rad);
        Self(Isometry3::from_parts(Translation3::from(Vector3::from(translation_m)), rotation))
    }

    /// A turn by roll about x, then pitch about y, then yaw about z, each a fixed axis (as ROS' static publishers take
    /// them), and a shift in metres.
    pub fn from_roll_pitch_yaw(translation_m: [f64; 3], [roll_rad, pitch_rad, yaw_rad]: [f64; 3]) -> Self {
        let rotation = UnitQuaternion::from_euler_angles(roll_rad, pitch_rad, yaw_rad);
        Self(Isometry3::from_parts(Translation3::from(Vector3::from(translation_m)), rotation))
    }

    /// From the upper 3x4 of a rigid matrix, row-major; the rotation is projected to the nearest orthonormal one.
    /// What [`Transform::is_rigid`] refuses has no near rotation: check matrices of others with it first.
    pub fn from_matrix_3x4(rows: &[f64; 12]) -> Self {
        let r = rows;
        let matrix = Matrix3::new(r[0], r[1], r[2], r[4], r[5], r[6], r[8], r[9], r[10]);
        let translation = Translation3::new(r[3], r[7], r[11]);
        Self(Isometry3::from_parts(translation, nearest_rotation(matrix).unwrap_or_else(UnitQuaternion::identity)))
    }

    /// Whether the upper 3x4 of a matrix, row-major, is finite and its rotation's rows are of length 1, perpendicular
    /// and right-handed to 1e-3; calibrations are written to 1e-6.
    pub fn is_rigid(rows: &[f64; 12]) -> bool {
        let row = |i: usize| Vector3::new(rows[i * 4], rows[i * 4 + 1], rows[i * 4 + 2]);
        let (x, y, z) = (row(0), row(1), row(2));
        let near = |found: f64, expected: f64| (found - expected).abs() < 1e-3;
        rows.iter().all(|value| value.is_finite())
            && [x, y, z].iter().all(|row| near(row.norm_squared(), 1.0))
            && near(x.dot(&y), 0.0)
            && near(x.cross(&y).dot(&z), 1.0)
    }

    /// Translation in metres.
    pub fn translation_m(&self) -> [f64; 3] {
        [self.0.translation.x, self.0.translation.y, self.0.translation.z]
    }

    /// Rotation as (x, y, z, w).
    pub fn quaternion_xyzw(&self) -> [f64; 4] {
        let q = self.0.rotation.quaternion();
        [q.i, q.j, q.k, q.w]
    }

    /// Heading of the turned +x axis in the target's x-y plane, radians.
    pub fn yaw_rad(&self) -> f64 {
        let forward = self.0.rotation * Vector3::x();
        forward.y.atan2(forward.x)
    }

    /// The motion the other way.
    pub fn inverse(&self) -> Self {
        Self(self.0.inverse())
    }

    /// A point, moved.
    pub fn apply(&self, point_m: [f64; 3]) -> [f64; 3] {
        let p = self.0 * Point3::from(point_m);
        [p.x, p.y, p.z]
    }

    /// A box, moved. Its yaw is the heading of its moved length axis; roll and pitch of the transform are lost, which
    /// is right for frames that differ by mounting height and heading and an approximation for tilted ones.
    pub fn apply_box(&self, b: &Box3d) -> Box3d {
        let heading = self.0.rotation * Vector3::new(b.yaw_rad.cos(), b.yaw_rad.sin(), 0.0);
        Box3d { center_m: self.apply(b.center_m), size_m: b.size_m, yaw_rad: heading.y.atan2(heading.x) }
    }

    /// Homogeneous 4x4 matrix.
    pub fn to_matrix(&self) -> Matrix4<f64> {
        self.0.to_homogeneous()
    }

    /// Linear in translation, spherical in rotation, `fraction` 0 at `self` and 1 at `other`.
    pub fn interpolate(&self, other: &Self, fraction: f64) -> Self {
        let translation = self.0.translation.vector.lerp(&other.0.translation.vector, fraction);
        let rotation = self.0.rotation.try_slerp(&other.0.rotation, fraction, 1e-9).unwrap_or(if fraction < 0.5 {
            self.0.rotation
        } else {
            other.0.rotation
        });
        Self(Isometry3::from_parts(Translation3::from(translation), rotation))
    }
}

/// The rotation with the least squared difference (Kabsch 1976), by a bounded number of iterations.
fn nearest_rotation(matrix: Matrix3<f64>) -> Option<UnitQuaternion<f64>> {
    let svd =
        matrix.iter().all(|v| v.is_finite()).then(|| matrix.try_svd_unordered(true, true, f64::EPSILON, 200))??;
    let rotation = svd.u? * svd.v_t?;
    let proper = rotation.determinant() > 0.0;
    proper.then(|| UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(rotation)))
}

impl std::ops::Mul for Transform {
    type Output = Self;

    /// `t_a_b * t_b_c = t_a_c`.
    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn_moves_forward_to_left() {
        let t = Transform::from_yaw([1.0, 0.0, 0.0], std::f64::consts::FRAC_PI_2);
        let p = t.apply([1.0, 0.0, 0.0]);
        assert!((p[0] - 1.0).abs() < 1e-12 && (p[1] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn matrices_that_are_no_rotation_are_told_and_do_not_hang() {
        let turn = [0., -1., 0., 0.1, 0., 0., -1., -0.08, 1., 0., 0., -0.27];
        assert!(Transform::is_rigid(&turn));
        assert!((Transform::from_matrix_3x4(&turn).apply([10.0, 0.0, 0.0])[2] - 9.73).abs() < 1e-12);
        for broken in [[0.0; 12], turn.map(|v| v * 1e30), turn.map(|v| -v), turn.map(|v| v + 0.3)] {
            assert!(!Transform::is_rigid(&broken));
            std::hint::black_box(Transform::from_matrix_3x4(&broken));
        }
    }

    #[test]
    fn a_zero_quaternion_gives_no_transform() {
        assert!(Transform::from_parts([0.0; 3], [0.0; 4]).is_none());
        assert!(Transform::from_parts([f64::NAN, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]).is_none());
    }

    #[test]
    fn halfway_between_two_headings_is_the_mean_heading() {
        let (a, b) = (Transform::from_yaw([0.0; 3], 0.2), Transform::from_yaw([2.0, 0.0, 0.0], 0.6));
        let half = a.interpolate(&b, 0.5);
        assert!((half.yaw_rad() - 0.4).abs() < 1e-12);
        assert!((half.translation_m()[0] - 1.0).abs() < 1e-12);
    }
}
