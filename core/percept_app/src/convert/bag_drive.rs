//! A drive bag read back: each sweep with its truth, its camera and where the vehicle was.
//!
//! Order   of the log times. A frame is handed out once the log has gone two seconds past its stamp, so a few frames are
//!         in memory at a time; transforms and calibrations of the whole drive are.

use crate::AppError;
use crate::replay::decode_cloud;
use crate::topics::{self, pick_cloud_topic};
use percept_bag::{BagReader, RawMessage, ReadOptions, TopicFilter};
use percept_kernels::decode_points::{Channel, decode_points};
use percept_msgs::sensor_msgs::{CameraInfo, CompressedImage, PointCloud2};
use percept_msgs::std_msgs::String as StringMsg;
use percept_msgs::tf2_msgs::TFMessage;
use percept_msgs::vision_msgs::Detection3DArray;
use percept_msgs::{Message, MsgError};
use percept_types::{Camera, PointCloud, PointLabels, Stamp, Transform, TransformBuffer, TruthObject};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Messages of a frame come within this time of its stamp.
const LOG_LAG_NS: i64 = 2_000_000_000;

/// Transforms are looked up once all were read: a year, ten million a frame.
const WHOLE_BAG_S: f64 = 3.2e7;
const MAX_TRANSFORMS: usize = 10_000_000;

/// A bag with the calibration and motion of its drive.
pub(super) struct BagDrive {
    path: PathBuf,
    reader: BagReader,
    cloud_topic: String,
    buffer: TransformBuffer,
    cameras: BTreeMap<Stamp, CameraInfo>,
    num_clouds: u64,
}

/// One sweep with what belongs to it.
pub(super) struct BagFrame {
    pub(super) stamp: Stamp,
    pub(super) cloud: PointCloud,
    pub(super) camera: Option<Camera>,
    pub(super) image: Option<CompressedImage>,
    pub(super) t_base_lidar: Option<Transform>,
    pub(super) t_odom_base: Option<Transform>,
    pub(super) objects: Option<Vec<TruthObject>>,
    pub(super) labels: Option<PointLabels>,
    pub(super) kitti_text: Option<String>,
    pub(super) kitti_calib: Option<String>,
}

/// What was read of a frame so far.
#[derive(Default)]
struct PendingFrame {
    /// Log time of its first message.
    since_ns: i64,
    cloud: Option<PointCloud>,
    /// Whether the cloud is an image, which has points that did not come back.
    is_organised: bool,
    image: Option<CompressedImage>,
    objects: Option<Vec<TruthObject>>,
    labels: Option<PointLabels>,
    kitti_text: Option<String>,
    kitti_calib: Option<String>,
    fault: Option<String>,
}

impl BagDrive {
    /// Opens a bag and reads its transforms and calibrations.
    pub(super) fn open(bag: &Path) -> Result<Self, AppError> {
        let reader = BagReader::open(bag, ReadOptions::default())?;
        let has_ours = reader.topics().iter().any(|topic| topic.name == topics::POINTS);
        let topic = pick_cloud_topic(bag, reader.topics(), has_ours.then_some(topics::POINTS))?;
        let (cloud_topic, num_clouds) = (topic.name.clone(), topic.message_count);
        let buffer = TransformBuffer::with_history(WHOLE_BAG_S, MAX_TRANSFORMS);
        let cameras = BTreeMap::new();
        let mut drive = Self { path: bag.to_owned(), reader, cloud_topic, buffer, cameras, num_clouds };
        drive.read_calibration()?;
        Ok(drive)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Sweeps, as the bag counts them.
    pub(super) fn num_clouds(&self) -> u64 {
        self.num_clouds
    }

    /// What the converter or simulator noted under this name.
    pub(super) fn noted(&self, name: &str) -> Option<&str> {
        let drive = self.reader.metadata().find(|(record, _)| *record == "percept_drive");
        drive.and_then(|(_, entries)| entries.get(name)).map(String::as_str)
    }

    fn topics_among(&self, names: &[&str]) -> Vec<String> {
        let present: BTreeSet<&str> = self.reader.topics().iter().map(|topic| topic.name.as_str()).collect();
        names.iter().filter(|name| present.contains(*name)).map(|name| (*name).to_owned()).collect()
    }

    fn topic_of(&self, message: &RawMessage) -> &str {
        self.reader.topics().get(message.topic).map_or("", |topic| topic.name.as_str())
    }

    fn read_calibration(&mut self) -> Result<(), AppError> {
        let wanted = self.topics_among(&[topics::CAMERA_INFO, topics::TF, topics::TF_STATIC]);
        if wanted.is_empty() {
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut cameras = BTreeMap::new();
        for message in self.reader.messages(TopicFilter::topics(wanted.iter().map(String::as_str)))? {
            let message = message?;
            let name = self.topic_of(&message);
            let read: Result<(), MsgError> = match name {
                topics::CAMERA_INFO => CameraInfo::decode(&message.data)
                    .map(|info| drop(cameras.insert(Stamp::from(info.header.stamp), info))),
                _ => TFMessage::decode(&message.data)
                    .and_then(|message| message.insert_into(&mut buffer, name == topics::TF_STATIC)),
            };
            read.map_err(|error| AppError::Message {
                bag: self.path.clone(),
                topic: name.to_owned(),
                log_time_ns: message.log_time_ns,
                reason: error.to_string(),
            })?;
        }
        (self.buffer, self.cameras) = (buffer, cameras);
        Ok(())
    }

    /// Hands every sweep to `each` in the order of the stamps, or what is wrong with it; `each` says whether to go on.
    pub(super) fn for_each_frame(
        &self,
        each: &mut dyn FnMut(Stamp, Result<BagFrame, AppError>) -> Result<bool, AppError>,
    ) -> Result<(), AppError> {
        let truth = [
            topics::CAMERA_IMAGE,
            topics::TRUTH_OBJECTS,
            topics::TRUTH_POINTS,
            topics::TRUTH_KITTI,
            topics::TRUTH_KITTI_CALIB,
        ];
        let mut wanted = self.topics_among(&truth);
        wanted.push(self.cloud_topic.clone());
        let mut pending: BTreeMap<Stamp, PendingFrame> = BTreeMap::new();
        for message in self.reader.messages(TopicFilter::topics(wanted.iter().map(String::as_str)))? {
            let message = message?;
            self.add(&message, &mut pending);
            while let Some(entry) = pending.first_entry() {
                if message.log_time_ns.saturating_sub(entry.get().since_ns) <= LOG_LAG_NS {
                    break;
                }
                let (stamp, frame) = entry.remove_entry();
                if !self.hand_out(stamp, frame, each)? {
                    return Ok(());
                }
            }
        }
        for (stamp, frame) in pending {
            if !self.hand_out(stamp, frame, each)? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn hand_out(
        &self,
        stamp: Stamp,
        frame: PendingFrame,
        each: &mut dyn FnMut(Stamp, Result<BagFrame, AppError>) -> Result<bool, AppError>,
    ) -> Result<bool, AppError> {
        match (frame.fault, frame.cloud) {
            (Some(reason), _) => each(stamp, Err(AppError::Stage { stage: "reading a frame", reason })),
            // Truth without its sweep is no frame.
            (None, None) => Ok(true),
            (None, Some(cloud)) => {
                let (cloud, labels) =
                    if frame.is_organised { without_no_returns(&cloud, frame.labels) } else { (cloud, frame.labels) };
                // A calibration of another moment may be another camera's: frames of KITTI's set have their own.
                let info = self.cameras.get(&stamp);
                let lookup = |to: &str, from: &str| self.buffer.lookup(to, from, stamp).ok();
                let camera =
                    info.and_then(|info| info.to_camera(lookup(&info.header.frame_id, topics::FRAME_LIDAR)?).ok());
                let frame = BagFrame {
                    stamp,
                    cloud,
                    camera,
                    image: frame.image,
                    t_base_lidar: lookup(topics::FRAME_BASE, topics::FRAME_LIDAR),
                    t_odom_base: lookup(topics::FRAME_ODOM, topics::FRAME_BASE),
                    objects: frame.objects,
                    labels,
                    kitti_text: frame.kitti_text,
                    kitti_calib: frame.kitti_calib,
                };
                each(stamp, Ok(frame))
            }
        }
    }

    /// Puts a message with its frame; a message that cannot be read spoils the frame of its log time.
    fn add(&self, message: &RawMessage, pending: &mut BTreeMap<Stamp, PendingFrame>) {
        let since_ns = message.log_time_ns;
        let at = Stamp::from_ns(since_ns);
        let topic = self.topic_of(message);
        let read = match topic {
            topics::CAMERA_IMAGE => CompressedImage::decode(&message.data).map(|image| {
                let stamp = image.header.stamp.into();
                frame_of(pending, since_ns, stamp).image = Some(image);
            }),
            topics::TRUTH_OBJECTS => Detection3DArray::decode(&message.data).and_then(|array| {
                frame_of(pending, since_ns, array.header.stamp.into()).objects = Some(array.to_truth()?);
                Ok(())
            }),
            topics::TRUTH_POINTS => decode_cloud(message).and_then(|cloud| {
                frame_of(pending, since_ns, cloud.stamp).labels = Some(PointCloud2::labels_of(&cloud.payload)?);
                Ok(())
            }),
            topics::TRUTH_KITTI => StringMsg::decode(&message.data).map(|text| {
                frame_of(pending, since_ns, at).kitti_text = Some(text.data);
            }),
            topics::TRUTH_KITTI_CALIB => StringMsg::decode(&message.data).map(|text| {
                frame_of(pending, since_ns, at).kitti_calib = Some(text.data);
            }),
            _ => decode_cloud(message).map(|cloud| {
                let frame = frame_of(pending, since_ns, cloud.stamp);
                frame.is_organised = cloud.payload.height > 1;
                match decode_points(&cloud.payload, &[Channel::optional("intensity", 0.0)], Vec::new()) {
                    // Images tell by NaN, which was dropped, or by 0, 0, 0 what did not come back.
                    Ok(points) if points.not_finite == 0 || frame.is_organised => frame.cloud = Some(points.cloud),
                    Ok(points) => frame.fault = Some(format!("{} points are not finite", points.not_finite)),
                    Err(error) => frame.fault = Some(error.to_string()),
                }
            }),
        };
        if let Err(error) = read {
            frame_of(pending, since_ns, at).fault = Some(format!("{topic}: {error}"));
        }
    }
}

/// The points of an image that came back, and their labels.
fn without_no_returns(cloud: &PointCloud, labels: Option<PointLabels>) -> (PointCloud, Option<PointLabels>) {
    let came_back = |point: &[f32]| point[..3] != [0.0; 3];
    let labels = labels.map(|labels| {
        let is_whole = labels.len() == cloud.len() && labels.instance_ids.len() == cloud.len();
        if !is_whole {
            // Whoever writes them tells the difference.
            return labels;
        }
        let pairs = labels.class_ids.iter().zip(&labels.instance_ids).zip(cloud.points());
        let (class_ids, instance_ids) =
            pairs.filter(|(_, point)| came_back(point)).map(|((class, instance), _)| (*class, *instance)).unzip();
        PointLabels { class_ids, instance_ids }
    });
    (cloud.filtered(came_back), labels)
}

/// The frame of a stamp; a new one begins at this log time.
fn frame_of(pending: &mut BTreeMap<Stamp, PendingFrame>, since_ns: i64, stamp: Stamp) -> &mut PendingFrame {
    pending.entry(stamp).or_insert_with(|| PendingFrame { since_ns, ..PendingFrame::default() })
}
