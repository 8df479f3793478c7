//! Services: requests that wait in a bounded queue, each with the way back to its caller.

use crate::{Link, Signal, TopicName};
use percept_msgs::{Message, MsgError, Service};
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

/// Requests that wait at most; further ones are let fall and their callers hear nothing, as when a node is gone.
const REQUESTS_WAITING: usize = 64;

/// A request as bytes, and what sends the response's bytes back.
pub struct RawRequest {
    /// The request's CDR with its encapsulation header.
    pub bytes: Vec<u8>,
    /// Sends the response's CDR with its encapsulation header; dropped where there is none.
    pub reply: Box<dyn FnOnce(Vec<u8>) + Send>,
}

/// Where a back-end puts the requests of one service; clones share it.
#[derive(Clone)]
pub struct RequestInbox {
    waiting: Arc<Mutex<VecDeque<RawRequest>>>,
    signal: Signal,
}

impl RequestInbox {
    pub(crate) fn new(signal: Signal) -> Self {
        Self { waiting: Arc::default(), signal }
    }

    /// Takes one request; false where too many wait and it is let fall.
    pub fn deliver(&self, request: RawRequest) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = waiting.len() < REQUESTS_WAITING;
        if fits {
            waiting.push_back(request);
        }
        drop(waiting);
        self.signal.notify();
        fits
    }

    fn take(&self) -> Option<RawRequest> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

impl std::fmt::Debug for RequestInbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RequestInbox")
    }
}

/// An offered service; withdrawn when dropped.
#[derive(Debug)]
pub struct Server<S> {
    service: TopicName,
    requests: RequestInbox,
    _link: Link,
    kind: PhantomData<fn() -> S>,
}

impl<S: Service> Server<S> {
    pub(crate) fn new(service: TopicName, requests: RequestInbox, link: Link) -> Self {
        Self { service, requests, _link: link, kind: PhantomData }
    }

    /// The full name of the service.
    pub fn service(&self) -> &TopicName {
        &self.service
    }

    /// The oldest request that waits.
    ///
    /// # Errors
    /// Inside, when the bytes are no such request; its caller hears nothing.
    pub fn take(&self) -> Option<Result<Call<S>, MsgError>> {
        let RawRequest { bytes, reply } = self.requests.take()?;
        Some(
            S::Request::decode(&bytes).map(|request| Call { request, reply: Reply { send: reply, kind: PhantomData } }),
        )
    }

    /// Answers every request that waits.
    ///
    /// # Errors
    /// The first request that could not be read; the others are answered.
    pub fn answer(&self, mut respond: impl FnMut(S::Request) -> S::Response) -> Result<(), MsgError> {
        let mut fault = Ok(());
        while let Some(call) = self.take() {
            match call {
                Ok(Call { request, reply }) => reply.send(&respond(request)),
                Err(error) => fault = fault.and(Err(error)),
            }
        }
        fault
    }
}

/// A request and the way back.
pub struct Call<S: Service> {
    /// What was asked.
    pub request: S::Request,
    /// Where the answer goes.
    pub reply: Reply<S>,
}

/// The way back to a caller.
pub struct Reply<S> {
    send: Box<dyn FnOnce(Vec<u8>) + Send>,
    kind: PhantomData<fn(&S)>,
}

impl<S: Service> Reply<S> {
    /// Sends the response.
    pub fn send(self, response: &S::Response) {
        (self.send)(response.encode());
    }
}
