//! Writing a bag: `<dir>/<dir>_0.mcap`, further splits where asked for, and metadata.yaml.
//!
//! The same calls give the same bytes: nothing of the clock, the machine or the number of threads
//! goes into a file.

mod encode;
mod information;
mod options;
mod sink;
mod split;
mod topics;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

pub use options::{Compression, MetadataVersion, WriteOptions};
pub use topics::{TopicId, TopicSpec};

use self::sink::Sink;
use self::split::{Contents, Message, Split};
use self::topics::Topics;
use crate::error::{BagError, io_error};

/// Largest message, the same bound that readers have by default.
const MAX_MESSAGE_BYTES: usize = 1 << 30;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenBag {
    /// The bag's directory.
    pub path: PathBuf,
    /// Its storage files in their order.
    pub storage_files: Vec<PathBuf>,
    /// Messages in all of them.
    pub message_count: u64,
}

/// A storage file that is closed.
struct ClosedSplit {
    name: String,
    contents: Contents,
}

/// Makes the file of a split.
type OpenSink = Box<dyn FnMut(&Path) -> io::Result<Box<dyn Sink + Send>> + Send>;

/// Writes a bag of mcap files.
///
/// Dropping a writer closes the bag as [`BagWriter::finish`] does, but tells nobody of errors.
/// After a failed write the bag is closed and readable up to the last whole chunk.
///
/// ```
/// use percept_bag::{BagWriter, QosProfile, TopicSpec, WriteOptions};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("greetings");
/// let mut bag = BagWriter::create(&path, WriteOptions::default())?;
/// let talk = bag.add_topic(TopicSpec::new("/talk", "std_msgs/msg/String", QosProfile::RELIABLE))?;
/// bag.write(talk, 1_000, 1_000, &[0, 1, 0, 0, 3, 0, 0, 0, b'h', b'i', 0])?;
/// assert_eq!(bag.finish()?.message_count, 1);
/// # Ok::<(), percept_bag::BagError>(())
/// ```
pub struct BagWriter {
    path: PathBuf,
    stem: String,
    options: WriteOptions,
    topics: Topics,
    sequences: Vec<u32>,
    open_sink: OpenSink,
    split: Option<Split<Box<dyn Sink + Send>>>,
    closed: Vec<ClosedSplit>,
    /// Why nothing can be written any more.
    ended: Option<String>,
}

impl std::fmt::Debug for BagWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BagWriter")
            .field("path", &self.path)
            .field("closed_files", &self.closed.len())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl BagWriter {
    /// Begins a bag in a directory that does not exist or is empty.
    ///
    /// # Errors
    /// [`BagError::OutputExists`] where something is there; [`BagError::Io`] where the directory
    /// or its first file cannot be made.
    pub fn create(path: &Path, options: WriteOptions) -> Result<Self, BagError> {
        let open_sink = |path: &Path| -> io::Result<Box<dyn Sink + Send>> { Ok(Box::new(File::create_new(path)?)) };
        Self::create_with(path, options, Box::new(open_sink))
    }

    fn create_with(path: &Path, options: WriteOptions, open_sink: OpenSink) -> Result<Self, BagError> {
        fs::create_dir_all(path).map_err(io_error(path, "create the directory"))?;
        let mut entries = fs::read_dir(path).map_err(io_error(path, "list"))?;
        if entries.next().is_some() {
            return Err(BagError::OutputExists { path: path.to_path_buf() });
        }
        // The name of `.` or `..` is that of the directory they stand for.
        let full = fs::canonicalize(path).map_err(io_error(path, "open"))?;
        let stem = full.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut writer = Self {
            path: path.to_path_buf(),
            stem: stem.unwrap_or_else(|| "bag".to_owned()),
            options,
            topics: Topics::default(),
            sequences: Vec::new(),
            open_sink,
            split: None,
            closed: Vec::new(),
            ended: None,
        };
        match writer.open_split() {
            Ok(split) => writer.split = Some(split),
            Err(error) => {
                writer.ended = Some("it could not be begun".to_owned());
                return Err(io_error(&writer.split_path(), "create")(error));
            }
        }
        Ok(writer)
    }

    /// The bag's directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Registers a topic; it may have messages or none.
    ///
    /// # Errors
    /// [`BagError::InvalidTopic`]: a name used before, a type without definition, QoS text that is
    /// no list.
    pub fn add_topic(&mut self, spec: TopicSpec) -> Result<TopicId, BagError> {
        let id = self.topics.add(spec)?;
        self.sequences.push(0);
        Ok(id)
    }

    /// Writes a serialised message, encapsulation header included. Times in nanoseconds; they may
    /// come in any order, though readers work best where log times ascend.
    ///
    /// # Errors
    /// [`BagError::InvalidMessage`] for a time before 1970 or more than 1 GiB: nothing was
    /// written, and others can follow. [`BagError::WriteFailed`] where the disk refuses: the bag
    /// is then closed with everything up to the last whole chunk.
    pub fn write(
        &mut self,
        topic: TopicId,
        log_time_ns: i64,
        publish_time_ns: i64,
        data: &[u8],
    ) -> Result<(), BagError> {
        let message = self.message(topic, log_time_ns, publish_time_ns, data)?;
        self.split_if_full(data.len() as u64)?;
        let written = match self.split.as_mut() {
            Some(split) => split.write(message, &self.topics),
            None => return Err(self.closed_error()),
        };
        if let Some(sequence) = self.sequences.get_mut(usize::from(topic.0) - 1) {
            *sequence = sequence.wrapping_add(1);
        }
        written.map_err(|error| self.fail(error))
    }

    fn message<'a>(
        &self,
        topic: TopicId,
        log_time_ns: i64,
        publish_time_ns: i64,
        data: &'a [u8],
    ) -> Result<Message<'a>, BagError> {
        let invalid = |reason: String| BagError::InvalidMessage {
            path: self.path.clone(),
            topic: self.topics.get(topic).map_or_else(String::new, |t| t.name.clone()),
            reason,
        };
        let index = usize::from(topic.0).checked_sub(1);
        let sequence = index.and_then(|index| self.sequences.get(index));
        let sequence = sequence.ok_or_else(|| invalid("the topic is of another bag".to_owned()))?;
        if data.len() > MAX_MESSAGE_BYTES {
            let found = data.len();
            return Err(invalid(format!("{found} bytes; {MAX_MESSAGE_BYTES} are the most")));
        }
        let time = |ns: i64| u64::try_from(ns).map_err(|_| invalid(format!("the time {ns} ns is before 1970")));
        Ok(Message {
            channel: topic.0,
            sequence: *sequence,
            log_time_ns: time(log_time_ns)?,
            publish_time_ns: time(publish_time_ns)?,
            data,
        })
    }

    /// Sends the open chunk to the file now, so that what was written so far survives a crash and
    /// the next message begins a chunk.
    ///
    /// # Errors
    /// [`BagError::WriteFailed`], as [`BagWriter::write`].
    pub fn flush_chunk(&mut self) -> Result<(), BagError> {
        let flushed = match self.split.as_mut() {
            Some(split) => split.flush_chunk(),
            None => return Err(self.closed_error()),
        };
        flushed.map_err(|error| self.fail(error))
    }

    /// Adds a named record of texts to the file being written; readers find it through
    /// [`BagReader::metadata`](crate::BagReader::metadata).
    ///
    /// # Errors
    /// [`BagError::WriteFailed`], as [`BagWriter::write`].
    pub fn add_metadata(&mut self, name: &str, entries: &BTreeMap<String, String>) -> Result<(), BagError> {
        let written = match self.split.as_mut() {
            Some(split) => split.write_metadata(name, entries),
            None => return Err(self.closed_error()),
        };
        written.map_err(|error| self.fail(error))
    }

    /// Closes the bag: last chunk, summary, metadata.yaml.
    ///
    /// # Errors
    /// [`BagError::WriteFailed`], with everything up to the last whole chunk kept.
    pub fn finish(mut self) -> Result<WrittenBag, BagError> {
        self.end()?;
        Ok(WrittenBag {
            path: self.path.clone(),
            storage_files: self.closed.iter().map(|split| self.path.join(&split.name)).collect(),
            message_count: self.messages_kept(),
        })
    }

    fn end(&mut self) -> Result<(), BagError> {
        if self.ended.is_some() {
            return Err(self.closed_error());
        }
        if let Err(error) = self.close_split() {
            return Err(self.fail(error));
        }
        let written = self.write_information();
        self.ended = Some("it was finished".to_owned());
        written.map_err(|source| BagError::WriteFailed {
            path: self.path.join("metadata.yaml"),
            messages_kept: self.messages_kept(),
            source,
        })
    }

    fn split_name(&self) -> String {
        format!("{}_{}.mcap", self.stem, self.closed.len())
    }

    fn split_path(&self) -> PathBuf {
        self.path.join(self.split_name())
    }

    fn open_split(&mut self) -> io::Result<Split<Box<dyn Sink + Send>>> {
        let path = self.split_path();
        Split::create((self.open_sink)(&path)?, &self.options)
    }

    fn split_if_full(&mut self, message_bytes: u64) -> Result<(), BagError> {
        let Some(limit) = self.options.max_file_bytes else {
            return Ok(());
        };
        let full = |split: &Split<_>| !split.is_empty() && split.pending_len().saturating_add(message_bytes) > limit;
        if !self.split.as_ref().is_some_and(full) {
            return Ok(());
        }
        let opened = self.close_split().and_then(|()| self.open_split());
        match opened {
            Ok(split) => {
                self.split = Some(split);
                Ok(())
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Finishes the file being written and notes what is in it.
    fn close_split(&mut self) -> io::Result<()> {
        if let Some(split) = self.split.as_mut() {
            split.finish(&self.topics)?;
            let contents = split.written().clone();
            self.note_closed(contents);
        }
        Ok(())
    }

    fn note_closed(&mut self, contents: Contents) {
        let name = self.split_name();
        self.closed.push(ClosedSplit { name, contents });
        self.split = None;
    }

    /// Closes the bag behind the last whole chunk. Where even summary and metadata.yaml find no
    /// room, the files stay as they are, unfinished but readable.
    fn fail(&mut self, source: io::Error) -> BagError {
        let path = self.split_path();
        if let Some(mut split) = self.split.take() {
            let contents = split.written().clone();
            // The first error is the one to report; without footer the file is still readable.
            let _ = split.close(&self.topics);
            self.note_closed(contents);
        }
        let _ = self.write_information();
        self.ended = Some(format!("a write failed before ({source})"));
        BagError::WriteFailed { path, messages_kept: self.messages_kept(), source }
    }

    fn messages_kept(&self) -> u64 {
        self.closed.iter().map(|split| split.contents.message_count()).sum()
    }

    fn closed_error(&self) -> BagError {
        BagError::Closed { path: self.path.clone(), reason: self.ended.clone().unwrap_or_default() }
    }
}

impl Drop for BagWriter {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // Nobody is left to tell; finish() reports.
            let _ = self.end();
        }
    }
}

#[cfg(test)]
mod tests;
