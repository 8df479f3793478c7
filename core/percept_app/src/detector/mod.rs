//! The LiDAR detector as configured: weights read, held against the configuration, and ready to run.

mod agreement;
mod load;

pub use agreement::{Disagreement, disagreements};
pub use load::{LidarDetector, OpenedWeights, check_thresholds, load_detector, open_weights, settings};
