//! One mcap file: what is in it, found through its index or by scanning.
//!
//! Memory  about 100 bytes a chunk for the index, whatever the file's size; while scanning, one
//!         chunk. Reading holds the chunks that overlap at one time, at most
//!         `resident_chunk_bytes` of them decompressed (see `cursor`).
//! Damage  a file with a good summary is read chunk by chunk whatever lies between; without one
//!         it is scanned from the front up to the first record that cannot be framed.
//! Source  MCAP specification (records, summary, chunks).

mod chunk;
mod cursor;
mod definitions;
mod framing;
mod scan;
mod summary;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mcap::records::{Record as McapRecord, op};

pub(crate) use cursor::McapCursor;

use self::framing::{HEAD_BYTES, Step};
use self::summary::Ending;
use crate::byte_source::{ByteSource, Window};
use crate::error::{BagError, io_error};
use crate::losses::{FileLossLog, LossKind};
use crate::options::ReadOptions;
use crate::topic::TopicRecord;

/// Largest metadata record that is read.
const MAX_METADATA_BYTES: u64 = 16 << 20;

/// A metadata record: its name and its entries.
pub(crate) type MetadataRecord = (String, BTreeMap<String, String>);

/// Messages that lie together and are read together.
#[derive(Debug)]
struct Block {
    kind: BlockKind,
    offset: u64,
    length: u64,
    /// Earliest and latest log time within, as declared or as found.
    start_ns: i64,
    end_ns: i64,
    /// Channels within, none where that is not known.
    channels: Option<Box<[u16]>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlockKind {
    /// A chunk record.
    Chunk,
    /// A run of records outside of chunks.
    Loose,
}

/// An opened mcap file.
#[derive(Debug)]
pub(crate) struct McapFile {
    path: PathBuf,
    source: ByteSource,
    /// By place in the file.
    blocks: Vec<Block>,
    topics: BTreeMap<u16, TopicRecord>,
    message_count: u64,
    time_range_ns: Option<(i64, i64)>,
    metadata: Vec<MetadataRecord>,
    losses: FileLossLog,
}

impl McapFile {
    /// Finds out what the file holds. `path` is the name that losses and errors carry.
    ///
    /// # Errors
    /// [`BagError::Io`] where the disk fails; [`BagError::Storage`] where not even the opening
    /// magic is there.
    pub(crate) fn open(
        path: &Path,
        source: ByteSource,
        options: &ReadOptions,
        losses: FileLossLog,
    ) -> Result<Self, BagError> {
        let starts = source.len() >= 8 && source.read_at(0, 8).map_err(io_error(path, "read"))? == mcap::MAGIC;
        if !starts {
            return Err(BagError::Storage {
                path: path.to_path_buf(),
                reason: "it does not begin with the mcap magic".to_owned(),
            });
        }
        let ending = summary::read_summary(&source).map_err(io_error(path, "read"))?;
        let found = scan::scan(&source, ending, options, &losses);
        let mut found = found.map_err(io_error(path, "read"))?;
        found.metadata.sort_unstable();
        found.metadata.dedup();
        let metadata = read_metadata(&source, &found.metadata, &losses);
        Ok(Self {
            path: path.to_path_buf(),
            topics: found.definitions.topics(&found.counts),
            message_count: found.message_count,
            time_range_ns: found.time_range_ns,
            blocks: found.blocks,
            metadata: metadata.map_err(io_error(path, "read"))?,
            source,
            losses,
        })
    }

    /// Topics by channel id.
    pub(crate) fn topics(&self) -> &BTreeMap<u16, TopicRecord> {
        &self.topics
    }

    pub(crate) fn message_count(&self) -> u64 {
        self.message_count
    }

    pub(crate) fn time_range_ns(&self) -> Option<(i64, i64)> {
        self.time_range_ns
    }

    pub(crate) fn metadata(&self) -> &[MetadataRecord] {
        &self.metadata
    }
}

/// Reads the metadata records at the given places.
fn read_metadata(source: &ByteSource, places: &[u64], losses: &FileLossLog) -> std::io::Result<Vec<MetadataRecord>> {
    let mut window = Window::new(source);
    let mut records = Vec::new();
    for &offset in places {
        let head = match framing::step(&mut window, offset, source.len())? {
            Step::Record(head) if head.opcode == op::METADATA => head,
            _ => {
                let reason = format!("no metadata record at byte {offset}, where the index has one");
                losses.lost(LossKind::BadRecord, offset, Some(0), reason);
                continue;
            }
        };
        if head.body_len > MAX_METADATA_BYTES {
            let reason = format!("a metadata record of {} bytes is too large", head.body_len);
            losses.lost_bytes(LossKind::BadRecord, offset, head.body_len, Some(0), reason);
            continue;
        }
        let body = source.read_at(head.body_offset(), head.body_len)?;
        match mcap::read::parse_record(op::METADATA, &body) {
            Ok(McapRecord::Metadata(record)) => records.push((record.name, record.metadata)),
            Ok(_) => {}
            Err(error) => {
                let reason = format!("the metadata record at byte {offset}: {error}");
                losses.lost(LossKind::BadRecord, offset, Some(0), reason);
            }
        }
    }
    Ok(records)
}

/// The messages by channel that the index records right behind a chunk count, with the place
/// where those records end.
fn indexed_messages(source: &ByteSource, chunk_end: u64) -> std::io::Result<(BTreeMap<u16, u64>, u64)> {
    let mut window = Window::new(source);
    let mut counts = BTreeMap::new();
    let mut offset = chunk_end;
    while let Step::Record(head) = framing::step(&mut window, offset, source.len())? {
        if head.opcode != op::MESSAGE_INDEX {
            break;
        }
        // Channel id and the array's length, then entries of time and offset.
        let fixed = window.get(offset + HEAD_BYTES, 6)?.unwrap_or_default();
        if let Some(channel) = fixed.get(..2) {
            let entries = head.body_len.saturating_sub(6) / 16;
            *counts.entry(framing::u64_from_le(channel) as u16).or_insert(0) += entries;
        }
        offset = head.end();
    }
    Ok((counts, offset))
}

/// How a file without a usable summary is explained.
fn ending_loss(ending: &Ending) -> Option<(LossKind, String)> {
    match ending {
        Ending::Finished(_) => None,
        Ending::BadSummary(reason) => {
            Some((LossKind::BadIndex, format!("{reason}; the file was scanned from its beginning instead")))
        }
        Ending::Unfinished => Some((
            LossKind::Unfinished,
            "the file was never finished or lost its end (no footer); what is there was found by \
             scanning"
                .to_owned(),
        )),
    }
}
