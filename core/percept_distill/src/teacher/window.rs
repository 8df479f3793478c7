//! A frame's record cut to a window of the canvas and moved with the frame's augmentation.

use std::collections::BTreeMap;

use percept_models::pointpillars::{Anchors, CellWindow, OUTPUT_STRIDE, Pillars, PointPillarsConfig};

use super::{AnchorChoice, AnchorTargets, SceneMotion, TeacherNeeds, TeacherRecord, moved_anchors};
use crate::DistillError;

/// What the teacher says about one window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WindowTargets {
    /// The anchors, numbered in the window.
    pub anchors: Option<AnchorTargets>,
    /// (P, C) in the order of the window's pillars, and C.
    pub pillar_features: Option<(Vec<f32>, usize)>,
}

impl WindowTargets {
    /// The window of a record. The teacher saw the whole frame: near the window's edge it knows more than a teacher that
    /// runs on the window.
    ///
    /// # Errors
    /// A record that lacks what is needed, or whose pillars are not those of the window.
    pub(crate) fn of_record(
        record: &TeacherRecord,
        config: &PointPillarsConfig,
        needs: &TeacherNeeds,
        (window, pillars): (&CellWindow, &Pillars),
        motion: &SceneMotion,
    ) -> Result<Self, DistillError> {
        let anchors = needs.anchors.map(|choice| anchors_of(record, config, choice, window, motion)).transpose()?;
        let pillar_features = match needs.taps.iter().next() {
            None => None,
            Some(_) => Some(features_of(record, window, pillars)?),
        };
        Ok(Self { anchors, pillar_features })
    }
}

fn anchors_of(
    record: &TeacherRecord,
    config: &PointPillarsConfig,
    choice: AnchorChoice,
    window: &CellWindow,
    motion: &SceneMotion,
) -> Result<AnchorTargets, DistillError> {
    let whole = Anchors::new(config, &config.whole_window())?;
    let recorded = record.anchors.as_ref().ok_or_else(|| super::lacking("logits of anchors"))?;
    recorded.targets.check(config.num_classes(), whole.len())?;
    let moved = moved_anchors(&recorded.targets, &whole, config.direction_offset_rad(), motion);
    let (per_cell, [_, width]) = (whole.per_cell(), whole.map_size());
    let (x0, y0) = (window.x0 / OUTPUT_STRIDE, window.y0 / OUTPUT_STRIDE);
    let (nx, ny) = (window.nx / OUTPUT_STRIDE, window.ny / OUTPUT_STRIDE);
    let mut inside = AnchorTargets { num_classes: moved.num_classes, ..AnchorTargets::default() };
    for (place, anchor) in moved.anchors.iter().enumerate() {
        let (cell, kind) = (*anchor as usize / per_cell, *anchor as usize % per_cell);
        let (y, x) = (cell / width, cell % width);
        if (y0..y0 + ny).contains(&y) && (x0..x0 + nx).contains(&x) {
            inside.push((((y - y0) * nx + x - x0) * per_cell + kind) as u32, &moved, place);
        }
    }
    Ok(inside.best(choice))
}

fn features_of(
    record: &TeacherRecord,
    window: &CellWindow,
    pillars: &Pillars,
) -> Result<(Vec<f32>, usize), DistillError> {
    let recorded = record.pillars.as_ref().ok_or_else(|| super::lacking("pillar features"))?;
    let places: BTreeMap<[u32; 2], usize> =
        recorded.coords.iter().enumerate().map(|(place, coord)| (*coord, place)).collect();
    let mut features = Vec::with_capacity(pillars.len() * recorded.channels);
    for (pillar, [_, y, x]) in pillars.coords.iter().enumerate() {
        let coord = [window.y0 as u32 + y, window.x0 as u32 + x];
        let num_points = pillars.offsets[pillar + 1] - pillars.offsets[pillar];
        let place = places.get(&coord).filter(|place| recorded.num_points[**place] == num_points);
        let Some(place) = place else {
            let reason = format!(
                "has no pillar of {num_points} points at cell {coord:?}: the frame was changed since the teacher saw it \
                 (augmentation, another grid); train without augmentation or keep the teacher live"
            );
            return Err(DistillError::Record { reason });
        };
        features.extend_from_slice(&recorded.features[place * recorded.channels..][..recorded.channels]);
    }
    Ok((features, recorded.channels))
}
