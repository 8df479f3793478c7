//! Figures from boxes alone, without a camera: bird's-eye average precision, and nuScenes' metrics.

use super::frames::Frames;
use crate::AppError;
use percept_eval::bev_ap::{self, BevAp, BevApConfig, BevFrame, BoxOverlap};
use percept_eval::nuscenes::{NuscenesConfig, NuscenesFrame, NuscenesResults, evaluate, predictions_of, truth_of};
use percept_eval::table::{Table, percent};
use percept_types::{Detections, TruthObject};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// Overlap that a match exceeds for a class that KITTI does not know.
const OTHER_MIN_OVERLAP: f64 = 0.5;
/// Truth with fewer points is ignored, where the truth tells its points.
const MIN_POINTS: usize = 5;

/// Figures of one class from above and in space.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BevClassScores {
    /// Overlap that a match exceeds.
    pub min_overlap: f64,
    /// Footprints.
    pub bev: BevAp,
    /// Volumes.
    #[serde(rename = "3d")]
    pub volume: BevAp,
}

/// Figures of every class that the truth or the detector names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BevScores {
    /// Fewest points of a truth box that counts; 0 where the truth does not tell its points.
    pub min_points: usize,
    /// By class name.
    pub classes: Vec<BevClassScores>,
}

/// Bird's-eye and 3-D average precision on frames with true boxes; `None` where no frame has any.
pub(super) fn bev_scores(frames: &Frames<'_>) -> Result<Option<BevScores>, AppError> {
    let bev_frames: Vec<BevFrame<'_>> = frames
        .frames
        .iter()
        .filter_map(|frame| {
            let truth = frame.truth.objects.as_deref()?;
            Some(BevFrame { truth, detections: &frame.detections, camera: None })
        })
        .collect();
    if bev_frames.is_empty() {
        return Ok(None);
    }
    let tells_points = bev_frames.iter().flat_map(|frame| frame.truth).any(|object| object.num_points > 0);
    let min_points = if tells_points { MIN_POINTS } else { 0 };
    let truth_names = bev_frames.iter().flat_map(|frame| frame.truth).map(|object| object.class_name.as_str());
    let found_names = bev_frames.iter().flat_map(|frame| &frame.detections.class_names).map(String::as_str);
    let names: BTreeSet<&str> = truth_names.chain(found_names).filter(|name| *name != "DontCare").collect();
    let mut classes = Vec::with_capacity(names.len());
    for name in names {
        let config = class_config(name, min_points);
        let volume = BevApConfig { overlap: BoxOverlap::Volume, ..config.clone() };
        let figure = |config| bev_ap::evaluate(&bev_frames, config).map_err(AppError::stage("evaluation"));
        let scores =
            BevClassScores { min_overlap: config.min_overlap, bev: figure(&config)?, volume: figure(&volume)? };
        classes.push(scores);
    }
    Ok(Some(BevScores { min_points, classes }))
}

/// KITTI's neighbours and overlap where KITTI knows the class.
pub(super) fn class_config(name: &str, min_points: usize) -> BevApConfig {
    match BevApConfig::kitti(name) {
        Ok(config) => BevApConfig { min_points, ..config },
        Err(_) => BevApConfig {
            class_name: name.to_owned(),
            neighbours: Vec::new(),
            min_overlap: OTHER_MIN_OVERLAP,
            overlap: BoxOverlap::Bev,
            min_points,
            max_range_m: None,
        },
    }
}

impl fmt::Display for BevScores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "average precision R40 in percent; truth with fewer than {} points is ignored", self.min_points)?;
        let mut table = Table::new(&["class", "overlap >", "truth", "bev", "3d"]);
        for class in &self.classes {
            let name = class.bev.class_name.clone();
            let (overlap, truth) = (format!("{:.2}", class.min_overlap), class.bev.num_truth.to_string());
            table.push(vec![name, overlap, truth, percent(class.bev.ap_r40), percent(class.volume.ap_r40)]);
        }
        write!(f, "{table}")
    }
}

/// nuScenes' metrics on frames with true boxes, KITTI's names taken as nuScenes'.
///
/// Boxes stay in the LiDAR's frame: distances to the vehicle are those to the sensor. Attributes and velocities that
/// nobody tells count as the devkit counts them.
pub(super) fn nuscenes_scores(frames: &Frames<'_>) -> Result<NuscenesResults, AppError> {
    let mut samples = Vec::with_capacity(frames.frames.len());
    for frame in &frames.frames {
        let Some(objects) = &frame.truth.objects else { continue };
        let objects: Vec<TruthObject> = objects.iter().map(renamed_object).collect();
        samples.push(NuscenesFrame {
            truth: truth_of(&objects),
            predictions: predictions_of(&renamed(&frame.detections)).map_err(AppError::stage("nuScenes metrics"))?,
            bike_racks: Vec::new(),
            ego_m: [0.0; 2],
        });
    }
    evaluate(&samples, &NuscenesConfig::default()).map_err(AppError::stage("nuScenes metrics"))
}

/// nuScenes' name of a class of KITTI; others are left as they are.
fn nuscenes_name(class_name: &str) -> &str {
    match class_name {
        "Car" | "Van" => "car",
        "Truck" => "truck",
        "Pedestrian" | "Person_sitting" => "pedestrian",
        "Cyclist" => "bicycle",
        other => other,
    }
}

fn renamed(detections: &Detections) -> Detections {
    let class_names = detections.class_names.iter().map(|name| nuscenes_name(name).to_owned()).collect();
    Detections { class_names, boxes: detections.boxes.clone() }
}

fn renamed_object(object: &TruthObject) -> TruthObject {
    TruthObject { class_name: nuscenes_name(&object.class_name).to_owned(), ..object.clone() }
}
