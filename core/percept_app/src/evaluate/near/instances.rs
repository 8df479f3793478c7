//! Things found in sweeps of which only the points are labelled (SemanticKITTI).

use super::super::detections::OutputDetections;
use super::scores::found_and_false;
use super::threshold::{ClassThreshold, thresholds};
use super::{MIN_POINTS_OF_PEOPLE, NearSettings};
use crate::replay::decode_cloud;
use crate::training::near_config;
use crate::{AppError, Progress, topics};
use percept_bag::{BagReader, RawMessage, ReadOptions, TopicFilter};
use percept_eval::bev_ap::BoxOverlap;
use percept_eval::instances::{FoundBy, InstanceConfig, InstanceOutcome, judge_instances};
use percept_eval::operating_point::OperatingPoint;
use percept_eval::table::Table;
use percept_kernels::decode_points::decode_points;
use percept_msgs::sensor_msgs::PointCloud2;
use percept_types::{Detections, PointCloud, PointLabels, Stamp};
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// A class in all sweeps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceClass {
    /// The threshold and where it comes from.
    pub threshold: ClassThreshold,
    /// What was asked for.
    pub config: InstanceConfig,
    /// What is found and false.
    pub point: Option<OperatingPoint>,
    /// False boxes a frame.
    pub false_boxes_a_frame: Option<f64>,
    /// Things with too few points, too far, or where the detector does not look.
    pub ignored: usize,
    /// Every thing that counts, sweep by sweep.
    pub instances: Vec<(i64, InstanceOutcome)>,
}

/// Things found in labelled sweeps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceScores {
    /// Sweeps with labels and a message in the output.
    pub frames: usize,
    /// Labelled sweeps without a message in the output: left out.
    pub without_detections: usize,
    /// By class.
    pub classes: Vec<InstanceClass>,
}

/// Whether a bag labels points and has no true boxes.
pub(in super::super) fn has_labelled_points_alone(truth: &Path) -> bool {
    let Ok(reader) = BagReader::open(truth, ReadOptions::default()) else { return false };
    let has = |name: &str| reader.topics().iter().any(|topic| topic.name == name);
    has(topics::TRUTH_POINTS) && !has(topics::TRUTH_OBJECTS) && !has(topics::TRUTH_KITTI)
}

/// Judges one output on the labelled sweeps of a bag.
pub(in super::super) fn score_instances(
    truth: &Path,
    output: &OutputDetections,
    settings: &NearSettings,
    progress: &mut dyn Progress,
) -> Result<InstanceScores, AppError> {
    let range_m = near_config(BoxOverlap::Bev, 0.5).ok().and_then(|config| config.max_range_m).unwrap_or(40.0);
    let min_points = near_config(BoxOverlap::Bev, 0.5).map_or(20, |config| config.min_points);
    let mut configs = InstanceConfig::semantic_kitti(min_points, range_m);
    configs.iter_mut().filter(|config| config.class_name != "Car").for_each(|c| c.min_points = MIN_POINTS_OF_PEOPLE);
    let mut classes: Vec<InstanceClass> = thresholds(output, settings, progress)?
        .into_iter()
        .zip(configs)
        .map(|(threshold, config)| InstanceClass {
            point: threshold.score.map(|score| OperatingPoint::new(score, 0, 0, 0)),
            threshold,
            config,
            false_boxes_a_frame: None,
            ignored: 0,
            instances: Vec::new(),
        })
        .collect();
    // A detector whose boxes all lie ahead looks ahead alone.
    let ahead_alone = output.by_stamp.values().flat_map(|found| &found.boxes).all(|d| d.box3d.center_m[0] > -1.0);
    let (mut frames, mut without_detections) = (0, 0);
    let reader = BagReader::open(truth, ReadOptions::default())?;
    for message in reader.messages(TopicFilter::topics([topics::TRUTH_POINTS]))? {
        let (stamp, cloud, labels) = labelled_sweep(truth, &message?)?;
        let Some(detections) = output.by_stamp.get(&stamp) else {
            without_detections += 1;
            continue;
        };
        frames += 1;
        classes.iter_mut().for_each(|class| class.add(stamp, &cloud, &labels, detections, ahead_alone));
    }
    if frames == 0 {
        let reason = format!("{without_detections} labelled sweeps, none with the stamp of a message of the output");
        let (truth, detections) = (truth.to_owned(), output.bag.clone());
        return Err(AppError::TruthMismatch { truth, detections, reason });
    }
    for class in &mut classes {
        class.false_boxes_a_frame = class.point.map(|point| point.false_boxes as f64 / frames as f64);
    }
    Ok(InstanceScores { frames, without_detections, classes })
}

impl InstanceClass {
    fn add(
        &mut self,
        stamp: Stamp,
        cloud: &PointCloud,
        labels: &PointLabels,
        detections: &Detections,
        ahead_alone: bool,
    ) {
        let Some(so_far) = self.point else { return };
        let in_view = |[x, _]: [f64; 2]| !ahead_alone || x > 0.0;
        let tally = judge_instances(cloud, labels, detections, so_far.score_threshold, &self.config, in_view);
        let found = tally.instances.iter().filter(|outcome| outcome.found.is_some()).count();
        let missed = tally.instances.len() - found;
        self.point = Some(OperatingPoint::new(
            so_far.score_threshold,
            so_far.found + found,
            so_far.missed + missed,
            so_far.false_boxes + tally.false_boxes,
        ));
        self.ignored += tally.ignored;
        self.instances.extend(tally.instances.into_iter().map(|outcome| (stamp.nanoseconds, outcome)));
    }
}

/// A labelled cloud; points that are not finite would leave labels without a point, so they are refused.
fn labelled_sweep(bag: &Path, message: &RawMessage) -> Result<(Stamp, PointCloud, PointLabels), AppError> {
    let fault = |reason: String| AppError::Message {
        bag: bag.to_owned(),
        topic: topics::TRUTH_POINTS.to_owned(),
        log_time_ns: message.log_time_ns,
        reason,
    };
    let raw = decode_cloud(message).map_err(|error| fault(error.to_string()))?;
    let labels = PointCloud2::labels_of(&raw.payload).map_err(|error| fault(error.to_string()))?;
    let decoded = decode_points(&raw.payload, &[], Vec::new()).map_err(|error| fault(error.to_string()))?;
    if decoded.not_finite > 0 {
        return Err(fault(format!("{} labelled points are not finite", decoded.not_finite)));
    }
    Ok((raw.stamp, decoded.cloud, labels))
}

impl fmt::Display for InstanceScores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} sweeps with labelled points, without boxes: what detections hold or lie near", self.frames)?;
        if self.without_detections > 0 {
            writeln!(f, "  {} further ones have no message in the output and are left out", self.without_detections)?;
        }
        let header = ["class", "score from", "chosen by", "where chosen: recall", "precision"];
        let here = ["asked for", "here: found", "recall", "precision", "false", "false a frame", "ignored"];
        let mut table = Table::new(&[&header[..], &here[..]].concat());
        for class in &self.classes {
            let mut row = class.threshold.row();
            row.push(format!("{} points, {} m", class.config.min_points, class.config.max_range_m));
            row.extend(found_and_false(class.point.as_ref(), class.false_boxes_a_frame));
            row.push(class.ignored.to_string());
            table.push(row);
        }
        writeln!(f, "{table}")?;
        let mut each = Table::new(&["class", "sweep (s)", "instance", "distance", "bearing", "points", "found"]);
        for (stamp_ns, outcome) in self.classes.iter().flat_map(|class| &class.instances) {
            let [x, y] = outcome.mean_m;
            let found = match (outcome.found, outcome.score) {
                (Some(FoundBy::Points), Some(score)) => format!("yes, {score:.2}"),
                (Some(FoundBy::Center), Some(score)) => format!("by its centre, {score:.2}"),
                (Some(_) | None, _) => "no".to_owned(),
            };
            each.push(vec![
                outcome.class_name.to_owned(),
                Stamp::from_ns(*stamp_ns).to_string(),
                outcome.instance_id.to_string(),
                format!("{:.1} m", x.hypot(y)),
                format!("{:.0} deg", y.atan2(x).to_degrees()),
                outcome.num_points.to_string(),
                found,
            ]);
        }
        writeln!(f, "{each}")
    }
}
