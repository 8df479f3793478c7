//! From predictions to boxes: candidates, box code, heading, suppression.
//!
//! Output  detections, best score first; equal scores by class, then by anchor. Yaw in [-pi, pi).
//! Source  spec of OpenPCDet (`class_agnostic_nms`) and mmdetection3d (`box3d_multiclass_nms`), see [`DecodeRule`].

use percept_kernels::nms::nms_rotated;
use percept_types::{BevRectangle, Box3d, Detection};

use super::head::DIRECTION_BINS;
use super::{
    Anchors, BOX_CODE_SIZE, DecodeRule, DetectorSettings, PointPillarsConfig, PointPillarsOutput, decode_box,
    resolve_yaw,
};
use crate::ModelError;

/// The detections of one frame.
///
/// # Errors
/// Anchors, predictions or settings that do not belong to this configuration; predictions that are no numbers.
pub fn decode(
    config: &PointPillarsConfig,
    settings: &DetectorSettings,
    anchors: &Anchors,
    output: &PointPillarsOutput<'_>,
) -> Result<Vec<Detection>, ModelError> {
    config.check_settings(settings)?;
    let expected = output.cls.len() / config.num_classes();
    if anchors.len() != expected || anchors.classes().len() != config.num_classes() {
        return Err(ModelError::Length { what: "anchors of the predictions' window", expected, found: anchors.len() });
    }
    let predictions = Predictions { config, anchors, output, cells: anchors.len() / anchors.per_cell() };
    predictions.check_finite()?;
    let mut detections = match config.decode_rule() {
        DecodeRule::ClassAgnostic => class_agnostic(&predictions, settings)?,
        DecodeRule::PerClass => per_class(&predictions, settings)?,
    };
    detections.truncate(settings.max_detections);
    Ok(detections)
}

/// The best class of each anchor at or above its threshold; the best anchors; all boxes against each other.
fn class_agnostic(predictions: &Predictions<'_>, settings: &DetectorSettings) -> Result<Vec<Detection>, ModelError> {
    let thresholds = &settings.score_thresholds;
    let mut candidates = predictions.candidates(thresholds);
    candidates.retain(|candidate| candidate.score >= thresholds[candidate.class_index]);
    keep_best(&mut candidates, predictions.config.raw().decode.max_candidates);
    let boxes = predictions.boxes(&candidates)?;
    let scores: Vec<f32> = candidates.iter().map(|candidate| candidate.score).collect();
    let kept = nms_rotated(&footprints(&boxes), &scores, settings.nms_iou_threshold, settings.max_detections)?;
    Ok(kept.into_iter().map(|i| detection(boxes[i], candidates[i].class_index, candidates[i].score)).collect())
}

/// The best anchors; for each class those above its threshold, against each other.
fn per_class(predictions: &Predictions<'_>, settings: &DetectorSettings) -> Result<Vec<Detection>, ModelError> {
    // Anchors whose best score is below every threshold say nothing, whether they are among the best or not.
    let mut candidates = predictions.candidates(&settings.score_thresholds);
    keep_best(&mut candidates, predictions.config.raw().decode.max_candidates);
    let boxes = predictions.boxes(&candidates)?;
    let mut detections = Vec::new();
    for (class_index, threshold) in settings.score_thresholds.iter().enumerate() {
        let score = |candidate: &Candidate| predictions.score(candidate.anchor, class_index);
        let speaking: Vec<(f32, Box3d)> = candidates
            .iter()
            .zip(&boxes)
            .map(|(candidate, box3d)| (score(candidate), *box3d))
            .filter(|(score, _)| score > threshold)
            .collect();
        let (scores, boxes): (Vec<f32>, Vec<Box3d>) = speaking.into_iter().unzip();
        let kept = nms_rotated(&footprints(&boxes), &scores, settings.nms_iou_threshold, boxes.len())?;
        detections.extend(kept.into_iter().map(|i| detection(boxes[i], class_index, scores[i])));
    }
    // Stable: equal scores stay in the order of classes.
    detections.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(detections)
}

fn detection(box3d: Box3d, class_index: usize, score: f32) -> Detection {
    Detection { box3d, class_index, score, velocity_mps: None }
}

fn footprints(boxes: &[Box3d]) -> Vec<BevRectangle> {
    boxes.iter().map(Box3d::bev).collect()
}

/// An anchor with its best class.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Candidate {
    anchor: usize,
    class_index: usize,
    score: f32,
}

/// The `max` best, best first; equal scores by anchor.
fn keep_best(candidates: &mut Vec<Candidate>, max: usize) {
    let order = |a: &Candidate, b: &Candidate| b.score.total_cmp(&a.score).then(a.anchor.cmp(&b.anchor));
    if candidates.len() > max {
        candidates.select_nth_unstable_by(max, order);
        candidates.truncate(max);
    }
    candidates.sort_unstable_by(order);
}

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

struct Predictions<'a> {
    config: &'a PointPillarsConfig,
    anchors: &'a Anchors,
    output: &'a PointPillarsOutput<'a>,
    /// H W.
    cells: usize,
}

impl Predictions<'_> {
    /// Class logits are all read, so all are checked; codes are checked where they are read.
    fn check_finite(&self) -> Result<(), ModelError> {
        match self.output.cls.iter().position(|logit| !logit.is_finite()) {
            Some(index) => Err(not_finite("class logits", index, self.output.cls)),
            None => Ok(()),
        }
    }

    /// Anchors whose best class may reach the lowest of the thresholds, in any order.
    fn candidates(&self, thresholds: &[f32]) -> Vec<Candidate> {
        let classes = self.config.num_classes();
        let lowest = thresholds.iter().copied().fold(1.0, f32::min);
        // Compared as logits, a little below, to save an exponential an anchor; the score decides afterwards.
        let least_logit = (lowest / (1.0 - lowest)).ln() - 1e-3;
        let mut candidates = Vec::new();
        for (in_cell, maps) in self.output.cls.chunks_exact(classes * self.cells).enumerate() {
            for cell in 0..self.cells {
                let mut best = 0;
                for class_index in 1..classes {
                    if maps[class_index * self.cells + cell] > maps[best * self.cells + cell] {
                        best = class_index;
                    }
                }
                let logit = maps[best * self.cells + cell];
                if logit >= least_logit {
                    let anchor = cell * self.anchors.per_cell() + in_cell;
                    candidates.push(Candidate { anchor, class_index: best, score: sigmoid(logit) });
                }
            }
        }
        candidates
    }

    fn score(&self, anchor: usize, class_index: usize) -> f32 {
        sigmoid(self.output.cls[self.place(anchor, self.config.num_classes(), class_index)])
    }

    /// Where value `c` of `width` values of an anchor lies in a map with channels first.
    fn place(&self, anchor: usize, width: usize, c: usize) -> usize {
        let (cell, in_cell) = (anchor / self.anchors.per_cell(), anchor % self.anchors.per_cell());
        (in_cell * width + c) * self.cells + cell
    }

    fn boxes(&self, candidates: &[Candidate]) -> Result<Vec<Box3d>, ModelError> {
        candidates.iter().map(|candidate| self.box_of(candidate.anchor)).collect()
    }

    fn box_of(&self, index: usize) -> Result<Box3d, ModelError> {
        let (expected, found) = (self.anchors.len(), index);
        let anchor = self.anchors.get(index).ok_or(ModelError::Length { what: "anchors", expected, found })?;
        let places: [usize; BOX_CODE_SIZE] = std::array::from_fn(|c| self.place(index, BOX_CODE_SIZE, c));
        let code = places.map(|place| f64::from(self.output.boxes[place]));
        let [first, second] = [0, 1].map(|bin| self.place(index, DIRECTION_BINS, bin));
        let [first, second] = [self.output.dir[first], self.output.dir[second]];
        let mut box3d = decode_box(&code, &anchor.box3d);
        // An overflow in the exponential counts as well: such a box is no result.
        if !box3d.is_valid() || first.is_nan() || second.is_nan() {
            return Err(not_finite("box codes", places[0], self.output.boxes));
        }
        box3d.yaw_rad = resolve_yaw(box3d.yaw_rad, usize::from(second > first), self.config.direction_offset_rad());
        Ok(box3d)
    }
}

fn not_finite(what: &'static str, index: usize, values: &[f32]) -> ModelError {
    ModelError::NotFinite { what, index, value: values.get(index).copied().unwrap_or(f32::NAN) }
}

#[cfg(test)]
mod tests;
