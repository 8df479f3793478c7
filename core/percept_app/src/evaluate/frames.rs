//! Truth and detections of the same cloud, frame by frame.

use super::detections::OutputDetections;
use super::report::FrameCounts;
use super::truth::{TruthFrame, TruthFrames};
use crate::AppError;
use percept_types::{Detections, Stamp};
use std::path::{Path, PathBuf};

/// One frame of an output.
pub(super) struct EvaluatedFrame<'a> {
    pub(super) stamp: Stamp,
    pub(super) truth: &'a TruthFrame,
    /// Empty where the output has no message.
    pub(super) detections: Detections,
}

/// The frames of one output, in the order of their stamps; the same for every output of an evaluation.
pub(super) struct Frames<'a> {
    pub(super) frames: Vec<EvaluatedFrame<'a>>,
    pub(super) counts: FrameCounts,
}

/// Pairs each output with the truth inside the span that all outputs cover.
pub(super) fn pair_frames<'a>(
    truth: &Path,
    truth_frames: &'a TruthFrames,
    outputs: &[PathBuf],
    detections: &[OutputDetections],
) -> Result<Vec<Frames<'a>>, AppError> {
    let firsts = detections.iter().map(|d| d.by_stamp.keys().next().copied());
    let lasts = detections.iter().map(|d| d.by_stamp.keys().next_back().copied());
    let first = firsts.collect::<Option<Vec<Stamp>>>().and_then(|stamps| stamps.into_iter().max());
    let last = lasts.collect::<Option<Vec<Stamp>>>().and_then(|stamps| stamps.into_iter().min());
    let span = first.zip(last).filter(|(first, last)| first <= last);
    let mut paired = Vec::with_capacity(outputs.len());
    for (out, output) in outputs.iter().zip(detections) {
        let mut counts = FrameCounts { without_truth: without_truth(output, truth_frames), ..FrameCounts::default() };
        let mut frames = Vec::new();
        for (stamp, truth) in span.into_iter().flat_map(|(first, last)| truth_frames.range(first..=last)) {
            let found = output.by_stamp.get(stamp);
            counts.evaluated += 1;
            counts.without_detections += usize::from(found.is_none());
            frames.push(EvaluatedFrame { stamp: *stamp, truth, detections: found.cloned().unwrap_or_default() });
        }
        counts.outside_span = truth_frames.len() - counts.evaluated;
        if counts.evaluated == counts.without_detections {
            return Err(no_common_frame(truth, truth_frames, out, output));
        }
        paired.push(Frames { frames, counts });
    }
    Ok(paired)
}

fn without_truth(output: &OutputDetections, truth: &TruthFrames) -> usize {
    output.by_stamp.keys().filter(|stamp| !truth.contains_key(stamp)).count()
}

fn no_common_frame(truth: &Path, frames: &TruthFrames, out: &Path, output: &OutputDetections) -> AppError {
    let span = |first: Option<&Stamp>, last: Option<&Stamp>, count: usize| match first.zip(last) {
        Some((first, last)) => format!("{count} frames from {first} to {last} s"),
        None => "no frames".to_owned(),
    };
    let of_truth = span(frames.keys().next(), frames.keys().next_back(), frames.len());
    let found = span(output.by_stamp.keys().next(), output.by_stamp.keys().next_back(), output.by_stamp.len());
    AppError::TruthMismatch {
        truth: truth.to_owned(),
        detections: out.to_owned(),
        reason: format!(
            "no stamp in common: truth has {of_truth}, the output {found}; is it the bag that was replayed?"
        ),
    }
}
