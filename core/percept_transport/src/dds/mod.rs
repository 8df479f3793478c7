//! A DDS participant of our own, in Rust alone: a node without ROS whose topics, types and name ROS 2 nodes elsewhere see.
//!
//! ```text
//!  join ─► participant (one a node) ─┬─ readers ─► spin thread ─► Inbox, RequestInbox
//!                                    ├─ writers ◄─ publish, replies
//!                                    └─ ros_discovery_info: node name and the GUIDs of both
//! ```
//!
//! Peers: every ROS 2 node of the domain over Cyclone DDS or Fast DDS for topics; services in rmw_cyclonedds_cpp's form
//! alone (`services`). The node's name is published for `ros2 node list` (`graph`).
//!
//! Limits  UDP over IPv4 with multicast for discovery (`interfaces`); no shared memory, no DDS security. Parameters and
//! /clock are the node's, above. A message beyond the kernel's receive buffer (`net.core.rmem_max`, often 208 KiB) may be
//! lost when it is best effort and arrives in one burst: rustdds asks for 8 MiB and says what it got.

mod graph;
mod interfaces;
mod payload;
mod services;
mod settings;
mod spin;
mod wire_log;
mod wire_names;

pub use settings::{DdsSettings, GidForm};
pub use wire_log::{WireCounts, WireLog, WireWatch};

use crate::back_end::{BackEnd, MessageType, NodeContext, RawPublisher};
use crate::{Clock, Inbox, Link, Names, QosProfile, RequestInbox, TopicName, Transport, TransportError};
use graph::{End, Graph};
use payload::{Body, RawCdr};
use rustdds::no_key::DataWriter;
use rustdds::{
    DomainParticipant, DomainParticipantBuilder, GUID, Publisher, QosPolicies, QosPolicyBuilder, RTPSEntity,
    Subscriber, Timestamp, Topic, TopicKind,
};
use services::{Matches, Replies};
use spin::{Destination, Reader, Route, RouteGuard, Spin};
use std::sync::Arc;
use wire_log::WireCounters;

/// A node that is a DDS participant.
pub struct DdsNode {
    context: NodeContext,
    // In the order in which they must end: the thread, then what the participant holds, then the participant.
    spin: Spin,
    graph: Arc<Graph>,
    counters: Arc<WireCounters>,
    matches: Arc<Matches>,
    publisher: Publisher,
    subscriber: Subscriber,
    participant: DomainParticipant,
}

impl std::fmt::Debug for DdsNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DdsNode").field("context", &self.context).finish_non_exhaustive()
    }
}

/// Ends the process, with exit code 2, when a thread of DDS panics: a node that has become deaf and dumb would otherwise go
/// on, and nobody would start it again. For mains; a panic elsewhere is left to whoever catches it.
pub fn end_process_with_dds() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        if name.starts_with("RustDDS") || name == spin::THREAD_NAME {
            eprintln!("error: DDS failed within ({name}); the node ends so that it can be started again");
            std::process::exit(2);
        }
    }));
}

fn refused(what: &str, error: &dyn std::fmt::Debug) -> TransportError {
    TransportError::Refused { what: what.to_owned(), reason: format!("{error:?}") }
}

/// Joins a domain as a node of its own.
///
/// # Errors
/// [`TransportError::NoMulticast`] where no network interface lets peers be found; a domain that there is not; what the
/// system refuses (ports, threads).
pub fn join(names: Names, clock: Clock, settings: &DdsSettings) -> Result<Transport, TransportError> {
    settings.check()?;
    let networks = interfaces::choose(&interfaces::installed(), settings.interface.as_deref())?;
    let mut builder = DomainParticipantBuilder::new(settings.domain_id);
    if let Some(addresses) = networks {
        builder = builder.with_only_networks(addresses);
    }
    let joining = format!("joining DDS domain {}", settings.domain_id);
    let participant = builder.build().map_err(|error| refused(&joining, &error))?;
    let none = QosPolicyBuilder::new().build();
    let publisher = participant.create_publisher(&none).map_err(|error| refused(&joining, &error))?;
    let subscriber = participant.create_subscriber(&none).map_err(|error| refused(&joining, &error))?;
    let latched = wire_names::writer_policies(QosProfile::LATCHED);
    let told = created_writer(&participant, &publisher, graph::TOPIC, graph::TYPE.to_owned(), &latched)?;
    let graph = Arc::new(Graph::new(told, participant.clone(), &names, settings.gid_form));
    let counters = Arc::new(WireCounters::default());
    let matches = Arc::new(Matches::default());
    let spin = Spin::start(participant.status_listener(), Arc::clone(&counters), Arc::clone(&matches))?;
    let context = NodeContext::new(names, clock);
    let node = DdsNode { context, spin, graph, counters, matches, publisher, subscriber, participant };
    Ok(Transport::Dds(Box::new(node)))
}

fn created_topic(
    participant: &DomainParticipant,
    name: &str,
    type_name: String,
    qos: &QosPolicies,
) -> Result<Topic, TransportError> {
    let created = participant.create_topic(name.to_owned(), type_name, qos, TopicKind::NoKey);
    created.map_err(|error| refused(&format!("the topic {name}"), &error))
}

fn created_writer(
    participant: &DomainParticipant,
    publisher: &Publisher,
    name: &str,
    type_name: String,
    qos: &QosPolicies,
) -> Result<DataWriter<Body, RawCdr>, TransportError> {
    let topic = created_topic(participant, name, type_name, qos)?;
    let created = publisher.create_datawriter_no_key(&topic, Some(qos.clone()));
    created.map_err(|error| refused(&format!("publishing {name}"), &error))
}

impl DdsNode {
    /// What went wrong on the wire so far.
    pub fn wire_counts(&self) -> WireCounts {
        self.counters.counts()
    }

    /// The same counts for whoever hands the node on.
    pub fn wire_watch(&self) -> WireWatch {
        WireWatch(Arc::clone(&self.counters))
    }

    fn writer(&self, name: &str, type_name: String, qos: QosProfile) -> Result<DdsPublisher, TransportError> {
        let policies = wire_names::writer_policies(qos);
        let writer = created_writer(&self.participant, &self.publisher, name, type_name, &policies)?;
        let entity = Listed::new(&self.graph, End::Writer, writer.guid());
        Ok(DdsPublisher { topic: name.to_owned(), writer: Arc::new(writer), _listed: entity })
    }

    /// A reader on the spin thread until the guard is dropped.
    fn route(
        &self,
        name: String,
        type_name: String,
        qos: QosProfile,
        destination: Destination,
    ) -> Result<(RouteGuard, Listed), TransportError> {
        let policies = wire_names::reader_policies(qos);
        let topic = created_topic(&self.participant, &name, type_name.clone(), &policies)?;
        let created = self.subscriber.create_simple_datareader_no_key::<Vec<u8>, RawCdr>(&topic, Some(policies));
        let reader: Reader = created.map_err(|error| refused(&format!("subscribing to {name}"), &error))?;
        let guid = reader.guid();
        let guard = self.spin.add(Route { reader, topic: name, type_name, destination })?;
        Ok((guard, Listed::new(&self.graph, End::Reader, guid)))
    }
}

/// An entity that the graph shows until this is dropped.
struct Listed {
    graph: Arc<Graph>,
    end: End,
    guid: GUID,
}

impl Listed {
    fn new(graph: &Arc<Graph>, end: End, guid: GUID) -> Self {
        graph.add(end, guid);
        Self { graph: Arc::clone(graph), end, guid }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.graph.remove(self.end, self.guid);
    }
}

struct DdsPublisher {
    topic: String,
    writer: Arc<DataWriter<Body, RawCdr>>,
    _listed: Listed,
}

impl RawPublisher for DdsPublisher {
    fn publish(&self, bytes: Vec<u8>) -> Result<(), TransportError> {
        let what = || format!("publishing on {}", self.topic);
        let Some(body) = Body::of_message(bytes) else {
            let reason = "only little-endian CDR with its encapsulation header goes out".to_owned();
            return Err(TransportError::Refused { what: what(), reason });
        };
        self.writer.write(body, Some(Timestamp::now())).map_err(|error| match error {
            rustdds::dds::WriteError::WouldBlock { .. } => {
                let reason = "a reliable subscriber does not keep up, or the network; the message is let fall";
                TransportError::Refused { what: what(), reason: reason.to_owned() }
            }
            other => refused(&what(), &other),
        })
    }
}

impl BackEnd for DdsNode {
    fn context(&self) -> &NodeContext {
        &self.context
    }

    fn subscribe(
        &self,
        topic: &TopicName,
        message: MessageType,
        qos: QosProfile,
        inbox: Inbox,
    ) -> Result<Link, TransportError> {
        let (name, type_name) = (wire_names::topic(topic), wire_names::type_name(message.name, ""));
        Ok(Link::new(self.route(name, type_name, qos, Destination::Messages(inbox))?))
    }

    fn advertise(
        &self,
        topic: &TopicName,
        message: MessageType,
        qos: QosProfile,
    ) -> Result<Box<dyn RawPublisher>, TransportError> {
        let type_name = wire_names::type_name(message.name, "");
        Ok(Box::new(self.writer(&wire_names::topic(topic), type_name, qos)?))
    }

    fn serve(
        &self,
        service: &TopicName,
        service_type: MessageType,
        requests: RequestInbox,
    ) -> Result<Link, TransportError> {
        let type_of = |half: &str| wire_names::type_name(service_type.name, half);
        // The writer first: a client that sees the reader may ask at once.
        let replies = self.writer(&wire_names::reply_topic(service), type_of("_Response"), QosProfile::RELIABLE)?;
        let (writer, counters) = (Arc::clone(&replies.writer), Arc::clone(&self.counters));
        let way = Arc::new(Replies::new(writer, Arc::clone(&self.matches), counters));
        let destination = Destination::Requests(requests, way);
        let name = wire_names::request_topic(service);
        let route = self.route(name, type_of("_Request"), QosProfile::RELIABLE, destination)?;
        Ok(Link::new((route, replies)))
    }

    fn publishers(&self, topic: &TopicName) -> Option<usize> {
        let name = wire_names::topic(topic);
        let writers = self.participant.discovered_writers();
        Some(writers.iter().filter(|writer| writer.publication_topic_data.topic_name == name).count())
    }
}
