//! Whether one output is better than the other, or were it other frames: paired bootstrap over frames.

use super::frames::Frames;
use super::report::kitti_pairs;
use crate::AppError;
use percept_eval::average_precision::RecallPoints;
use percept_eval::bootstrap::{BootstrapConfig, PairedDifference, paired_difference};
use percept_eval::kitti::{EvaluatedClass, FramePair, Metric, OverlapSet, Selection, mean_average_precision};
use percept_types::Difficulty;
use serde::Serialize;

/// The difference of one figure between the first and the second output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Class, or `mean` of all classes with truth.
    pub class_name: String,
    /// bev or 3d: average precision over 40 recall points, moderate, in percent.
    pub metric: Metric,
    /// First less second, with its interval.
    pub difference: PairedDifference,
}

/// KITTI's bev and 3d average precision of both outputs, by class and as the mean over them.
pub(super) fn compare(a: &Frames<'_>, b: &Frames<'_>, resamples: usize) -> Result<Vec<Comparison>, AppError> {
    let (a, b) = (kitti_pairs(a)?.0, kitti_pairs(b)?.0);
    if a.is_empty() || b.is_empty() {
        return Ok(Vec::new());
    }
    let has_truth = |class: &EvaluatedClass| {
        a.iter().flat_map(|frame| &frame.truth).any(|t| t.class_name.eq_ignore_ascii_case(&class.class_name))
    };
    let classes: Vec<EvaluatedClass> = EvaluatedClass::kitti_three().into_iter().filter(has_truth).collect();
    let config = BootstrapConfig { num_resamples: resamples, ..BootstrapConfig::default() };
    let mut comparisons = Vec::new();
    for metric in [Metric::Bev, Metric::Volume] {
        let sets = classes.iter().map(|class| (class.class_name.clone(), std::slice::from_ref(class)));
        let mean = (classes.len() > 1).then(|| ("mean".to_owned(), classes.as_slice()));
        for (class_name, classes) in sets.chain(mean) {
            // A class whose truth is all beyond "moderate" has no figure to compare.
            if let Some(difference) = difference(&a, &b, classes, metric, &config)? {
                comparisons.push(Comparison { class_name, metric, difference });
            }
        }
    }
    Ok(comparisons)
}

fn difference(
    a: &[FramePair],
    b: &[FramePair],
    classes: &[EvaluatedClass],
    metric: Metric,
    config: &BootstrapConfig,
) -> Result<Option<PairedDifference>, AppError> {
    let selection = Selection { metric, difficulty: Difficulty::Moderate, overlap_set: OverlapSet::Strict };
    let figure = |frames| {
        mean_average_precision(frames, classes, selection, RecallPoints::R40).map_err(AppError::stage("evaluation"))
    };
    match paired_difference(&figure(a)?, &figure(b)?, config) {
        Ok(difference) => Ok(Some(difference)),
        Err(percept_eval::EvalError::MetricUndefined) => Ok(None),
        Err(error) => Err(AppError::stage("comparing")(error)),
    }
}
