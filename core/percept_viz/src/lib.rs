//! Pictures and reports: bird's-eye views, camera overlays, curves, one HTML file that holds an evaluation.
//!
//! Everything is drawn in memory and handed out as bytes; no file is touched. The same input gives the same bytes.

mod axis;
pub mod bev;
mod canvas;
mod color;
pub mod curves;
mod error;
pub mod overlay;
pub mod report;
mod text;

pub use canvas::{Canvas, Line};
pub use color::{Rgba, class_color, rgb_of_label};
pub use error::VizError;
pub use text::{Anchor, TextStyle};
