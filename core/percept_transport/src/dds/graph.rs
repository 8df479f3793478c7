//! The node in the ROS graph: `ros_discovery_info` tells peers its name and which readers and writers are its own.
//!
//! A participant has no node name in DDS; `ros2 node list` knows what this latched topic says. It is said again whenever
//! a reader or a writer comes or goes, with their real GUIDs.
//!
//! Source  rmw_dds_common: ParticipantEntitiesInfo, NodeEntitiesInfo and Gid; rmw_cyclonedds_cpp's profile of the topic.
//! Limits  rustdds sends no user data, so no enclave and no type hashes: `ros2 topic info -v` shows none.

use super::payload::{Body, RawCdr};
use super::settings::GidForm;
use crate::Names;
use percept_msgs::cdr::CdrWriter;
use rustdds::no_key::DataWriter;
use rustdds::{DomainParticipant, GUID, RTPSEntity};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

pub(super) const TOPIC: &str = "ros_discovery_info";
pub(super) const TYPE: &str = "rmw_dds_common::msg::dds_::ParticipantEntitiesInfo_";

/// Which end of a topic an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Reader,
    Writer,
}

/// What the graph is told of one node.
pub(super) struct Graph {
    writer: DataWriter<Body, RawCdr>,
    /// Held by the node's readers and writers through this graph: it must outlive them.
    participant: DomainParticipant,
    namespace: String,
    node: String,
    form: GidForm,
    entities: Mutex<Entities>,
}

#[derive(Debug, Default)]
struct Entities {
    readers: BTreeSet<[u8; 16]>,
    writers: BTreeSet<[u8; 16]>,
}

impl Entities {
    fn of(&mut self, end: End) -> &mut BTreeSet<[u8; 16]> {
        match end {
            End::Reader => &mut self.readers,
            End::Writer => &mut self.writers,
        }
    }
}

impl Graph {
    /// Tells the node's name at once.
    pub(super) fn new(
        writer: DataWriter<Body, RawCdr>,
        participant: DomainParticipant,
        names: &Names,
        form: GidForm,
    ) -> Self {
        let (namespace, node) = (names.namespace().to_owned(), names.node().to_owned());
        let graph = Self { writer, participant, namespace, node, form, entities: Mutex::default() };
        graph.tell(|_| ());
        graph
    }

    /// The node has one more reader or writer.
    pub(super) fn add(&self, end: End, entity: GUID) {
        self.tell(|entities| {
            entities.of(end).insert(entity.to_bytes());
        });
    }

    /// The node has one fewer.
    pub(super) fn remove(&self, end: End, entity: GUID) {
        self.tell(|entities| {
            entities.of(end).remove(&entity.to_bytes());
        });
    }

    fn tell(&self, change: impl FnOnce(&mut Entities)) {
        let mut entities = self.entities.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut entities);
        let message = encoded(self.participant.guid().to_bytes(), &self.namespace, &self.node, &entities, self.form);
        // Written under the lock, so that the last word is the newest. A peer that hears none sees a node without a name.
        if let Some(body) = Body::of_message(message)
            && let Err(error) = self.writer.write(body, None)
        {
            log::warn!("the node's name could not be told to the ROS graph: {error:?}");
        }
    }
}

/// A ParticipantEntitiesInfo of one node.
fn encoded(participant: [u8; 16], namespace: &str, node: &str, entities: &Entities, form: GidForm) -> Vec<u8> {
    let mut writer = CdrWriter::new();
    let gid = |writer: &mut CdrWriter, guid: &[u8; 16]| {
        let mut bytes = guid.to_vec();
        bytes.resize(form.gid_bytes(), 0);
        writer.bytes(&bytes);
    };
    gid(&mut writer, &participant);
    writer.sequence_length(1);
    writer.string(namespace);
    writer.string(node);
    for guids in [&entities.readers, &entities.writers] {
        writer.sequence_length(guids.len());
        for guid in guids {
            gid(&mut writer, guid);
        }
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_told_with_its_gids_in_the_form_of_the_distribution() {
        let mut entities = Entities::default();
        entities.of(End::Reader).insert([1; 16]);
        let bytes = encoded([9; 16], "/front", "lidar", &entities, GidForm::Iron);
        let mut expected = vec![0, 1, 0, 0];
        expected.extend([9; 16]);
        expected.extend([1, 0, 0, 0]); // nodes
        expected.extend([7, 0, 0, 0]);
        expected.extend(b"/front\0");
        expected.push(0);
        expected.extend([6, 0, 0, 0]);
        expected.extend(b"lidar\0");
        expected.extend([0, 0]);
        expected.extend([1, 0, 0, 0]);
        expected.extend([1; 16]);
        expected.extend([0, 0, 0, 0]);
        assert_eq!(bytes, expected);
        let humble = encoded([9; 16], "/front", "lidar", &entities, GidForm::Humble);
        assert_eq!(humble.len(), expected.len() + 16);
        assert_eq!(humble[20..28], [0; 8]);
    }
}
