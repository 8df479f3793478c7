//! A whole bag: its files as one sequence of messages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::BagError;
use crate::locate::{BagFiles, Located, locate};
use crate::losses::{FileLossLog, LossKind, LossLog, Losses};
use crate::messages::{FileTopics, Messages, Packing};
use crate::metadata::{BagInformation, CompressionMode};
use crate::options::ReadOptions;
use crate::storage::{Storage, StorageFile};
use crate::topic::{TopicFilter, TopicInfo, TopicRecord, normalise_type_name};

/// A rosbag2 recording, opened for reading.
///
/// Opening finds out what there is: topics, counts, times. [`BagReader::messages`] begins a pass
/// over the messages in the order of their log time; passes are independent of one another and
/// of the reader. Damage never stops a pass: it is counted in [`BagReader::losses`], completely
/// once a pass over everything has ended.
///
/// ```no_run
/// use percept_bag::{BagReader, ReadOptions, TopicFilter};
/// let reader = BagReader::open("my_drive".as_ref(), ReadOptions::default())?;
/// for message in reader.messages(TopicFilter::topics(["/points"]))? {
///     let message = message?;
///     println!("{} ns: {} bytes", message.log_time_ns, message.data.len());
/// }
/// for loss in reader.losses().iter() {
///     eprintln!("{loss}");
/// }
/// # Ok::<(), percept_bag::BagError>(())
/// ```
///
/// Limits: opening reads a file's index, or, where it has none, the file itself once; sqlite3
/// tables are walked once without the messages' contents. Compressed files are unpacked to the
/// temporary directory. Memory is bounded by [`ReadOptions`], and by about 100 bytes a chunk.
#[derive(Debug)]
pub struct BagReader {
    path: PathBuf,
    options: ReadOptions,
    files: Vec<(Located, StorageFile, FileTopics)>,
    topics: Vec<TopicInfo>,
    time_range_ns: Option<(i64, i64)>,
    packing: Packing,
    log: LossLog,
}

impl BagReader {
    /// Opens a bag directory, with or without metadata.yaml, or a single storage file.
    ///
    /// # Errors
    /// Where nothing at all can be read: no such path, no storage file, foreign content. Where
    /// only a part cannot be read, that is a loss; with [`ReadOptions::strict`], an error.
    pub fn open(path: &Path, options: ReadOptions) -> Result<Self, BagError> {
        let log = LossLog::default();
        let BagFiles { files, information } = locate(path, &log)?;
        let mut opened = Vec::new();
        let mut failed = None;
        for located in files {
            match StorageFile::open(&located.path, &options, &log) {
                Ok(file) => opened.push((located, file)),
                Err(error) => {
                    let expected = information.as_ref();
                    let expected = expected.and_then(|i| i.expected_messages(&located.listed));
                    FileLossLog::new(&located.path, &log).lost(
                        LossKind::UnreadableFile,
                        0,
                        expected,
                        error.to_string(),
                    );
                    failed = failed.or(Some(error));
                }
            }
        }
        match failed {
            Some(error) if opened.is_empty() => Err(error),
            _ => Self::assemble(path, opened, information, options, log),
        }
    }

    /// Opens the bytes of one storage file: mcap, sqlite3, or either compressed. `name` is what
    /// losses and errors call it.
    ///
    /// # Errors
    /// As [`BagReader::open`].
    pub fn from_bytes(name: &Path, bytes: impl Into<Arc<[u8]>>, options: ReadOptions) -> Result<Self, BagError> {
        let log = LossLog::default();
        let file = StorageFile::from_bytes(name, bytes.into(), &options, &log)?;
        let located = Located { path: name.to_path_buf(), listed: name.to_string_lossy().into_owned() };
        Self::assemble(name, vec![(located, file)], None, options, log)
    }

    fn assemble(
        path: &Path,
        opened: Vec<(Located, StorageFile)>,
        information: Option<BagInformation>,
        options: ReadOptions,
        log: LossLog,
    ) -> Result<Self, BagError> {
        let has_metadata = information.is_some();
        let information = information.or_else(|| embedded_information(&opened));
        let compression = information.as_ref().map(BagInformation::compression);
        let compression = compression.transpose().map_err(|format| {
            let path = path.to_path_buf();
            BagError::UnknownCompression { path, format }
        })?;
        let packing = match compression {
            Some(CompressionMode::Message) => Packing::Zstd,
            _ if has_metadata => Packing::None,
            _ => Packing::Detect,
        };
        let mut topics = TopicTable::default();
        let mut files = Vec::new();
        let mut time_range_ns: Option<(i64, i64)> = None;
        for (located, file) in opened {
            let expected = information.as_ref();
            let expected = expected.and_then(|i| i.expected_messages(&located.listed));
            file.check_count(expected, lost_in(&log, &located.path));
            if let Some((first, last)) = file.time_range_ns() {
                let (from, to) = time_range_ns.unwrap_or((first, last));
                time_range_ns = Some((from.min(first), to.max(last)));
            }
            let numbers = file.topics().into_iter();
            let numbers = numbers.map(|(id, topic)| (id, topics.add(topic))).collect();
            files.push((located, file, numbers));
        }
        for listed in information.iter().flat_map(|i| &i.topics_with_message_count) {
            let topic = &listed.topic_metadata;
            topics.add_listed(topic.name.as_str(), &topic.type_name, || TopicRecord {
                name: topic.name.clone(),
                type_name: normalise_type_name(&topic.type_name),
                message_encoding: topic.serialization_format.clone(),
                message_count: 0,
                offered_qos_profiles: topic.qos_text(),
                schema: None,
            });
        }
        let reader =
            Self { path: path.to_path_buf(), packing, options, files, topics: topics.topics, time_range_ns, log };
        strict_fault(&reader.log, reader.options.strict).map_or(Ok(reader), Err)
    }

    /// The path that was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The topics in the order in which the files define them, those without messages too.
    pub fn topics(&self) -> &[TopicInfo] {
        &self.topics
    }

    /// Log times of the first and the last message; none in a bag without messages.
    pub fn time_range_ns(&self) -> Option<(i64, i64)> {
        self.time_range_ns
    }

    /// Time from the first to the last message, 0 in a bag without messages.
    pub fn duration_ns(&self) -> i64 {
        self.time_range_ns.map_or(0, |(first, last)| last.saturating_sub(first))
    }

    /// Messages found when the bag was opened, of all topics.
    pub fn message_count(&self) -> u64 {
        self.topics.iter().map(|topic| topic.message_count).sum()
    }

    /// The storage files that could be opened, in their order.
    pub fn storage_files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(located, _, _)| located.path.as_path())
    }

    /// `mcap` or `sqlite3`, by the first storage file.
    pub fn storage_identifier(&self) -> &'static str {
        match self.files.first().map(|(_, file, _)| &file.storage) {
            Some(Storage::Sqlite(_)) => "sqlite3",
            _ => "mcap",
        }
    }

    /// Metadata records of the mcap files by name, in the order of the files.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, String>)> {
        let records = self.files.iter().flat_map(|(_, file, _)| file.metadata());
        records.map(|(name, entries)| (name.as_str(), entries))
    }

    /// What could not be read so far: on opening, and in every pass since.
    pub fn losses(&self) -> Losses {
        self.log.snapshot()
    }

    /// The place in [`BagReader::topics`] of the topic with this name, the first of several.
    ///
    /// # Errors
    /// [`BagError::UnknownTopic`], with the names that there are.
    pub fn topic_index(&self, name: &str) -> Result<usize, BagError> {
        let found = self.topics.iter().position(|topic| topic.name == name);
        found.ok_or_else(|| self.unknown_topic(name))
    }

    fn unknown_topic(&self, name: &str) -> BagError {
        let available: Vec<&str> = self.topics.iter().map(|t| t.name.as_str()).collect();
        BagError::UnknownTopic { name: name.to_owned(), available: available.join(", ") }
    }

    /// The topics of one type, such as `sensor_msgs/msg/PointCloud2`.
    pub fn topics_of_type(&self, type_name: &str) -> impl Iterator<Item = &TopicInfo> {
        let wanted = normalise_type_name(type_name);
        self.topics.iter().filter(move |topic| topic.type_name == wanted)
    }

    /// Begins a pass over the messages that the filter lets through, in the order of log time;
    /// messages of equal time in the order of files and of their place in the file.
    ///
    /// # Errors
    /// [`BagError::UnknownTopic`] where the filter names a topic that the bag has not. The pass
    /// itself yields errors of the disk, and, in strict reading, losses.
    pub fn messages(&self, filter: TopicFilter) -> Result<Messages, BagError> {
        let wanted = self.wanted_topics(&filter)?;
        let files = self.files.iter().map(|(located, file, numbers)| {
            let numbers = numbers.iter().filter(|(_, topic)| wanted.get(**topic) == Some(&true));
            let numbers: FileTopics = numbers.map(|(id, topic)| (*id, *topic)).collect();
            (located.path.clone(), file.clone(), numbers)
        });
        let encodings: Vec<bool> = self.topics.iter().map(|t| t.message_encoding == "cdr").collect();
        Ok(Messages::new(
            files.collect(),
            filter.span(),
            self.options.clone(),
            (self.packing, encodings),
            self.log.clone(),
        ))
    }

    fn wanted_topics(&self, filter: &TopicFilter) -> Result<Vec<bool>, BagError> {
        let Some(names) = &filter.names else {
            return Ok(vec![true; self.topics.len()]);
        };
        for name in names {
            self.topic_index(name)?;
        }
        Ok(self.topics.iter().map(|topic| names.contains(&topic.name)).collect())
    }

    /// Reads every message and counts them by topic: what truly comes out of the bag, with
    /// [`BagReader::losses`] complete afterwards.
    ///
    /// # Errors
    /// As the pass itself.
    pub fn count_messages(&self) -> Result<Vec<u64>, BagError> {
        let mut counts = vec![0; self.topics.len()];
        for message in self.messages(TopicFilter::all())? {
            if let Some(count) = counts.get_mut(message?.topic) {
                *count += 1;
            }
        }
        Ok(counts)
    }
}

/// The first loss as an error, where reading is strict.
pub(crate) fn strict_fault(log: &LossLog, strict: bool) -> Option<BagError> {
    let losses = strict.then(|| log.snapshot())?;
    losses.iter().next().map(|loss| BagError::Lossy { path: loss.file.clone(), reason: loss.reason.clone() })
}

fn lost_in(log: &LossLog, path: &Path) -> u64 {
    let losses = log.snapshot();
    let lost = losses.iter().filter(|loss| loss.file == path);
    lost.filter_map(|loss| loss.messages_lost).sum()
}

/// The metadata that a single database carries inside, for its mode of compression.
fn embedded_information(opened: &[(Located, StorageFile)]) -> Option<BagInformation> {
    let (_, file) = opened.first()?;
    let text = match &file.storage {
        Storage::Sqlite(file) => file.metadata_text().map(str::to_owned),
        Storage::Mcap(_) => file
            .metadata()
            .iter()
            .filter(|(name, _)| name == "rosbag2")
            .filter_map(|(_, entries)| entries.get("serialized_metadata").cloned())
            .next_back(),
    };
    let information = BagInformation::parse_bare(&text?)?;
    // It was written before the recording ended: only the compression is to be trusted.
    Some(BagInformation {
        compression_format: information.compression_format,
        compression_mode: information.compression_mode,
        ..BagInformation::default()
    })
}

/// Topics of all files, those alike merged.
#[derive(Default)]
struct TopicTable {
    topics: Vec<TopicInfo>,
    by_identity: BTreeMap<(String, String, String), usize>,
}

impl TopicTable {
    fn add(&mut self, record: &TopicRecord) -> usize {
        let identity = (record.name.clone(), record.type_name.clone(), record.message_encoding.clone());
        let next = self.topics.len();
        let index = *self.by_identity.entry(identity).or_insert(next);
        if index == next {
            self.topics.push(TopicInfo {
                name: record.name.clone(),
                type_name: record.type_name.clone(),
                message_encoding: record.message_encoding.clone(),
                message_count: 0,
                offered_qos_profiles: record.offered_qos_profiles.clone(),
                schema: None,
            });
        }
        if let Some(topic) = self.topics.get_mut(index) {
            topic.message_count = topic.message_count.saturating_add(record.message_count);
            if topic.schema.is_none() {
                topic.schema = record.schema.as_deref().cloned();
            }
            if topic.offered_qos_profiles.is_empty() {
                topic.offered_qos_profiles.clone_from(&record.offered_qos_profiles);
            }
        }
        index
    }

    /// Adds a topic that only metadata.yaml knows.
    fn add_listed(&mut self, name: &str, type_name: &str, record: impl FnOnce() -> TopicRecord) {
        let type_name = normalise_type_name(type_name);
        let known = self.topics.iter().any(|t| t.name == name && t.type_name == type_name);
        if !known {
            self.add(&record());
        }
    }
}
