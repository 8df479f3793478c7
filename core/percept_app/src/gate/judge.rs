//! One set: is the candidate worse than what is deployed, by more than it may be, and can the set tell?

use percept_eval::EvalError;
use percept_eval::average_precision::RecallPoints;
use percept_eval::bootstrap::{PairedDifference, paired_difference};
use percept_eval::kitti::{EvaluatedClass, FramePair, Metric, OverlapSet, Selection, mean_average_precision};
use percept_types::{Detections, Difficulty};
use serde::{Deserialize, Serialize};

use super::GateLimits;
use crate::training::TrainingError;

/// One rule on one set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateFinding {
    /// The set.
    pub set: String,
    /// The rule, such as `drop of Pedestrian`.
    pub rule: String,
    /// Whether the candidate keeps to it.
    pub passed: bool,
    /// Figures and reason.
    pub text: String,
    /// Candidate less deployed, where the rule compares.
    pub difference: Option<PairedDifference>,
}

impl GateFinding {
    pub(super) fn new(set: &str, rule: impl Into<String>, passed: bool, text: impl Into<String>) -> Self {
        Self { set: set.to_owned(), rule: rule.into(), passed, text: text.into(), difference: None }
    }
}

/// The rules of average precision: 3D, moderate, 40 recalls, on the same frames in the same order.
///
/// # Errors
/// Frames that differ in number, boxes that are not finite.
pub fn compare_set(
    set: &str,
    candidate: &[FramePair],
    deployed: &[FramePair],
    limits: &GateLimits,
) -> Result<Vec<GateFinding>, TrainingError> {
    let is_there = |class: &EvaluatedClass| {
        deployed.iter().flat_map(|frame| &frame.truth).any(|t| t.class_name.eq_ignore_ascii_case(&class.class_name))
    };
    let classes: Vec<EvaluatedClass> = EvaluatedClass::kitti_three().into_iter().filter(is_there).collect();
    let mut findings = Vec::new();
    let Some(overall) = difference(candidate, deployed, &classes, limits)? else {
        let text = "the set has no object of any class that counts: it cannot clear a candidate";
        return Ok(vec![GateFinding::new(set, "drop of mAP", false, text)]);
    };
    findings.push(finding(set, "mAP", overall, limits.overall_drop, None));
    for (name, limit) in &limits.class_drop {
        let class = classes.iter().find(|class| class.class_name.eq_ignore_ascii_case(name));
        let found = match class {
            Some(class) => difference(candidate, deployed, std::slice::from_ref(class), limits)?,
            None => None,
        };
        findings.push(match found {
            Some(found) => finding(set, name, found, *limit, Some(limits.max_standard_error)),
            None => {
                let text =
                    format!("the set has no {name} that counts: it cannot tell whether the candidate misses them");
                GateFinding::new(set, format!("drop of {name}"), false, text)
            }
        });
    }
    Ok(findings)
}

fn finding(set: &str, what: &str, found: PairedDifference, limit: f64, max_error: Option<f64>) -> GateFinding {
    let drop = -found.difference;
    // Of the resamples that show no difference, none counts as worse.
    let worse = 1.0 - found.share_above_zero;
    let is_worse = drop > limit && worse >= found.confidence;
    let untold = max_error.filter(|max| found.standard_error > *max);
    let figures = format!(
        "{:.2} against {:.2}, {:+.2} [{:+.2}, {:+.2}], limit -{limit:.2}",
        found.value_a, found.value_b, found.difference, found.interval[0], found.interval[1]
    );
    let text = match (is_worse, untold) {
        (true, _) => format!("{figures}: worse, in {:.1} % of the resamples", worse * 100.0),
        (false, Some(max)) => format!(
            "{figures}: the standard error of {:.2} is above {max:.2}, {} frames cannot tell; add frames to the set",
            found.standard_error, found.num_frames
        ),
        (false, None) => figures,
    };
    let passed = !is_worse && untold.is_none();
    GateFinding { difference: Some(found), ..GateFinding::new(set, format!("drop of {what}"), passed, text) }
}

fn difference(
    candidate: &[FramePair],
    deployed: &[FramePair],
    classes: &[EvaluatedClass],
    limits: &GateLimits,
) -> Result<Option<PairedDifference>, TrainingError> {
    let selection =
        Selection { metric: Metric::Volume, difficulty: Difficulty::Moderate, overlap_set: OverlapSet::Strict };
    let figure = |frames| mean_average_precision(frames, classes, selection, RecallPoints::R40);
    match paired_difference(&figure(candidate)?, &figure(deployed)?, &limits.bootstrap()) {
        Ok(found) => Ok(Some(found)),
        Err(EvalError::MetricUndefined) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Boxes that no node may publish, or none at all where there are objects.
pub(super) fn sanity(set: &str, found: &[Detections], objects: usize) -> GateFinding {
    let mut faults = Vec::new();
    for (frame, detections) in found.iter().enumerate() {
        for d in &detections.boxes {
            let b = &d.box3d;
            let numbers = b.center_m.iter().chain(&b.size_m).chain([&b.yaw_rad]).all(|value| value.is_finite());
            let fault = if !numbers {
                "a box that is no number"
            } else if b.size_m.iter().any(|side| !(*side > 0.0 && *side < 50.0)) {
                "a side of a box outside 0 to 50 m"
            } else if !(0.0..=1.0).contains(&d.score) {
                "a score outside 0 to 1"
            } else {
                continue;
            };
            faults.push(format!("frame {frame}: {fault}"));
        }
    }
    let boxes: usize = found.iter().map(|detections| detections.boxes.len()).sum();
    if boxes == 0 && objects > 0 {
        faults.push(format!("no box at all in {} frames with {objects} objects", found.len()));
    }
    let text = match faults.first() {
        None => format!("{boxes} boxes, all sane"),
        Some(first) => format!("{} faults, first: {first}", faults.len()),
    };
    GateFinding::new(set, "output invariants", faults.is_empty(), text)
}
