//! Messages within one process: for tests, and for nodes that share it.
//!
//! Delivery happens within `publish`, in the order of subscription. Profiles match as in DDS: a reliable or
//! transient-local subscriber does not hear a publisher that offers less. Transient-local publishers keep their last
//! `depth` messages for late joiners, as long as they live.

use crate::back_end::{BackEnd, Link, MessageType, NodeContext, RawPublisher};
use crate::{Clock, Durability, Inbox, Names, QosProfile, RawRequest, Reliability, RequestInbox, TopicName};
use crate::{Transport, TransportError};
use percept_msgs::{Message, MsgError, Service};
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the nodes of one process share; clones are the same hub.
#[derive(Clone, Debug, Default)]
pub struct MemoryHub {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    next_id: u64,
    subscribers: Vec<Subscriber>,
    publishers: Vec<Offer>,
    services: Vec<Offered>,
}

#[derive(Debug)]
struct Subscriber {
    id: u64,
    topic: TopicName,
    type_name: &'static str,
    qos: QosProfile,
    inbox: Inbox,
}

#[derive(Debug)]
struct Offer {
    id: u64,
    topic: TopicName,
    type_name: &'static str,
    qos: QosProfile,
    /// The last messages of a transient-local publisher.
    kept: VecDeque<Arc<Vec<u8>>>,
}

#[derive(Debug)]
struct Offered {
    id: u64,
    service: TopicName,
    type_name: &'static str,
    requests: RequestInbox,
}

impl MemoryHub {
    /// A hub that nobody has joined.
    pub fn new() -> Self {
        Self::default()
    }

    /// A node with its names and its clock.
    pub fn join(&self, names: Names, clock: Clock) -> Transport {
        Transport::Memory(MemoryNode { hub: self.clone(), context: NodeContext::new(names, clock) })
    }

    /// Calls a service by its full name, as another process would.
    ///
    /// # Errors
    /// When no node offers it, or under another type.
    pub fn call<S: Service>(&self, service: &str, request: &S::Request) -> Result<PendingReply<S>, TransportError> {
        let requests = {
            let shared = self.lock();
            let Some(offered) = shared.services.iter().find(|offered| offered.service.as_str() == service) else {
                let known: Vec<&str> = shared.services.iter().map(|offered| offered.service.as_str()).collect();
                let reason = format!("no node offers it; offered are {known:?}");
                return Err(TransportError::Refused { what: format!("calling {service}"), reason });
            };
            check_type(service, offered.type_name, S::TYPE_NAME)?;
            offered.requests.clone()
        };
        let slot = Arc::new(Mutex::new(None));
        let answered = Arc::clone(&slot);
        let reply = Box::new(move |bytes| *answered.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes));
        requests.deliver(RawRequest { bytes: request.encode(), reply });
        Ok(PendingReply { slot, kind: PhantomData })
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, id: u64) {
        let mut shared = self.lock();
        shared.subscribers.retain(|subscriber| subscriber.id != id);
        shared.publishers.retain(|offer| offer.id != id);
        shared.services.retain(|offered| offered.id != id);
    }
}

impl Shared {
    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

/// A response that may not have come yet.
#[derive(Debug)]
pub struct PendingReply<S> {
    slot: Arc<Mutex<Option<Vec<u8>>>>,
    kind: PhantomData<fn() -> S>,
}

impl<S: Service> PendingReply<S> {
    /// The response, once it has come.
    ///
    /// # Errors
    /// Inside, when it is no such response.
    pub fn take(&self) -> Option<Result<S::Response, MsgError>> {
        let bytes = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(S::Response::decode(&bytes))
    }
}

/// A node of a [`MemoryHub`].
#[derive(Debug)]
pub struct MemoryNode {
    hub: MemoryHub,
    context: NodeContext,
}

/// Takes its entry out of the hub when dropped.
struct Entry {
    hub: MemoryHub,
    id: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.hub.remove(self.id);
    }
}

struct MemoryPublisher {
    entry: Entry,
}

impl RawPublisher for MemoryPublisher {
    fn publish(&self, bytes: Vec<u8>) -> Result<(), TransportError> {
        let bytes = Arc::new(bytes);
        let inboxes: Vec<Inbox> = {
            let mut shared = self.entry.hub.lock();
            let Shared { subscribers, publishers, .. } = &mut *shared;
            let Some(offer) = publishers.iter_mut().find(|offer| offer.id == self.entry.id) else { return Ok(()) };
            if offer.qos.durability == Durability::TransientLocal {
                offer.kept.push_back(Arc::clone(&bytes));
                while offer.kept.len() > offer.qos.depth as usize {
                    offer.kept.pop_front();
                }
            }
            subscribers.iter().filter(|subscriber| hears(subscriber, offer)).map(|s| s.inbox.clone()).collect()
        };
        for inbox in inboxes {
            inbox.deliver(Arc::clone(&bytes));
        }
        Ok(())
    }
}

/// DDS's matching: a publisher must offer at least what the subscriber asks for.
fn hears(subscriber: &Subscriber, offer: &Offer) -> bool {
    let reliable =
        subscriber.qos.reliability == Reliability::BestEffort || offer.qos.reliability == Reliability::Reliable;
    let durable =
        subscriber.qos.durability == Durability::Volatile || offer.qos.durability == Durability::TransientLocal;
    subscriber.topic == offer.topic && subscriber.type_name == offer.type_name && reliable && durable
}

fn check_type(name: &str, found: &str, expected: &str) -> Result<(), TransportError> {
    if found == expected {
        return Ok(());
    }
    let (topic, found, expected) = (name.to_owned(), found.to_owned(), expected.to_owned());
    Err(TransportError::WrongType { topic, found, expected })
}

impl BackEnd for MemoryNode {
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
        let mut shared = self.hub.lock();
        let id = shared.id();
        let subscriber = Subscriber { id, topic: topic.clone(), type_name: message.name, qos, inbox: inbox.clone() };
        let late: Vec<Arc<Vec<u8>>> = if qos.durability == Durability::TransientLocal {
            let heard = shared.publishers.iter().filter(|offer| hears(&subscriber, offer));
            heard.flat_map(|offer| offer.kept.iter().cloned()).collect()
        } else {
            Vec::new()
        };
        shared.subscribers.push(subscriber);
        drop(shared);
        for bytes in late {
            inbox.deliver(bytes);
        }
        Ok(Link::new(Entry { hub: self.hub.clone(), id }))
    }

    fn advertise(
        &self,
        topic: &TopicName,
        message: MessageType,
        qos: QosProfile,
    ) -> Result<Box<dyn RawPublisher>, TransportError> {
        let mut shared = self.hub.lock();
        let id = shared.id();
        let kept = VecDeque::new();
        shared.publishers.push(Offer { id, topic: topic.clone(), type_name: message.name, qos, kept });
        Ok(Box::new(MemoryPublisher { entry: Entry { hub: self.hub.clone(), id } }))
    }

    fn serve(
        &self,
        service: &TopicName,
        service_type: MessageType,
        requests: RequestInbox,
    ) -> Result<Link, TransportError> {
        let mut shared = self.hub.lock();
        if shared.services.iter().any(|offered| offered.service == *service) {
            let reason = "another node offers it: give the node another name".to_owned();
            return Err(TransportError::Refused { what: format!("offering {service}"), reason });
        }
        let id = shared.id();
        let type_name = service_type.name;
        shared.services.push(Offered { id, service: service.clone(), type_name, requests });
        Ok(Link::new(Entry { hub: self.hub.clone(), id }))
    }

    fn publishers(&self, topic: &TopicName) -> Option<usize> {
        Some(self.hub.lock().publishers.iter().filter(|offer| offer.topic == *topic).count())
    }
}
