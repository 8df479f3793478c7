//! Greedy matching of the detections of one frame to its truth, and its outcome as a function of the score threshold.
//!
//! Input   roles of truth and detections, scores, and for each truth box the detections that overlap it enough.
//! Output  scores of the true positives with everything kept (they decide the recall thresholds), and true and false
//!         positives and misses at any threshold.
//! Order   truth in its stored order, detections in theirs: ties go to the first, as in KITTI's development kit.
//! Source  KITTI object development kit, `evaluate_object.cpp`, `computeStatistics`.

use serde::{Deserialize, Serialize};

/// How a box takes part in the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// A box of the class and difficulty in question.
    Counted,
    /// Neither hit nor miss: too small, too hidden, a neighbouring class.
    Ignored,
    /// Of another class: not looked at.
    Unrelated,
}

/// A detection that overlaps a truth box more than the minimum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Index of the detection.
    pub detection: usize,
    /// Intersection over union.
    pub overlap: f64,
}

/// Observation angles, for orientation similarity.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ObservationAngles {
    /// One a truth box, radians.
    pub truth_rad: Vec<f64>,
    /// One a detection, radians.
    pub detection_rad: Vec<f64>,
}

/// One frame, one class, one difficulty, one minimum overlap.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FrameProblem {
    /// One a truth box.
    pub(crate) truth_roles: Vec<Role>,
    /// One a detection.
    pub(crate) detection_roles: Vec<Role>,
    /// One a detection, finite.
    pub(crate) scores: Vec<f64>,
    /// Whether an unmatched detection is excused (it lies in a DontCare region); one a detection.
    pub(crate) excused: Vec<bool>,
    /// For each truth box the related detections that overlap it enough, in the order of detections.
    pub(crate) candidates: Vec<Vec<Candidate>>,
    /// Where orientation is measured.
    pub(crate) angles: Option<ObservationAngles>,
}

/// Counts at one score threshold.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Tally {
    /// Counted truth found.
    pub true_positives: usize,
    /// Counted detections that found nothing.
    pub false_positives: usize,
    /// Counted truth not found.
    pub misses: usize,
    /// Sum of (1 + cos of the angle error) / 2 over the true positives.
    pub similarity: f64,
}

/// Which detection each truth box got; `None` for unrelated and unmatched ones.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Assignment {
    /// One a truth box.
    pub detection_of_truth: Vec<Option<usize>>,
    /// One a detection.
    pub truth_of_detection: Vec<Option<usize>>,
}

/// The outcome of a frame at every threshold.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FrameOutcome {
    /// Counted truth boxes.
    pub num_truth: usize,
    /// Scores of the true positives when nothing is cut off.
    pub recall_scores: Vec<f64>,
    /// Distinct scores of related detections, best first.
    breakpoints: Vec<f64>,
    /// `tallies[k]` holds where exactly the first k breakpoints are at or above the threshold.
    tallies: Vec<Tally>,
}

impl FrameProblem {
    /// First pass: each truth box takes the free candidate of highest score; returns the scores of the true positives.
    pub fn recall_scores(&self) -> Vec<f64> {
        let mut taken = vec![false; self.scores.len()];
        let mut found = Vec::new();
        for (truth, candidates) in self.candidates.iter().enumerate() {
            if self.truth_roles[truth] == Role::Unrelated {
                continue;
            }
            let mut best: Option<usize> = None;
            for candidate in candidates.iter().filter(|c| !taken[c.detection]) {
                if best.is_none_or(|b| self.scores[candidate.detection] > self.scores[b]) {
                    best = Some(candidate.detection);
                }
            }
            if let Some(detection) = best {
                taken[detection] = true;
                if self.is_true_positive(truth, detection) {
                    found.push(self.scores[detection]);
                }
            }
        }
        found
    }

    /// Second pass: of the detections at or above the threshold each truth box takes the free counted candidate of
    /// largest overlap, and only without one the first free ignored candidate.
    pub fn assign(&self, score_threshold: f64) -> Assignment {
        let mut assignment = Assignment {
            detection_of_truth: vec![None; self.truth_roles.len()],
            truth_of_detection: vec![None; self.scores.len()],
        };
        for (truth, candidates) in self.candidates.iter().enumerate() {
            if self.truth_roles[truth] == Role::Unrelated {
                continue;
            }
            let (mut counted, mut ignored): (Option<Candidate>, Option<usize>) = (None, None);
            for candidate in candidates {
                let detection = candidate.detection;
                if assignment.truth_of_detection[detection].is_some() || self.scores[detection] < score_threshold {
                    continue;
                }
                match self.detection_roles[detection] {
                    Role::Counted if counted.is_none_or(|best| candidate.overlap > best.overlap) => {
                        counted = Some(*candidate);
                    }
                    Role::Ignored => ignored = ignored.or(Some(detection)),
                    Role::Counted | Role::Unrelated => {}
                }
            }
            if let Some(detection) = counted.map(|best| best.detection).or(ignored) {
                assignment.detection_of_truth[truth] = Some(detection);
                assignment.truth_of_detection[detection] = Some(truth);
            }
        }
        assignment
    }

    /// Counts at a threshold.
    pub fn tally(&self, score_threshold: f64) -> Tally {
        let assignment = self.assign(score_threshold);
        let mut tally = Tally::default();
        for (truth, detection) in assignment.detection_of_truth.iter().enumerate() {
            match detection {
                Some(detection) if self.is_true_positive(truth, *detection) => {
                    tally.true_positives += 1;
                    tally.similarity += self.similarity(truth, *detection);
                }
                None if self.truth_roles[truth] == Role::Counted => tally.misses += 1,
                Some(_) | None => {}
            }
        }
        tally.false_positives = (0..self.scores.len())
            .filter(|&d| {
                self.is_false_positive_unless_matched(d, score_threshold) && assignment.truth_of_detection[d].is_none()
            })
            .count();
        tally
    }

    /// The outcome at every threshold: it changes only at scores of related detections.
    pub fn outcome(&self) -> FrameOutcome {
        let related = |detection: &usize| self.detection_roles[*detection] != Role::Unrelated;
        let mut breakpoints: Vec<f64> = (0..self.scores.len()).filter(related).map(|d| self.scores[d]).collect();
        breakpoints.sort_by(|a, b| b.total_cmp(a));
        breakpoints.dedup();
        let thresholds = std::iter::once(f64::INFINITY).chain(breakpoints.iter().copied());
        FrameOutcome {
            num_truth: self.truth_roles.iter().filter(|role| **role == Role::Counted).count(),
            recall_scores: self.recall_scores(),
            tallies: thresholds.map(|threshold| self.tally(threshold)).collect(),
            breakpoints,
        }
    }

    /// Whether a matched pair counts as found.
    pub fn is_true_positive(&self, truth: usize, detection: usize) -> bool {
        self.truth_roles[truth] == Role::Counted && self.detection_roles[detection] == Role::Counted
    }

    /// Whether a detection would be a false box if nothing took it.
    pub fn is_false_positive_unless_matched(&self, detection: usize, score_threshold: f64) -> bool {
        self.detection_roles[detection] == Role::Counted
            && self.scores[detection] >= score_threshold
            && !self.excused[detection]
    }

    fn similarity(&self, truth: usize, detection: usize) -> f64 {
        self.angles.as_ref().map_or(0.0, |a| (1.0 + (a.truth_rad[truth] - a.detection_rad[detection]).cos()) / 2.0)
    }
}

impl FrameOutcome {
    /// Distinct scores, best first, with the counts when everything at or above each is kept.
    pub fn by_score(&self) -> impl Iterator<Item = (f64, &Tally)> {
        self.breakpoints.iter().copied().zip(self.tallies.iter().skip(1))
    }

    /// Counts at a threshold.
    pub fn at(&self, score_threshold: f64) -> Tally {
        let kept = self.breakpoints.partition_point(|score| *score >= score_threshold);
        self.tallies.get(kept).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(truth: &[Role], detections: &[(Role, f64)], pairs: &[(usize, usize, f64)]) -> FrameProblem {
        let mut candidates = vec![Vec::new(); truth.len()];
        for &(t, detection, overlap) in pairs {
            candidates[t].push(Candidate { detection, overlap });
        }
        FrameProblem {
            truth_roles: truth.to_vec(),
            detection_roles: detections.iter().map(|d| d.0).collect(),
            scores: detections.iter().map(|d| d.1).collect(),
            excused: vec![false; detections.len()],
            candidates,
            angles: None,
        }
    }

    #[test]
    fn the_first_pass_takes_the_best_score_and_the_second_the_largest_overlap() {
        let p = problem(&[Role::Counted], &[(Role::Counted, 0.4), (Role::Counted, 0.9)], &[(0, 0, 0.95), (0, 1, 0.75)]);
        assert_eq!(p.recall_scores(), vec![0.9]);
        assert_eq!(p.assign(0.0).detection_of_truth, vec![Some(0)]);
        assert_eq!(p.assign(0.5).detection_of_truth, vec![Some(1)]);
        assert_eq!(p.tally(0.0).false_positives, 1);
    }

    #[test]
    fn an_ignored_detection_is_taken_only_where_no_counted_one_fits() {
        let both =
            problem(&[Role::Counted], &[(Role::Ignored, 0.9), (Role::Counted, 0.8)], &[(0, 0, 0.95), (0, 1, 0.75)]);
        assert_eq!(both.assign(0.0).detection_of_truth, vec![Some(1)]);
        let tally = both.tally(0.85);
        assert_eq!((tally.true_positives, tally.false_positives, tally.misses), (0, 0, 0));
    }

    #[test]
    fn a_detection_on_ignored_truth_is_neither_right_nor_wrong() {
        let p = problem(&[Role::Ignored], &[(Role::Counted, 0.9)], &[(0, 0, 0.8)]);
        assert_eq!(p.tally(0.0), Tally::default());
        assert!(p.recall_scores().is_empty());
    }

    #[test]
    fn an_excused_detection_is_no_false_positive() {
        let mut p = problem(&[], &[(Role::Counted, 0.9)], &[]);
        assert_eq!(p.tally(0.0).false_positives, 1);
        p.excused[0] = true;
        assert_eq!(p.tally(0.0).false_positives, 0);
    }

    #[test]
    fn the_outcome_agrees_with_the_tally_at_between_and_beyond_all_scores() {
        let p = problem(
            &[Role::Counted, Role::Ignored, Role::Counted],
            &[(Role::Counted, 0.5), (Role::Counted, 0.5), (Role::Ignored, 0.7), (Role::Unrelated, 0.8)],
            &[(0, 0, 0.6), (0, 1, 0.7), (1, 1, 0.8), (2, 2, 0.9)],
        );
        let outcome = p.outcome();
        for threshold in [-1.0, 0.49, 0.5, 0.6, 0.7, 0.75, 0.8, 2.0] {
            assert_eq!(outcome.at(threshold), p.tally(threshold), "at {threshold}");
        }
    }
}
