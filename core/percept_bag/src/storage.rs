//! One storage file of either kind, told apart by its first bytes, and a pass over it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::byte_source::ByteSource;
use crate::error::{BagError, io_error};
use crate::losses::{FileLossLog, LossKind, LossLog};
use crate::mcap_file::{McapCursor, McapFile, MetadataRecord};
use crate::options::ReadOptions;
use crate::sqlite_file::{Database, SqliteCursor, SqliteFile};
use crate::topic::{RawMessage, TimeSpan, TopicRecord};
use crate::unpack::{Unpacked, ZSTD_MAGIC, unpack, unpack_file};

const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

/// What a file holds, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signature {
    Mcap,
    Sqlite,
    Zstd,
}

impl Signature {
    fn of(start: &[u8]) -> Option<Self> {
        if start.starts_with(mcap::MAGIC) {
            Some(Self::Mcap)
        } else if start.starts_with(SQLITE_MAGIC) {
            Some(Self::Sqlite)
        } else if start.starts_with(&ZSTD_MAGIC) {
            Some(Self::Zstd)
        } else {
            None
        }
    }
}

/// Which storage a file is.
#[derive(Debug, Clone)]
pub(crate) enum Storage {
    Mcap(Arc<McapFile>),
    Sqlite(Arc<SqliteFile>),
}

/// An opened storage file; what it was unpacked to lives as long.
#[derive(Debug, Clone)]
pub(crate) struct StorageFile {
    pub(crate) storage: Storage,
    pub(crate) losses: FileLossLog,
    _unpacked: Option<Unpacked>,
}

impl StorageFile {
    /// Opens a file of either kind, compressed or not.
    pub(crate) fn open(path: &Path, options: &ReadOptions, log: &LossLog) -> Result<Self, BagError> {
        let losses = FileLossLog::new(path, log);
        let start = first_bytes(path)?;
        match Signature::of(&start) {
            Some(Signature::Zstd) => {
                let unpacked = unpack_file(path, options, &losses)?;
                Self::open_unpacked(path, unpacked, options, losses)
            }
            Some(signature) => Self::open_as(signature, path, path, options, losses),
            None => Err(not_a_bag(path, &start)),
        }
    }

    /// Opens the bytes of a storage file; a database is written to a temporary file first.
    pub(crate) fn from_bytes(
        name: &Path,
        bytes: Arc<[u8]>,
        options: &ReadOptions,
        log: &LossLog,
    ) -> Result<Self, BagError> {
        let losses = FileLossLog::new(name, log);
        match Signature::of(&bytes) {
            Some(Signature::Mcap) => {
                let source = ByteSource::from_bytes(bytes);
                let file = McapFile::open(name, source, options, losses.clone())?;
                Ok(Self::new(Storage::Mcap(Arc::new(file)), losses, None))
            }
            Some(Signature::Zstd) => {
                let total = bytes.len() as u64;
                let unpacked = unpack(name, bytes.as_ref(), total, options, &losses)?;
                Self::open_unpacked(name, unpacked, options, losses)
            }
            Some(Signature::Sqlite) => {
                let dir = options.temp_dir();
                let mut file =
                    tempfile::NamedTempFile::new_in(&dir).map_err(io_error(&dir, "create a temporary file in"))?;
                std::io::Write::write_all(&mut file, &bytes).map_err(io_error(&dir, "write a temporary file in"))?;
                let file = Unpacked::from(file.into_temp_path());
                Self::open_unpacked(name, file, options, losses)
            }
            None => Err(not_a_bag(name, &bytes)),
        }
    }

    fn open_unpacked(
        name: &Path,
        unpacked: Unpacked,
        options: &ReadOptions,
        losses: FileLossLog,
    ) -> Result<Self, BagError> {
        let start = first_bytes(unpacked.path())?;
        let signature = Signature::of(&start).filter(|s| *s != Signature::Zstd);
        let signature = signature.ok_or_else(|| not_a_bag(name, &start))?;
        let mut file = Self::open_as(signature, name, unpacked.path(), options, losses)?;
        file._unpacked = Some(unpacked);
        Ok(file)
    }

    /// `name` is what losses and errors call the file, `path` where its bytes are.
    fn open_as(
        signature: Signature,
        name: &Path,
        path: &Path,
        options: &ReadOptions,
        losses: FileLossLog,
    ) -> Result<Self, BagError> {
        let storage = if signature == Signature::Mcap {
            let file = File::open(path).map_err(io_error(name, "open"))?;
            let source = ByteSource::from_file(file).map_err(io_error(name, "open"))?;
            Storage::Mcap(Arc::new(McapFile::open(name, source, options, losses.clone())?))
        } else {
            let database = Database::prepare(path, options).map_err(io_error(name, "open"))?;
            Storage::Sqlite(Arc::new(SqliteFile::open(name, database, options, losses.clone())?))
        };
        Ok(Self::new(storage, losses, None))
    }

    fn new(storage: Storage, losses: FileLossLog, unpacked: Option<Unpacked>) -> Self {
        Self { storage, losses, _unpacked: unpacked }
    }

    /// Topics by the number that the file's messages refer to them by.
    pub(crate) fn topics(&self) -> Vec<(i64, &TopicRecord)> {
        match &self.storage {
            Storage::Mcap(file) => {
                let topics = file.topics().iter();
                topics.map(|(id, topic)| (i64::from(*id), topic)).collect()
            }
            Storage::Sqlite(file) => file.topics().iter().map(|(id, t)| (*id, t)).collect(),
        }
    }

    pub(crate) fn message_count(&self) -> u64 {
        match &self.storage {
            Storage::Mcap(file) => file.message_count(),
            Storage::Sqlite(file) => file.message_count(),
        }
    }

    pub(crate) fn time_range_ns(&self) -> Option<(i64, i64)> {
        match &self.storage {
            Storage::Mcap(file) => file.time_range_ns(),
            Storage::Sqlite(file) => file.time_range_ns(),
        }
    }

    pub(crate) fn metadata(&self) -> &[MetadataRecord] {
        match &self.storage {
            Storage::Mcap(file) => file.metadata(),
            Storage::Sqlite(_) => &[],
        }
    }

    /// Holds the messages found against those that metadata.yaml counts.
    pub(crate) fn check_count(&self, expected: Option<u64>, already_lost: u64) {
        let missing = expected.unwrap_or(0).saturating_sub(self.message_count());
        let missing = missing.saturating_sub(already_lost);
        if missing > 0 {
            let reason =
                format!("metadata.yaml counts {} messages, {} are there", expected.unwrap_or(0), self.message_count());
            self.losses.lost(LossKind::CountMismatch, 0, Some(missing), reason);
        }
    }

    /// Begins a pass over the messages of the given topics.
    pub(crate) fn cursor(
        &self,
        topics: &BTreeMap<i64, usize>,
        span: TimeSpan,
        options: &ReadOptions,
    ) -> Result<Cursor, BagError> {
        Ok(match &self.storage {
            Storage::Mcap(file) => {
                let channels = topics.iter();
                let channels = channels.filter_map(|(id, topic)| Some((u16::try_from(*id).ok()?, *topic))).collect();
                Cursor::Mcap(McapCursor::new(file.clone(), channels, span, options))
            }
            Storage::Sqlite(file) => {
                Cursor::Sqlite(Box::new(SqliteCursor::new(file.clone(), topics.clone(), span, options)?))
            }
        })
    }
}

/// A pass over one storage file.
pub(crate) enum Cursor {
    Mcap(McapCursor),
    Sqlite(Box<SqliteCursor>),
}

impl Cursor {
    pub(crate) fn next_message(&mut self) -> Result<Option<RawMessage>, BagError> {
        match self {
            Self::Mcap(cursor) => cursor.next_message(),
            Self::Sqlite(cursor) => cursor.next_message(),
        }
    }
}

fn first_bytes(path: &Path) -> Result<Vec<u8>, BagError> {
    let mut start = Vec::with_capacity(16);
    let file = File::open(path).map_err(io_error(path, "open"))?;
    file.take(16).read_to_end(&mut start).map_err(io_error(path, "read"))?;
    Ok(start)
}

fn not_a_bag(path: &Path, start: &[u8]) -> BagError {
    let found = if start.is_empty() {
        "it is empty".to_owned()
    } else {
        let start: Vec<String> = start.iter().take(8).map(|b| format!("{b:02x}")).collect();
        format!("it begins with the bytes {}", start.join(" "))
    };
    BagError::NotABag { path: path.to_path_buf(), found }
}
