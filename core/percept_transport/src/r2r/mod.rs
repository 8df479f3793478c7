//! The back-end over rcl, through r2r: a node of the ROS graph, as every other node sees one.
//!
//! ```text
//!  rcl ─► spin thread (owns the r2r node) ─► Inbox, RequestInbox       Publisher ─► rcl_publish, in the caller's thread
//!           ▲ subscribe, advertise, serve, drop: closures through a bounded queue
//! ```
//!
//! Messages stay bytes: raw subscriptions and untyped publishers. r2r's services are typed, so [`services`] turns its
//! types into CDR and back by rmw's own serialization; no type of r2r appears in a signature outside this folder.
//!
//! Names    rcl applies `__node`, `__ns` and remap rules of the command line. r2r cannot be asked what came of them, so the
//!          node's [`Names`] read the same rules: to tell topics by their names in the graph and to find publishers.
//!          rcl is asked for the name before its rules.
//! Time     under `use_sim_time` the clock follows /clock like any other topic ([`Transport::follow_clock`]). r2r's own
//!          time source, and with it `assert_compiled_with_use_sim_time_support!`, is not used: a build whose cached
//!          bindings lost r2r's switch for it keeps simulated time here, and one without rosgraph_msgs says so at start.
//! Values   parameters of the command line, of files and of launch are read once ([`RosNode::parameters`]); r2r's
//!          parameter services know no ranges and refuse nothing, so the node offers the six services itself.
//! Limits   one node a process (r2r keeps one context); a dropped subscription or service is gone from the graph when
//!          its next message arrives; a change of topics waits for the spin that runs, at most [`SPIN`].
//! Source   r2r 0.9.7, rcl of Humble and Jazzy.

mod arguments;
mod services;
mod spin;

use crate::TransportError;
use crate::back_end::{BackEnd, Link, MessageType, NodeContext, RawPublisher};
use crate::{Clock, Durability, Inbox, Names, QosProfile, Reliability, RequestInbox, TopicName, Transport};
pub use arguments::Severity;
use percept_msgs::rcl_interfaces::Parameter;
use spin::{RawSubscription, Spinner};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long one spin waits for something to arrive; what the node asks of rcl waits at most as long.
const SPIN: Duration = Duration::from_millis(10);

/// What a process finds when it joins the ROS graph.
pub struct RosNode {
    /// How its messages move.
    pub transport: Transport,
    /// Parameters of the command line, of parameter files and of the launch file, `use_sim_time` among them.
    pub parameters: Vec<Parameter>,
    /// Its logger.
    pub log: RosLog,
}

impl RosNode {
    /// Joins the graph under this name and namespace, unless `--ros-args` of the command line say otherwise. `on_fault`
    /// is called where the thread that spins ends before the node does: nothing arrives any more.
    ///
    /// # Errors
    /// Arguments or parameter files that rcl does not take, in its words; a name that ROS would not take; a middleware
    /// that does not start.
    pub fn join(
        name: &str,
        namespace: &str,
        on_fault: impl FnOnce(String) + Send + 'static,
    ) -> Result<Self, TransportError> {
        Names::new(namespace, name, &[])?;
        let node = arguments::create(name, namespace)?;
        let parameters = arguments::parameters(&node);
        let clock = if arguments::uses_sim_time(&parameters)? { Clock::simulated() } else { Clock::system() };
        let (namespace, name) = arguments::names(&node)?;
        let log = RosLog { logger: node.logger().into() };
        let command_line: Vec<String> = std::env::args().collect();
        let rules = arguments::remap_rules(&command_line);
        let context = NodeContext::new(Names::of_middleware(&namespace, &name, rules.into_iter())?, clock);
        let spinner = Arc::new(Spinner::start(node, on_fault)?);
        let transport = Transport::R2r(R2rNode { context, spinner, log: log.clone() });
        Ok(Self { transport, parameters, log })
    }
}

impl std::fmt::Debug for RosNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RosNode").field("transport", &self.transport).finish_non_exhaustive()
    }
}

/// The node's logger: the console, the log file and /rosout, at the level that `--log-level` sets.
#[derive(Clone, Debug)]
pub struct RosLog {
    logger: Arc<str>,
}

impl RosLog {
    /// Writes one line.
    pub fn write(&self, severity: Severity, text: &str) {
        arguments::log(&self.logger, severity, text);
    }
}

/// A node of the ROS graph; leaves it when dropped.
#[derive(Debug)]
pub struct R2rNode {
    context: NodeContext,
    spinner: Arc<Spinner>,
    log: RosLog,
}

impl R2rNode {
    /// Asks something of rcl, in the thread that owns the node.
    fn ask<T: Send + 'static>(
        &self,
        what: impl FnOnce() -> String,
        of: impl FnOnce(&mut ::r2r::Node) -> ::r2r::Result<T> + Send + 'static,
    ) -> Result<T, TransportError> {
        let answer = self.spinner.ask(move |spun| of(&mut spun.node));
        match answer {
            Some(answer) => answer.map_err(|error| refused(what(), error)),
            None => Err(spin_ended(what())),
        }
    }
}

fn refused(what: String, error: ::r2r::Error) -> TransportError {
    match error {
        ::r2r::Error::InvalidMessageType { msgtype } => not_built_in(what, &msgtype),
        error => TransportError::Refused { what, reason: format!("rcl says {error}") },
    }
}

fn not_built_in(what: String, type_name: &str) -> TransportError {
    let package = type_name.split('/').next().unwrap_or(type_name);
    let way_out = format!(
        "{type_name} is not built in: install the package {package}, source it, see that it is listed in \
         IDL_PACKAGE_FILTER (.cargo/config.toml), and build again after `cargo clean -p r2r -p r2r_msg_gen`"
    );
    TransportError::Unavailable { what, way_out }
}

fn spin_ended(what: String) -> TransportError {
    TransportError::Refused {
        what,
        reason: "the thread that spins the node has ended: start the node again".to_owned(),
    }
}

fn profile(qos: QosProfile) -> ::r2r::QosProfile {
    let depth = usize::try_from(qos.depth).unwrap_or(1).max(1);
    let profile = ::r2r::QosProfile::default().keep_last(depth);
    let profile = match qos.reliability {
        Reliability::Reliable => profile.reliable(),
        Reliability::BestEffort => profile.best_effort(),
    };
    match qos.durability {
        Durability::TransientLocal => profile.transient_local(),
        Durability::Volatile => profile.volatile(),
    }
}

/// Withdraws its topic when dropped.
struct R2rPublisher {
    topic: TopicName,
    /// r2r's publisher may be sent, not shared; rcl_publish itself would allow both.
    untyped: Mutex<Option<::r2r::PublisherUntyped>>,
    spinner: Arc<Spinner>,
}

impl RawPublisher for R2rPublisher {
    fn publish(&self, bytes: Vec<u8>) -> Result<(), TransportError> {
        let what = || format!("publishing on {}", self.topic);
        let untyped = self.untyped.lock().unwrap_or_else(PoisonError::into_inner);
        match &*untyped {
            Some(publisher) => publisher.publish_raw(&bytes).map_err(|error| refused(what(), error)),
            None => Err(spin_ended(what())),
        }
    }
}

impl Drop for R2rPublisher {
    fn drop(&mut self) {
        if let Some(untyped) = self.untyped.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            self.spinner.tell(move |spun| spun.node.destroy_publisher_untyped(untyped));
        }
    }
}

/// Takes its tap out of the spin thread when dropped.
struct Tapped {
    id: u64,
    spinner: Arc<Spinner>,
}

impl Drop for Tapped {
    fn drop(&mut self) {
        let id = self.id;
        self.spinner.tell(move |spun| spun.remove(id));
    }
}

impl BackEnd for R2rNode {
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
        let what = || format!("subscribing to {topic}");
        let (name, id) = (self.context.names.before_rules(topic).to_string(), self.spinner.id());
        let answer = self.spinner.ask(move |spun| {
            let messages = spun.node.subscribe_raw(&name, message.name, profile(qos))?;
            spun.add(id, Box::new(RawSubscription { messages, inbox }));
            Ok(())
        });
        answer.ok_or_else(|| spin_ended(what()))?.map_err(|error: ::r2r::Error| refused(what(), error))?;
        Ok(Link::new(Tapped { id, spinner: Arc::clone(&self.spinner) }))
    }

    fn advertise(
        &self,
        topic: &TopicName,
        message: MessageType,
        qos: QosProfile,
    ) -> Result<Box<dyn RawPublisher>, TransportError> {
        let name = self.context.names.before_rules(topic).to_string();
        let untyped = self.ask(
            || format!("advertising {topic}"),
            move |node| node.create_publisher_untyped(&name, message.name, profile(qos)),
        )?;
        let (topic, untyped) = (topic.clone(), Mutex::new(Some(untyped)));
        Ok(Box::new(R2rPublisher { topic, untyped, spinner: Arc::clone(&self.spinner) }))
    }

    fn serve(
        &self,
        service: &TopicName,
        service_type: MessageType,
        requests: RequestInbox,
    ) -> Result<Link, TransportError> {
        let what = || format!("offering {service}");
        let Some(open) = services::opener(service_type.name) else {
            return Err(not_built_in(what(), service_type.name));
        };
        let name = self.context.names.before_rules(service).to_string();
        let (id, log) = (self.spinner.id(), self.log.clone());
        let answer = self.spinner.ask(move |spun| {
            let offered = open(&mut spun.node, &name, requests, log)?;
            spun.add(id, offered);
            Ok(())
        });
        answer.ok_or_else(|| spin_ended(what()))?.map_err(|error: ::r2r::Error| refused(what(), error))?;
        Ok(Link::new(Tapped { id, spinner: Arc::clone(&self.spinner) }))
    }

    fn publishers(&self, topic: &TopicName) -> Option<usize> {
        let name = topic.to_string();
        let count = move |node: &mut ::r2r::Node| Ok(node.get_publishers_info_by_topic(&name, false)?.len());
        self.ask(|| format!("counting the publishers of {topic}"), count).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_become_those_of_rmw() {
        let sensor = profile(QosProfile::SENSOR_DATA);
        assert_eq!(sensor, ::r2r::QosProfile::default().keep_last(5).best_effort().volatile());
        let latched = profile(QosProfile::LATCHED);
        assert_eq!(latched, ::r2r::QosProfile::default().keep_last(1).reliable().transient_local());
    }

    #[test]
    fn a_type_that_is_not_built_in_is_told_with_its_package() {
        let error = not_built_in("advertising /objects".to_owned(), "vision_msgs/msg/Detection3DArray");
        assert!(error.to_string().contains("install the package vision_msgs"), "{error}");
    }
}
