//! From bag messages to validated clouds, ahead of the network.

use crate::AppError;
use crate::mounting::BagMounting;
use crossbeam_channel::Sender;
use percept_bag::{BagError, RawMessage};
use percept_msgs::sensor_msgs::PointCloud2;
use percept_msgs::{Message, MsgError};
use percept_types::{MountedCloud, RawCloud, Stamp, Stamped};

/// A cloud with its header and log time.
#[derive(Clone, Debug)]
pub(crate) struct CloudFrame {
    /// The cloud; `received_at` is the source's log time.
    pub(crate) cloud: Stamped<MountedCloud>,
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

/// Decodes the messages of the cloud topic, at most `limit`, and hands each on with its mounting, until the bag ends,
/// fails, or nobody listens any more; those of /tf go into the mounting.
pub(crate) fn read_frames(
    messages: impl Iterator<Item = Result<RawMessage, BagError>>,
    is_cloud: impl Fn(&RawMessage) -> bool,
    limit: u64,
    mut mounting: Option<&mut BagMounting>,
    sender: &Sender<Result<Frame, AppError>>,
) {
    let mut read = 0;
    for message in messages {
        if read == limit {
            return;
        }
        let message = match message {
            Err(error) => return drop(sender.send(Err(error.into()))),
            Ok(message) if is_cloud(&message) => message,
            Ok(transforms) => {
                if let Some(mounting) = &mut mounting {
                    mounting.take_in(&transforms);
                }
                continue;
            }
        };
        read += 1;
        if sender.send(Ok(decode(&message, mounting.as_deref()))).is_err() {
            return;
        }
    }
}

fn decode(message: &RawMessage, mounting: Option<&BagMounting>) -> Frame {
    let log_time_ns = message.log_time_ns;
    let cloud = decode_cloud(message).map_err(|error| error.to_string()).and_then(|cloud| {
        let t_base_lidar = mounting.map_or(Ok(None), |m| m.t_base_lidar(&cloud.frame_id, cloud.stamp));
        let t_base_lidar = t_base_lidar.map_err(|error| format!("the sensor's mounting is not known: {error}"))?;
        Ok(cloud.map(|cloud| MountedCloud { cloud, t_base_lidar }))
    });
    match cloud {
        Ok(cloud) => Frame::Cloud(CloudFrame { cloud }),
        Err(reason) => Frame::Unreadable { log_time_ns, reason },
    }
}

/// A message of a PointCloud2 topic as a validated cloud.
pub(crate) fn decode_cloud(message: &RawMessage) -> Result<Stamped<RawCloud>, MsgError> {
    let cloud = PointCloud2::decode(&message.data)?;
    let header = cloud.header.clone();
    Ok(header.stamp_on(RawCloud::try_from(cloud)?, Stamp::from_ns(message.log_time_ns)))
}
