//! Our CDR bytes as rustdds's payloads: nothing is decoded on the way.
//!
//! The body goes out padded with zeros to a multiple of 4 bytes. RTPS asks for aligned submessages, rustdds does not pad
//! the last fragment, and CycloneDDS refuses such fragments as malformed: without the padding nearly no point cloud
//! arrives. Readers of plain CDR ignore what follows the last field.
//!
//! Source  DDSI-RTPS 2.5, 9.4.1 (alignment) and 10.2 (encapsulation).

use rustdds::RepresentationIdentifier;
use rustdds::bytes::Bytes;
use rustdds::no_key::{Decode, DefaultDecoder, DeserializerAdapter, SerializerAdapter};
use std::convert::Infallible;

/// Encapsulation header: two bytes that name the encoding, two of options.
const HEADER_BYTES: usize = 4;
const ALIGNMENT_BYTES: usize = 4;

/// The adapter of both ways.
#[derive(Clone, Copy, Debug)]
pub(super) enum RawCdr {}

/// A body without its encapsulation header, in little-endian CDR, padded.
#[derive(Clone, Debug)]
pub(super) struct Body(Bytes);

impl Body {
    /// The body of a message with its encapsulation header; `None` where that is not little-endian CDR.
    pub(super) fn of_message(mut message: Vec<u8>) -> Option<Self> {
        if !message.starts_with(&[0, 1]) || message.len() < HEADER_BYTES {
            return None;
        }
        message.resize(message.len().next_multiple_of(ALIGNMENT_BYTES), 0);
        Some(Self(Bytes::from(message).slice(HEADER_BYTES..)))
    }
}

impl SerializerAdapter<Body> for RawCdr {
    type Error = Infallible;

    fn output_encoding() -> RepresentationIdentifier {
        RepresentationIdentifier::CDR_LE
    }

    fn to_bytes(body: &Body) -> Result<Bytes, Infallible> {
        Ok(body.0.clone())
    }
}

/// Every encoding that has a name in rustdds: what is no plain CDR goes up as well and is refused there by name, counted.
const ENCODINGS: [(RepresentationIdentifier, [u8; 2]); 10] = [
    (RepresentationIdentifier::CDR_LE, [0x00, 0x01]),
    (RepresentationIdentifier::CDR_BE, [0x00, 0x00]),
    (RepresentationIdentifier::PL_CDR_BE, [0x00, 0x02]),
    (RepresentationIdentifier::PL_CDR_LE, [0x00, 0x03]),
    (RepresentationIdentifier::XML, [0x00, 0x04]),
    (RepresentationIdentifier::XCDR2_BE, [0x00, 0x06]),
    (RepresentationIdentifier::XCDR2_LE, [0x00, 0x07]),
    (RepresentationIdentifier::CDR2_LE, [0x00, 0x11]),
    (RepresentationIdentifier::PL_CDR2_LE, [0x00, 0x13]),
    (RepresentationIdentifier::D_CDR_LE, [0x00, 0x15]),
];

const IDENTIFIERS: [RepresentationIdentifier; ENCODINGS.len()] = {
    let mut identifiers = [RepresentationIdentifier::CDR_LE; ENCODINGS.len()];
    let mut index = 0;
    while index < ENCODINGS.len() {
        identifiers[index] = ENCODINGS[index].0;
        index += 1;
    }
    identifiers
};

impl DeserializerAdapter<Vec<u8>> for RawCdr {
    type Error = Infallible;
    type Decoded = Vec<u8>;

    fn supported_encodings() -> &'static [RepresentationIdentifier] {
        &IDENTIFIERS
    }

    fn transform_decoded(decoded: Vec<u8>) -> Vec<u8> {
        decoded
    }
}

impl DefaultDecoder<Vec<u8>> for RawCdr {
    type Decoder = WithHeader;
    const DECODER: WithHeader = WithHeader;
}

/// Puts the encapsulation header back before the body.
#[derive(Clone, Copy, Debug)]
pub(super) struct WithHeader;

impl Decode<'_, Vec<u8>> for WithHeader {
    type Error = Infallible;

    fn decode_bytes(self, body: &[u8], encoding: RepresentationIdentifier) -> Result<Vec<u8>, Infallible> {
        let known = ENCODINGS.iter().find(|(identifier, _)| *identifier == encoding);
        // An encoding that nobody knows keeps no bytes that a decoder would take for CDR.
        let name = known.map_or([0xff, 0xff], |(_, name)| *name);
        let mut message = Vec::with_capacity(HEADER_BYTES + body.len());
        message.extend_from_slice(&name);
        message.extend_from_slice(&[0, 0]);
        message.extend_from_slice(body);
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_go_out_padded_to_four_bytes_and_whole() {
        for length in 0..9 {
            let message: Vec<u8> = [0, 1, 0, 0].into_iter().chain(1..=length).collect();
            let body = RawCdr::to_bytes(&Body::of_message(message.clone()).unwrap()).unwrap();
            assert_eq!(body.len() % 4, 0, "{length}");
            assert!(body.len() < usize::from(length) + 4);
            assert_eq!(body[..usize::from(length)], message[4..]);
        }
    }

    #[test]
    fn what_is_no_little_endian_cdr_is_not_sent() {
        for message in [&[][..], &[0, 1, 0], &[0, 0, 0, 0, 7], &[0, 7, 0, 0, 7]] {
            assert!(Body::of_message(message.to_vec()).is_none(), "{message:?}");
        }
    }

    #[test]
    fn what_comes_in_has_its_encapsulation_header_again() {
        let received = WithHeader.decode_bytes(&[7, 8], RepresentationIdentifier::CDR_BE).unwrap();
        assert_eq!(received, [0, 0, 0, 0, 7, 8]);
        let received = WithHeader.decode_bytes(&[7], RepresentationIdentifier::XCDR2_LE).unwrap();
        assert_eq!(received, [0, 7, 0, 0, 7]);
    }
}
