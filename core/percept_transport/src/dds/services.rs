//! Services over DDS, as rmw_cyclonedds_cpp does them: two topics, and before each body the 16 bytes that tell the
//! client and which of its requests it was.
//!
//! Requests come on `rq/…Request`, responses go to everybody on `rr/…Reply` with the header of the request, and the client
//! that knows it takes them.
//!
//! Source  rmw_cyclonedds_cpp, `cdds_request_header_t { uint64 guid; int64 seq }`.
//! Limits  clients over other middlewares do not understand this form (Fast DDS tells the request in the inline QoS).

use super::payload::{Body, RawCdr};
use super::wire_log::WireCounters;
use crate::RawRequest;
use rustdds::no_key::DataWriter;
use std::sync::Arc;

const ENCAPSULATION_BYTES: usize = 4;
const HEADER_BYTES: usize = 16;

/// The writer of responses.
pub(super) type ReplyWriter = DataWriter<Body, RawCdr>;

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

/// A received request with the way back to its client; `None` where it holds no header.
pub(super) fn request(bytes: Vec<u8>, replies: &Arc<ReplyWriter>, counters: &Arc<WireCounters>) -> Option<RawRequest> {
    let Request { header, bytes } = opened(bytes)?;
    let (replies, counters) = (Arc::clone(replies), Arc::clone(counters));
    let reply = Box::new(move |response: Vec<u8>| {
        let sent = closed(&header, response).map(|body| replies.write(body, None));
        if !matches!(sent, Some(Ok(()))) {
            counters.reply_failed();
        }
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
