//! Public data sets as drive bags, and drive bags back as KITTI's and SemanticKITTI's folders.
//!
//! ```text
//! folder ─► one module a data set: layout, tables, calibration ─DriveFrame─► convert_drive ─► DriveWriter ─► bag
//! bag ─► BagDrive ─BagFrame─► export_frames ─► to_kitti, to_semantickitti ─► folder
//! ```
//! Every converter reads one frame at a time. A frame whose files cannot be understood is skipped, counted and told
//! with file, line and reason; with `strict` it ends the conversion. What a frame lacks is counted, never invented.

mod argoverse2;
mod bag_drive;
mod data_files;
mod drive_source;
mod export;
mod kitti;
mod kitti_raw;
mod nuscenes;
mod semantickitti;
mod to_kitti;
mod to_semantickitti;

pub use argoverse2::{Argoverse2Settings, convert_argoverse2};
pub use drive_source::ConvertSummary;
pub use kitti::{KittiSettings, convert_kitti, kitti_frame_of, kitti_stamp};
pub use kitti_raw::{KittiRawSettings, convert_kitti_raw};
pub use nuscenes::{NuscenesSettings, convert_nuscenes};
pub use semantickitti::{SemanticKittiSettings, convert_semantickitti};
pub use to_kitti::{ToKittiSettings, convert_to_kitti};
pub use to_semantickitti::{ToSemanticKittiSettings, convert_to_semantickitti};
