//! The ROS 2 messages that Percept speaks: plain structs, their CDR wire form, and total conversions to and from
//! `percept_types`.
//!
//! A service is two messages and a [`Service`] that names them. A message is one file with one [`Message`] record: its struct, wire form and definition follow from the list of
//! its fields, which is that of the upstream `.msg` file. Reading is total: any bytes give a message or a
//! [`MsgError`] that names the field and the byte. [`PointCloud2`](sensor_msgs::PointCloud2) becomes a
//! [`RawCloud`](percept_types::RawCloud) by `TryFrom` without another copy of its points.

pub mod cdr;
mod convert;
mod error;
mod message;

pub mod autoware_internal_debug_msgs;
pub mod autoware_perception_msgs;
pub mod builtin_interfaces;
pub mod diagnostic_msgs;
pub mod geometry_msgs;
pub mod lifecycle_msgs;
pub mod nav_msgs;
pub mod rcl_interfaces;
pub mod rosgraph_msgs;
pub mod sensor_msgs;
pub mod std_msgs;
pub mod tf2_msgs;
pub mod vision_msgs;
pub mod visualization_msgs;

pub use convert::{CloudFault, DriverLayout, LabelColor, MarkerStyle};
pub use error::MsgError;
pub use message::{Message, Service};
