//! The closed enum of back-ends.

use crate::back_end::{BackEnd, MessageType};
use crate::{
    BagNode, Clock, Inbox, Keep, Link, MemoryNode, Names, Publisher, QosProfile, RequestInbox, Server, Signal,
    Subscription, TopicName, TransportError,
};
use percept_msgs::{Message, Service, rosgraph_msgs};

/// How one node's messages move.
#[derive(Debug)]
pub enum Transport {
    /// Within this process.
    Memory(MemoryNode),
    /// A bag, played step by step.
    Bag(BagNode),
    /// A DDS participant of our own.
    #[cfg(feature = "dds")]
    Dds(Box<crate::dds::DdsNode>),
    /// Over rcl: a node of the ROS graph.
    #[cfg(feature = "r2r")]
    R2r(crate::R2rNode),
}

impl Transport {
    fn back_end(&self) -> &dyn BackEnd {
        match self {
            Self::Memory(node) => node,
            Self::Bag(node) => node,
            #[cfg(feature = "dds")]
            Self::Dds(node) => node.as_ref(),
            #[cfg(feature = "r2r")]
            Self::R2r(node) => node,
        }
    }

    /// The node's name and the rules by which its topics are named.
    pub fn names(&self) -> &Names {
        &self.back_end().context().names
    }

    /// The node's clock.
    pub fn clock(&self) -> &Clock {
        &self.back_end().context().clock
    }

    /// Wakes whoever waits for a message, a request or /clock of this node.
    pub fn signal(&self) -> &Signal {
        &self.back_end().context().signal
    }

    /// The full name of a topic or service as the node writes it.
    ///
    /// # Errors
    /// A name that ROS would not take.
    pub fn resolve(&self, name: &str) -> Result<TopicName, TransportError> {
        self.names().resolve(name)
    }

    /// Receives a topic: `~/input/pointcloud`, `points`, `/tf`.
    ///
    /// # Errors
    /// A name that ROS would not take; what the back-end refuses.
    pub fn subscribe<M: Message>(
        &self,
        name: &str,
        qos: QosProfile,
        keep: Keep,
    ) -> Result<Subscription<M>, TransportError> {
        let topic = self.resolve(name)?;
        let inbox = Inbox::new(keep, self.clock().clone(), self.signal().clone());
        let link = self.back_end().subscribe(&topic, MessageType::of::<M>(), qos, inbox.clone())?;
        Ok(Subscription::new(topic, inbox, link))
    }

    /// Offers a topic.
    ///
    /// # Errors
    /// A name that ROS would not take; what the back-end refuses.
    pub fn advertise<M: Message>(&self, name: &str, qos: QosProfile) -> Result<Publisher<M>, TransportError> {
        let topic = self.resolve(name)?;
        let raw = self.back_end().advertise(&topic, MessageType::of::<M>(), qos)?;
        Ok(Publisher::new(topic, raw))
    }

    /// Offers a service.
    ///
    /// # Errors
    /// A name that ROS would not take; [`TransportError::Unavailable`] where the back-end has no services.
    pub fn serve<S: Service>(&self, name: &str) -> Result<Server<S>, TransportError> {
        let service = self.resolve(name)?;
        let requests = RequestInbox::new(self.signal().clone());
        let link = self.back_end().serve(&service, MessageType::of_service::<S>(), requests.clone())?;
        Ok(Server::new(service, requests, link))
    }

    /// Lets /clock tell this node's time until the link is dropped; the clock must be a simulated one.
    ///
    /// # Errors
    /// What the back-end refuses.
    pub fn follow_clock(&self) -> Result<Link, TransportError> {
        let inbox = Inbox::of_clock(self.clock().clone(), self.signal().clone());
        let message = MessageType::of::<rosgraph_msgs::Clock>();
        let qos = QosProfile { depth: 1, ..QosProfile::SENSOR_DATA };
        self.back_end().subscribe(&self.resolve("/clock")?, message, qos, inbox)
    }

    /// How many publishers of a topic are known; `None` where the back-end cannot tell.
    pub fn publishers(&self, topic: &TopicName) -> Option<usize> {
        self.back_end().publishers(topic)
    }
}
