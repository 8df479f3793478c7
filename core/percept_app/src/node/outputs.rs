//! What a LiDAR detector publishes.

use super::{Log, LogLevel};
use crate::config::OutputType;
use percept_msgs::MarkerStyle;
use percept_msgs::autoware_internal_debug_msgs::Float64Stamped;
use percept_msgs::autoware_perception_msgs::DetectedObjects;
use percept_msgs::builtin_interfaces::Time;
use percept_msgs::std_msgs::Header;
use percept_msgs::vision_msgs::{Detection3DArray, LabelInfo, VisionClass};
use percept_msgs::visualization_msgs::MarkerArray;
use percept_pipeline::{FrameTimes, Publish};
use percept_transport::{Publisher, QosProfile, Transport, TransportError};
use percept_types::{BoxError, Detections, Stamped};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

enum Objects {
    Detection3dArray(Publisher<Detection3DArray>),
    DetectedObjects(Publisher<DetectedObjects>),
}

/// Times of each frame, where the middleware knows their type: it is Autoware's and not part of every ROS 2.
struct DebugTopics {
    processing_time_ms: Publisher<Float64Stamped>,
    cyclic_time_ms: Publisher<Float64Stamped>,
    pipeline_latency_ms: Publisher<Float64Stamped>,
}

impl DebugTopics {
    fn new(transport: &Transport, qos: QosProfile) -> Result<Self, TransportError> {
        Ok(Self {
            processing_time_ms: transport.advertise("~/debug/processing_time_ms", qos)?,
            cyclic_time_ms: transport.advertise("~/debug/cyclic_time_ms", qos)?,
            pipeline_latency_ms: transport.advertise("~/debug/pipeline_latency_ms", qos)?,
        })
    }

    fn publish(&self, stamp: Time, times: &FrameTimes) -> Result<(), TransportError> {
        let told = |data: f64| Float64Stamped { stamp, data };
        self.processing_time_ms.publish(&told(times.processing.as_secs_f64() * 1e3))?;
        if let Some(cyclic) = times.cyclic {
            self.cyclic_time_ms.publish(&told(cyclic.as_secs_f64() * 1e3))?;
        }
        self.pipeline_latency_ms.publish(&told(times.since_stamp_s * 1e3))
    }
}

/// The topics, and which boxes are drawn; shared between the node and its pipeline.
pub struct DetectorOutputs {
    objects: Objects,
    markers: Publisher<MarkerArray>,
    label_info: Publisher<LabelInfo>,
    debug: Option<DebugTopics>,
    publishes_markers: AtomicBool,
    /// Bits of an `f32`.
    marker_score_threshold: AtomicU32,
}

impl DetectorOutputs {
    /// Offers the topics; `log` hears where those for debugging cannot be offered.
    ///
    /// # Errors
    /// What the transport refuses.
    pub fn new(transport: &Transport, output_type: OutputType, log: &Log) -> Result<Self, TransportError> {
        let qos = QosProfile::RELIABLE;
        let debug = match DebugTopics::new(transport, qos) {
            Ok(debug) => Some(debug),
            Err(error @ TransportError::Unavailable { .. }) => {
                log(LogLevel::Info, &format!("no ~/debug topics: {error}"));
                None
            }
            Err(error) => return Err(error),
        };
        let objects = "~/output/objects";
        Ok(Self {
            objects: match output_type {
                OutputType::Detection3dArray => Objects::Detection3dArray(transport.advertise(objects, qos)?),
                OutputType::DetectedObjects => Objects::DetectedObjects(transport.advertise(objects, qos)?),
            },
            markers: transport.advertise("~/output/markers", qos)?,
            label_info: transport.advertise("~/output/label_info", QosProfile::LATCHED)?,
            debug,
            publishes_markers: AtomicBool::new(true),
            marker_score_threshold: AtomicU32::new(0),
        })
    }

    /// Says what the class numbers mean; late joiners hear it too.
    ///
    /// # Errors
    /// What the transport refuses.
    pub fn publish_labels(&self, header: Header, class_names: &[String], threshold: f32) -> Result<(), TransportError> {
        let class = |(id, name): (usize, &String)| VisionClass { class_id: id as u16, class_name: name.clone() };
        let class_map = class_names.iter().enumerate().map(class).collect();
        self.label_info.publish(&LabelInfo { header, class_map, threshold })
    }

    /// Whether markers are published, and from which score on boxes are drawn.
    pub fn set_markers(&self, publishes: bool, score_threshold: f32) {
        self.publishes_markers.store(publishes, Ordering::Release);
        self.marker_score_threshold.store(score_threshold.to_bits(), Ordering::Release);
    }

    fn draw(&self, detections: &Detections, header: &Header) -> Result<(), BoxError> {
        if !self.publishes_markers.load(Ordering::Acquire) {
            return Ok(());
        }
        let threshold = f32::from_bits(self.marker_score_threshold.load(Ordering::Acquire));
        let drawn = detections.scoring_at_least(threshold);
        self.markers.publish(&MarkerArray::from_detections(&drawn, header, &MarkerStyle::default())?)?;
        Ok(())
    }
}

/// A pipeline's share of the topics.
pub(super) struct PublishDetections(pub(super) Arc<DetectorOutputs>);

impl Publish<Detections> for PublishDetections {
    fn publish(&mut self, header: &Stamped<()>, detections: &Detections, times: &FrameTimes) -> Result<(), BoxError> {
        let header = Header::of(header);
        match &self.0.objects {
            Objects::Detection3dArray(topic) => {
                topic.publish(&Detection3DArray::from_detections(detections, &header)?)?
            }
            Objects::DetectedObjects(topic) => {
                topic.publish(&DetectedObjects::from_detections(detections, &header)?)?
            }
        }
        self.0.draw(detections, &header)?;
        if let Some(debug) = &self.0.debug {
            debug.publish(header.stamp, times)?;
        }
        Ok(())
    }

    fn failed(&mut self, header: &Stamped<()>) -> Result<(), BoxError> {
        if self.0.publishes_markers.load(Ordering::Acquire) {
            self.0.markers.publish(&MarkerArray::delete_all(&Header::of(header)))?;
        }
        Ok(())
    }
}
