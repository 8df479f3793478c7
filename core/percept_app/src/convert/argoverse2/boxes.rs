//! The boxes of a log, by sweep, with the velocity that their tracks tell.

use super::feather::{FeatherTable, NO_TRANSFORM, RowFaults, transforms};
use crate::AppError;
use crate::drive::ObjectDetails;
use percept_types::{Box3d, Occlusion, Stamp, Transform, TruthObject};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;

/// Boxes of a track further apart than this tell no velocity, nanoseconds.
const MAX_APART_NS: u64 = 500_000_000;

/// The boxes of a log.
pub(super) struct LoggedBoxes {
    by_stamp_ns: BTreeMap<i64, Vec<(TruthObject, ObjectDetails)>>,
}

/// A row of annotations.feather.
struct Row {
    stamp_ns: i64,
    track: String,
    category: String,
    t_base_box: Transform,
    size_m: [f64; 3],
    num_points: usize,
}

impl LoggedBoxes {
    /// `poses` are the vehicle's in the city, by nanoseconds.
    pub(super) fn read_if_there(
        path: &Path,
        poses: &BTreeMap<i64, Transform>,
        faults: &mut RowFaults,
    ) -> Result<Option<Self>, AppError> {
        let Some(table) = FeatherTable::read_if_there(path)? else { return Ok(None) };
        let rows = read_rows(&table, faults)?;
        let mut tracks: BTreeMap<&str, BTreeMap<i64, [f64; 3]>> = BTreeMap::new();
        for row in &rows {
            if let Some(t_city_base) = poses.get(&row.stamp_ns) {
                let center_m = (*t_city_base * row.t_base_box).translation_m();
                tracks.entry(&row.track).or_default().insert(row.stamp_ns, center_m);
            }
        }
        let numbers = track_numbers(&rows);
        let mut by_stamp_ns: BTreeMap<i64, Vec<(TruthObject, ObjectDetails)>> = BTreeMap::new();
        for row in &rows {
            let velocity = tracks.get(row.track.as_str()).and_then(|track| velocity_in_city(track, row.stamp_ns));
            let t_base_city = poses.get(&row.stamp_ns).map(Transform::inverse);
            let velocity_mps = t_base_city.zip(velocity).map(|(t_base_city, velocity)| {
                let (tip, origin) = (t_base_city.apply(velocity), t_base_city.apply([0.0; 3]));
                [tip[0] - origin[0], tip[1] - origin[1]]
            });
            let object = truth_object(row, velocity_mps, numbers.get(row.track.as_str()).copied().unwrap_or_default());
            let mut details = vec![("track", row.track.clone())];
            if velocity_mps.is_none() {
                details.push(("velocity_known", "no".to_owned()));
            }
            details.retain(|(_, value)| !value.is_empty() && !value.contains(char::is_whitespace));
            by_stamp_ns.entry(row.stamp_ns).or_default().push((object, details));
        }
        Ok(Some(Self { by_stamp_ns }))
    }

    /// The boxes of a sweep in the vehicle's frame.
    pub(super) fn at(&self, stamp: Stamp) -> (Vec<TruthObject>, Vec<ObjectDetails>) {
        self.by_stamp_ns.get(&stamp.nanoseconds).into_iter().flatten().cloned().unzip()
    }
}

fn read_rows(table: &FeatherTable, faults: &mut RowFaults) -> Result<Vec<Row>, AppError> {
    let stamps = table.whole_numbers("timestamp_ns")?;
    let (tracks, categories) = (table.texts("track_uuid")?, table.texts("category")?);
    let (length, width, height) = (table.numbers("length_m")?, table.numbers("width_m")?, table.numbers("height_m")?);
    let points = table.whole_numbers("num_interior_pts")?;
    let mut rows = Vec::with_capacity(stamps.len());
    for (i, ((t_base_box, track), category)) in transforms(table)?.into_iter().zip(tracks).zip(categories).enumerate() {
        let (stamp_ns, size_m) = (stamps[i], [length[i], width[i], height[i]]);
        match t_base_box {
            None => table.note_fault(faults, stamp_ns, i, NO_TRANSFORM),
            Some(_) if !size_m.iter().all(|side_m| side_m.is_finite() && *side_m > 0.0) => {
                table.note_fault(faults, stamp_ns, i, &format!("a box of {size_m:?} m, expected sizes above 0"));
            }
            Some(t_base_box) => {
                let num_points = usize::try_from(points[i]).unwrap_or_default();
                rows.push(Row { stamp_ns, track, category, t_base_box, size_m, num_points });
            }
        }
    }
    Ok(rows)
}

fn truth_object(row: &Row, velocity_mps: Option<[f64; 2]>, instance_id: u32) -> TruthObject {
    TruthObject {
        class_name: row.category.clone(),
        box3d: Box3d {
            center_m: row.t_base_box.translation_m(),
            size_m: row.size_m,
            yaw_rad: row.t_base_box.yaw_rad(),
        },
        velocity_mps: velocity_mps.unwrap_or_default(),
        instance_id,
        num_points: row.num_points,
        occlusion: Occlusion::Unknown,
        truncation: -1.0,
        image_box: None,
    }
}

/// Between the boxes before and after, or this one at an end of the track; metres a second.
fn velocity_in_city(track: &BTreeMap<i64, [f64; 3]>, stamp_ns: i64) -> Option<[f64; 3]> {
    let near = |(at, _): &(&i64, &[f64; 3])| at.abs_diff(stamp_ns) <= MAX_APART_NS;
    let (from_ns, from) =
        track.range(..stamp_ns).next_back().filter(near).or_else(|| track.get_key_value(&stamp_ns))?;
    let after = (Bound::Excluded(stamp_ns), Bound::Unbounded);
    let (to_ns, to) = track.range(after).next().filter(near).or_else(|| track.get_key_value(&stamp_ns))?;
    let seconds = (to_ns - from_ns) as f64 * 1e-9;
    (seconds > 0.0).then(|| [0, 1, 2].map(|axis| (to[axis] - from[axis]) / seconds))
}

/// Numbers of the tracks from 1, in the order of first appearance.
fn track_numbers(rows: &[Row]) -> BTreeMap<&str, u32> {
    let mut by_time: Vec<&Row> = rows.iter().collect();
    by_time.sort_by_key(|row| row.stamp_ns);
    let mut numbers = BTreeMap::new();
    for row in by_time {
        let next = numbers.len() as u32 + 1;
        numbers.entry(row.track.as_str()).or_insert(next);
    }
    numbers
}
