//! sensor_msgs/CameraInfo and RegionOfInterest.

use crate::message::message;
use crate::std_msgs::Header;

message! {
    /// A window of an image, in pixels of the full image.
    #[derive(Copy, Eq)]
    "sensor_msgs", RegionOfInterest {
        /// Left edge.
        x_offset: u32,
        /// Top edge.
        y_offset: u32,
        /// Rows; 0 for the full image.
        height: u32,
        /// Columns; 0 for the full image.
        width: u32,
        /// Whether the window is to be rectified.
        do_rectify: bool,
    }
}

message! {
    /// Calibration of a camera at full resolution.
    "sensor_msgs", CameraInfo {
        /// Stamp of the image, optical frame.
        header: Header,
        /// Rows of the full image.
        height: u32,
        /// Columns of the full image.
        width: u32,
        /// `plumb_bob`, `rational_polynomial`, `equidistant`.
        distortion_model: String,
        /// Its coefficients.
        d: Vec<f64>,
        /// Row-major 3x3 intrinsics of the raw image; `k[0]` is 0 where nothing is calibrated.
        k: [f64; 9],
        /// Row-major 3x3 rotation from the optical to the rectified frame.
        r: [f64; 9],
        /// Row-major 3x4 projection of the rectified image.
        p: [f64; 12],
        /// Columns joined into one pixel; 0 means 1.
        binning_x: u32,
        /// Rows joined into one pixel; 0 means 1.
        binning_y: u32,
        /// The window that the images show.
        roi: RegionOfInterest,
    }
}
