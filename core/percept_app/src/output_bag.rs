//! Typed messages into a bag: a topic knows its message, so nothing can be written on the wrong one.

use crate::AppError;
use percept_bag::{BagWriter, QosProfile, RawMessage, TopicId, TopicInfo, TopicSpec, WriteOptions};
use percept_msgs::Message;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::path::Path;

/// A topic that takes messages of one type.
#[derive(Debug)]
pub struct OutputTopic<M> {
    spec: TopicSpec,
    id: OnceCell<TopicId>,
    message: PhantomData<fn(&M)>,
}

impl<M: Message> OutputTopic<M> {
    /// A topic that enters the bag with its first message: a part that a drive lacks leaves no empty topic.
    pub fn when_used(name: &str, qos: QosProfile) -> Self {
        let spec = TopicSpec::new(name, M::TYPE_NAME, qos).with_schema(M::definition());
        Self { spec, id: OnceCell::new(), message: PhantomData }
    }
}

/// A bag that is being written.
#[derive(Debug)]
pub struct OutputBag {
    writer: BagWriter,
    /// Topics of the bag by name.
    ids: BTreeMap<String, TopicId>,
}

impl OutputBag {
    /// A new bag in a folder that does not exist or is empty.
    ///
    /// # Errors
    /// When the folder is in use or cannot be made.
    pub fn create(path: &Path) -> Result<Self, AppError> {
        Ok(Self { writer: BagWriter::create(path, WriteOptions::default())?, ids: BTreeMap::new() })
    }

    /// Adds a topic for messages of type `M`, whether or not it will have any.
    ///
    /// # Errors
    /// When a topic of this name exists with another type, or the name is no topic name.
    pub fn topic<M: Message>(&mut self, name: &str, qos: QosProfile) -> Result<OutputTopic<M>, AppError> {
        let topic = OutputTopic::when_used(name, qos);
        self.id_of(&topic)?;
        Ok(topic)
    }

    /// Appends a message with its log time.
    ///
    /// # Errors
    /// When it cannot be written; what was written before is then readable.
    pub fn write<M: Message>(&mut self, topic: &OutputTopic<M>, log_time_ns: i64, message: &M) -> Result<(), AppError> {
        let id = self.id_of(topic)?;
        Ok(self.writer.write(id, log_time_ns, log_time_ns, &message.encode())?)
    }

    fn id_of<M>(&mut self, topic: &OutputTopic<M>) -> Result<TopicId, AppError> {
        match topic.id.get() {
            Some(id) => Ok(*id),
            None => {
                let id = self.id_of_spec(topic.spec.clone())?;
                Ok(*topic.id.get_or_init(|| id))
            }
        }
    }

    fn id_of_spec(&mut self, spec: TopicSpec) -> Result<TopicId, AppError> {
        if let Some(id) = self.ids.get(&spec.name) {
            return Ok(*id);
        }
        let name = spec.name.clone();
        let id = self.writer.add_topic(spec)?;
        self.ids.insert(name, id);
        Ok(id)
    }

    /// Appends a message of another bag as it is, on the topic of its name.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn copy(&mut self, topic: &TopicInfo, message: &RawMessage) -> Result<(), AppError> {
        let id = self.id_of_spec(TopicSpec::from(topic))?;
        Ok(self.writer.write(id, message.log_time_ns, message.publish_time_ns, &message.data)?)
    }

    /// Notes where the bag came from.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&mut self, name: &str, entries: &BTreeMap<String, String>) -> Result<(), AppError> {
        Ok(self.writer.add_metadata(name, entries)?)
    }

    /// Completes the bag: index and metadata.yaml.
    ///
    /// # Errors
    /// When they cannot be written; the messages are readable all the same.
    pub fn finish(self) -> Result<(), AppError> {
        self.writer.finish()?;
        Ok(())
    }
}
