//! Metrics of detectors: KITTI average precision, the nuScenes detection score, and what is needed to trust a number.
//!
//! * [`kitti`]: AP in the image, from above and in space, AOS, for 11 and 40 recall points, as KITTI's development kit.
//! * [`bev_ap`]: the same precision-recall machinery for LiDAR-only truth, for validation while training.
//! * [`operating_point`]: a score threshold chosen on one set of frames, its recall and precision on another.
//! * [`instances`]: things found where only points are labelled.
//! * [`nuscenes`]: mAP by centre distance, true-positive errors and NDS, as `detection_cvpr_2019`.
//! * [`bootstrap`]: whether detector A is better than B, by resampling frames.
//! * [`worst`]: the frames with most misses and false boxes, with what was matched to what.
//! * [`realism`]: how alike simulated and real sweeps are.
//! * [`latency`]: exact percentiles of stage times.
//! * [`table`]: plain-text tables.
//!
//! A figure that does not exist (no truth of a class) is `None`, never 0; a score that is not finite is an error.

pub mod average_precision;
pub mod bev_ap;
pub mod bootstrap;
mod dense_curve;
mod error;
pub mod instances;
pub mod kitti;
pub mod latency;
pub mod matching;
pub mod nuscenes;
pub mod operating_point;
pub mod realism;
pub mod table;
pub mod worst;

pub use error::EvalError;
