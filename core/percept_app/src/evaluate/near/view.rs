//! What of the surroundings a detector looked at: its grid, in the frame into which the replay moved the clouds.

use super::NearSettings;
use super::threshold::notes_of;
use crate::AppError;
use crate::detector::open_weights;
use crate::evaluate::detections::OutputDetections;
use crate::replay::{T_MODEL_CLOUD, transform_of_note};
use percept_types::{Box3d, Transform};
use std::fmt;
use std::path::PathBuf;

/// The grid of an output's weights around its clouds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DetectorView {
    /// x, y, z minimum, then maximum, in the frame of training.
    range_m: [f64; 6],
    /// `None` where the clouds were not moved.
    t_model_cloud: Option<Transform>,
    moved: Option<String>,
}

impl DetectorView {
    /// `None` where nobody names the weights, or they are not there any more: then everything is asked for.
    pub(super) fn of(output: &OutputDetections, settings: &NearSettings) -> Result<Option<Self>, AppError> {
        let notes = notes_of(output)?;
        let path = settings.weights.clone().or_else(|| notes.get("weights").map(PathBuf::from));
        let Some(weights) = path.and_then(|path| open_weights(&path).ok()) else { return Ok(None) };
        Ok(Some(Self {
            range_m: weights.config.grid().range_m(),
            t_model_cloud: notes.get(T_MODEL_CLOUD).and_then(|note| transform_of_note(note)),
            moved: notes.get("model_frame").cloned(),
        }))
    }

    /// Whether the middle of a box of the cloud lies above or below the grid's area.
    pub(super) fn shows(&self, b: &Box3d) -> bool {
        let [x, y, _] = self.t_model_cloud.map_or(b.center_m, |t_model_cloud| t_model_cloud.apply(b.center_m));
        let [x_min, y_min, _, x_max, y_max, _] = self.range_m;
        (x_min..=x_max).contains(&x) && (y_min..=y_max).contains(&y)
    }
}

impl fmt::Display for DetectorView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [x_min, y_min, _, x_max, y_max, _] = self.range_m;
        write!(f, "the detector's grid, x {x_min} to {x_max} m and y {y_min} to {y_max} m, of clouds ")?;
        f.write_str(self.moved.as_deref().unwrap_or("as they came"))
    }
}
