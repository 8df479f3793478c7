//! What of a bag could not be read, counted and explained.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Distinct losses kept with place and reason; beyond it they are only counted, so that a file
/// damaged everywhere cannot fill the memory with explanations.
const MAX_DETAILED_LOSSES: usize = 1024;

/// The kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LossKind {
    /// A file that metadata.yaml lists is not there.
    MissingFile,
    /// A storage file could not be opened at all; the others were.
    UnreadableFile,
    /// metadata.yaml is there but cannot be understood.
    UnreadableMetadata,
    /// The file ends within a record, a page or a compressed frame.
    Truncated,
    /// The file was never finished: no footer (a crashed or killed recorder).
    Unfinished,
    /// The index at the end of the file is damaged; the messages were found by scanning.
    BadIndex,
    /// A chunk whose content cannot be decompressed or does not fit its header.
    BadChunk,
    /// A checksum that does not fit its bytes.
    BadChecksum,
    /// A record that cannot be parsed, or refers to something undefined.
    BadRecord,
    /// A message whose content cannot be read or decompressed.
    BadMessage,
    /// Database pages that cannot be read.
    BadPages,
    /// metadata.yaml counts more messages than the file holds.
    CountMismatch,
    /// Messages outside the time span that their chunk declares: kept, but perhaps out of order.
    OutOfOrder,
}

impl LossKind {
    /// The kind as a stable lower-case word, for machine-readable reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingFile => "missing_file",
            Self::UnreadableFile => "unreadable_file",
            Self::UnreadableMetadata => "unreadable_metadata",
            Self::Truncated => "truncated",
            Self::Unfinished => "unfinished",
            Self::BadIndex => "bad_index",
            Self::BadChunk => "bad_chunk",
            Self::BadChecksum => "bad_checksum",
            Self::BadRecord => "bad_record",
            Self::BadMessage => "bad_message",
            Self::BadPages => "bad_pages",
            Self::CountMismatch => "count_mismatch",
            Self::OutOfOrder => "out_of_order",
        }
    }
}

/// One place where something was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The file with the damage.
    pub file: PathBuf,
    /// The kind of damage.
    pub kind: LossKind,
    /// Where in the file: a byte offset, or a row number in sqlite3.
    pub position: u64,
    /// Bytes of the file that were not read because of it.
    pub bytes_unread: u64,
    /// Messages lost by it, where that can be known.
    pub messages_lost: Option<u64>,
    /// What was found, in words.
    pub reason: String,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.reason)?;
        match self.messages_lost {
            Some(0) => {}
            Some(n) => write!(f, "; {n} messages lost")?,
            None => write!(f, "; how many messages were lost is not known")?,
        }
        if self.bytes_unread > 0 {
            write!(f, "; {} bytes not read", self.bytes_unread)?;
        }
        Ok(())
    }
}

/// Everything that could not be read of a bag.
///
/// Reading the same damage twice counts it once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses {
    detailed: BTreeMap<(PathBuf, LossKind, u64), Loss>,
    beyond: u64,
    beyond_messages: u64,
}

impl Losses {
    /// True where nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.detailed.is_empty()
    }

    /// The losses by file, kind and place: the first 1024 of them.
    pub fn iter(&self) -> impl Iterator<Item = &Loss> {
        self.detailed.values()
    }

    /// Losses that are counted but no longer listed by [`Losses::iter`].
    pub fn unlisted(&self) -> u64 {
        self.beyond
    }

    /// Messages known to be lost.
    pub fn messages_lost(&self) -> u64 {
        let known = self.iter().filter_map(|loss| loss.messages_lost);
        known.fold(self.beyond_messages, u64::saturating_add)
    }

    /// True where some loss may have cost messages that nothing counts.
    pub fn has_uncounted(&self) -> bool {
        self.iter().any(|loss| loss.messages_lost.is_none())
    }

    /// Bytes of the files that were not read.
    pub fn bytes_unread(&self) -> u64 {
        self.iter().fold(0, |sum, loss| sum.saturating_add(loss.bytes_unread))
    }

    /// Places with one kind of damage.
    pub fn count(&self, kind: LossKind) -> u64 {
        self.iter().filter(|loss| loss.kind == kind).count() as u64
    }

    /// Files that end too early or were never finished.
    pub fn files_truncated(&self) -> u64 {
        let mut files: Vec<&Path> = self
            .iter()
            .filter(|l| matches!(l.kind, LossKind::Truncated | LossKind::Unfinished))
            .map(|l| l.file.as_path())
            .collect();
        files.dedup();
        files.len() as u64
    }

    /// Chunks that were dropped, for a checksum or for their form.
    pub fn chunks_bad(&self) -> u64 {
        self.count(LossKind::BadChunk) + self.count(LossKind::BadChecksum)
    }

    /// Counts a loss; the same place and kind again changes nothing. True where it is new.
    pub(crate) fn add(&mut self, loss: Loss) -> bool {
        let key = (loss.file.clone(), loss.kind, loss.position);
        if self.detailed.contains_key(&key) {
            return false;
        }
        if self.detailed.len() >= MAX_DETAILED_LOSSES {
            self.beyond = self.beyond.saturating_add(1);
            self.beyond_messages = self.beyond_messages.saturating_add(loss.messages_lost.unwrap_or(0));
            return true;
        }
        self.detailed.insert(key, loss);
        true
    }
}

/// The losses of one bag, shared by the reader and its passes over the messages.
#[derive(Debug, Clone, Default)]
pub(crate) struct LossLog(Arc<Mutex<Losses>>);

impl LossLog {
    pub(crate) fn add(&self, loss: Loss) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(loss)
    }

    pub(crate) fn snapshot(&self) -> Losses {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reports the losses of one storage file.
#[derive(Debug, Clone)]
pub(crate) struct FileLossLog {
    file: PathBuf,
    log: LossLog,
}

impl FileLossLog {
    pub(crate) fn new(file: &Path, log: &LossLog) -> Self {
        Self { file: file.to_path_buf(), log: log.clone() }
    }

    /// Counts a loss that costs no bytes of its own.
    pub(crate) fn lost(&self, kind: LossKind, position: u64, messages_lost: Option<u64>, reason: impl Into<String>) {
        self.lost_bytes(kind, position, 0, messages_lost, reason);
    }

    /// Counts a loss with the bytes it leaves unread.
    pub(crate) fn lost_bytes(
        &self,
        kind: LossKind,
        position: u64,
        bytes_unread: u64,
        messages_lost: Option<u64>,
        reason: impl Into<String>,
    ) {
        self.log.add(Loss {
            file: self.file.clone(),
            kind,
            position,
            bytes_unread,
            messages_lost,
            reason: reason.into(),
        });
    }
}
