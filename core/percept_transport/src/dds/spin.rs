//! The spin thread: empties every reader as soon as it has something, and does nothing else.

use super::payload::RawCdr;
use super::services::{self, Matches, Replies};
use super::wire_log::WireCounters;
use crate::{Inbox, RequestInbox, TransportError};
use rustdds::mio1::event::Source;
use rustdds::mio1::{Events, Interest, Poll, Registry, Token, Waker};
use rustdds::no_key::SimpleDataReader;
use rustdds::{DomainParticipantStatusEvent, DomainParticipantStatusListener, QosPolicies, StatusEvented};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// A reader of messages as bytes.
pub(super) type Reader = SimpleDataReader<Vec<u8>, RawCdr>;

pub(super) const THREAD_NAME: &str = "dds spin";
const COMMANDS: Token = Token(0);
const STATUS: Token = Token(1);
const FIRST_ROUTE: usize = 2;
const NOTICED_PEERS: usize = 1024;

/// Where what a reader takes goes to.
pub(super) enum Destination {
    Messages(Inbox),
    Requests(RequestInbox, Arc<Replies>),
}

/// A reader, its topic's name and type on the wire, and where its messages go.
pub(super) struct Route {
    pub(super) reader: Reader,
    pub(super) topic: String,
    pub(super) type_name: String,
    pub(super) destination: Destination,
}

enum Command {
    Add(Token, Box<Route>),
    Remove(Token),
    Stop,
}

/// The thread and the way to talk to it.
pub(super) struct Spin {
    desk: Arc<Desk>,
    registry: Registry,
    next_token: AtomicUsize,
    thread: Option<JoinHandle<()>>,
}

/// Commands that wait for the thread.
struct Desk {
    waiting: Mutex<Vec<Command>>,
    waker: Waker,
}

impl Desk {
    fn put(&self, command: Command) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(command);
        // Nothing to be done where it fails: the thread looks at the desk at every event.
        let _ = self.waker.wake();
    }

    fn take(&self) -> Vec<Command> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Ends a route when dropped.
pub(super) struct RouteGuard {
    desk: Arc<Desk>,
    token: Token,
}

impl Drop for RouteGuard {
    fn drop(&mut self) {
        self.desk.put(Command::Remove(self.token));
    }
}

fn compared(offered: &QosPolicies, requested: &QosPolicies) -> String {
    let [offered, requested] = [offered, requested].map(|qos| (qos.reliability(), qos.durability()));
    format!("offered {:?}, {:?}; asked for {:?}, {:?}", offered.0, offered.1, requested.0, requested.1)
}

fn refused(what: &str, error: &dyn std::fmt::Display) -> TransportError {
    TransportError::Refused { what: what.to_owned(), reason: error.to_string() }
}

impl Spin {
    /// Starts the thread, which also listens to what the participant notices of its peers.
    ///
    /// # Errors
    /// When the system has no thread or no descriptor left.
    pub(super) fn start(
        mut status: DomainParticipantStatusListener,
        counters: Arc<WireCounters>,
        matches: Arc<Matches>,
    ) -> Result<Self, TransportError> {
        let fault = |error: std::io::Error| refused("starting the thread that receives", &error);
        let poll = Poll::new().map_err(fault)?;
        let registry = poll.registry().try_clone().map_err(fault)?;
        let waker = Waker::new(poll.registry(), COMMANDS).map_err(fault)?;
        status.register(&registry, STATUS, Interest::READABLE).map_err(fault)?;
        let desk = Arc::new(Desk { waiting: Mutex::default(), waker });
        let (routes, noticed) = (HashMap::new(), HashSet::new());
        let turn = Turn { desk: Arc::clone(&desk), routes, status, counters, matches, noticed };
        let builder = std::thread::Builder::new().name(THREAD_NAME.to_owned());
        let thread = builder.spawn(move || turn.run(poll)).map_err(fault)?;
        Ok(Self { desk, registry, next_token: AtomicUsize::new(FIRST_ROUTE), thread: Some(thread) })
    }

    /// Lets the thread empty a reader until the guard is dropped.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub(super) fn add(&self, mut route: Route) -> Result<RouteGuard, TransportError> {
        let token = Token(self.next_token.fetch_add(1, Ordering::Relaxed));
        let registered = route.reader.register(&self.registry, token, Interest::READABLE);
        registered.map_err(|error| refused(&format!("listening to {}", route.topic), &error))?;
        self.desk.put(Command::Add(token, Box::new(route)));
        Ok(RouteGuard { desk: Arc::clone(&self.desk), token })
    }
}

impl Drop for Spin {
    fn drop(&mut self) {
        self.desk.put(Command::Stop);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so; there is nothing left to end.
            let _ = thread.join();
        }
    }
}

/// What the thread holds.
struct Turn {
    desk: Arc<Desk>,
    routes: HashMap<Token, Box<Route>>,
    status: DomainParticipantStatusListener,
    counters: Arc<WireCounters>,
    matches: Arc<Matches>,
    /// Peers of which a mismatch was told.
    noticed: HashSet<String>,
}

impl Turn {
    fn run(mut self, mut poll: Poll) {
        let mut events = Events::with_capacity(64);
        loop {
            match poll.poll(&mut events, None) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return log::error!("receiving has ended: {error}"),
            }
            if !self.obey() {
                return;
            }
            for event in &events {
                match event.token() {
                    COMMANDS => {}
                    STATUS => self.notice(),
                    token => self.empty(token),
                }
            }
        }
    }

    /// Does what waits on the desk; false at the end.
    fn obey(&mut self) -> bool {
        for command in self.desk.take() {
            match command {
                Command::Add(token, route) => {
                    self.routes.insert(token, route);
                    // What came before the route was here will not be told again.
                    self.empty(token);
                }
                Command::Remove(token) => drop(self.routes.remove(&token)),
                Command::Stop => return false,
            }
        }
        true
    }

    /// Takes everything a reader has.
    fn empty(&self, token: Token) {
        let Some(route) = self.routes.get(&token) else { return };
        loop {
            route.reader.drain_read_notifications();
            match route.reader.try_take_one() {
                Ok(None) => return,
                Ok(Some(change)) => match &route.destination {
                    Destination::Messages(inbox) => inbox.deliver(change.into_value()),
                    Destination::Requests(requests, replies) => {
                        let client = change.writer_guid();
                        match services::request(change.into_value(), client, replies) {
                            // Too many wait: this one's caller hears nothing, as the inbox says.
                            Some(request) => _ = requests.deliver(request),
                            None => self.counters.unreadable(),
                        }
                    }
                },
                Err(error) => {
                    self.counters.unreadable();
                    log::warn!("{}: a message that cannot be read: {error:?}", route.topic);
                }
            }
        }
    }

    /// Tells of peers that will never be heard: another type, or a profile that offers less than we ask for.
    fn notice(&mut self) {
        while let Some(event) = self.status.try_recv_status() {
            match event {
                DomainParticipantStatusEvent::WriterDetected { writer } => {
                    let ours = self.routes.values().find(|route| route.topic == writer.topic_name);
                    if let Some(route) = ours.filter(|route| route.type_name != writer.type_name) {
                        let told = format!(
                            "{} is published as {} by another node, {} expected: remap one of them",
                            route.topic, writer.type_name, route.type_name
                        );
                        self.mismatch(format!("{:?}", writer.guid), &told);
                    }
                }
                DomainParticipantStatusEvent::RemoteWriterQosIncompatible {
                    local_reader,
                    remote_writer,
                    requested_qos,
                    offered_qos,
                } => {
                    let topic = self.routes.values().find(|route| route.reader.guid() == local_reader);
                    let told = format!(
                        "{}: a publisher offers less than we ask for and will not be heard ({})",
                        topic.map_or("a topic", |route| route.topic.as_str()),
                        compared(&offered_qos, &requested_qos)
                    );
                    self.mismatch(format!("{local_reader:?} {remote_writer:?}"), &told);
                }
                DomainParticipantStatusEvent::RemoteReaderQosIncompatible {
                    local_writer,
                    remote_reader,
                    requested_qos,
                    offered_qos,
                } => {
                    let told = format!(
                        "a subscriber asks for more than we offer and will hear nothing ({})",
                        compared(&offered_qos, &requested_qos)
                    );
                    self.mismatch(format!("{local_writer:?} {remote_reader:?}"), &told);
                }
                DomainParticipantStatusEvent::RemoteReaderMatched { local_writer, remote_reader } => {
                    self.matches.add(local_writer, remote_reader);
                    self.retry_replies();
                }
                DomainParticipantStatusEvent::ReaderLost { guid, .. } => self.matches.forget(|reader| reader == guid),
                DomainParticipantStatusEvent::ParticipantLost { id, .. } => {
                    self.matches.forget(|reader| reader.prefix == id);
                }
                _ => {}
            }
        }
    }

    /// A reader was found: responses may have waited for it.
    fn retry_replies(&self) {
        for route in self.routes.values() {
            if let Destination::Requests(_, replies) = &route.destination {
                replies.retry();
            }
        }
    }

    fn mismatch(&mut self, peer: String, told: &str) {
        // Peers come and go: what was told long ago may be told again.
        if self.noticed.len() >= NOTICED_PEERS {
            self.noticed.clear();
        }
        if self.noticed.insert(peer) {
            self.counters.mismatched_peer();
            log::warn!("{told}");
        }
    }
}
