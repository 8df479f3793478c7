//! The cloud of a stamp, from a bag or a KITTI folder, for pictures.

use crate::convert::kitti_frame_of;
use crate::kitti_folder::KittiFolder;
use crate::replay::decode_cloud;
use crate::topics::pick_cloud_topic;
use crate::{AppError, topics};
use percept_bag::{BagReader, ReadOptions, TopicFilter};
use percept_kernels::decode_points::decode_points;
use percept_types::{PointCloud, Stamp};
use std::path::Path;

/// Clouds are looked for within this time of their stamp: log times lag behind stamps.
const LOG_LAG_NS: i64 = 2_000_000_000;

/// Where clouds come from.
pub enum CloudSource {
    /// A bag and its cloud topic.
    Bag {
        /// The bag.
        reader: Box<BagReader>,
        /// The topic.
        topic: String,
    },
    /// KITTI's folder.
    Kitti(KittiFolder),
    /// There are none: pictures show boxes alone.
    Nothing,
}

impl CloudSource {
    /// The clouds beside a truth source; a source without any is no fault.
    ///
    /// # Errors
    /// When it cannot be opened at all.
    pub fn open(source: &Path) -> Result<Self, AppError> {
        match KittiFolder::open(source, "velodyne") {
            Ok(folder) => return Ok(Self::Kitti(folder)),
            Err(AppError::NotKitti { .. }) => {}
            Err(error) => return Err(error),
        }
        let reader = match BagReader::open(source, ReadOptions::default()) {
            Ok(reader) => reader,
            // A folder of label files alone.
            Err(percept_bag::BagError::NoStorageFiles { .. }) => return Ok(Self::Nothing),
            Err(error) => return Err(error.into()),
        };
        let has_ours = reader.topics().iter().any(|topic| topic.name == topics::POINTS);
        let asked = has_ours.then_some(topics::POINTS);
        match pick_cloud_topic(source, reader.topics(), asked).map(|topic| topic.name.clone()) {
            Ok(topic) => Ok(Self::Bag { reader: Box::new(reader), topic }),
            Err(_) => Ok(Self::Nothing),
        }
    }

    /// The cloud of a stamp; `None` where there is none.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn cloud_at(&self, stamp: Stamp) -> Result<Option<PointCloud>, AppError> {
        match self {
            Self::Nothing => Ok(None),
            Self::Kitti(folder) => match kitti_frame_of(stamp) {
                Some(number) => Ok(folder.read(number)?.cloud),
                None => Ok(None),
            },
            Self::Bag { reader, topic } => {
                let (from, to) = (stamp.nanoseconds - LOG_LAG_NS, stamp.nanoseconds + LOG_LAG_NS);
                let filter = TopicFilter::topics([topic.as_str()]).starting_at_ns(from).ending_before_ns(to);
                for message in reader.messages(filter)? {
                    let Ok(cloud) = decode_cloud(&message?) else { continue };
                    if cloud.stamp == stamp {
                        let points = decode_points(&cloud.payload, &[], Vec::new());
                        return Ok(Some(points.map_err(AppError::stage("decoding a cloud"))?.cloud));
                    }
                }
                Ok(None)
            }
        }
    }
}
