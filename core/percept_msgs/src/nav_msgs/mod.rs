//! Where the vehicle is.

mod odometry;

pub use odometry::Odometry;
