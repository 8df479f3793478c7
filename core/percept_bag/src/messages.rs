//! A pass over the messages of a bag: its files merged in the order of log time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::path::PathBuf;

use crate::error::BagError;
use crate::losses::{LossKind, LossLog};
use crate::options::ReadOptions;
use crate::reader::strict_fault;
use crate::storage::{Cursor, StorageFile};
use crate::topic::{RawMessage, TimeSpan};
use crate::unpack::{ZSTD_MAGIC, unpack_message};

/// Topic of the bag by the number that a file's messages refer to it by.
pub(crate) type FileTopics = BTreeMap<i64, usize>;

/// Whether messages are compressed one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// metadata.yaml says that they are not.
    None,
    /// metadata.yaml says that they are.
    Zstd,
    /// No metadata.yaml: a CDR message that begins with the magic of zstd is, since no CDR
    /// encapsulation header looks like it.
    Detect,
}

struct OpenFile {
    cursor: Cursor,
    next: RawMessage,
}

/// The messages of a bag in the order of log time.
///
/// A file is opened when the clock reaches its first message and closed behind its last, so the
/// number of splits does not matter. After an error of one file the pass goes on with the others.
pub struct Messages {
    files: Vec<(PathBuf, StorageFile, FileTopics)>,
    span: TimeSpan,
    options: ReadOptions,
    packing: Packing,
    /// Whether each topic's messages are CDR.
    is_cdr: Vec<bool>,
    log: LossLog,
    /// Files still to be opened by first time, the earliest last.
    waiting: Vec<(i64, usize)>,
    open: BTreeMap<usize, OpenFile>,
    queue: BinaryHeap<Reverse<(i64, usize)>>,
    pending: VecDeque<BagError>,
    failed: bool,
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messages").field("files", &self.files.len()).field("span", &self.span).finish_non_exhaustive()
    }
}

impl Messages {
    pub(crate) fn new(
        files: Vec<(PathBuf, StorageFile, FileTopics)>,
        span: TimeSpan,
        options: ReadOptions,
        (packing, is_cdr): (Packing, Vec<bool>),
        log: LossLog,
    ) -> Self {
        let mut waiting = Vec::new();
        for (index, (_, file, numbers)) in files.iter().enumerate() {
            // A file without times may still have damage to be counted.
            let (first, last) = file.time_range_ns().unwrap_or((i64::MIN, i64::MAX));
            if !numbers.is_empty() && span.overlaps(first, last) {
                waiting.push((first, index));
            }
        }
        waiting.sort_by_key(|place| Reverse(*place));
        Self {
            files,
            span,
            options,
            packing,
            is_cdr,
            log,
            waiting,
            open: BTreeMap::new(),
            queue: BinaryHeap::new(),
            pending: VecDeque::new(),
            failed: false,
        }
    }

    /// Opens every file that may hold the next message.
    fn open_due_files(&mut self) {
        while let Some(&(first, index)) = self.waiting.last() {
            let head = self.queue.peek().map(|Reverse((time, _))| *time);
            if head.is_some_and(|time| first > time) {
                break;
            }
            self.waiting.pop();
            let Some((_, file, numbers)) = self.files.get(index) else {
                continue;
            };
            let opened = file.cursor(numbers, self.span, &self.options);
            match opened {
                Ok(cursor) => self.advance(index, cursor),
                Err(error) => self.pending.push_back(error),
            }
        }
    }

    /// Fetches the next message of a file; at its end the file is closed.
    fn advance(&mut self, index: usize, mut cursor: Cursor) {
        match cursor.next_message() {
            Ok(Some(next)) => {
                self.queue.push(Reverse((next.log_time_ns, index)));
                self.open.insert(index, OpenFile { cursor, next });
            }
            Ok(None) => {}
            Err(error) => self.pending.push_back(error),
        }
    }

    /// Undoes message mode. A message that does not decompress is counted and passed over.
    fn unpack(&self, index: usize, mut message: RawMessage) -> Option<RawMessage> {
        let is_packed = match self.packing {
            Packing::None => false,
            Packing::Zstd => true,
            Packing::Detect => {
                let is_cdr = self.is_cdr.get(message.topic) == Some(&true);
                is_cdr && message.data.starts_with(&ZSTD_MAGIC)
            }
        };
        if !is_packed {
            return Some(message);
        }
        match unpack_message(&message.data, self.options.max_chunk_bytes) {
            Ok(data) => {
                message.data = data;
                Some(message)
            }
            Err(error) => {
                let time = message.log_time_ns;
                let reason = format!("the message of {time} ns does not decompress: {error}");
                if let Some((_, file, _)) = self.files.get(index) {
                    let place = time.unsigned_abs();
                    file.losses.lost(LossKind::BadMessage, place, Some(1), reason);
                }
                None
            }
        }
    }
}

impl Iterator for Messages {
    type Item = Result<RawMessage, BagError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let item = loop {
            self.open_due_files();
            if let Some(error) = self.pending.pop_front() {
                break Some(Err(error));
            }
            let Some(Reverse((_, index))) = self.queue.pop() else {
                break None;
            };
            let Some(OpenFile { cursor, next }) = self.open.remove(&index) else {
                continue;
            };
            self.advance(index, cursor);
            if let Some(message) = self.unpack(index, next) {
                break Some(Ok(message));
            }
        };
        if let Some(fault) = strict_fault(&self.log, self.options.strict) {
            self.failed = true;
            return Some(Err(fault));
        }
        item
    }
}
