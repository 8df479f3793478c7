//! How a bag's LiDAR stands on its vehicle, from what the bag's TF and the configuration tell.
//!
//! ```text
//! /tf_static (and /tf, where the way from the base frame to the LiDAR moves) ─► t_base_lidar ─► percept_types::ModelFrame
//! ```
//! Limits  /tf is kept for [`HISTORY_S`] before the cloud at hand and answers for [`TOLERANCE_S`] after its newest
//!         transform: memory does not grow with the drive, and a transform logged later than that comes too late.

use crate::config::{MountingConfig, MountingSource};
use crate::replay::decode_cloud;
use crate::{AppError, topics};
use percept_bag::{BagReader, RawMessage, TopicFilter, TopicInfo};
use percept_msgs::Message;
use percept_msgs::tf2_msgs::TFMessage;
use percept_types::{ModelFrame, Stamp, TrainedMounting, Transform, TransformBuffer, TransformError};
use std::path::Path;

/// Seconds of /tf that are kept.
const HISTORY_S: f64 = 10.0;
/// Transforms that are kept of a frame.
const MAX_TRANSFORMS: usize = 10_000;
/// A mounting that moves (a truck's cabin, a pan-tilt unit) is taken to stand still for so long.
const TOLERANCE_S: f64 = 0.5;
/// Messages of /tf among which the way to the LiDAR is looked for: many seconds of a busy robot.
const SEARCHED_TF_MESSAGES: usize = 5_000;
/// Clouds of which the first readable one tells the LiDAR's frame.
const SEARCHED_CLOUDS: usize = 20;
/// Boxes that lean by more than this are told of.
const NOTABLE_TILT_RAD: f64 = 0.17;

/// The way to the LiDAR in TF.
struct TfWay {
    buffer: TransformBuffer,
    base_frame: String,
    /// Whether a part of it comes on /tf.
    is_moving: bool,
}

/// How the clouds of one topic get into the frame of training.
pub(crate) struct BagMounting {
    config: MountingConfig,
    trained: TrainedMounting,
    way: Option<TfWay>,
    /// The motion of the first cloud.
    first: ModelFrame,
    description: String,
    is_fallback: bool,
    tf_faults: u64,
    first_tf_fault: Option<String>,
}

impl BagMounting {
    /// For a topic of a bag and a network of this training.
    ///
    /// # Errors
    /// Where the bag cannot be read, or TF must tell and does not.
    pub(crate) fn of_bag(
        bag: &Path,
        reader: &BagReader,
        topic: &TopicInfo,
        config: &MountingConfig,
        trained: &TrainedMounting,
    ) -> Result<Self, AppError> {
        let mut mounting = Self {
            config: config.clone(),
            trained: *trained,
            way: None,
            first: ModelFrame::default(),
            description: String::new(),
            is_fallback: false,
            tf_faults: 0,
            first_tf_fault: None,
        };
        let cloud = first_cloud(reader, topic)?;
        if let (Some((frame_id, stamp)), MountingSource::Auto | MountingSource::Tf) = (&cloud, config.source) {
            mounting.way = mounting.find_way(reader, frame_id, *stamp)?;
        }
        let frame_id = cloud.as_ref().map_or("", |(frame_id, _)| frame_id.as_str());
        if mounting.way.is_none() && config.source == MountingSource::Tf {
            return Err(AppError::Unavailable {
                what: format!("{}: model_frame is tf, but {}", bag.display(), mounting.no_way(frame_id)),
                way_out: "name the frame on the ground with base_frame, or set model_frame to auto or parameters"
                    .to_owned(),
            });
        }
        mounting.describe(cloud.as_ref());
        Ok(mounting)
    }

    /// `t_base_lidar` of a cloud; `None`: as in training.
    ///
    /// # Errors
    /// Where TF does not tell it at that moment.
    pub(crate) fn t_base_lidar(&self, frame_id: &str, stamp: Stamp) -> Result<Option<Transform>, TransformError> {
        let from_tf = self.way.as_ref().map(|way| way.buffer.lookup(&way.base_frame, frame_id, stamp)).transpose()?;
        Ok(self.config.t_base_lidar(from_tf.as_ref(), &self.trained))
    }

    /// The motion of a cloud into the frame of training.
    ///
    /// # Errors
    /// As [`BagMounting::t_base_lidar`].
    pub(crate) fn model_frame(&self, frame_id: &str, stamp: Stamp) -> Result<ModelFrame, TransformError> {
        Ok(ModelFrame::new(&self.trained, self.t_base_lidar(frame_id, stamp)?.as_ref()))
    }

    /// The topics to read in one go: the clouds, and /tf where the mounting moves.
    pub(crate) fn topics_with(&self, cloud_topic: &str) -> Vec<String> {
        let tf = self.way.as_ref().filter(|way| way.is_moving).map(|_| topics::TF.to_owned());
        [cloud_topic.to_owned()].into_iter().chain(tf).collect()
    }

    /// Takes in a message of /tf; a faulty one is counted.
    pub(crate) fn take_in(&mut self, message: &RawMessage) {
        let Some(way) = &mut self.way else { return };
        let taken = TFMessage::decode(&message.data).and_then(|tf| tf.insert_into(&mut way.buffer, false));
        if let Err(error) = taken {
            self.tf_faults += 1;
            self.first_tf_fault.get_or_insert_with(|| format!("at {} ns: {error}", message.log_time_ns));
        }
    }

    /// Which transform is used, in words.
    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    /// The motion of the first cloud.
    pub(crate) fn first(&self) -> &ModelFrame {
        &self.first
    }

    /// Whether TF was asked and did not tell.
    pub(crate) fn is_fallback(&self) -> bool {
        self.is_fallback
    }

    /// What a person should look at.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let tilt_rad = self.first.tilt_rad();
        if tilt_rad > NOTABLE_TILT_RAD {
            let degrees = tilt_rad.to_degrees();
            warnings.push(format!("the cloud's z axis leans by {degrees:.0} deg: boxes in its frame lean with it"));
        }
        if let Some(first) = &self.first_tf_fault {
            warnings.push(format!("{} messages of /tf could not be used, the first {first}", self.tf_faults));
        }
        warnings
    }

    /// The first of the base frames from which TF knows a way.
    fn find_way(&mut self, reader: &BagReader, frame_id: &str, stamp: Stamp) -> Result<Option<TfWay>, AppError> {
        let has = |name: &str| reader.topics().iter().any(|topic| topic.name == name);
        let buffer = TransformBuffer::with_history(HISTORY_S, MAX_TRANSFORMS).with_tolerance(TOLERANCE_S);
        let mut way = TfWay { buffer, base_frame: String::new(), is_moving: false };
        if has(topics::TF_STATIC) {
            for message in reader.messages(TopicFilter::topics([topics::TF_STATIC]))? {
                // One faulty publisher does not hide the others.
                let (message, buffer) = (message?, &mut way.buffer);
                let Ok(tf) = TFMessage::decode(&message.data) else { continue };
                for transform in tf.transforms {
                    let alone = TFMessage { transforms: vec![transform] };
                    if let Err(error) = alone.insert_into(buffer, true) {
                        self.tf_faults += 1;
                        self.first_tf_fault.get_or_insert_with(|| format!("(of /tf_static): {error}"));
                    }
                }
            }
        }
        if let Some(base_frame) = self.way_from(&way.buffer, frame_id, stamp) {
            return Ok(Some(TfWay { base_frame, ..way }));
        }
        if !has(topics::TF) {
            return Ok(None);
        }
        let mut searched = way.buffer.clone();
        for message in reader.messages(TopicFilter::topics([topics::TF]))?.take(SEARCHED_TF_MESSAGES) {
            let message = message?;
            let found = TFMessage::decode(&message.data).map(|tf| tf.insert_into(&mut searched, false));
            if found.is_ok()
                && let Some(base_frame) = self.way_from(&searched, frame_id, stamp)
            {
                way.is_moving = true;
                return Ok(Some(TfWay { base_frame, ..way }));
            }
        }
        Ok(None)
    }

    /// The first base frame that is connected with the LiDAR, now or at another moment.
    fn way_from(&self, buffer: &TransformBuffer, frame_id: &str, stamp: Stamp) -> Option<String> {
        let is_connected = |base: &&str| match buffer.lookup(base, frame_id, stamp) {
            Ok(_) | Err(TransformError::BeforeOldest { .. } | TransformError::AfterNewest { .. }) => true,
            Err(_) => false,
        };
        self.config.base_frames().into_iter().find(is_connected).map(str::to_owned)
    }

    fn no_way(&self, frame_id: &str) -> String {
        format!("the bag's TF knows no way from {} to {frame_id:?}", self.config.base_frames().join(" or "))
    }

    fn describe(&mut self, cloud: Option<&(String, Stamp)>) {
        let (frame_id, stamp) = cloud.cloned().unwrap_or_default();
        let from = match &self.way {
            Some(way) if way.is_moving => format!("TF, moving: {} to {frame_id}", way.base_frame),
            Some(way) => format!("TF: {} to {frame_id}", way.base_frame),
            None => String::new(),
        };
        let said = match (self.config.sensor_height_m, self.config.sensor_rotation_rad) {
            (Some(_), Some(_)) => "sensor_height and sensor_rotation as set",
            (Some(_), None) => "sensor_height as set",
            (None, Some(_)) => "sensor_rotation as set",
            (None, None) => "",
        };
        let parts: Vec<&str> = [from.as_str(), said].into_iter().filter(|part| !part.is_empty()).collect();
        self.first = match &self.way {
            // The first transform of a moving mounting has yet to be read.
            Some(way) if way.is_moving => ModelFrame::default(),
            Some(_) | None => self.model_frame(&frame_id, stamp).unwrap_or_default(),
        };
        self.is_fallback = self.way.is_none() && self.config.source != MountingSource::Parameters;
        self.description = match &self.way {
            Some(way) if way.is_moving => format!("each cloud moved on its own ({})", parts.join("; ")),
            None if parts.is_empty() && !self.is_fallback => "taken as mounted as in training".to_owned(),
            None if parts.is_empty() => format!(
                "taken as mounted as in training: {}; set sensor_height and sensor_rotation where that is wrong",
                self.no_way(&frame_id)
            ),
            Some(_) | None => format!("{} ({})", self.first, parts.join("; ")),
        };
    }
}

/// Frame and stamp of the first cloud that can be read.
fn first_cloud(reader: &BagReader, topic: &TopicInfo) -> Result<Option<(String, Stamp)>, AppError> {
    let index = reader.topics().iter().position(|other| other == topic);
    let messages = reader.messages(TopicFilter::topics([topic.name.clone()]))?;
    for message in messages.filter(|m| m.as_ref().map_or(true, |m| Some(m.topic) == index)).take(SEARCHED_CLOUDS) {
        if let Ok(cloud) = decode_cloud(&message?) {
            return Ok(Some((cloud.frame_id, cloud.stamp)));
        }
    }
    Ok(None)
}
