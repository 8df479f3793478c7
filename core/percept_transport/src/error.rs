//! What can go wrong between a node and its messages.

use thiserror::Error;

/// Why a topic or a service cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransportError {
    /// A name that ROS would not take.
    #[error("{name:?} is no name of a {what}: {reason}")]
    Name {
        /// The name given.
        name: String,
        /// topic, service, node, namespace or remap rule.
        what: &'static str,
        /// Which rule it breaks.
        reason: String,
    },
    /// The back-end cannot do this at all.
    #[error("{what}: {way_out}")]
    Unavailable {
        /// What was asked for.
        what: String,
        /// What to do instead.
        way_out: String,
    },
    /// A topic that carries another type.
    #[error("{topic} carries {found}, {expected} expected: name another topic or remap it")]
    WrongType {
        /// The topic.
        topic: String,
        /// The type it carries.
        found: String,
        /// The type expected.
        expected: String,
    },
    /// The middleware refused.
    #[error("{what}: {reason}")]
    Refused {
        /// What was tried.
        what: String,
        /// What the middleware said.
        reason: String,
    },
    /// No network interface over which DDS finds its peers.
    #[error(
        "DDS finds its peers by multicast: {fault}; found: {found}. Bring up a network interface with \
         multicast and an IPv4 address, name another one, or for one machine alone: `ip link set lo multicast on` and \
         `ip route add 224.0.0.0/4 dev lo`"
    )]
    NoMulticast {
        /// Which interface cannot do it.
        fault: String,
        /// The interfaces, each with what it lacks.
        found: String,
    },
    /// A bag that cannot be read or written.
    #[error(transparent)]
    Bag(#[from] percept_bag::BagError),
    /// A message that cannot be read.
    #[error(transparent)]
    Message(#[from] percept_msgs::MsgError),
}
