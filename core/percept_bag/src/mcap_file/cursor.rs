//! Messages of one mcap file in the order of their log time.
//!
//! Blocks are opened when the clock reaches their first message; their messages are merged by
//! (time, place in the file). Memory: the open blocks' entries (24 bytes a message) and at most
//! `resident_chunk_bytes` of their contents, or one content where that is larger. Contents beyond
//! it are dropped, those needed last first, and loaded again later.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use mcap::records::op;

use super::chunk::{ChunkFault, load_chunk};
use super::framing::{MESSAGE_HEADER_BYTES, MessageHeader, Records};
use super::{Block, BlockKind, McapFile, indexed_messages};
use crate::error::{BagError, io_error};
use crate::losses::LossKind;
use crate::topic::{RawMessage, TimeSpan};

/// A message of an open block.
struct Entry {
    time_ns: i64,
    body_offset: usize,
    body_len: usize,
}

struct OpenBlock {
    /// In the order of time, equal times in the order of the file.
    entries: Vec<Entry>,
    next: usize,
    content: Option<Vec<u8>>,
}

impl OpenBlock {
    fn next_time_ns(&self) -> Option<i64> {
        self.entries.get(self.next).map(|entry| entry.time_ns)
    }
}

/// A pass over the messages of one file.
pub(crate) struct McapCursor {
    file: Arc<McapFile>,
    /// Topic of the bag by channel; channels that are not here are not read.
    topics: BTreeMap<u16, usize>,
    span: TimeSpan,
    max_chunk_bytes: u64,
    resident_limit_bytes: usize,
    /// Blocks still to be opened, by first time, the earliest last.
    waiting: Vec<usize>,
    open: BTreeMap<usize, OpenBlock>,
    queue: BinaryHeap<Reverse<(i64, usize)>>,
    resident_bytes: usize,
    last_time_ns: i64,
}

impl McapCursor {
    pub(crate) fn new(
        file: Arc<McapFile>,
        topics: BTreeMap<u16, usize>,
        span: TimeSpan,
        options: &crate::options::ReadOptions,
    ) -> Self {
        let wanted = |block: &Block| {
            let in_time = span.overlaps(block.start_ns, block.end_ns) || block.start_ns == i64::MIN;
            let channels = block.channels.as_deref();
            in_time && channels.is_none_or(|ids| ids.iter().any(|id| topics.contains_key(id)))
        };
        let blocks = file.blocks.iter().enumerate();
        let mut waiting: Vec<usize> = blocks.filter(|(_, b)| wanted(b)).map(|(i, _)| i).collect();
        waiting.sort_by_key(|i| Reverse((file.blocks.get(*i).map(|b| b.start_ns), *i)));
        Self {
            file,
            topics,
            span,
            max_chunk_bytes: options.max_chunk_bytes,
            resident_limit_bytes: usize::try_from(options.resident_chunk_bytes).unwrap_or(usize::MAX),
            waiting,
            open: BTreeMap::new(),
            queue: BinaryHeap::new(),
            resident_bytes: 0,
            last_time_ns: i64::MIN,
        }
    }

    /// The next message in the order of log time. Damaged blocks are counted and passed over;
    /// an error is one of the disk.
    pub(crate) fn next_message(&mut self) -> Result<Option<RawMessage>, BagError> {
        loop {
            self.open_due_blocks()?;
            let Some(Reverse((_, index))) = self.queue.pop() else {
                return Ok(None);
            };
            if let Some(message) = self.take(index)? {
                return Ok(Some(message));
            }
        }
    }

    /// Opens every block that may hold the next message.
    fn open_due_blocks(&mut self) -> Result<(), BagError> {
        while let Some(&index) = self.waiting.last() {
            let start_ns = self.file.blocks.get(index).map_or(i64::MIN, |b| b.start_ns);
            let head = self.queue.peek().map(|Reverse((time, _))| *time);
            if head.is_some_and(|time| start_ns > time) {
                break;
            }
            self.waiting.pop();
            self.open_block(index)?;
        }
        Ok(())
    }

    fn open_block(&mut self, index: usize) -> Result<(), BagError> {
        let file = self.file.clone();
        let Some(block) = file.blocks.get(index) else {
            return Ok(());
        };
        let Some(content) = self.load(block)? else {
            return Ok(());
        };
        let entries = self.entries(block, &content);
        let early = entries.first().filter(|first| first.time_ns < self.last_time_ns);
        if let Some(first) = early {
            let reason = format!(
                "the block at byte {} holds a message at {} ns, before the {} ns that it \
                 declares as its first; some messages are out of order",
                block.offset, first.time_ns, block.start_ns
            );
            self.file.losses.lost(LossKind::OutOfOrder, block.offset, Some(0), reason);
        }
        let opened = OpenBlock { entries, next: 0, content: None };
        if let Some(time) = opened.next_time_ns() {
            self.queue.push(Reverse((time, index)));
            self.open.insert(index, opened);
            self.keep(index, content);
        }
        Ok(())
    }

    /// The content of a block, none where it is damaged.
    fn load(&self, block: &Block) -> Result<Option<Vec<u8>>, BagError> {
        let source = &self.file.source;
        let io = |error| io_error(&self.file.path, "read")(error);
        if block.kind == BlockKind::Loose {
            return source.read_at(block.offset, block.length).map(Some).map_err(io);
        }
        match load_chunk(source, block.offset, self.max_chunk_bytes) {
            Ok((_, content)) => Ok(Some(content)),
            Err(ChunkFault::Io(error)) => Err(io(error)),
            Err(ChunkFault::Bad { kind, reason }) => {
                let end = block.offset.saturating_add(block.length);
                let (counts, _) = indexed_messages(source, end).map_err(io)?;
                let known = (!counts.is_empty()).then(|| counts.values().sum());
                self.file.losses.lost_bytes(kind, block.offset, block.length, known, reason);
                Ok(None)
            }
        }
    }

    /// The wanted messages of a block; damage within is counted.
    fn entries(&self, block: &Block, content: &[u8]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (number, record) in Records::new(content).enumerate() {
            let header = match record {
                Ok(record) if record.opcode == op::MESSAGE => {
                    MessageHeader::parse(record.body).map(|header| (record, header))
                }
                Ok(_) => continue,
                Err(reason) => Err(reason),
            };
            match header {
                Ok((record, header)) if self.topics.contains_key(&header.channel) => {
                    if self.span.contains(header.log_time_ns) {
                        entries.push(Entry {
                            time_ns: header.log_time_ns,
                            body_offset: record.body_offset,
                            body_len: record.body.len(),
                        });
                    }
                }
                Ok((_, header)) if self.file.topics.contains_key(&header.channel) => {}
                Ok((_, header)) => {
                    let channel = header.channel;
                    let reason = format!("a message on channel {channel}, which is not defined");
                    self.bad_record(block, number, Some(1), reason);
                }
                Err(reason) => self.bad_record(block, number, None, reason),
            }
        }
        entries.sort_by_key(|entry| entry.time_ns);
        entries
    }

    fn bad_record(&self, block: &Block, number: usize, lost: Option<u64>, reason: String) {
        // Loose messages were judged when the file was scanned.
        if block.kind == BlockKind::Chunk {
            let place = block.offset + number as u64;
            let reason = format!("the chunk at byte {}, record {number}: {reason}", block.offset);
            self.file.losses.lost(LossKind::BadRecord, place, lost, reason);
        }
    }

    /// Keeps a content, dropping those of which the next message is latest where it is too much.
    fn keep(&mut self, index: usize, content: Vec<u8>) {
        self.resident_bytes += content.len();
        if let Some(block) = self.open.get_mut(&index) {
            block.content = Some(content);
        }
        while self.resident_bytes > self.resident_limit_bytes {
            let others = self.open.iter_mut();
            let latest = others
                .filter(|(other, block)| **other != index && block.content.is_some())
                .max_by_key(|(_, block)| block.next_time_ns());
            let Some(dropped) = latest.and_then(|(_, block)| block.content.take()) else {
                break;
            };
            self.resident_bytes -= dropped.len();
        }
    }

    /// Takes the next message of an open block, closing the block behind its last.
    fn take(&mut self, index: usize) -> Result<Option<RawMessage>, BagError> {
        if self.open.get(&index).is_some_and(|b| b.content.is_none()) {
            let file = self.file.clone();
            let block = file.blocks.get(index);
            match block.map(|block| self.load(block)).transpose()?.flatten() {
                Some(content) => self.keep(index, content),
                None => {
                    self.open.remove(&index);
                    return Ok(None);
                }
            }
        }
        let Some(block) = self.open.get_mut(&index) else {
            return Ok(None);
        };
        let content = block.content.as_deref().unwrap_or_default();
        let entry = block.entries.get(block.next);
        let message = entry.and_then(|entry| {
            let body = content.get(entry.body_offset..entry.body_offset + entry.body_len)?;
            message(body, &self.topics)
        });
        block.next += 1;
        match block.next_time_ns() {
            Some(time) => self.queue.push(Reverse((time, index))),
            None => {
                self.resident_bytes -= content.len();
                self.open.remove(&index);
            }
        }
        if let Some(message) = &message {
            self.last_time_ns = self.last_time_ns.max(message.log_time_ns);
        }
        Ok(message)
    }
}

fn message(body: &[u8], topics: &BTreeMap<u16, usize>) -> Option<RawMessage> {
    let header = MessageHeader::parse(body).ok()?;
    Some(RawMessage {
        topic: *topics.get(&header.channel)?,
        log_time_ns: header.log_time_ns,
        publish_time_ns: header.publish_time_ns,
        sequence: header.sequence,
        data: body.get(MESSAGE_HEADER_BYTES..)?.to_vec(),
    })
}
