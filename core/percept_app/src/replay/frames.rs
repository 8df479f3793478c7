//! From bag messages to validated clouds, ahead of the network.

use crate::AppError;
use crossbeam_channel::Sender;
use percept_bag::{BagError, RawMessage};
use percept_msgs::sensor_msgs::PointCloud2;
use percept_msgs::{Message, MsgError};
use percept_types::{RawCloud, Stamp, Stamped};

/// A cloud with its header and log time.
#[derive(Clone, Debug)]
pub(crate) struct CloudFrame {
    /// The cloud; `received_at` is the source's log time.
    pub(crate) cloud: Stamped<RawCloud>,
}

impl CloudFrame {
    /// The source's log time.
    pub(crate) fn log_time_ns(&self) -> i64 {
        self.cloud.received_at.nanoseconds
    }
}

/// What one message of the cloud topic is.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    /// A cloud.
    Cloud(CloudFrame),
    /// A message that is no valid cloud.
    Unreadable {
        /// The source's log time.
        log_time_ns: i64,
        /// What is wrong with it.
        reason: String,
    },
}

/// Decodes every message and hands it on, until the bag ends, fails, or nobody listens any more.
pub(crate) fn read_frames(
    messages: impl Iterator<Item = Result<RawMessage, BagError>>,
    sender: &Sender<Result<Frame, AppError>>,
) {
    for message in messages {
        let ended = message.is_err();
        let frame = message.map(|message| decode(&message)).map_err(AppError::from);
        if sender.send(frame).is_err() || ended {
            return;
        }
    }
}

fn decode(message: &RawMessage) -> Frame {
    let log_time_ns = message.log_time_ns;
    match decode_cloud(message) {
        Ok(cloud) => Frame::Cloud(CloudFrame { cloud }),
        Err(error) => Frame::Unreadable { log_time_ns, reason: error.to_string() },
    }
}

/// A message of a PointCloud2 topic as a validated cloud.
pub(crate) fn decode_cloud(message: &RawMessage) -> Result<Stamped<RawCloud>, MsgError> {
    let cloud = PointCloud2::decode(&message.data)?;
    let header = cloud.header.clone();
    Ok(header.stamp_on(RawCloud::try_from(cloud)?, Stamp::from_ns(message.log_time_ns)))
}
