//! Finding the blocks of an mcap file: through its index, and by walking what no index covers.

use std::collections::BTreeMap;
use std::io;

use mcap::records::op;

use super::chunk::{ChunkFault, load_chunk};
use super::definitions::Definitions;
use super::framing::{Head, MESSAGE_HEADER_BYTES, MessageHeader, Records, Step, step};
use super::summary::{Ending, IndexedChunk, Summary, checksum};
use super::{Block, BlockKind, ending_loss, indexed_messages};
use crate::byte_source::{ByteSource, Window};
use crate::losses::{FileLossLog, LossKind};
use crate::options::ReadOptions;

/// Messages outside of chunks are read in runs of about this many bytes.
const LOOSE_RUN_BYTES: u64 = 1 << 20;
/// Largest schema or channel record outside of a chunk.
const MAX_DEFINITION_BYTES: u64 = 64 << 20;
/// Opening magic.
const MAGIC_BYTES: u64 = 8;
/// Records that the specification (0.x) defines; 0x80 and up are private.
const KNOWN_OPCODES: std::ops::RangeInclusive<u8> = 0x01..=0x0F;

/// What was found in a file.
#[derive(Default)]
pub(super) struct Found {
    pub(super) blocks: Vec<Block>,
    pub(super) definitions: Definitions,
    pub(super) counts: BTreeMap<u16, u64>,
    pub(super) message_count: u64,
    pub(super) time_range_ns: Option<(i64, i64)>,
    /// Offsets of metadata records.
    pub(super) metadata: Vec<u64>,
}

struct Scan<'a> {
    source: &'a ByteSource,
    window: Window<'a>,
    options: &'a ReadOptions,
    losses: &'a FileLossLog,
    found: Found,
    /// Whether counts and times come from the walk and not from the statistics record.
    counting: bool,
    loose: Option<Block>,
    loose_bytes: u64,
    data_end: Option<Head>,
}

/// Catalogues a file whose end was read.
pub(super) fn scan(
    source: &ByteSource,
    ending: Ending,
    options: &ReadOptions,
    losses: &FileLossLog,
) -> io::Result<Found> {
    let ending_loss = ending_loss(&ending);
    let mut scan = Scan {
        source,
        window: Window::new(source),
        options,
        losses,
        found: Found::default(),
        counting: true,
        loose: None,
        loose_bytes: 0,
        data_end: None,
    };
    match ending {
        Ending::Finished(summary) => scan.with_summary(summary)?,
        Ending::BadSummary(_) | Ending::Unfinished => scan.walk(MAGIC_BYTES, source.len())?,
    }
    if let Some((kind, reason)) = ending_loss {
        // Where the data section was closed, only the index behind it is missing.
        let known = scan.data_end.map(|_| 0);
        losses.lost(kind, source.len(), known, reason);
    }
    scan.check_data_checksum()?;
    Ok(scan.found)
}

impl Scan<'_> {
    fn with_summary(&mut self, summary: Summary) -> io::Result<()> {
        self.counting = !summary.is_complete();
        self.found.metadata = summary.metadata.iter().map(|(offset, _)| *offset).collect();
        if let Some(statistics) = summary.statistics.as_ref().filter(|_| !self.counting) {
            self.found.counts.clone_from(&statistics.channel_message_counts);
            self.found.message_count = statistics.message_count;
            let range = (statistics.message_start_time, statistics.message_end_time);
            self.found.time_range_ns = (statistics.message_count > 0).then(|| (clamp_ns(range.0), clamp_ns(range.1)));
        }
        self.found.definitions = summary.definitions;
        let mut offset = MAGIC_BYTES;
        for chunk in summary.chunks {
            if !self.is_plausible(&chunk, offset, summary.data_end) {
                continue;
            }
            self.walk(offset, chunk.offset)?;
            offset = chunk.offset + chunk.length;
            self.indexed_chunk(chunk, &mut offset, summary.data_end)?;
        }
        self.walk(offset, summary.data_end)
    }

    /// An entry of the index that points outside of the data, or into what came before, is no
    /// chunk.
    fn is_plausible(&self, chunk: &IndexedChunk, from: u64, end: u64) -> bool {
        let chunk_end = chunk.offset.checked_add(chunk.length);
        let fits = chunk.offset >= from && chunk_end.is_some_and(|chunk_end| chunk_end <= end);
        if !fits {
            let reason = format!(
                "the index has a chunk of {} bytes at byte {}, which is outside of the data",
                chunk.length, chunk.offset
            );
            self.losses.lost(LossKind::BadIndex, chunk.offset, None, reason);
        }
        fits
    }

    fn indexed_chunk(&mut self, chunk: IndexedChunk, offset: &mut u64, end: u64) -> io::Result<()> {
        if self.counting {
            let head = Head {
                opcode: op::CHUNK,
                offset: chunk.offset,
                body_len: chunk.length.saturating_sub(super::HEAD_BYTES),
            };
            return self.chunk(head);
        }
        let index_end = offset.saturating_add(chunk.index_length);
        if index_end <= end {
            *offset = index_end;
        }
        self.found.blocks.push(Block {
            kind: BlockKind::Chunk,
            offset: chunk.offset,
            length: chunk.length,
            start_ns: clamp_ns(chunk.start_ns),
            end_ns: clamp_ns(chunk.end_ns),
            channels: chunk.channels,
        });
        Ok(())
    }

    /// Walks the records from `offset` to `end`; damage ends the walk and is counted.
    fn walk(&mut self, mut offset: u64, end: u64) -> io::Result<()> {
        loop {
            match step(&mut self.window, offset, end)? {
                Step::Record(head) => {
                    if matches!(head.opcode, op::FOOTER | op::DATA_END) {
                        self.data_end = (head.opcode == op::DATA_END).then_some(head);
                        break;
                    }
                    self.record(head)?;
                    offset = head.end();
                }
                Step::End => break,
                Step::Cut { reason } => {
                    let left = end - offset;
                    self.losses.lost_bytes(LossKind::Truncated, offset, left, None, reason);
                    break;
                }
                Step::Invalid { reason } => {
                    let left = end - offset;
                    self.losses.lost_bytes(LossKind::BadRecord, offset, left, None, reason);
                    break;
                }
            }
        }
        self.end_loose_run();
        Ok(())
    }

    fn record(&mut self, head: Head) -> io::Result<()> {
        match head.opcode {
            op::MESSAGE => return self.loose_message(head),
            op::CHUNK => {
                self.end_loose_run();
                return self.chunk(head);
            }
            op::SCHEMA | op::CHANNEL => {
                if head.body_len > MAX_DEFINITION_BYTES {
                    let reason = format!("a definition of {} bytes is too large", head.body_len);
                    self.lost_record(head, reason);
                } else {
                    let body = self.source.read_at(head.body_offset(), head.body_len)?;
                    if let Err(reason) = self.found.definitions.add(head.opcode, &body) {
                        self.lost_record(head, reason);
                    }
                }
            }
            op::METADATA => self.found.metadata.push(head.offset),
            opcode if !KNOWN_OPCODES.contains(&opcode) && opcode < 0x80 => {
                let reason = format!("a record of unknown kind {opcode:#04x}");
                self.lost_record(head, reason);
            }
            _ => {}
        }
        Ok(())
    }

    fn lost_record(&self, head: Head, reason: String) {
        let (at, bytes) = (head.offset, head.body_len);
        let reason = format!("byte {at}: {reason}");
        self.losses.lost_bytes(LossKind::BadRecord, at, bytes, None, reason);
    }

    fn loose_message(&mut self, head: Head) -> io::Result<()> {
        let bytes = (head.body_len as usize).min(MESSAGE_HEADER_BYTES);
        let body = self.window.get(head.body_offset(), bytes)?.unwrap_or_default();
        let header = match MessageHeader::parse(body) {
            Ok(header) => header,
            Err(reason) => {
                let (at, len) = (head.offset, head.body_len);
                self.losses.lost_bytes(LossKind::BadRecord, at, len, Some(1), reason);
                return Ok(());
            }
        };
        if head.body_len > self.options.max_chunk_bytes {
            let (at, len) = (head.offset, head.body_len);
            let reason = format!("a message of {len} bytes is beyond the limit");
            self.losses.lost_bytes(LossKind::BadMessage, at, len, Some(1), reason);
            self.end_loose_run();
            return Ok(());
        }
        if !self.found.definitions.has_channel(header.channel) {
            let reason = format!("a message on channel {}, which is not defined", header.channel);
            self.losses.lost(LossKind::BadRecord, head.offset, Some(1), reason);
            return Ok(());
        }
        if self.loose_bytes + head.body_len > LOOSE_RUN_BYTES {
            self.end_loose_run();
        }
        let run = self.loose.get_or_insert(Block {
            kind: BlockKind::Loose,
            offset: head.offset,
            length: 0,
            start_ns: header.log_time_ns,
            end_ns: header.log_time_ns,
            channels: None,
        });
        run.length = head.end() - run.offset;
        run.start_ns = run.start_ns.min(header.log_time_ns);
        run.end_ns = run.end_ns.max(header.log_time_ns);
        self.loose_bytes = run.length;
        self.count(&header);
        Ok(())
    }

    fn end_loose_run(&mut self) {
        self.loose_bytes = 0;
        self.found.blocks.extend(self.loose.take());
    }

    fn count(&mut self, header: &MessageHeader) {
        if !self.counting {
            return;
        }
        *self.found.counts.entry(header.channel).or_insert(0) += 1;
        self.found.message_count += 1;
        let time = header.log_time_ns;
        let (first, last) = self.found.time_range_ns.unwrap_or((time, time));
        self.found.time_range_ns = Some((first.min(time), last.max(time)));
    }

    /// Reads a chunk that no index describes.
    fn chunk(&mut self, head: Head) -> io::Result<()> {
        let content = match load_chunk(self.source, head.offset, self.options.max_chunk_bytes) {
            Ok((_, content)) => content,
            Err(ChunkFault::Io(error)) => return Err(error),
            Err(ChunkFault::Bad { kind, reason }) => {
                let (counts, _) = indexed_messages(self.source, head.end())?;
                let known = (!counts.is_empty()).then(|| counts.values().sum());
                let (at, len) = (head.offset, head.body_len);
                self.losses.lost_bytes(kind, at, len, known, reason);
                return Ok(());
            }
        };
        let mut span: Option<(i64, i64)> = None;
        for record in Records::new(&content) {
            let taken = record.and_then(|record| match record.opcode {
                op::SCHEMA | op::CHANNEL => {
                    self.found.definitions.add(record.opcode, record.body)?;
                    Ok(None)
                }
                op::MESSAGE => Ok(Some(MessageHeader::parse(record.body)?)),
                _ => Ok(None),
            });
            match taken {
                Ok(Some(header)) if self.found.definitions.has_channel(header.channel) => {
                    let time = header.log_time_ns;
                    let (first, last) = span.unwrap_or((time, time));
                    span = Some((first.min(time), last.max(time)));
                    self.count(&header);
                }
                // What is wrong within the chunk is counted when it is read.
                Ok(_) | Err(_) => {}
            }
        }
        // A chunk without a single good message is kept for its faults to be counted.
        let (start_ns, end_ns) = span.unwrap_or((i64::MIN, i64::MIN));
        self.found.blocks.push(Block {
            kind: BlockKind::Chunk,
            offset: head.offset,
            length: head.end() - head.offset,
            start_ns,
            end_ns,
            channels: None,
        });
        Ok(())
    }

    /// Messages outside of chunks are guarded by one checksum over the whole data section.
    fn check_data_checksum(&mut self) -> io::Result<()> {
        let Some(head) = self.data_end.filter(|head| head.body_len == 4) else {
            return Ok(());
        };
        let loose = self.found.blocks.iter().any(|b| b.kind == BlockKind::Loose);
        let said = self.window.get(head.body_offset(), 4)?;
        let said = said.map_or(0, |bytes| super::framing::u64_from_le(bytes) as u32);
        if said == 0 || !loose {
            return Ok(());
        }
        let found = checksum(self.source, 0, head.offset)?;
        if found != said {
            let reason = format!(
                "the messages outside of chunks have the checksum {found:08x}, the file says \
                 {said:08x}: some of them are damaged, which ones is not known"
            );
            self.losses.lost(LossKind::BadChecksum, head.offset, None, reason);
        }
        Ok(())
    }
}

/// MCAP times are unsigned, ROS times signed: bounds beyond the year 2262 are drawn in.
fn clamp_ns(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}
