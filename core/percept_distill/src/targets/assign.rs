//! The assigner: which anchor is asked to say what, class by class.
//!
//! Only anchors near a true box are measured: all others overlap nothing and are background. The result is that of
//! the full table of overlaps (a test holds the two together).
//! Source  spec of PointPillars' assigner: maximum overlap with force match of each truth's best anchors, ties included.

use percept_models::pointpillars::{ANCHOR_ROTATIONS, AnchorClass, Anchors, BOX_CODE_SIZE, direction_bin, encode_box};
use percept_types::Box3d;

use super::nearest_bev::UprightRectangle;
use super::roles::{AssignmentRules, TruthBox, TruthRole};

/// What the classification of one anchor is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorLabel {
    /// Neither right nor wrong.
    Ignored,
    /// No class.
    Background,
    /// Its own class.
    Positive,
}

/// An anchor that is asked for a box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PositiveAnchor {
    /// Its index in [y, x, class, rotation] order.
    pub anchor: usize,
    /// Class it stands for.
    pub class_index: usize,
    /// The true box relative to the anchor: (x, y, z, length, width, height, yaw) residuals.
    pub box_code: [f32; BOX_CODE_SIZE],
    /// Half of the circle that the true heading lies in, 0 or 1.
    pub direction_bin: usize,
}

/// Targets of one frame, or of a window of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AssignedFrame {
    /// One label an anchor, [y, x, class, rotation].
    pub labels: Vec<AnchorLabel>,
    /// The positives, by rising index.
    pub positives: Vec<PositiveAnchor>,
}

/// Overlaps of the anchors as far as they matter.
struct Overlaps {
    /// Best overlap with a wanted box, and which, an anchor; the first box wins a tie.
    best: Vec<(f32, usize)>,
    /// Best overlap with an ignored box.
    best_ignored: Vec<f32>,
    /// Anchors that are some wanted box's best.
    forced: Vec<bool>,
}

/// Assigns every anchor of a grid or window; `direction_offset_rad` is where the head's first half circle begins.
pub fn assign(
    anchors: &Anchors,
    rules: &AssignmentRules,
    truth: &[TruthBox],
    direction_offset_rad: f64,
) -> AssignedFrame {
    let overlaps = measure(anchors, rules, truth);
    let mut assigned = AssignedFrame { labels: vec![AnchorLabel::Background; anchors.len()], positives: Vec::new() };
    for (index, label) in assigned.labels.iter_mut().enumerate() {
        let (overlap, truth_index) = overlaps.best[index];
        let ignored = overlaps.best_ignored[index];
        if overlap == 0.0 && ignored == 0.0 {
            continue;
        }
        let class_index = index % anchors.per_cell() / ANCHOR_ROTATIONS.len();
        let (positive_iou, negative_iou) = thresholds(&anchors.classes()[class_index]);
        if overlaps.forced[index] || overlap >= positive_iou {
            if let (Some(wanted), Some(anchor)) = (truth.get(truth_index), anchors.get(index)) {
                *label = AnchorLabel::Positive;
                assigned.positives.push(PositiveAnchor {
                    anchor: index,
                    class_index,
                    box_code: encode_box(&wanted.box3d, &anchor.box3d).map(|value| value as f32),
                    direction_bin: direction_bin(wanted.box3d.yaw_rad, direction_offset_rad),
                });
            }
        } else if overlap >= negative_iou || ignored >= negative_iou {
            *label = AnchorLabel::Ignored;
        }
    }
    assigned
}

/// Positive and negative overlap as the f32 that f32 overlaps are compared with.
fn thresholds(class: &AnchorClass) -> (f32, f32) {
    (class.positive_iou as f32, class.negative_iou as f32)
}

fn measure(anchors: &Anchors, rules: &AssignmentRules, truth: &[TruthBox]) -> Overlaps {
    let count = anchors.len();
    let mut overlaps =
        Overlaps { best: vec![(0.0, usize::MAX); count], best_ignored: vec![0.0; count], forced: vec![false; count] };
    for (class_index, class) in anchors.classes().iter().enumerate() {
        let least_force = if rules.force_match_needs_negative_iou { thresholds(class).1 } else { 0.0 };
        for (truth_index, truth_box) in truth.iter().enumerate() {
            match truth_box.roles.get(class_index) {
                Some(TruthRole::Wanted) => {
                    overlaps.add_wanted(anchors, class_index, (truth_index, &truth_box.box3d), least_force);
                }
                Some(TruthRole::Ignored) => overlaps.add_ignored(anchors, class_index, &truth_box.box3d),
                Some(TruthRole::Background) | None => {}
            }
        }
    }
    overlaps
}

impl Overlaps {
    fn add_wanted(&mut self, anchors: &Anchors, class_index: usize, (truth_index, truth): (usize, &Box3d), least: f32) {
        let mut highest = 0.0;
        let mut highest_at = Vec::new();
        for_each_near(anchors, class_index, truth, |index, overlap| {
            if overlap > self.best[index].0 {
                self.best[index] = (overlap, truth_index);
            }
            if overlap > highest {
                highest = overlap;
                highest_at.clear();
            }
            if overlap == highest && overlap > 0.0 {
                highest_at.push(index);
            }
        });
        if highest >= least {
            highest_at.into_iter().for_each(|index| self.forced[index] = true);
        }
    }

    fn add_ignored(&mut self, anchors: &Anchors, class_index: usize, truth: &Box3d) {
        for_each_near(anchors, class_index, truth, |index, overlap| {
            self.best_ignored[index] = self.best_ignored[index].max(overlap);
        });
    }
}

/// Overlap of a box with every anchor of a class that can touch it.
fn for_each_near(anchors: &Anchors, class_index: usize, truth: &Box3d, mut visit: impl FnMut(usize, f32)) {
    let wanted = rectangle(truth);
    let class = &anchors.classes()[class_index];
    let reach_m = class.size_m[0].max(class.size_m[1]) / 2.0;
    let near = |places_m: &[f64], axis: usize| {
        let (low_m, high_m) = (f64::from(wanted.min_m[axis]) - reach_m, f64::from(wanted.max_m[axis]) + reach_m);
        places_within(places_m, low_m, high_m)
    };
    let columns = near(anchors.xs_m(), 0);
    for row in near(anchors.ys_m(), 1) {
        for column in columns.clone() {
            for (rotation_index, yaw_rad) in ANCHOR_ROTATIONS.into_iter().enumerate() {
                let center_m = [anchors.xs_m()[column], anchors.ys_m()[row], class.center_z_m];
                let anchor = rectangle(&Box3d { center_m, size_m: class.size_m, yaw_rad });
                visit(anchors.index(row, column, class_index, rotation_index), wanted.iou(&anchor));
            }
        }
    }
}

/// Indices of the rising places on one axis that lie within an interval, widened by one place on each side so that
/// rounding cannot lose one.
fn places_within(places_m: &[f64], low_m: f64, high_m: f64) -> std::ops::Range<usize> {
    let first = places_m.partition_point(|place| *place < low_m).saturating_sub(1);
    let last = (places_m.partition_point(|place| *place <= high_m) + 1).min(places_m.len());
    first..last.max(first)
}

fn rectangle(b: &Box3d) -> UprightRectangle {
    let size_m = [b.size_m[0] as f32, b.size_m[1] as f32];
    UprightRectangle::snapped([b.center_m[0] as f32, b.center_m[1] as f32], size_m, b.yaw_rad as f32)
}

#[cfg(test)]
mod tests;
