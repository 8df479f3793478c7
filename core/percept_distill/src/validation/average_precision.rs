//! Average precision at 40 recalls, greedy by score.
//!
//! Simpler than KITTI's protocol: a truth is wanted or ignored by the assigner's roles (too few points, neighbouring
//! class), not by its height in an image; each detection takes the free truth it overlaps most, wanted ones first.

use percept_types::{Box3d, Detection};

use crate::targets::{TruthBox, TruthRole};

/// By what boxes are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Footprints.
    Bev,
    /// Volumes.
    Volume,
}

impl Metric {
    fn iou(self, a: &Box3d, b: &Box3d) -> f64 {
        match self {
            Self::Bev => a.iou_bev(b),
            Self::Volume => a.iou_3d(b),
        }
    }
}

/// What was found in a frame and what is there.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredFrame {
    /// Boxes told.
    pub detections: Vec<Detection>,
    /// Boxes that are there.
    pub truth: Vec<TruthBox>,
}

/// How a detection is counted.
enum Verdict {
    Right,
    Wrong,
    Uncounted,
}

/// Average precision of a class in percent; `None` where no frame holds a wanted box of it.
pub fn average_precision(frames: &[ScoredFrame], class_index: usize, metric: Metric, min_iou: f64) -> Option<f64> {
    let is_wanted = |truth: &&TruthBox| truth.roles.get(class_index) == Some(&TruthRole::Wanted);
    let wanted: usize = frames.iter().map(|frame| frame.truth.iter().filter(is_wanted).count()).sum();
    if wanted == 0 {
        return None;
    }
    let mut verdicts: Vec<(f32, bool)> = Vec::new();
    for frame in frames {
        verdicts.extend(judge(frame, class_index, metric, min_iou));
    }
    // Stable: equal scores stay in the order of frames.
    verdicts.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut right, mut curve) = (0usize, Vec::with_capacity(verdicts.len()));
    for (place, (_, is_right)) in verdicts.iter().enumerate() {
        right += usize::from(*is_right);
        curve.push((right as f64 / wanted as f64, right as f64 / (place + 1) as f64));
    }
    let best_from = |recall: f64| {
        curve.iter().filter(|(r, _)| *r >= recall - 1e-12).map(|(_, precision)| *precision).fold(0.0, f64::max)
    };
    Some((1..=40).map(|i| best_from(f64::from(i) / 40.0)).sum::<f64>() / 40.0 * 100.0)
}

/// Score and verdict of each counted detection of a class.
fn judge(frame: &ScoredFrame, class_index: usize, metric: Metric, min_iou: f64) -> Vec<(f32, bool)> {
    let mut detections: Vec<&Detection> = frame.detections.iter().filter(|d| d.class_index == class_index).collect();
    detections.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut taken = vec![false; frame.truth.len()];
    let judged = detections.into_iter().filter_map(|detection| {
        let mut best_of = |role: TruthRole| {
            let free = frame.truth.iter().enumerate().filter(|(i, t)| !taken[*i] && t.roles.get(class_index) == Some(&role));
            let overlaps = free.map(|(i, t)| (i, metric.iou(&detection.box3d, &t.box3d))).filter(|(_, iou)| *iou > min_iou);
            let best = overlaps.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i);
            if let Some(i) = best {
                taken[i] = true;
            }
            best.is_some()
        };
        let verdict = if best_of(TruthRole::Wanted) {
            Verdict::Right
        } else if best_of(TruthRole::Ignored) {
            Verdict::Uncounted
        } else {
            Verdict::Wrong
        };
        match verdict {
            Verdict::Right => Some((detection.score, true)),
            Verdict::Wrong => Some((detection.score, false)),
            Verdict::Uncounted => None,
        }
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x_m: f64) -> Box3d {
        Box3d { center_m: [x_m, 0.0, 0.0], size_m: [4.0, 2.0, 1.5], yaw_rad: 0.0 }
    }

    fn found(x_m: f64, score: f32) -> Detection {
        Detection { box3d: at(x_m), class_index: 0, score, velocity_mps: None }
    }

    fn truth(x_m: f64, role: TruthRole) -> TruthBox {
        TruthBox { box3d: at(x_m), roles: vec![role] }
    }

    #[test]
    fn perfect_boxes_score_a_hundred_whatever_is_found_of_ignored_ones() {
        let frame = ScoredFrame {
            detections: vec![found(0.0, 0.9), found(20.0, 0.95)],
            truth: vec![truth(0.0, TruthRole::Wanted), truth(20.0, TruthRole::Ignored)],
        };
        assert_eq!(average_precision(&[frame], 0, Metric::Bev, 0.7), Some(100.0));
    }

    #[test]
    fn half_of_the_boxes_after_one_false_one_score_a_quarter() {
        let frame = ScoredFrame {
            detections: vec![found(50.0, 0.9), found(0.0, 0.8)],
            truth: vec![truth(0.0, TruthRole::Wanted), truth(20.0, TruthRole::Wanted)],
        };
        // Recall reaches 0.5 at a precision of 0.5: 20 of 40 recalls at 0.5.
        assert_eq!(average_precision(&[frame], 0, Metric::Volume, 0.7), Some(25.0));
    }

    #[test]
    fn a_second_box_on_one_truth_is_false_and_no_truth_gives_no_number() {
        let twice = ScoredFrame {
            detections: vec![found(0.0, 0.9), found(0.1, 0.95)],
            truth: vec![truth(0.0, TruthRole::Wanted)],
        };
        assert_eq!(average_precision(&[twice], 0, Metric::Bev, 0.7), Some(100.0));
        let none = ScoredFrame { detections: vec![found(0.0, 0.9)], truth: vec![] };
        assert_eq!(average_precision(&[none], 0, Metric::Bev, 0.7), None);
    }
}
