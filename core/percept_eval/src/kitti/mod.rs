//! KITTI's object benchmark: annotations in the rectified camera frame, their text, and average precision.
//!
//! Source  Geiger et al., Are we ready for autonomous driving?, CVPR 2012, and the object development kit.

mod annotation;
mod calibration;
mod convert;
mod evaluate;
mod label_text;
mod overlap;
mod protocol;
mod results;

pub use annotation::{Annotation, FramePair, ScoredAnnotation};
pub use calibration::Calibration;
pub(crate) use convert::check_finite;
pub use convert::{
    ConvertedDetections, annotation_of_box, annotations_of_truth, box_of_annotation, detections_in_image,
    image_box_of_camera_box, region_of_annotation, truth_of_annotation,
};
pub use evaluate::{Selection, evaluate, frame_problems, mean_average_precision};
pub use label_text::{parse_label_line, parse_labels, parse_results, write_label_line, write_result_line};
pub(crate) use overlap::share_inside;
pub use overlap::{bev_overlap, image_overlap, overlap_of, volume_overlap};
pub use protocol::{EvalConfig, EvaluatedClass, Metric, OverlapSet};
pub use results::{KittiEntry, KittiResults};
