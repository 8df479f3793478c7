//! Services over DDS, as rmw_cyclonedds_cpp does them: two topics, and before each body the 16 bytes that tell the
//! client and which of its requests it was.
//!
//! Requests come on `rq/…Request`, responses go to everybody on `rr/…Reply` with the header of the request, and the client
//! that knows it takes them. A client may ask as soon as it has found our end, before we have found its reader: then the
//! response waits until we have, for whoever is not known to a writer when it writes hears nothing.
//!
//! Source  rmw_cyclonedds_cpp, `cdds_request_header_t { uint64 guid; int64 seq }`, and its wait for the client's reader.
//! Limits  clients over other middlewares do not understand this form (Fast DDS tells the request in the inline QoS).

use super::payload::{Body, RawCdr};
use super::wire_log::WireCounters;
use crate::RawRequest;
use rustdds::no_key::DataWriter;
use rustdds::{GUID, RTPSEntity};
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const ENCAPSULATION_BYTES: usize = 4;
const HEADER_BYTES: usize = 16;

/// Responses of one service that wait for their client's reader at most; the oldest is let fall and counted.
const WAITING: usize = 64;

/// Which peers' readers our writers have found, as (writer, reader).
#[derive(Debug, Default)]
pub(super) struct Matches(Mutex<BTreeSet<(GUID, GUID)>>);

impl Matches {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<(GUID, GUID)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, writer: GUID, reader: GUID) {
        self.lock().insert((writer, reader));
    }

    /// Forgets the readers that have gone.
    pub(super) fn forget(&self, has_gone: impl Fn(GUID) -> bool) {
        self.lock().retain(|(_, reader)| !has_gone(*reader));
    }

    /// Whether a writer has found a reader of this participant: that of its GUID's first 12 bytes.
    fn reaches(&self, writer: GUID, participant: GUID) -> bool {
        self.lock().iter().any(|(ours, reader)| *ours == writer && reader.prefix == participant.prefix)
    }
}

/// The way of responses: their writer, and those that wait.
pub(super) struct Replies {
    writer: Arc<DataWriter<Body, RawCdr>>,
    matches: Arc<Matches>,
    counters: Arc<WireCounters>,
    /// Responses with the writer of their request, in the order in which they were given.
    waiting: Mutex<VecDeque<(GUID, Body)>>,
}

impl Replies {
    pub(super) fn new(
        writer: Arc<DataWriter<Body, RawCdr>>,
        matches: Arc<Matches>,
        counters: Arc<WireCounters>,
    ) -> Self {
        Self { writer, matches, counters, waiting: Mutex::default() }
    }

    fn send(&self, client: GUID, body: Body) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() == WAITING {
            waiting.pop_front();
            self.counters.reply_failed();
        }
        waiting.push_back((client, body));
        self.send_waiting(&mut waiting);
    }

    /// Sends what waited for readers that have been found since.
    pub(super) fn retry(&self) {
        self.send_waiting(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn send_waiting(&self, waiting: &mut VecDeque<(GUID, Body)>) {
        waiting.retain(|(client, body)| {
            if !self.matches.reaches(self.writer.guid(), *client) {
                return true;
            }
            if self.writer.write(body.clone(), None).is_err() {
                self.counters.reply_failed();
            }
            false
        });
    }
}

/// A request taken apart: the header in little-endian order, the record with its encapsulation header.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    header: [u8; HEADER_BYTES],
    bytes: Vec<u8>,
}

/// Takes the header out of a received request; `None` where it is too short to hold one.
fn opened(mut bytes: Vec<u8>) -> Option<Request> {
    let big_endian = bytes.get(1)? & 1 == 0;
    let found = bytes.get(ENCAPSULATION_BYTES..ENCAPSULATION_BYTES + HEADER_BYTES)?;
    let mut header = [0; HEADER_BYTES];
    header.copy_from_slice(found);
    if big_endian {
        for number in header.chunks_exact_mut(8) {
            number.reverse();
        }
    }
    bytes.drain(ENCAPSULATION_BYTES..ENCAPSULATION_BYTES + HEADER_BYTES);
    Some(Request { header, bytes })
}

/// Puts the header of its request into a response; `None` where the response is no little-endian CDR.
fn closed(header: &[u8; HEADER_BYTES], mut response: Vec<u8>) -> Option<Body> {
    if response.len() < ENCAPSULATION_BYTES {
        return None;
    }
    response.splice(ENCAPSULATION_BYTES..ENCAPSULATION_BYTES, header.iter().copied());
    Body::of_message(response)
}

/// A received request of this client with the way back; `None` where it holds no header.
pub(super) fn request(bytes: Vec<u8>, client: GUID, replies: &Arc<Replies>) -> Option<RawRequest> {
    let Request { header, bytes } = opened(bytes)?;
    let replies = Arc::clone(replies);
    let reply = Box::new(move |response: Vec<u8>| match closed(&header, response) {
        Some(body) => replies.send(client, body),
        None => replies.counters.reply_failed(),
    });
    Some(RawRequest { bytes, reply })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(encapsulation: [u8; 4], header: [u8; 16], body: &[u8]) -> Vec<u8> {
        [&encapsulation[..], &header[..], body].concat()
    }

    #[test]
    fn the_header_of_a_request_comes_back_with_its_response() {
        let header: [u8; 16] = std::array::from_fn(|at| at as u8);
        let request = opened(message([0, 1, 0, 0], header, &[7, 7, 7, 7])).unwrap();
        assert_eq!(request, Request { header, bytes: vec![0, 1, 0, 0, 7, 7, 7, 7] });
        let body = closed(&request.header, vec![0, 1, 0, 0, 9]).unwrap();
        let expected = Body::of_message(message([0, 1, 0, 0], header, &[9])).unwrap();
        assert_eq!(format!("{body:?}"), format!("{expected:?}"));
    }

    #[test]
    fn a_big_endian_request_is_answered_little_endian() {
        let header = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2];
        let request = opened(message([0, 0, 0, 0], header, &[])).unwrap();
        assert_eq!(request.header, [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_request_too_short_for_a_header_is_none() {
        for length in 0..20 {
            assert_eq!(opened(vec![0; length]), None, "{length}");
        }
        assert!(closed(&[0; 16], vec![0, 1]).is_none());
    }
}
