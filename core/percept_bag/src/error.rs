//! What can go wrong with a bag, one variant a fault, each naming the file and the way out.

use std::path::PathBuf;

/// Every fault that reading or writing a bag can end with.
///
/// Damage that leaves the rest of a bag readable is no error: it is counted in
/// [`Losses`](crate::Losses), and becomes [`BagError::Lossy`] only under
/// [`ReadOptions::strict`](crate::ReadOptions::strict).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BagError {
    /// The operating system refused a read, a write or a listing.
    #[error("{path}: cannot {action}: {source}", path = path.display())]
    Io {
        /// The file or directory concerned.
        path: PathBuf,
        /// What was being done, as a verb phrase.
        action: &'static str,
        /// The system's own answer.
        source: std::io::Error,
    },
    /// The file is neither mcap nor sqlite3, compressed or not.
    #[error(
        "{path}: not a rosbag2 file: {found}; expected an .mcap or .db3 file, or either with .zstd \
         behind it; a bag directory can be given as well", path = path.display()
    )]
    NotABag {
        /// The file concerned.
        path: PathBuf,
        /// What its first bytes are.
        found: String,
    },
    /// The directory holds no storage file.
    #[error(
        "{path}: no .mcap, .db3, .mcap.zstd or .db3.zstd file in this directory; give the bag's \
         own directory or one storage file", path = path.display()
    )]
    NoStorageFiles {
        /// The directory concerned.
        path: PathBuf,
    },
    /// Without metadata.yaml the files of the directory cannot be told to be one bag.
    #[error(
        "{path}: no usable metadata.yaml, and the storage files {first} and {second} do not look \
         like splits of one bag; give one storage file instead of the directory",
        path = path.display()
    )]
    AmbiguousDirectory {
        /// The directory concerned.
        path: PathBuf,
        /// A storage file.
        first: String,
        /// Another one that does not belong to it.
        second: String,
    },
    /// The storage file has the right signature but cannot be opened at all.
    #[error("{path}: unreadable storage: {reason}", path = path.display())]
    Storage {
        /// The file concerned.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A storage is compressed in a way that rosbag2 does not write.
    #[error(
        "{path}: compression format {format:?} is unknown; zstd is the one that rosbag2 writes",
        path = path.display()
    )]
    UnknownCompression {
        /// The bag or file concerned.
        path: PathBuf,
        /// The format named.
        format: String,
    },
    /// A strict reader met damage.
    #[error("{path}: damaged, and strict reading was asked for: {reason}", path = path.display())]
    Lossy {
        /// The file with the damage.
        path: PathBuf,
        /// The loss in words.
        reason: String,
    },
    /// The bag has no topic of this name.
    #[error("no topic {name:?} in the bag; it has: {available}")]
    UnknownTopic {
        /// The name asked for.
        name: String,
        /// The names there are.
        available: String,
    },
    /// The output is already there.
    #[error(
        "{path}: exists already and is not empty; remove it or choose another output directory",
        path = path.display()
    )]
    OutputExists {
        /// The directory concerned.
        path: PathBuf,
    },
    /// A topic cannot be written as described.
    #[error("topic {name:?} cannot be written: {reason}")]
    InvalidTopic {
        /// The topic's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A message cannot be written.
    #[error("{path}: message on {topic:?} refused: {reason}", path = path.display())]
    InvalidMessage {
        /// The bag being written.
        path: PathBuf,
        /// The message's topic.
        topic: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A write failed, most often because the disk is full.
    #[error(
        "{path}: write failed: {source}; the {messages_kept} messages written before are kept \
         and readable; free space and write to another directory", path = path.display()
    )]
    WriteFailed {
        /// The storage file being written.
        path: PathBuf,
        /// Messages of the whole bag that are safely in its files.
        messages_kept: u64,
        /// The system's own answer.
        source: std::io::Error,
    },
    /// The writer met a failure before, or was finished.
    #[error("{path}: the bag is closed for writing: {reason}", path = path.display())]
    Closed {
        /// The bag concerned.
        path: PathBuf,
        /// Why it is closed.
        reason: String,
    },
}

/// Names the file and the action in an I/O error.
pub(crate) fn io_error(path: &std::path::Path, action: &'static str) -> impl FnOnce(std::io::Error) -> BagError {
    let path = path.to_path_buf();
    move |source| BagError::Io { path, action, source }
}
