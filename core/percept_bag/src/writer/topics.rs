//! The topics of a bag being written, and their schema and channel records.

use std::collections::BTreeMap;
use std::ops::Range;

use mcap::records::op;

use super::encode;
use crate::error::BagError;
use crate::metadata::qos_is_list;
use crate::qos::QosProfile;
use crate::schema::schema_text;
use crate::topic::{SchemaText, TopicInfo, normalise_type_name};

/// Longest name, QoS text or definition; mcap would take 4 GiB.
const MAX_TEXT_BYTES: usize = 16 << 20;

/// Names a topic in [`BagWriter::write`](super::BagWriter::write).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub(super) u16);

/// A topic to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name, such as `/points`.
    pub name: String,
    /// Type as `pkg/msg/Type`.
    pub type_name: String,
    /// `cdr` for ROS 2 messages.
    pub message_encoding: String,
    /// QoS profiles as a YAML list in text form.
    pub offered_qos_profiles: String,
    /// The message definition.
    pub schema: Option<SchemaText>,
}

impl TopicSpec {
    /// A topic of CDR messages with a type of [`crate::schema`], and the given QoS profile.
    pub fn new(name: impl Into<String>, type_name: &str, qos: QosProfile) -> Self {
        let type_name = normalise_type_name(type_name);
        let schema = schema_text(&type_name).map(|text| SchemaText { encoding: "ros2msg".to_owned(), text });
        Self {
            name: name.into(),
            type_name,
            message_encoding: "cdr".to_owned(),
            offered_qos_profiles: qos.to_yaml(),
            schema,
        }
    }

    /// The same topic with a `ros2msg` definition of the caller's.
    pub fn with_schema(mut self, text: impl Into<String>) -> Self {
        self.schema = Some(SchemaText { encoding: "ros2msg".to_owned(), text: text.into() });
        self
    }

    /// The same topic with messages of another encoding.
    pub fn with_encoding(mut self, message_encoding: impl Into<String>) -> Self {
        self.message_encoding = message_encoding.into();
        self
    }
}

impl From<&TopicInfo> for TopicSpec {
    /// A topic as another bag has it, for copying. Where that bag has no definition, the type's
    /// own is taken if it is known.
    fn from(topic: &TopicInfo) -> Self {
        let known = || Self::new("", &topic.type_name, QosProfile::RELIABLE).schema;
        Self {
            name: topic.name.clone(),
            type_name: topic.type_name.clone(),
            message_encoding: topic.message_encoding.clone(),
            offered_qos_profiles: topic.offered_qos_profiles.clone(),
            schema: topic.schema.clone().or_else(known),
        }
    }
}

/// The topics in the order of their registration; channel ids count from 1.
#[derive(Debug, Default)]
pub(super) struct Topics {
    specs: Vec<TopicSpec>,
    /// Schema id of each topic; topics of one type and definition share it.
    schema_ids: Vec<u16>,
}

impl Topics {
    pub(super) fn len(&self) -> usize {
        self.specs.len()
    }

    pub(super) fn specs(&self) -> &[TopicSpec] {
        &self.specs
    }

    pub(super) fn get(&self, id: TopicId) -> Option<&TopicSpec> {
        self.specs.get(usize::from(id.0).checked_sub(1)?)
    }

    /// Registers a topic.
    pub(super) fn add(&mut self, mut spec: TopicSpec) -> Result<TopicId, BagError> {
        let invalid = |reason: String| BagError::InvalidTopic { name: spec.name.clone(), reason };
        if spec.name.is_empty() || spec.type_name.is_empty() {
            return Err(invalid("name and type must not be empty".to_owned()));
        }
        if self.specs.iter().any(|known| known.name == spec.name) {
            return Err(invalid("the bag has a topic of this name already".to_owned()));
        }
        if spec.schema.is_none() && spec.message_encoding == "cdr" {
            return Err(invalid(format!(
                "no definition of {:?} is known, and players need one; give it with \
                 TopicSpec::with_schema",
                spec.type_name
            )));
        }
        let schema_len = spec.schema.as_ref().map_or(0, |schema| schema.text.len());
        let lengths = [
            spec.name.len(),
            spec.type_name.len(),
            spec.message_encoding.len(),
            spec.offered_qos_profiles.len(),
            schema_len,
        ];
        if lengths.iter().any(|len| *len > MAX_TEXT_BYTES) {
            return Err(invalid(format!("a text of it is longer than {MAX_TEXT_BYTES} bytes")));
        }
        if let Err(reason) = qos_is_list(&spec.offered_qos_profiles) {
            return Err(invalid(format!("its QoS profiles are no YAML list: {reason}")));
        }
        let id = u16::try_from(self.specs.len() + 1).ok().filter(|id| *id < u16::MAX);
        let id = id.ok_or_else(|| invalid("65534 topics are the most".to_owned()))?;
        spec.type_name = normalise_type_name(&spec.type_name);
        let alike = |known: &TopicSpec| known.type_name == spec.type_name && known.schema == spec.schema;
        let shared = self.specs.iter().position(alike);
        let shared = shared.and_then(|place| self.schema_ids.get(place).copied());
        let next = self.schema_ids.iter().max().map_or(1, |max| max + 1);
        self.schema_ids.push(shared.unwrap_or(next));
        self.specs.push(spec);
        Ok(TopicId(id))
    }

    /// Schema and channel records of the topics from `first` on.
    pub(super) fn encode_from(&self, first: usize, out: &mut Vec<u8>) {
        self.encode_schemas(first..self.len(), out);
        self.encode_channels(first..self.len(), out);
    }

    /// Schema records of the topics in the range, leaving out those that an earlier topic shares.
    pub(super) fn encode_schemas(&self, range: Range<usize>, out: &mut Vec<u8>) {
        let from = if range.start == 0 { 0 } else { self.schemas_before(range.start) };
        let mut last = from;
        for (spec, id) in self.specs.iter().zip(&self.schema_ids).take(range.end) {
            if *id <= last {
                continue;
            }
            last = *id;
            let (encoding, text) = match &spec.schema {
                Some(schema) => (schema.encoding.as_str(), schema.text.as_str()),
                None => ("", ""),
            };
            encode::record(out, op::SCHEMA, |out| {
                encode::u16(out, *id);
                encode::string(out, &spec.type_name);
                encode::string(out, encoding);
                encode::bytes(out, text.as_bytes());
            });
        }
    }

    fn schemas_before(&self, end: usize) -> u16 {
        let ids = self.schema_ids.iter().take(end);
        ids.copied().max().unwrap_or(0)
    }

    /// Schemas of the first `count` topics.
    pub(super) fn schema_count(&self, count: usize) -> u16 {
        self.schemas_before(count)
    }

    /// Channel records of the topics in the range.
    pub(super) fn encode_channels(&self, range: Range<usize>, out: &mut Vec<u8>) {
        let topics = self.specs.iter().zip(&self.schema_ids).enumerate();
        for (index, (spec, schema_id)) in topics.take(range.end).skip(range.start) {
            let qos = spec.offered_qos_profiles.clone();
            let metadata = BTreeMap::from([("offered_qos_profiles".to_owned(), qos)]);
            encode::record(out, op::CHANNEL, |out| {
                encode::u16(out, index as u16 + 1);
                encode::u16(out, *schema_id);
                encode::string(out, &spec.name);
                encode::string(out, &spec.message_encoding);
                encode::string_map(out, &metadata);
            });
        }
    }
}
