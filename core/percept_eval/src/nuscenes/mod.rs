//! nuScenes' detection metrics: AP by centre distance, true-positive errors, and their sum, the NDS.
//!
//! Source  Caesar et al., nuScenes: A multimodal dataset for autonomous driving, CVPR 2020, section 3; the public
//!         nuscenes-devkit with its configuration `detection_cvpr_2019`.

mod boxes;
mod classes;
mod config;
mod curve;
mod evaluate;
mod filter;
mod matching;
mod results;

pub use boxes::{NuscenesFrame, PredictedBox, TruthBox, predictions_of, truth_of};
pub use classes::{Attribute, DetectionClass};
pub use config::NuscenesConfig;
pub use curve::{ErrorKind, RecallCurve};
pub use evaluate::{NuscenesFigure, NuscenesOutcomes, evaluate, outcomes};
pub use filter::{FilterCounts, filtered};
pub use results::{ClassFigures, NuscenesResults, Summary, TruePositiveErrors};
