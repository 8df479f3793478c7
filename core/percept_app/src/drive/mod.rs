//! A recorded drive with its truth, as a bag: what `percept simulate` and `percept convert` write.
//!
//! ```text
//! DriveFrame { cloud, cameras, poses, objects, labels, KITTI text } ─DriveWriter─► clouds, images, TF, odometry, truth
//! ```

mod camera_topics;
mod frame;
mod resume;
mod writer;

pub use frame::{DriveCamera, DriveFrame, EncodedImage, ObjectDetails};
pub use resume::UnfinishedDrive;
pub use writer::{DriveOptions, DriveWriter};
