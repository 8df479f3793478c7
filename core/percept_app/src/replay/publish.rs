//! What a replay writes for each frame.

use super::Source;
use super::frames::CloudFrame;
use super::summary::Tally;
use crate::mounting::BagMounting;
use crate::output_bag::{OutputBag, OutputTopic};
use crate::{AppError, DetectorConfig, topics};
use percept_bag::{QosProfile, TopicInfo};
use percept_msgs::MarkerStyle;
use percept_msgs::autoware_internal_debug_msgs::Float64Stamped;
use percept_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus};
use percept_msgs::std_msgs::Header;
use percept_msgs::vision_msgs::{Detection3DArray, LabelInfo, VisionClass};
use percept_msgs::visualization_msgs::MarkerArray;
use percept_types::{Detections, FrameReport, ModelCard, Stamp, Transform};
use std::collections::BTreeMap;
use std::path::Path;

/// Diagnostics come about once a second of the bag's own clock.
const DIAGNOSTICS_PERIOD_NS: i64 = 1_000_000_000;

/// Key of the note that holds the motion of the clouds: translation in metres, then rotation as x, y, z, w.
pub(crate) const T_MODEL_CLOUD: &str = "t_model_cloud";

fn numbers_of(transform: &Transform) -> String {
    let numbers = transform.translation_m().into_iter().chain(transform.quaternion_xyzw());
    numbers.map(|v| v.to_string()).collect::<Vec<_>>().join(" ")
}

/// What a note of [`T_MODEL_CLOUD`] says.
pub(crate) fn transform_of_note(note: &str) -> Option<Transform> {
    let numbers: Vec<f64> = note.split(' ').map(|v| v.parse().ok()).collect::<Option<_>>()?;
    let [x, y, z, qx, qy, qz, qw] = <[f64; 7]>::try_from(numbers).ok()?;
    Transform::from_parts([x, y, z], [qx, qy, qz, qw])
}

/// Where the output came from.
pub(super) struct Provenance {
    entries: BTreeMap<String, String>,
    classes: Vec<String>,
    device: String,
}

impl Provenance {
    pub(super) fn of(source: &Source<'_>, topic: &TopicInfo, card: &ModelCard, mounting: Option<&BagMounting>) -> Self {
        let entries = [
            ("percept_version", env!("CARGO_PKG_VERSION").to_owned()),
            ("source_bag", source.bag.display().to_string()),
            ("source_topic", topic.name.clone()),
            ("source_messages", topic.message_count.to_string()),
            ("weights", source.weights.display().to_string()),
            ("weights_sha256", card.weights_sha256.clone()),
            ("model_id", card.model_id.clone()),
            ("class_names", card.class_names.join(",")),
        ];
        // A bag of clouds that were not moved stays as it was before there was a way to move them.
        let moved = mounting.and_then(|m| Some((m.description(), m.first().t_model_cloud()?)));
        let moved = moved.map(|(description, t_model_cloud)| {
            [("model_frame", description.to_owned()), (T_MODEL_CLOUD, numbers_of(t_model_cloud))]
        });
        let entries = entries.into_iter().chain(moved.into_iter().flatten());
        let entries = entries.map(|(key, value)| (key.to_owned(), value)).collect();
        Self { entries, classes: card.class_names.clone(), device: card.device.clone() }
    }
}

/// The output bag and its topics.
pub(super) struct Publisher {
    bag: OutputBag,
    objects: OutputTopic<Detection3DArray>,
    markers: Option<OutputTopic<MarkerArray>>,
    label_info: OutputTopic<LabelInfo>,
    time: OutputTopic<Float64Stamped>,
    diagnostics: OutputTopic<DiagnosticArray>,
    classes: Vec<String>,
    device: String,
    threshold: f32,
    marker_threshold: f32,
    is_first: bool,
    diagnosed_ns: Option<i64>,
}

impl Publisher {
    pub(super) fn create(out: &Path, config: &DetectorConfig, provenance: &Provenance) -> Result<Self, AppError> {
        let mut bag = OutputBag::create(out)?;
        bag.note("percept_replay", &provenance.entries)?;
        let markers = config.publish_markers.then(|| bag.topic(topics::MARKERS, QosProfile::RELIABLE)).transpose()?;
        Ok(Self {
            objects: bag.topic(topics::OBJECTS, QosProfile::RELIABLE)?,
            markers,
            label_info: bag.topic(topics::LABEL_INFO, QosProfile::LATCHED)?,
            time: bag.topic(topics::PROCESSING_TIME, QosProfile::RELIABLE)?,
            diagnostics: bag.topic(topics::DIAGNOSTICS, QosProfile::RELIABLE)?,
            bag,
            classes: provenance.classes.clone(),
            device: provenance.device.clone(),
            threshold: config.score_threshold.unwrap_or(0.0) as f32,
            marker_threshold: config.marker_score_threshold(),
            is_first: true,
            diagnosed_ns: None,
        })
    }

    /// The boxes of a frame with its stamp and frame; an empty array where there are none.
    pub(super) fn detections(
        &mut self,
        frame: &CloudFrame,
        detections: &Detections,
        report: &FrameReport,
        tally: &Tally,
    ) -> Result<(), AppError> {
        let (at, header) = (frame.log_time_ns(), Header::of(&frame.cloud));
        if std::mem::take(&mut self.is_first) {
            self.bag.write(&self.label_info, at, &self.label_info(header.clone()))?;
        }
        let objects =
            Detection3DArray::from_detections(detections, &header).map_err(AppError::encode(topics::OBJECTS))?;
        self.bag.write(&self.objects, at, &objects)?;
        if let Some(topic) = &self.markers {
            let drawn = detections.scoring_at_least(self.marker_threshold);
            let markers = MarkerArray::from_detections(&drawn, &header, &MarkerStyle::default());
            self.bag.write(topic, at, &markers.map_err(AppError::encode(topics::MARKERS))?)?;
        }
        let time = Float64Stamped { stamp: header.stamp, data: report.total().as_secs_f64() * 1e3 };
        self.bag.write(&self.time, at, &time)?;
        self.diagnose(at, tally, None)
    }

    /// A frame without a result: what was drawn before is removed, and diagnostics say why at once.
    pub(super) fn failure(
        &mut self,
        at: i64,
        frame: Option<&CloudFrame>,
        reason: &str,
        tally: &Tally,
    ) -> Result<(), AppError> {
        if let (Some(topic), Some(frame)) = (&self.markers, frame) {
            self.bag.write(topic, at, &MarkerArray::delete_all(&Header::of(&frame.cloud)))?;
        }
        self.diagnose(at, tally, Some(reason))
    }

    pub(super) fn finish(self) -> Result<(), AppError> {
        self.bag.finish()
    }

    fn label_info(&self, header: Header) -> LabelInfo {
        let class = |(id, name): (usize, &String)| VisionClass { class_id: id as u16, class_name: name.clone() };
        LabelInfo { header, class_map: self.classes.iter().enumerate().map(class).collect(), threshold: self.threshold }
    }

    fn diagnose(&mut self, at: i64, tally: &Tally, failure: Option<&str>) -> Result<(), AppError> {
        let is_due = self.diagnosed_ns.is_none_or(|last| at.saturating_sub(last) >= DIAGNOSTICS_PERIOD_NS);
        if !is_due && failure.is_none() {
            return Ok(());
        }
        self.diagnosed_ns = Some(at);
        let (level, message) = match failure {
            Some(reason) => (DiagnosticStatus::ERROR, format!("no result: {reason}")),
            None => (DiagnosticStatus::OK, "running".to_owned()),
        };
        let points = tally.points();
        let last_ms = tally.last_total().map_or("none".to_owned(), |t| format!("{:.3}", t.as_secs_f64() * 1e3));
        let status = DiagnosticStatus {
            level,
            name: "lidar_detector: frames".to_owned(),
            message,
            hardware_id: self.device.clone(),
            values: Vec::new(),
        }
        .with("frames", tally.frames_read)
        .with("frames_failed", tally.frames_failed())
        .with("processing_time_ms", last_ms)
        .with("points", points.read)
        .with("points_not_finite", points.not_finite)
        .with("points_out_of_range", points.out_of_range);
        let array = DiagnosticArray { header: Header::new(Stamp::from_ns(at), ""), status: vec![status] };
        self.bag.write(&self.diagnostics, at, &array)
    }
}
