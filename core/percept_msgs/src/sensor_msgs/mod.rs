//! What sensors send.

mod camera_info;
mod compressed_image;
mod image;
mod point_cloud2;

pub use camera_info::{CameraInfo, RegionOfInterest};
pub use compressed_image::CompressedImage;
pub use image::Image;
pub use point_cloud2::{PointCloud2, PointField};
