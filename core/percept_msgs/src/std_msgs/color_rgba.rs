//! std_msgs/ColorRGBA.

use crate::message::message;

message! {
    /// A colour, each part 0 to 1. Alpha 0 is invisible.
    #[derive(Copy)]
    "std_msgs", ColorRGBA {
        /// Red.
        r: f32,
        /// Green.
        g: f32,
        /// Blue.
        b: f32,
        /// Opacity.
        a: f32,
    }
}
