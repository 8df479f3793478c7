//! The seam: what a back-end does. Everything is bytes; see the crate's page for their contract.

use crate::{Clock, Inbox, Names, QosProfile, RequestInbox, Signal, TopicName, TransportError};
use percept_msgs::{Message, Service};

/// A type as a back-end sees it.
#[derive(Clone, Copy, Debug)]
pub struct MessageType {
    /// `sensor_msgs/msg/PointCloud2`, `lifecycle_msgs/srv/ChangeState`.
    pub name: &'static str,
    /// The definition, for back-ends that keep it (bags); empty for services.
    pub definition: fn() -> String,
}

impl MessageType {
    /// The type of a message.
    pub fn of<M: Message>() -> Self {
        Self { name: M::TYPE_NAME, definition: M::definition }
    }

    /// The type of a service.
    pub fn of_service<S: Service>() -> Self {
        Self { name: S::TYPE_NAME, definition: String::new }
    }
}

/// Keeps a subscription or a service alive; dropping it ends it.
pub struct Link(#[allow(dead_code, reason = "held for what its drop does")] Box<dyn Send + Sync>);

impl Link {
    /// A link that lives as long as this value.
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self(Box::new(guard))
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

/// What every back-end keeps for its node.
#[derive(Clone, Debug)]
pub struct NodeContext {
    /// The node's name and the rules by which its topics are named.
    pub names: Names,
    /// The node's clock; inboxes take the time of arrival from it.
    pub clock: Clock,
    /// What inboxes notify; inboxes get it without the back-end's help.
    pub signal: Signal,
}

impl NodeContext {
    /// Names and a clock, with a signal of its own.
    pub fn new(names: Names, clock: Clock) -> Self {
        Self { names, clock, signal: Signal::default() }
    }
}

/// One advertised topic.
pub trait RawPublisher: Send + Sync {
    /// Sends one message, encapsulation header included; never waits for a subscriber.
    ///
    /// # Errors
    /// When the middleware refuses it.
    fn publish(&self, bytes: Vec<u8>) -> Result<(), TransportError>;
}

/// What a back-end does for one node.
pub trait BackEnd: Send + Sync {
    /// The node's names, clock and signal.
    fn context(&self) -> &NodeContext;

    /// Receives a topic: every message goes to `inbox.deliver` until the link is dropped.
    ///
    /// # Errors
    /// When the middleware refuses the topic, its type or the profile.
    fn subscribe(
        &self,
        topic: &TopicName,
        message: MessageType,
        qos: QosProfile,
        inbox: Inbox,
    ) -> Result<Link, TransportError>;

    /// Offers a topic.
    ///
    /// # Errors
    /// When the middleware refuses the topic, its type or the profile.
    fn advertise(
        &self,
        topic: &TopicName,
        message: MessageType,
        qos: QosProfile,
    ) -> Result<Box<dyn RawPublisher>, TransportError>;

    /// Offers a service: every request goes to `requests.deliver` with what sends its response.
    ///
    /// # Errors
    /// [`TransportError::Unavailable`] where the back-end has no services; what the middleware refuses.
    fn serve(
        &self,
        service: &TopicName,
        service_type: MessageType,
        requests: RequestInbox,
    ) -> Result<Link, TransportError>;

    /// How many publishers of this topic are known; `None` where the back-end cannot tell.
    fn publishers(&self, topic: &TopicName) -> Option<usize>;
}
