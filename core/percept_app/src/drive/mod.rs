//! A recorded drive with its truth, as a bag: what `percept simulate` and `percept convert` write.
//!
//! ```text
//! DriveFrame { cloud, camera, pose, image, objects, labels, KITTI text } ─DriveWriter─► clouds, TF, odometry, truth
//! ```

mod frame;
mod writer;

pub use frame::DriveFrame;
pub use writer::{DriveOptions, DriveWriter};
