//! Transforms between frames.

mod tf_message;

pub use tf_message::TFMessage;
