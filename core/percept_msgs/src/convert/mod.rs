//! Messages to and from the nouns of Percept, a pair a file.

mod autoware;
mod camera;
mod cloud_fault;
mod detections;
mod driver_layout;
mod finite;
mod markers;
mod raw_cloud;
mod transforms;
mod truth;
mod write_cloud;

pub use cloud_fault::CloudFault;
pub use driver_layout::DriverLayout;
pub use markers::MarkerStyle;
pub use write_cloud::LabelColor;
