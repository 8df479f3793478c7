//! A recorded drive with its truth, as a bag: what `percept simulate` and `percept convert` write.
//!
//! ```text
//! DriveFrame { cloud, cameras, poses, objects, labels, KITTI text } ─DriveWriter─► clouds, images, TF, odometry, truth
//! ```

mod camera_topics;
mod encode;
mod frame;
mod resume;
mod writer;

pub use encode::{EncodeOptions, encode_camera};
pub use frame::{CameraObject, CameraTruth, DriveCamera, DriveFrame, EncodedImage, ObjectDetails};
pub use resume::UnfinishedDrive;
pub use writer::{DriveOptions, DriveWriter};
