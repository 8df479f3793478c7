//! Headers, text and colours.

mod color_rgba;
mod header;
mod string;

pub use color_rgba::ColorRGBA;
pub use header::Header;
pub use string::String;
