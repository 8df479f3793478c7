//! What was found, missed and false in each frame, and the frames with most of the latter two.

use crate::matching::{Assignment, FrameProblem, Role};
use serde::{Deserialize, Serialize};

/// Fate of a truth box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TruthFate {
    /// Found by this detection.
    Found(usize),
    /// Not found.
    Missed,
    /// Neither hit nor miss: too hidden, too small, a neighbouring class, or found by a detection that is not counted.
    Ignored,
    /// Of a class that was not asked for.
    Unrelated,
}

/// Fate of a detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectionFate {
    /// Right: it found this truth box.
    True(usize),
    /// It found nothing.
    False,
    /// Not counted: too small, on ignored truth, or in a DontCare region.
    Ignored,
    /// Below the score threshold.
    BelowThreshold,
    /// Of a class that was not asked for.
    Unrelated,
}

/// One frame, for drawing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameMatches {
    /// Index of the frame.
    pub frame: usize,
    /// Truth found.
    pub num_found: usize,
    /// Truth not found.
    pub num_missed: usize,
    /// False boxes.
    pub num_false: usize,
    /// One a truth box.
    pub truth: Vec<TruthFate>,
    /// One a detection.
    pub detections: Vec<DetectionFate>,
}

/// Fates in every frame at a score threshold. `problems_of_classes` holds one list of frames a class, all about the same
/// boxes (as `kitti::frame_problems` gives them); a box that several classes look at has the fate that counts most.
pub fn frame_matches(problems_of_classes: &[Vec<FrameProblem>], score_threshold: f64) -> Vec<FrameMatches> {
    let num_frames = problems_of_classes.iter().map(Vec::len).max().unwrap_or(0);
    let of_frame = |frame| {
        let problems = problems_of_classes.iter().filter_map(|class| class.get(frame));
        matches_of_frame(frame, problems, score_threshold)
    };
    (0..num_frames).map(of_frame).collect()
}

/// The `n` frames with most misses and false boxes together, worst first; of equal ones the earlier first.
pub fn worst_frames(problems_of_classes: &[Vec<FrameProblem>], score_threshold: f64, n: usize) -> Vec<FrameMatches> {
    let mut frames = frame_matches(problems_of_classes, score_threshold);
    frames.sort_by_key(|f| (std::cmp::Reverse(f.num_missed + f.num_false), f.frame));
    frames.truncate(n);
    frames
}

fn matches_of_frame<'a>(
    frame: usize,
    problems: impl Iterator<Item = &'a FrameProblem>,
    score_threshold: f64,
) -> FrameMatches {
    let mut matches =
        FrameMatches { frame, num_found: 0, num_missed: 0, num_false: 0, truth: Vec::new(), detections: Vec::new() };
    for problem in problems {
        let assignment = problem.assign(score_threshold);
        merge(&mut matches.truth, truth_fates(problem, &assignment), TruthFate::Unrelated, truth_rank);
        let fates = detection_fates(problem, &assignment, score_threshold);
        merge(&mut matches.detections, fates, DetectionFate::Unrelated, detection_rank);
    }
    matches.num_found = matches.truth.iter().filter(|fate| matches!(fate, TruthFate::Found(_))).count();
    matches.num_missed = matches.truth.iter().filter(|fate| **fate == TruthFate::Missed).count();
    matches.num_false = matches.detections.iter().filter(|fate| **fate == DetectionFate::False).count();
    matches
}

fn merge<T: Copy>(into: &mut Vec<T>, fates: Vec<T>, unrelated: T, rank: fn(T) -> u8) {
    into.resize(into.len().max(fates.len()), unrelated);
    for (old, new) in into.iter_mut().zip(fates) {
        if rank(new) > rank(*old) {
            *old = new;
        }
    }
}

fn truth_rank(fate: TruthFate) -> u8 {
    match fate {
        TruthFate::Found(_) => 3,
        TruthFate::Missed => 2,
        TruthFate::Ignored => 1,
        TruthFate::Unrelated => 0,
    }
}

fn detection_rank(fate: DetectionFate) -> u8 {
    match fate {
        DetectionFate::True(_) => 4,
        DetectionFate::False => 3,
        DetectionFate::Ignored => 2,
        DetectionFate::BelowThreshold => 1,
        DetectionFate::Unrelated => 0,
    }
}

fn truth_fates(problem: &FrameProblem, assignment: &Assignment) -> Vec<TruthFate> {
    let fate = |(truth, role): (usize, &Role)| match (role, assignment.detection_of_truth[truth]) {
        (Role::Unrelated, _) => TruthFate::Unrelated,
        (Role::Ignored, _) => TruthFate::Ignored,
        (Role::Counted, None) => TruthFate::Missed,
        (Role::Counted, Some(detection)) if problem.is_true_positive(truth, detection) => TruthFate::Found(detection),
        (Role::Counted, Some(_)) => TruthFate::Ignored,
    };
    problem.truth_roles.iter().enumerate().map(fate).collect()
}

fn detection_fates(problem: &FrameProblem, assignment: &Assignment, score_threshold: f64) -> Vec<DetectionFate> {
    let fate = |(detection, role): (usize, &Role)| match (role, assignment.truth_of_detection[detection]) {
        (Role::Unrelated, _) => DetectionFate::Unrelated,
        (Role::Counted | Role::Ignored, _) if problem.scores[detection] < score_threshold => {
            DetectionFate::BelowThreshold
        }
        (Role::Ignored, _) => DetectionFate::Ignored,
        (Role::Counted, Some(truth)) if problem.is_true_positive(truth, detection) => DetectionFate::True(truth),
        (Role::Counted, Some(_)) => DetectionFate::Ignored,
        (Role::Counted, None) if problem.is_false_positive_unless_matched(detection, score_threshold) => {
            DetectionFate::False
        }
        (Role::Counted, None) => DetectionFate::Ignored,
    };
    problem.detection_roles.iter().enumerate().map(fate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::Candidate;

    /// Frame with two truth boxes (Car, Cyclist) and detections (class, score); the first of each class finds its truth.
    fn problems(detections: &[(usize, f64)]) -> [FrameProblem; 2] {
        std::array::from_fn(|class| {
            let role = |c: usize| if c == class { Role::Counted } else { Role::Unrelated };
            let first = detections.iter().position(|d| d.0 == class);
            let mut candidates = vec![Vec::new(), Vec::new()];
            candidates[class].extend(first.map(|detection| Candidate { detection, overlap: 0.8 }));
            FrameProblem {
                truth_roles: vec![role(0), role(1)],
                detection_roles: detections.iter().map(|d| role(d.0)).collect(),
                scores: detections.iter().map(|d| d.1).collect(),
                excused: vec![false; detections.len()],
                candidates,
                angles: None,
            }
        })
    }

    #[test]
    fn the_frame_with_most_misses_and_false_boxes_comes_first() {
        let frames = [
            problems(&[(0, 0.9), (1, 0.9)]),
            problems(&[(0, 0.9), (0, 0.8), (0, 0.7), (1, 0.1)]),
            problems(&[(0, 0.9)]),
        ];
        let by_class: Vec<Vec<FrameProblem>> =
            (0..2).map(|class| frames.iter().map(|f| f[class].clone()).collect()).collect();
        let worst = worst_frames(&by_class, 0.5, 2);
        assert_eq!(worst.iter().map(|f| f.frame).collect::<Vec<_>>(), vec![1, 2]);
        assert_eq!((worst[0].num_found, worst[0].num_missed, worst[0].num_false), (1, 1, 2));
        assert_eq!(worst[0].truth, vec![TruthFate::Found(0), TruthFate::Missed]);
        let expected =
            [DetectionFate::True(0), DetectionFate::False, DetectionFate::False, DetectionFate::BelowThreshold];
        assert_eq!(worst[0].detections, expected);
    }
}
