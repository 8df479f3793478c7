//! What evaluation refuses.

use thiserror::Error;

/// Why no metric was computed.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum EvalError {
    /// Nothing to evaluate.
    #[error("there are no frames to evaluate: check that detections and truth were read")]
    NoFrames,
    /// A score that cannot be ordered.
    #[error(
        "frame {frame}, detection {detection} ({class_name}): the score is {score}, but a finite number is expected: look for NaN in the network's output"
    )]
    ScoreNotFinite {
        /// Index of the frame.
        frame: usize,
        /// Index of the detection in its frame.
        detection: usize,
        /// Class of the detection.
        class_name: String,
        /// What was found.
        score: f64,
    },
    /// A coordinate, size or angle that is NaN or infinite.
    #[error("frame {frame}, {what} {index} ({class_name}): {field} is not finite: the box cannot be compared")]
    BoxNotFinite {
        /// Index of the frame.
        frame: usize,
        /// "truth" or "detection".
        what: &'static str,
        /// Index in its frame.
        index: usize,
        /// Class of the box.
        class_name: String,
        /// Which field.
        field: &'static str,
    },
    /// A box that cannot be measured.
    #[error("frame {frame}, {what} {index} ({class_name}): bad {field}")]
    BadBox {
        /// Index of the frame.
        frame: usize,
        /// "truth" or "detection".
        what: &'static str,
        /// Index in its frame.
        index: usize,
        /// Class of the box.
        class_name: String,
        /// Which field, and why.
        field: &'static str,
    },
    /// More predictions than the protocol allows.
    #[error("frame {frame} has {found} predictions, but at most {max} are allowed: keep the best")]
    TooManyBoxes {
        /// Index of the frame.
        frame: usize,
        /// Predictions found.
        found: usize,
        /// Predictions allowed.
        max: usize,
    },
    /// A detection whose class index has no name.
    #[error("detection {detection}: class index {class_index} has no name among {class_names:?}")]
    ClassWithoutName {
        /// Index of the detection in its frame.
        detection: usize,
        /// The index found.
        class_index: usize,
        /// The names that came with the detections.
        class_names: Vec<String>,
    },
    /// A class that the protocol does not know.
    #[error("{class_name:?} is no class of {protocol}; it knows {known:?}")]
    UnknownClass {
        /// The name found.
        class_name: String,
        /// "KITTI" or "nuScenes".
        protocol: &'static str,
        /// The names allowed.
        known: Vec<String>,
    },
    /// A setting outside its range.
    #[error("{setting} is {found}, but {expected}")]
    BadSetting {
        /// Name of the setting.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A line of a label or result file that cannot be read.
    #[error("{source_name}, line {line}: {problem}")]
    BadLabel {
        /// File the line came from.
        source_name: String,
        /// Line number from 1.
        line: usize,
        /// What was found and expected.
        problem: String,
    },
    /// A calibration file that cannot be read.
    #[error("{source_name}: {problem}")]
    BadCalibration {
        /// File.
        source_name: String,
        /// What was found and expected.
        problem: String,
    },
    /// Two systems to compare that did not see the same frames.
    #[error("system A has {frames_a} frames and system B {frames_b}: a paired comparison needs the same frames")]
    FramesDiffer {
        /// Frames of A.
        frames_a: usize,
        /// Frames of B.
        frames_b: usize,
    },
    /// The metric has no value on the whole set.
    #[error("the metric is undefined on all frames together (no truth of its classes): nothing can be compared")]
    MetricUndefined,
}
