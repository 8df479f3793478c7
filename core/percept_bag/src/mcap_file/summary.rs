//! The summary section at the end of a finished mcap file.

use std::io;

use mcap::records::{ChunkIndex, Footer, Record as McapRecord, Statistics, op};

use super::definitions::Definitions;
use super::framing::{HEAD_BYTES, Step, step};
use crate::byte_source::{ByteSource, Window};

/// Footer record and closing magic.
const TAIL_BYTES: u64 = HEAD_BYTES + 20 + 8;
/// Bytes hashed at once.
const HASH_BYTES: u64 = 64 << 10;
/// Largest single record of a summary that is read: an index entry or a schema.
const MAX_RECORD_BYTES: u64 = 64 << 20;

/// What the end of the file says about the rest.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) definitions: Definitions,
    pub(super) statistics: Option<Statistics>,
    pub(super) chunks: Vec<IndexedChunk>,
    pub(super) metadata: Vec<(u64, u64)>,
    /// Where the records before the summary end.
    pub(super) data_end: u64,
}

/// A chunk as the index knows it.
#[derive(Debug)]
pub(super) struct IndexedChunk {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) index_length: u64,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    /// Channels with a message index, none where the writer made no message indexes.
    pub(super) channels: Option<Box<[u16]>>,
}

/// How a file ends.
pub(super) enum Ending {
    /// With a footer; the summary may still be an empty one.
    Finished(Summary),
    /// With a footer, but the summary is damaged.
    BadSummary(String),
    /// Without a footer.
    Unfinished,
}

/// Reads footer and summary.
pub(super) fn read_summary(source: &ByteSource) -> io::Result<Ending> {
    let Some(footer_offset) = source.len().checked_sub(TAIL_BYTES) else {
        return Ok(Ending::Unfinished);
    };
    let tail = source.read_at(footer_offset, TAIL_BYTES)?;
    let is_footer = tail.first() == Some(&op::FOOTER) && tail.ends_with(mcap::MAGIC);
    let body = tail.get(HEAD_BYTES as usize..).unwrap_or_default();
    let footer = match mcap::read::parse_record(op::FOOTER, body) {
        Ok(McapRecord::Footer(footer)) if is_footer => footer,
        _ => return Ok(Ending::Unfinished),
    };
    if footer.summary_start == 0 {
        return Ok(Ending::Finished(Summary { data_end: footer_offset, ..Summary::default() }));
    }
    if footer.summary_start < 8 || footer.summary_start > footer_offset {
        let start = footer.summary_start;
        let reason = format!("the footer places the summary at byte {start}, outside the file");
        return Ok(Ending::BadSummary(reason));
    }
    if let Some(reason) = checksum_fault(source, &footer, footer_offset)? {
        return Ok(Ending::BadSummary(reason));
    }
    parse_section(source, footer.summary_start, footer_offset)
}

/// The checksum covers the summary and the footer up to the checksum itself.
fn checksum_fault(source: &ByteSource, footer: &Footer, footer_offset: u64) -> io::Result<Option<String>> {
    if footer.summary_crc == 0 {
        return Ok(None);
    }
    let found = checksum(source, footer.summary_start, footer_offset + HEAD_BYTES + 16)?;
    Ok((found != footer.summary_crc).then(|| {
        let said = footer.summary_crc;
        format!("the summary has the checksum {found:08x}, the footer says {said:08x}")
    }))
}

/// CRC-32 of the bytes from `start` to `end`.
pub(super) fn checksum(source: &ByteSource, start: u64, end: u64) -> io::Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut offset = start;
    while offset < end {
        let part = source.read_at(offset, HASH_BYTES.min(end - offset))?;
        hasher.update(&part);
        offset += part.len() as u64;
    }
    Ok(hasher.finalize())
}

fn parse_section(source: &ByteSource, start: u64, end: u64) -> io::Result<Ending> {
    let mut summary = Summary { data_end: start, ..Summary::default() };
    let mut window = Window::new(source);
    let mut offset = start;
    loop {
        let head = match step(&mut window, offset, end)? {
            Step::Record(head) if head.body_len <= MAX_RECORD_BYTES => head,
            Step::Record(head) => {
                let len = head.body_len;
                let reason = format!("a summary record of {len} bytes at byte {offset}");
                return Ok(Ending::BadSummary(reason));
            }
            Step::End => break,
            Step::Cut { reason } | Step::Invalid { reason } => {
                return Ok(Ending::BadSummary(format!("the summary: {reason}")));
            }
        };
        offset = head.end();
        let body = source.read_at(head.body_offset(), head.body_len)?;
        if let Err(reason) = summary.add(head.opcode, &body) {
            return Ok(Ending::BadSummary(format!("the summary: {reason}")));
        }
    }
    summary.chunks.sort_by_key(|chunk| chunk.offset);
    Ok(Ending::Finished(summary))
}

impl Summary {
    fn add(&mut self, opcode: u8, body: &[u8]) -> Result<(), String> {
        match opcode {
            op::SCHEMA | op::CHANNEL => self.definitions.add(opcode, body),
            op::STATISTICS | op::CHUNK_INDEX | op::METADATA_INDEX => {
                match mcap::read::parse_record(opcode, body) {
                    Ok(McapRecord::Statistics(statistics)) => self.statistics = Some(statistics),
                    Ok(McapRecord::ChunkIndex(index)) => self.chunks.push(index.into()),
                    Ok(McapRecord::MetadataIndex(index)) => {
                        self.metadata.push((index.offset, index.length));
                    }
                    Ok(_) => {}
                    Err(error) => return Err(format!("opcode {opcode:#04x}: {error}")),
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether channels and counts are all here, so that chunks need not be read to know them.
    pub(super) fn is_complete(&self) -> bool {
        let Some(statistics) = &self.statistics else {
            return false;
        };
        let counts = &statistics.channel_message_counts;
        let counted = counts.values().fold(0_u64, |sum, n| sum.saturating_add(*n));
        counted == statistics.message_count
            && self.definitions.channel_count() as u64 >= u64::from(statistics.channel_count)
            && counts.keys().all(|id| self.definitions.has_channel(*id))
            && self.chunks.len() as u64 == u64::from(statistics.chunk_count)
    }
}

impl From<ChunkIndex> for IndexedChunk {
    fn from(index: ChunkIndex) -> Self {
        let channels = &index.message_index_offsets;
        Self {
            offset: index.chunk_start_offset,
            length: index.chunk_length,
            index_length: index.message_index_length,
            start_ns: index.message_start_time,
            end_ns: index.message_end_time,
            channels: (!channels.is_empty()).then(|| channels.keys().copied().collect()),
        }
    }
}
