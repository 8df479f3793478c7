//! An advertised topic with the type of its messages.

use crate::{RawPublisher, TopicName, TransportError};
use percept_msgs::Message;
use std::marker::PhantomData;

/// Publishes messages of one type; withdraws the topic when dropped.
pub struct Publisher<M> {
    topic: TopicName,
    raw: Box<dyn RawPublisher>,
    message: PhantomData<fn(&M)>,
}

impl<M: Message> Publisher<M> {
    pub(crate) fn new(topic: TopicName, raw: Box<dyn RawPublisher>) -> Self {
        Self { topic, raw, message: PhantomData }
    }

    /// The full name of the topic.
    pub fn topic(&self) -> &TopicName {
        &self.topic
    }

    /// Encodes and sends a message.
    ///
    /// # Errors
    /// When the back-end refuses it.
    pub fn publish(&self, message: &M) -> Result<(), TransportError> {
        self.raw.publish(message.encode())
    }
}

impl<M> std::fmt::Debug for Publisher<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").field("topic", &self.topic).finish_non_exhaustive()
    }
}
