//! Records of an mcap file or chunk, one after the other: opcode (1 byte), length (8), body.
//!
//! Source  MCAP specification, "Records". Bodies are parsed by the mcap crate; the walk is our
//! own, since it must go on past damage and must never trust a length.

use std::io;

use crate::byte_source::Window;

/// Opcode and length before every body.
pub(super) const HEAD_BYTES: u64 = 9;
/// Channel id, sequence, log time and publish time before a message's content.
pub(super) const MESSAGE_HEADER_BYTES: usize = 22;

/// Where a record lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) opcode: u8,
    pub(super) offset: u64,
    pub(super) body_len: u64,
}

impl Head {
    pub(super) fn body_offset(&self) -> u64 {
        self.offset + HEAD_BYTES
    }

    pub(super) fn end(&self) -> u64 {
        self.body_offset() + self.body_len
    }
}

/// What the walk finds at a place.
pub(super) enum Step {
    Record(Head),
    End,
    Cut { reason: String },
    Invalid { reason: String },
}

/// The record that begins at `offset` and has to end by `end`.
pub(super) fn step(window: &mut Window<'_>, offset: u64, end: u64) -> io::Result<Step> {
    if offset >= end {
        return Ok(Step::End);
    }
    if end - offset < HEAD_BYTES {
        let reason = format!("{} bytes where a record begins", end - offset);
        return Ok(Step::Cut { reason });
    }
    let Some(bytes) = window.get(offset, HEAD_BYTES as usize)? else {
        let reason = "the file ends where a record begins".to_owned();
        return Ok(Step::Cut { reason });
    };
    let opcode = bytes.first().copied().unwrap_or(0);
    let body_len = bytes.get(1..).map_or(0, u64_from_le);
    if opcode == 0 {
        let reason = format!("no record at byte {offset} (opcode 0)");
        return Ok(Step::Invalid { reason });
    }
    let head = Head { opcode, offset, body_len };
    let room = end - head.body_offset();
    if body_len > room {
        let reason = format!(
            "the record at byte {offset} (opcode {opcode:#04x}) claims {body_len} bytes, {room} \
             are left"
        );
        return Ok(Step::Cut { reason });
    }
    Ok(Step::Record(head))
}

/// The records of a chunk's content.
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    offset: usize,
}

/// One record of a chunk: its opcode, where its body begins, and the body.
pub(super) struct Record<'a> {
    pub(super) opcode: u8,
    pub(super) body_offset: usize,
    pub(super) body: &'a [u8],
}

impl<'a> Records<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, String>;

    /// The next record; after an error there are no more.
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.offset..).filter(|r| !r.is_empty())?;
        let parsed = rest.split_at_checked(HEAD_BYTES as usize).and_then(|(head, rest)| {
            let (opcode, len) = head.split_first()?;
            let len = usize::try_from(u64_from_le(len)).ok()?;
            Some((*opcode, rest.get(..len)?))
        });
        let Some((opcode, body)) = parsed else {
            let reason = format!("a record runs past the chunk's end at its byte {}", self.offset);
            self.offset = self.bytes.len();
            return Some(Err(reason));
        };
        let body_offset = self.offset + HEAD_BYTES as usize;
        self.offset = body_offset + body.len();
        Some(Ok(Record { opcode, body_offset, body }))
    }
}

/// The fixed part of a message record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MessageHeader {
    pub(super) channel: u16,
    pub(super) sequence: u32,
    pub(super) log_time_ns: i64,
    pub(super) publish_time_ns: i64,
}

impl MessageHeader {
    /// Parses the first 22 bytes of a message's body. ROS times are signed: one past the year
    /// 2262 is refused.
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        let fields = body
            .get(..MESSAGE_HEADER_BYTES)
            .and_then(|b| Some((b.get(..2)?, b.get(2..6)?, b.get(6..14)?, b.get(14..22)?)));
        let Some((channel, sequence, log, publish)) = fields else {
            return Err(format!("a message record of {} bytes, 22 is the least", body.len()));
        };
        let time = |bytes: &[u8]| {
            let ns = u64_from_le(bytes);
            i64::try_from(ns).map_err(|_| format!("a message with the impossible time {ns} ns"))
        };
        Ok(Self {
            channel: u64_from_le(channel) as u16,
            sequence: u64_from_le(sequence) as u32,
            log_time_ns: time(log)?,
            publish_time_ns: time(publish)?,
        })
    }
}

/// Up to eight little-endian bytes as a number.
pub(super) fn u64_from_le(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}
