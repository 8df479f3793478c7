//! A bag as a transport: messages come one by one when the player is stepped, on the bag's own clock, none lost.
//!
//! Time is the log time of the message last played. What the node publishes goes into an output bag, if one is given,
//! at that time. Nothing is paced: the driver steps as fast as the node can take.
//!
//! Limits  no services; a subscription made late does not hear what was played before, latched or not.

use crate::back_end::{BackEnd, Link, MessageType, NodeContext, RawPublisher};
use crate::{Clock, Inbox, Names, QosProfile, RequestInbox, TopicName, Transport, TransportError};
use percept_bag::{
    BagReader, BagWriter, Messages, ReadOptions, TopicFilter, TopicId, TopicInfo, TopicSpec, WrittenBag,
};
use percept_types::Stamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The node's side of a played bag.
#[derive(Clone, Debug)]
pub struct BagNode {
    context: NodeContext,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    topics: Vec<TopicInfo>,
    next_id: u64,
    subscribers: Vec<(u64, TopicName, Inbox)>,
    output: Option<BagWriter>,
    written: BTreeMap<TopicName, TopicId>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("topics", &self.topics.len()).finish_non_exhaustive()
    }
}

/// What steps through a bag.
#[derive(Debug)]
pub struct BagPlayer {
    reader: BagReader,
    messages: Messages,
    node: BagNode,
}

/// A message that was played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// Its topic.
    pub topic: String,
    /// Its log time.
    pub log_time: Stamp,
    /// Subscriptions that it went to.
    pub heard_by: usize,
}

impl BagPlayer {
    /// Opens a bag for one node; what the node publishes goes to `output`, or nowhere.
    ///
    /// # Errors
    /// When the bag cannot be read.
    pub fn open(bag: &Path, names: Names, output: Option<BagWriter>) -> Result<(Self, Transport), TransportError> {
        let reader = BagReader::open(bag, ReadOptions::default())?;
        let messages = reader.messages(TopicFilter::all())?;
        let (topics, subscribers, written) = (reader.topics().to_vec(), Vec::new(), BTreeMap::new());
        let shared = Arc::new(Mutex::new(Shared { topics, next_id: 0, subscribers, output, written }));
        let node = BagNode { context: NodeContext::new(names, Clock::simulated()), shared };
        Ok((Self { reader, messages, node: node.clone() }, Transport::Bag(node)))
    }

    /// Plays the next message: sets the clock, then delivers. `None` at the end.
    ///
    /// # Errors
    /// Where a file of the bag cannot be read on; stepping again goes on with the others.
    pub fn step(&mut self) -> Result<Option<Played>, TransportError> {
        let Some(message) = self.messages.next().transpose()? else { return Ok(None) };
        let log_time = Stamp::from_ns(message.log_time_ns);
        self.node.context.clock.set(log_time);
        let topic = self.reader.topics().get(message.topic).map_or_else(String::new, |topic| topic.name.clone());
        let inboxes: Vec<Inbox> = {
            let shared = self.node.lock();
            let heard = shared.subscribers.iter().filter(|(_, name, _)| name.as_str() == topic);
            heard.map(|(_, _, inbox)| inbox.clone()).collect()
        };
        let (bytes, heard_by) = (Arc::new(message.data), inboxes.len());
        for inbox in inboxes {
            inbox.deliver(Arc::clone(&bytes));
        }
        Ok(Some(Played { topic, log_time, heard_by }))
    }

    /// Begins again, as `ros2 bag play --loop` does: time jumps back.
    ///
    /// # Errors
    /// When the bag cannot be read any more.
    pub fn rewind(&mut self) -> Result<(), TransportError> {
        self.messages = self.reader.messages(TopicFilter::all())?;
        Ok(())
    }

    /// Ends the output bag, if there is one.
    ///
    /// # Errors
    /// When its last bytes cannot be written.
    pub fn finish(self) -> Result<Option<WrittenBag>, TransportError> {
        let output = self.node.lock().output.take();
        Ok(output.map(BagWriter::finish).transpose()?)
    }
}

impl BagNode {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Entry {
    node: BagNode,
    id: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.node.lock().subscribers.retain(|(id, ..)| *id != self.id);
    }
}

struct BagPublisher {
    node: BagNode,
    topic: TopicName,
}

impl RawPublisher for BagPublisher {
    fn publish(&self, bytes: Vec<u8>) -> Result<(), TransportError> {
        let now_ns = self.node.context.clock.now().nanoseconds;
        let mut shared = self.node.lock();
        let Shared { output, written, .. } = &mut *shared;
        if let (Some(output), Some(topic)) = (output, written.get(&self.topic)) {
            output.write(*topic, now_ns, now_ns, &bytes)?;
        }
        Ok(())
    }
}

impl BackEnd for BagNode {
    fn context(&self) -> &NodeContext {
        &self.context
    }

    fn subscribe(
        &self,
        topic: &TopicName,
        message: MessageType,
        _qos: QosProfile,
        inbox: Inbox,
    ) -> Result<Link, TransportError> {
        let mut shared = self.lock();
        if let Some(other) = shared.topics.iter().find(|t| t.name == topic.as_str() && t.type_name != message.name) {
            let (found, expected) = (other.type_name.clone(), message.name.to_owned());
            return Err(TransportError::WrongType { topic: topic.to_string(), found, expected });
        }
        shared.next_id += 1;
        let id = shared.next_id;
        shared.subscribers.push((id, topic.clone(), inbox));
        Ok(Link::new(Entry { node: self.clone(), id }))
    }

    fn advertise(
        &self,
        topic: &TopicName,
        message: MessageType,
        qos: QosProfile,
    ) -> Result<Box<dyn RawPublisher>, TransportError> {
        let mut shared = self.lock();
        let Shared { output, written, .. } = &mut *shared;
        if let (Some(output), false) = (output, written.contains_key(topic)) {
            let spec = TopicSpec::new(topic.as_str(), message.name, qos).with_schema((message.definition)());
            written.insert(topic.clone(), output.add_topic(spec)?);
        }
        Ok(Box::new(BagPublisher { node: self.clone(), topic: topic.clone() }))
    }

    fn serve(&self, service: &TopicName, _: MessageType, _: RequestInbox) -> Result<Link, TransportError> {
        let what = format!("a played bag offers no services, {service} among them");
        Err(TransportError::Unavailable { what, way_out: "run the node over memory, r2r or dds".to_owned() })
    }

    fn publishers(&self, topic: &TopicName) -> Option<usize> {
        Some(self.lock().topics.iter().filter(|t| t.name == topic.as_str()).count())
    }
}
