//! Which points stay: those outside the own vehicle and inside the region of interest.

use super::sweep::{apply, matrix_of};
use super::{Bounds, CloudSettings};
use percept_types::Transform;

/// Removes points, and their lags with them; gives how many. Points that are not finite stay, to be counted as such.
pub(super) fn crop(
    points: &mut Vec<[f32; 4]>,
    lags_s: &mut Vec<f32>,
    settings: &CloudSettings,
    t_crop_cloud: Option<&Transform>,
) -> usize {
    let rows = t_crop_cloud.map(matrix_of);
    let keeps = |point: &[f32; 4]| {
        let mut at = *point;
        if let Some(rows) = &rows {
            apply(rows, &mut at);
        }
        let at_m = [at[0], at[1], at[2]].map(f64::from);
        let is_in = |bounds: &Bounds| bounds.contains(at_m);
        let is_finite = at_m.iter().all(|value| value.is_finite());
        !is_finite
            || (!settings.crop_box.as_ref().is_some_and(is_in)
                && settings.region_of_interest.as_ref().is_none_or(is_in))
    };
    let before = points.len();
    let mut kept = 0;
    for index in 0..before {
        if keeps(&points[index]) {
            points.swap(kept, index);
            if !lags_s.is_empty() {
                lags_s.swap(kept, index);
            }
            kept += 1;
        }
    }
    points.truncate(kept);
    lags_s.truncate(kept);
    before - kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_vehicle_goes_and_the_region_stays_in_the_order_of_arrival() {
        let settings = CloudSettings {
            crop_box: Some(Bounds { min_m: [-1.0; 3], max_m: [1.0; 3] }),
            region_of_interest: Some(Bounds { min_m: [-10.0; 3], max_m: [10.0; 3] }),
            ..CloudSettings::default()
        };
        let at = |x: f32| [x, 0.0, 0.0, x];
        let mut points = vec![at(0.5), at(2.0), at(11.0), at(f32::NAN), at(-9.0)];
        let mut lags_s = vec![0.0, 0.1, 0.2, 0.3, 0.4];
        assert_eq!(crop(&mut points, &mut lags_s, &settings, None), 2);
        assert_eq!((points[0], points[2], lags_s), (at(2.0), at(-9.0), vec![0.1, 0.3, 0.4]));
        // Seen from a frame 5 m behind, 2 m are 7 m and -9 m are -4 m.
        let t_crop_cloud = Transform::from_yaw([5.0, 0.0, 0.0], 0.0);
        let mut points = vec![at(2.0), at(-5.0), at(6.0)];
        assert_eq!(crop(&mut points, &mut Vec::new(), &settings, Some(&t_crop_cloud)), 2);
        assert_eq!(points, [at(2.0)]);
    }
}
