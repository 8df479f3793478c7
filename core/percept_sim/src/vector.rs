//! The one place where single-precision vectors of the ray caster meet the double-precision nouns of percept_types.

use percept_types::Transform;
use std::f64::consts::TAU;

/// Single-precision vector of the ray caster (glam's, as parry uses it).
pub use parry3d::math::Vector as Vec3;

/// A rigid motion in single precision: columns of a rotation, then a shift.
#[derive(Clone, Copy, Debug)]
pub struct Affine {
    columns: [Vec3; 3],
    /// Translation in metres.
    pub shift: Vec3,
}

impl Affine {
    /// A turn about +z, then a shift.
    pub fn from_yaw(shift: Vec3, yaw_rad: f32) -> Self {
        let (sin, cos) = yaw_rad.sin_cos();
        Self { columns: [Vec3::new(cos, sin, 0.0), Vec3::new(-sin, cos, 0.0), Vec3::Z], shift }
    }

    /// A turn about +x: +y rises.
    pub fn from_roll(roll_rad: f32) -> Self {
        let (sin, cos) = roll_rad.sin_cos();
        Self { columns: [Vec3::X, Vec3::new(0.0, cos, sin), Vec3::new(0.0, -sin, cos)], shift: Vec3::ZERO }
    }

    /// From a transform of percept_types.
    pub fn from_transform(transform: &Transform) -> Self {
        let m = transform.to_matrix();
        let column = |i: usize| Vec3::new(m[(0, i)] as f32, m[(1, i)] as f32, m[(2, i)] as f32);
        Self { columns: [column(0), column(1), column(2)], shift: column(3) }
    }

    /// A direction, turned.
    pub fn turn(&self, v: Vec3) -> Vec3 {
        self.columns[0] * v.x + self.columns[1] * v.y + self.columns[2] * v.z
    }

    /// A point, moved.
    pub fn apply(&self, p: Vec3) -> Vec3 {
        self.turn(p) + self.shift
    }

    /// A direction, turned the other way.
    pub fn turn_back(&self, v: Vec3) -> Vec3 {
        Vec3::new(self.columns[0].dot(v), self.columns[1].dot(v), self.columns[2].dot(v))
    }

    /// A point, moved the other way.
    pub fn apply_back(&self, p: Vec3) -> Vec3 {
        self.turn_back(p - self.shift)
    }
}

impl Affine {
    /// Straight between two, `share` 0 at `self` and 1 at `other`: a rigid motion only where they are close.
    pub fn lerp(&self, other: &Self, share: f32) -> Self {
        let between = |a: Vec3, b: Vec3| a + (b - a) * share;
        let columns = std::array::from_fn(|i| between(self.columns[i], other.columns[i]));
        Self { columns, shift: between(self.shift, other.shift) }
    }
}

/// The angle from `b` to `a`, within half a turn.
pub fn turn_between(a: f64, b: f64) -> f64 {
    let turn = a - b;
    turn - TAU * (turn / TAU).round()
}

/// A point as percept_types writes it.
pub fn to_f64(v: Vec3) -> [f64; 3] {
    [f64::from(v.x), f64::from(v.y), f64::from(v.z)]
}

/// A point of percept_types in single precision.
pub fn from_f64(p: [f64; 3]) -> Vec3 {
    Vec3::new(p[0] as f32, p[1] as f32, p[2] as f32)
}
