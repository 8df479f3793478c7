//! What a detector is worth near the sensor, at a threshold that was not chosen on the frames it is judged on.
//!
//! ```text
//! simulated frames (held out) ─► weights ─► curve a class ─rule─► threshold ─┐
//! output bag + truth bag with boxes ────────────────────────────────────────┴─► NearScores: AP, recall, precision
//! output bag + truth bag with labelled points alone ────────────────────────┴─► InstanceScores: found, false boxes
//! ```
//! Only what the detector's grid covers is asked for, in the frame into which the replay moved the clouds.
//!
//! Cars as in [`NearCars`]: at least 20 points within 40 m. Pedestrians and cyclists: at least 10 points within 40 m,
//! found with an overlap from above of more than 0.25: few in any set, so they are told as counts. Names of nuScenes
//! and Argoverse 2 are taken as KITTI's.

mod class_names;
mod instances;
mod scores;
mod threshold;
mod view;

pub use instances::{InstanceClass, InstanceScores};
pub use scores::{NearClass, NearScores};
pub use threshold::{ClassThreshold, ThresholdSource};

pub(super) use instances::{has_labelled_points_alone, score_instances};

use super::detections::OutputDetections;
use super::frames::Frames;
use crate::training::{NearCars, near_config};
use crate::{AppError, Progress};
use class_names::{as_kitti_detections, as_kitti_object};
use percept_eval::EvalError;
use percept_eval::bev_ap::{BevApConfig, BevFrame, BoxOverlap};
use percept_eval::kitti::region_of_annotation;
pub use percept_eval::operating_point::ThresholdRule;
use percept_eval::operating_point::operating_point;
use percept_types::{Camera, Detections, TruthObject};
use std::path::{Path, PathBuf};
use view::DetectorView;

/// The classes asked for.
const CLASSES: [&str; 3] = ["Car", "Pedestrian", "Cyclist"];
/// People with fewer points are ignored.
const MIN_POINTS_OF_PEOPLE: usize = 10;
/// Overlap from above that finding one of them exceeds.
const OVERLAP_OF_PEOPLE: f64 = 0.25;
/// The same for cars, where they are found or missed at a threshold.
const OVERLAP_OF_CARS: f64 = 0.5;

/// What is asked of the objects near the sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct NearSettings {
    /// The weights that made the output; `None`: those that the output bag names.
    pub weights: Option<PathBuf>,
    /// Where the thresholds come from.
    pub threshold: ThresholdSource,
    /// How a threshold is chosen on simulated frames.
    pub rule: ThresholdRule,
}

/// One class' protocol.
fn class_config(class_name: &str) -> Result<BevApConfig, EvalError> {
    match class_name {
        "Car" => near_config(BoxOverlap::Bev, OVERLAP_OF_CARS),
        people => Ok(BevApConfig {
            min_overlap: OVERLAP_OF_PEOPLE,
            min_points: MIN_POINTS_OF_PEOPLE,
            max_range_m: near_config(BoxOverlap::Bev, OVERLAP_OF_CARS)?.max_range_m,
            ..BevApConfig::kitti(people)?
        }),
    }
}

/// Figures of one output on frames with true boxes.
pub(super) fn score_near(
    truth: &Path,
    output: &OutputDetections,
    frames: &Frames<'_>,
    settings: &NearSettings,
    progress: &mut dyn Progress,
) -> Result<NearScores, AppError> {
    let failed = AppError::stage::<EvalError>;
    let view = DetectorView::of(output, settings)?;
    let owned = frames_with_truth(truth, &output.bag, frames, view.as_ref())?;
    let bev_frames: Vec<BevFrame<'_>> = owned.iter().map(OwnedFrame::as_frame).collect();
    let thresholds = threshold::thresholds(output, settings, progress)?;
    let mut classes = Vec::new();
    for threshold in thresholds {
        let config = class_config(threshold.class_name).map_err(failed("evaluation"))?;
        let point = threshold.score.map(|score| operating_point(&bev_frames, &config, score));
        let point = point.transpose().map_err(failed("evaluation"))?;
        classes.push(NearClass::new(threshold, &config, point, bev_frames.len()));
    }
    let cars = NearCars::of(&bev_frames).map_err(failed("evaluation"))?;
    let view = view.filter(|_| owned.iter().any(|frame| frame.camera.is_none())).map(|view| view.to_string());
    Ok(NearScores::new(bev_frames.len(), &cars, classes, view))
}

/// Truth and detections of a frame under KITTI's names.
struct OwnedFrame<'a> {
    truth: Vec<TruthObject>,
    detections: Detections,
    camera: Option<&'a Camera>,
}

impl OwnedFrame<'_> {
    fn as_frame(&self) -> BevFrame<'_> {
        BevFrame { truth: &self.truth, detections: &self.detections, camera: self.camera }
    }
}

fn frames_with_truth<'a>(
    truth: &Path,
    out: &Path,
    frames: &'a Frames<'_>,
    view: Option<&DetectorView>,
) -> Result<Vec<OwnedFrame<'a>>, AppError> {
    let mut owned = Vec::with_capacity(frames.frames.len());
    for frame in &frames.frames {
        let Some(objects) = &frame.truth.objects else { continue };
        let mut objects: Vec<TruthObject> = objects.iter().map(as_kitti_object).collect();
        let camera = frame.truth.kitti.as_ref().map(|(labels, camera)| {
            objects.extend(labels.iter().filter_map(region_of_annotation));
            camera
        });
        owned.push(OwnedFrame { truth: objects, detections: as_kitti_detections(&frame.detections), camera });
    }
    if owned.iter().flat_map(|frame| &frame.truth).all(|object| object.num_points == 0) {
        let reason = "its truth does not tell the points of its boxes, which the objects near the sensor are chosen by: \
                      give a bag of percept simulate or percept convert";
        let (truth, detections) = (truth.to_owned(), out.to_owned());
        return Err(AppError::TruthMismatch { truth, detections, reason: reason.to_owned() });
    }
    // Where no camera tells what is labelled, what lies beyond the detector's grid is ignored, as what has no points is.
    for frame in owned.iter_mut().filter(|frame| frame.camera.is_none()) {
        let hidden = |object: &&mut TruthObject| view.is_some_and(|view| !view.shows(&object.box3d));
        frame.truth.iter_mut().filter(hidden).for_each(|object| object.num_points = 0);
    }
    Ok(owned)
}
