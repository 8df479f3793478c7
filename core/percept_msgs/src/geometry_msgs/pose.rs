//! geometry_msgs/Point, Quaternion, Pose and PoseWithCovariance.

use crate::message::message;

message! {
    /// A place in metres.
    #[derive(Copy)]
    "geometry_msgs", Point {
        /// Along x.
        x: f64,
        /// Along y.
        y: f64,
        /// Along z.
        z: f64,
    }
}

impl From<[f64; 3]> for Point {
    fn from([x, y, z]: [f64; 3]) -> Self {
        Self { x, y, z }
    }
}

impl From<Point> for [f64; 3] {
    fn from(p: Point) -> Self {
        [p.x, p.y, p.z]
    }
}

message! {
    /// A turn; (0, 0, 0, 1) turns nothing.
    #[derive(Copy)]
    "geometry_msgs", Quaternion {
        /// First imaginary part.
        x: f64 = 0.0,
        /// Second imaginary part.
        y: f64 = 0.0,
        /// Third imaginary part.
        z: f64 = 0.0,
        /// Real part.
        w: f64 = 1.0,
    }
}

impl Quaternion {
    /// A turn about +z.
    pub fn from_yaw(yaw_rad: f64) -> Self {
        let (sin, cos) = (yaw_rad / 2.0).sin_cos();
        Self { x: 0.0, y: 0.0, z: sin, w: cos }
    }

    /// The parts as (x, y, z, w).
    pub fn xyzw(&self) -> [f64; 4] {
        [self.x, self.y, self.z, self.w]
    }
}

impl From<[f64; 4]> for Quaternion {
    fn from([x, y, z, w]: [f64; 4]) -> Self {
        Self { x, y, z, w }
    }
}

message! {
    /// A place and a turn.
    #[derive(Copy)]
    "geometry_msgs", Pose {
        /// Where.
        position: Point,
        /// How turned.
        orientation: Quaternion,
    }
}

message! {
    /// A pose and how sure it is.
    #[derive(Copy)]
    "geometry_msgs", PoseWithCovariance {
        /// The pose.
        pose: Pose,
        /// Row-major 6x6 over (x, y, z, turns about x, y, z).
        covariance: [f64; 36],
    }
}
