//! The schemas and channels of one mcap file, gathered from wherever they appear.

use std::collections::BTreeMap;
use std::sync::Arc;

use mcap::records::{Channel, Record as McapRecord, SchemaHeader, op};

use crate::topic::{SchemaText, TopicRecord, normalise_type_name};

/// Schemas and channels by id.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    schemas: BTreeMap<u16, (String, Arc<SchemaText>)>,
    channels: BTreeMap<u16, Channel>,
}

impl Definitions {
    /// Takes in a schema or channel record. An id defined twice must be defined alike (MCAP
    /// specification, "Channel").
    pub(super) fn add(&mut self, opcode: u8, body: &[u8]) -> Result<(), String> {
        match mcap::read::parse_record(opcode, body) {
            Ok(McapRecord::Schema { header, data }) => self.add_schema(header, &data),
            Ok(McapRecord::Channel(channel)) => self.add_channel(channel),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("a {} record: {error}", record_name(opcode))),
        }
    }

    fn add_schema(&mut self, header: SchemaHeader, data: &[u8]) -> Result<(), String> {
        if header.id == 0 {
            return Err(format!("schema {:?} has the reserved id 0", header.name));
        }
        if let Some((name, _)) = self.schemas.get(&header.id) {
            return if *name == header.name {
                Ok(())
            } else {
                let id = header.id;
                Err(format!("schema {id} is {name:?} and then {:?}", header.name))
            };
        }
        let schema = SchemaText { encoding: header.encoding, text: String::from_utf8_lossy(data).into_owned() };
        self.schemas.insert(header.id, (header.name, Arc::new(schema)));
        Ok(())
    }

    fn add_channel(&mut self, channel: Channel) -> Result<(), String> {
        match self.channels.get(&channel.id) {
            Some(known) if *known == channel => Ok(()),
            Some(known) => Err(format!("channel {} is {:?} and then {:?}", channel.id, known.topic, channel.topic)),
            None => {
                self.channels.insert(channel.id, channel);
                Ok(())
            }
        }
    }

    pub(super) fn has_channel(&self, id: u16) -> bool {
        self.channels.contains_key(&id)
    }

    pub(super) fn channel_count(&self) -> usize {
        self.channels.len()
    }

    /// The channels as topics, with the messages counted for each.
    pub(super) fn topics(&self, counts: &BTreeMap<u16, u64>) -> BTreeMap<u16, TopicRecord> {
        let topic = |channel: &Channel| {
            let schema = self.schemas.get(&channel.schema_id);
            TopicRecord {
                name: channel.topic.clone(),
                type_name: schema.map_or_else(String::new, |(name, _)| normalise_type_name(name)),
                message_encoding: channel.message_encoding.clone(),
                message_count: counts.get(&channel.id).copied().unwrap_or(0),
                offered_qos_profiles: channel.metadata.get("offered_qos_profiles").cloned().unwrap_or_default(),
                schema: schema.map(|(_, schema)| schema.clone()),
            }
        };
        self.channels.iter().map(|(id, channel)| (*id, topic(channel))).collect()
    }
}

fn record_name(opcode: u8) -> &'static str {
    if opcode == op::SCHEMA { "schema" } else { "channel" }
}
