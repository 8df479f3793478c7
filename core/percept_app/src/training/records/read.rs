//! Records read back, held against teacher, source and need.

use percept_bag::{BagReader, ReadOptions, TopicFilter};
use percept_distill::teacher::{AnchorChoice, TeacherNeeds, TeacherRecord};
use percept_types::Stamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::TrainingError;
use super::write::split_files;
use super::{RECORD_TOPIC, RecordIdentity, UNFINISHED};

/// The records of one bag, as bytes by stamp.
#[derive(Clone, Debug)]
pub struct RecordedBag {
    path: PathBuf,
    identity: RecordIdentity,
    payloads: BTreeMap<Stamp, Vec<u8>>,
    losses: Vec<String>,
}

impl RecordedBag {
    /// Reads the split files of a folder, whole and unfinished ones up to their last good chunk.
    ///
    /// # Errors
    /// A folder without records, files of different identities, more bytes than `max_bytes`.
    pub fn open(path: &Path, max_bytes: usize) -> Result<Self, TrainingError> {
        let refuse = |reason: String| TrainingError::Bag { bag: path.to_owned(), reason };
        let mut files = split_files(path)?;
        files.extend(unfinished(path)?);
        let mut bag: Option<Self> = None;
        let mut bytes = 0;
        for file in files {
            let reader = BagReader::open(&file, ReadOptions::default()).map_err(|e| refuse(e.to_string()))?;
            let identity = RecordIdentity::of(&reader).map_err(refuse)?;
            let bag = bag.get_or_insert_with(|| Self {
                path: path.to_owned(),
                identity: identity.clone(),
                payloads: BTreeMap::new(),
                losses: Vec::new(),
            });
            if let Some(differing) = identity.differs(&bag.identity) {
                return Err(refuse(format!(
                    "{} is of another recording than the files before it ({differing})",
                    file.display()
                )));
            }
            bytes += bag.read(&reader).map_err(refuse)?;
            if bytes > max_bytes {
                return Err(refuse(format!("its records exceed {} GiB: distil from fewer drives", max_bytes >> 30)));
            }
        }
        bag.ok_or_else(|| refuse("holds no split file of percept record".to_owned()))
    }

    fn read(&mut self, reader: &BagReader) -> Result<usize, String> {
        let mut bytes = 0;
        // A file that was killed before its first frame has a note and no topic.
        if reader.topic_index(RECORD_TOPIC).is_err() {
            return Ok(0);
        }
        for message in reader.messages(TopicFilter::topics([RECORD_TOPIC])).map_err(|e| e.to_string())? {
            let message = message.map_err(|e| e.to_string())?;
            bytes += message.data.len();
            self.payloads.insert(Stamp::from_ns(message.publish_time_ns), message.data);
        }
        self.losses.extend(reader.losses().iter().map(ToString::to_string));
        Ok(bytes)
    }

    /// Of whom and of what it is.
    pub fn identity(&self) -> &RecordIdentity {
        &self.identity
    }

    /// Frames recorded.
    pub fn len(&self) -> usize {
        self.payloads.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.payloads.is_empty()
    }

    /// Whether the frame of a stamp is recorded.
    pub fn has(&self, stamp: Stamp) -> bool {
        self.payloads.contains_key(&stamp)
    }

    /// What of the files could not be read, in words.
    pub fn losses(&self) -> &[String] {
        &self.losses
    }

    /// Refuses records of another teacher, or that lack what a run reads.
    ///
    /// # Errors
    /// What does not fit and what to do.
    pub fn check(&self, teacher_sha256: &str, needs: &TeacherNeeds) -> Result<(), TrainingError> {
        let refuse = |reason: String| Err(TrainingError::Bag { bag: self.path.clone(), reason });
        if self.identity.teacher_sha256 != teacher_sha256 {
            return refuse(format!(
                "was recorded with another teacher ({}, {:.12}), the run's is {teacher_sha256:.12}: record with the run's teacher",
                self.identity.teacher_model, self.identity.teacher_sha256
            ));
        }
        let enough = match (needs.anchors, self.identity.anchors) {
            (None, _) | (Some(_), Some(AnchorChoice::Dense)) => true,
            (Some(AnchorChoice::Top(wanted)), Some(AnchorChoice::Top(there))) => wanted <= there,
            (Some(_), _) => false,
        };
        if !enough {
            let (wanted, there) = (needs.anchors, self.identity.anchors);
            return refuse(format!(
                "holds the anchors {there:?}, the run reads {wanted:?}: record again with the run's method"
            ));
        }
        if let Some(tap) = needs.taps.iter().find(|tap| !self.identity.taps.contains(tap)) {
            return refuse(format!("holds no {tap}, which the run reads: record again with the run's method"));
        }
        Ok(())
    }

    /// The record of a stamp.
    ///
    /// # Errors
    /// A payload that is damaged or of another teacher.
    pub fn record(&self, stamp: Stamp) -> Result<Option<TeacherRecord>, TrainingError> {
        let Some(payload) = self.payloads.get(&stamp) else { return Ok(None) };
        let record = TeacherRecord::from_bytes(payload)?;
        if record.teacher_sha256 != self.identity.teacher_sha256 {
            let reason = format!("the record at {} ns is of another teacher than its file", stamp.nanoseconds);
            return Err(TrainingError::Bag { bag: self.path.clone(), reason });
        }
        Ok(Some(record))
    }
}

/// Folders of splits that were not finished.
fn unfinished(folder: &Path) -> Result<Vec<PathBuf>, TrainingError> {
    let entries = std::fs::read_dir(folder).map_err(TrainingError::io("list", folder))?;
    let mut folders: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.retain(|path| path.is_dir() && path.to_string_lossy().ends_with(UNFINISHED));
    folders.sort();
    Ok(folders)
}
