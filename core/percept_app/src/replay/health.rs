//! What of a replay's counts a person should look at, and what to do about it.

use super::ReplaySummary;

/// Share of dropped points above which something is likely to be wrong.
const NOTABLE_SHARE: f64 = 0.05;

/// Warnings from the counts of a whole replay.
pub(super) fn warnings(summary: &ReplaySummary) -> Vec<String> {
    let points = &summary.points;
    let succeeded = summary.frames - summary.frames_failed;
    let share = |count: u64| count as f64 / points.read.max(1) as f64;
    let boxes: u64 = summary.boxes.values().sum();
    let mut warnings = Vec::new();
    if summary.frames_empty > 0 {
        warnings.push(format!("{} clouds have no points: is the sensor switched on?", summary.frames_empty));
    }
    if share(points.not_finite) > NOTABLE_SHARE {
        let percent = share(points.not_finite) * 100.0;
        warnings.push(format!(
            "{percent:.0} % of the points are not finite: usual for organised clouds, else look at the driver"
        ));
    }
    if points.read > 0 && points.out_of_range + points.not_finite == points.read {
        warnings.push(
            "no point lies inside the grid: compare point_cloud_range with the sensor's mounting (percept check)"
                .to_owned(),
        );
    } else if succeeded > 0 && points.read > 0 && boxes == 0 {
        warnings.push(
            "no boxes at all: run percept check on weights and bag (intensity scale, sensor height, grid)".to_owned(),
        );
    }
    if summary.pillars_over_cap > 0 {
        warnings.push(format!("{} pillars over max_voxels were dropped: raise max_voxels", summary.pillars_over_cap));
    }
    warnings
}
