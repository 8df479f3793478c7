//! How ROS 2 names its topics, types and profiles to DDS.
//!
//! Source  ROS 2 design, "Topic and Service name mapping to DDS"; rosidl's type names as rmw_cyclonedds_cpp and
//! rmw_fastrtps_cpp announce them.

use crate::{Durability, QosProfile, Reliability, TopicName};
use rustdds::policy::{self, History};
use rustdds::{Duration, QosPolicies, QosPolicyBuilder};

/// Samples that a reader's cache keeps at least: between two messages the spin thread may be late.
const READER_SAMPLES: i32 = 8;

/// Messages that reliable subscribers have not acknowledged, at most; then publishing is refused until they do or are given
/// up. At 10 Hz the leases of dead subscribers (10 s to 100 s) end before.
const WRITER_SAMPLES: i32 = 1024;

/// `/lidar/points` is `rt/lidar/points`.
pub(super) fn topic(name: &TopicName) -> String {
    format!("rt{name}")
}

/// `/node/change_state` is asked on `rq/node/change_stateRequest`.
pub(super) fn request_topic(service: &TopicName) -> String {
    format!("rq{service}Request")
}

/// `/node/change_state` answers on `rr/node/change_stateReply`.
pub(super) fn reply_topic(service: &TopicName) -> String {
    format!("rr{service}Reply")
}

/// `sensor_msgs/msg/PointCloud2` with no ending is `sensor_msgs::msg::dds_::PointCloud2_`; of a service the ending says
/// which half: `_Request`.
pub(super) fn type_name(ros_type: &str, ending: &str) -> String {
    match ros_type.rsplit_once('/') {
        Some((package, name)) => format!("{}::dds_::{name}{ending}_", package.replace('/', "::")),
        None => format!("dds_::{ros_type}{ending}_"),
    }
}

/// A profile as DDS policies; `samples` bounds what a cache may hold, were the depth smaller.
fn policies(qos: QosProfile, samples: i32) -> QosPolicies {
    let durability = match qos.durability {
        Durability::TransientLocal => policy::Durability::TransientLocal,
        Durability::Volatile => policy::Durability::Volatile,
    };
    let reliability = match qos.reliability {
        // Publishing never waits for a subscriber: where the send window is full the message is refused.
        Reliability::Reliable => policy::Reliability::Reliable { max_blocking_time: Duration::ZERO },
        Reliability::BestEffort => policy::Reliability::BestEffort,
    };
    let depth = i32::try_from(qos.depth).unwrap_or(i32::MAX).max(1);
    let max_samples = samples.max(depth);
    let limits = policy::ResourceLimits { max_samples, max_instances: 1, max_samples_per_instance: max_samples };
    QosPolicyBuilder::new()
        .durability(durability)
        .reliability(reliability)
        .history(History::KeepLast { depth })
        .resource_limits(limits)
        .build()
}

/// A subscriber's policies. Its cache is bounded: rustdds would keep 64 samples, 128 MB of point clouds.
pub(super) fn reader_policies(qos: QosProfile) -> QosPolicies {
    policies(qos, READER_SAMPLES)
}

/// A publisher's policies.
pub(super) fn writer_policies(qos: QosProfile) -> QosPolicies {
    policies(qos, WRITER_SAMPLES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Names;

    #[test]
    fn names_are_those_of_ros_on_the_wire() {
        let name = Names::new("/", "node", &[]).unwrap().resolve("~/change_state").unwrap();
        assert_eq!(topic(&name), "rt/node/change_state");
        assert_eq!(request_topic(&name), "rq/node/change_stateRequest");
        assert_eq!(reply_topic(&name), "rr/node/change_stateReply");
        assert_eq!(type_name("sensor_msgs/msg/PointCloud2", ""), "sensor_msgs::msg::dds_::PointCloud2_");
        assert_eq!(
            type_name("lifecycle_msgs/srv/ChangeState", "_Request"),
            "lifecycle_msgs::srv::dds_::ChangeState_Request_"
        );
    }

    #[test]
    fn profiles_become_policies_and_readers_are_bounded() {
        let latched = writer_policies(QosProfile::LATCHED);
        assert_eq!(latched.durability(), Some(policy::Durability::TransientLocal));
        assert!(latched.is_reliable());
        let sensor = reader_policies(QosProfile::SENSOR_DATA);
        assert_eq!(sensor.reliability(), Some(policy::Reliability::BestEffort));
        assert_eq!(sensor.history(), Some(History::KeepLast { depth: 5 }));
        assert_eq!(sensor.resource_limits().unwrap().max_samples, 8);
    }
}
