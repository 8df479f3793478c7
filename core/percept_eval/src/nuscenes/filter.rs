//! What counts: within range of its class, with at least one point, not in a bicycle rack.

use super::{DetectionClass, NuscenesConfig, NuscenesFrame};
use percept_types::Box3d;
use serde::{Deserialize, Serialize};

/// Boxes left out, and why; in this order a box is counted once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FilterCounts {
    /// Truth beyond the range of its class.
    pub truth_out_of_range: usize,
    /// Truth without points.
    pub truth_without_points: usize,
    /// Truth in a bicycle rack.
    pub truth_in_rack: usize,
    /// Predictions beyond the range of their class, or of a class that is not evaluated.
    pub predictions_out_of_range: usize,
    /// Predictions in a bicycle rack.
    pub predictions_in_rack: usize,
}

impl FilterCounts {
    pub(super) fn add(&mut self, other: &Self) {
        self.truth_out_of_range += other.truth_out_of_range;
        self.truth_without_points += other.truth_without_points;
        self.truth_in_rack += other.truth_in_rack;
        self.predictions_out_of_range += other.predictions_out_of_range;
        self.predictions_in_rack += other.predictions_in_rack;
    }
}

/// A frame with only what counts.
pub fn filtered(frame: &NuscenesFrame, config: &NuscenesConfig) -> (NuscenesFrame, FilterCounts) {
    let mut counts = FilterCounts::default();
    let in_range = |class: DetectionClass, b: &Box3d| {
        let distance_m = (b.center_m[0] - frame.ego_m[0]).hypot(b.center_m[1] - frame.ego_m[1]);
        config.range_m(class).is_some_and(|range_m| distance_m < range_m)
    };
    let in_rack = |class: DetectionClass, b: &Box3d| {
        matches!(class, DetectionClass::Bicycle | DetectionClass::Motorcycle)
            && frame.bike_racks.iter().any(|rack| holds(rack, b.center_m))
    };
    let mut truth = frame.truth.clone();
    truth.retain(|t| {
        let reason = if !in_range(t.class, &t.box3d) {
            &mut counts.truth_out_of_range
        } else if t.num_points == Some(0) {
            &mut counts.truth_without_points
        } else if in_rack(t.class, &t.box3d) {
            &mut counts.truth_in_rack
        } else {
            return true;
        };
        *reason += 1;
        false
    });
    let mut predictions = frame.predictions.clone();
    predictions.retain(|p| {
        let reason = if !in_range(p.class, &p.box3d) {
            &mut counts.predictions_out_of_range
        } else if in_rack(p.class, &p.box3d) {
            &mut counts.predictions_in_rack
        } else {
            return true;
        };
        *reason += 1;
        false
    });
    (NuscenesFrame { truth, predictions, bike_racks: frame.bike_racks.clone(), ego_m: frame.ego_m }, counts)
}

/// Whether a point lies in a box, its faces included.
fn holds(b: &Box3d, point_m: [f64; 3]) -> bool {
    b.to_local(point_m).iter().zip(b.size_m).all(|(local, side)| local.abs() <= side / 2.0)
}
