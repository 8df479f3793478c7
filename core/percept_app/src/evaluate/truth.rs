//! Truth by the stamp of its cloud, from a bag or from KITTI's label files.

use super::detections::{OutputDetections, pick_topic, read_arrays};
use crate::convert::{kitti_frame_of, kitti_stamp};
use crate::kitti_folder::KittiFolder;
use crate::{AppError, topics};
use percept_bag::{BagReader, RawMessage, ReadOptions, TopicFilter};
use percept_eval::kitti::{Annotation, parse_labels};
use percept_msgs::sensor_msgs::CameraInfo;
use percept_msgs::std_msgs::String as StringMsg;
use percept_msgs::tf2_msgs::TFMessage;
use percept_msgs::{Message, MsgError};
use percept_types::{Camera, Stamp, TransformBuffer, TruthObject};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What is true of one frame.
#[derive(Clone, Debug, Default)]
pub(crate) struct TruthFrame {
    /// KITTI's labels with the camera they refer to.
    pub(crate) kitti: Option<(Vec<Annotation>, Camera)>,
    /// Boxes in the LiDAR's frame.
    pub(crate) objects: Option<Vec<TruthObject>>,
}

/// Transforms are looked up once the whole bag was read, so its history is kept: a year, ten million a frame.
const WHOLE_BAG_S: f64 = 3.2e7;
const MAX_TRANSFORMS: usize = 10_000_000;

/// Truth by stamp.
pub(crate) type TruthFrames = BTreeMap<Stamp, TruthFrame>;

/// Reads truth from a bag, or from a KITTI folder whose frames are matched to the stamps of the outputs.
pub(crate) fn read_truth(
    truth: &Path,
    topic: Option<&str>,
    outputs: &[OutputDetections],
) -> Result<TruthFrames, AppError> {
    let is_kitti = ["label_2", "training/label_2"].iter().any(|part| truth.join(part).is_dir());
    if is_kitti || truth.file_name().is_some_and(|name| name == "label_2") {
        return kitti_truth(truth, outputs);
    }
    let reader = BagReader::open(truth, ReadOptions::default())?;
    let mut frames = bag_kitti_truth(truth, &reader)?;
    let boxes = pick_topic(truth, reader.topics(), topic, topics::TRUTH_OBJECTS, &[topics::OBJECTS]);
    match boxes {
        Err(error) if frames.is_empty() || topic.is_some() => return Err(error),
        Err(_) => {}
        Ok(topic) => {
            for (array, fault) in read_arrays(truth, &reader, &topic)? {
                let objects = array.to_truth().map_err(|e| fault(e.to_string()))?;
                frames.entry(array.header.stamp.into()).or_default().objects = Some(objects);
            }
        }
    }
    Ok(frames)
}

/// Label texts with the calibration and transforms recorded beside them; frames without a camera have no KITTI truth.
fn bag_kitti_truth(bag: &Path, reader: &BagReader) -> Result<TruthFrames, AppError> {
    let wanted = [topics::TRUTH_KITTI, topics::CAMERA_INFO, topics::TF, topics::TF_STATIC];
    let present: Vec<&str> =
        wanted.into_iter().filter(|name| reader.topics().iter().any(|t| t.name == *name)).collect();
    if !present.contains(&topics::TRUTH_KITTI) {
        return Ok(TruthFrames::new());
    }
    let mut buffer = TransformBuffer::with_history(WHOLE_BAG_S, MAX_TRANSFORMS);
    let mut texts: BTreeMap<Stamp, String> = BTreeMap::new();
    let mut cameras: BTreeMap<Stamp, CameraInfo> = BTreeMap::new();
    for message in reader.messages(TopicFilter::topics(present))? {
        let message = message?;
        let name = reader.topics().get(message.topic).map_or("", |topic| topic.name.as_str());
        let at = Stamp::from_ns(message.log_time_ns);
        let read: Result<(), MsgError> = match name {
            topics::TRUTH_KITTI => StringMsg::decode(&message.data).map(|text| drop(texts.insert(at, text.data))),
            topics::CAMERA_INFO => CameraInfo::decode(&message.data).map(|info| drop(cameras.insert(at, info))),
            _ => insert_transforms(&message, name == topics::TF_STATIC, &mut buffer),
        };
        read.map_err(|e| message_fault(bag, name, at, e.to_string()))?;
    }
    let mut frames = TruthFrames::new();
    for (stamp, text) in texts {
        let labels = parse_labels(&format!("{} at {stamp}", topics::TRUTH_KITTI), &text)
            .map_err(|e| message_fault(bag, topics::TRUTH_KITTI, stamp, e.to_string()))?;
        // The camera of the frame, or the last one told before it.
        let camera = cameras.range(..=stamp).next_back().map(|(_, info)| info);
        let camera = camera.map(|info| camera_at(info, &buffer, stamp)).transpose();
        let camera = camera.map_err(|reason| message_fault(bag, topics::CAMERA_INFO, stamp, reason))?;
        frames.insert(stamp, TruthFrame { kitti: camera.map(|camera| (labels, camera)), objects: None });
    }
    Ok(frames)
}

fn insert_transforms(message: &RawMessage, is_static: bool, buffer: &mut TransformBuffer) -> Result<(), MsgError> {
    TFMessage::decode(&message.data)?.insert_into(buffer, is_static)
}

fn camera_at(info: &CameraInfo, buffer: &TransformBuffer, stamp: Stamp) -> Result<Camera, String> {
    let t_camera_lidar = buffer.lookup(&info.header.frame_id, topics::FRAME_LIDAR, stamp).map_err(|e| e.to_string())?;
    info.to_camera(t_camera_lidar).map_err(|e| e.to_string())
}

fn message_fault(bag: &Path, topic: &str, at: Stamp, reason: String) -> AppError {
    AppError::Message { bag: bag.to_owned(), topic: topic.to_owned(), log_time_ns: at.nanoseconds, reason }
}

/// Label files: by the frame number that `percept convert kitti` puts into the stamp, or one after the other where
/// every output has as many frames as there are label files.
fn kitti_truth(root: &Path, outputs: &[OutputDetections]) -> Result<TruthFrames, AppError> {
    let folder = KittiFolder::open(root, "label_2")?;
    let stamps: BTreeSet<Stamp> = outputs.iter().flat_map(|output| output.by_stamp.keys().copied()).collect();
    let numbered = stamps.iter().all(|stamp| kitti_frame_of(*stamp).is_some());
    let matched: Vec<(Stamp, u32)> = if numbered {
        folder.frames().iter().map(|number| (kitti_stamp(*number), *number)).collect()
    } else if stamps.len() == folder.frames().len() {
        stamps.iter().copied().zip(folder.frames().iter().copied()).collect()
    } else {
        let reason = format!(
            "{} label files and {} frames with other stamps than those of percept convert kitti: their order cannot \
             be told; convert the folder and replay that bag",
            folder.frames().len(),
            stamps.len()
        );
        let detections = outputs.first().map(|output| output.bag.clone()).unwrap_or_default();
        return Err(AppError::TruthMismatch { truth: root.to_owned(), detections, reason });
    };
    let mut frames = TruthFrames::new();
    for (stamp, number) in matched {
        let (Some(text), Some(calib)) = (folder.label_text(number)?, folder.calib(number)?) else { continue };
        let (width, height) = folder.image_size(number)?;
        let path = folder.path(number, "label_2", "txt");
        let labels = parse_labels(&path.to_string_lossy(), &text).map_err(AppError::stage("reading labels"))?;
        frames.insert(stamp, TruthFrame { kitti: Some((labels, calib.camera(width, height))), objects: None });
    }
    Ok(frames)
}
