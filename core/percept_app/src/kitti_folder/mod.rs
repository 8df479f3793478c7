//! KITTI's object folders: `ROOT/{velodyne, calib, label_2, image_2}` with one file a frame.
//!
//! ```text
//! ROOT[/training] ─► KittiFolder ─frames─► KittiFrame { number, cloud, camera, label_text, image_png }
//! ```
//! Source  Geiger et al., "Are we ready for autonomous driving?", CVPR 2012, and the object development kit's readme.

mod folder;
mod objects;
mod points;

pub use folder::{KittiFolder, KittiFrame};
pub use objects::objects_of_labels;
pub use points::parse_velodyne;
