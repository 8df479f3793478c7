//! Of whom and of what a record is: what every split file notes and every reader holds against its own.

use percept_bag::BagReader;
use percept_distill::teacher::{FeatureCodec, TeacherNeeds};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Name of the note in each file.
pub(super) const NOTE: &str = "percept_teacher_record";
/// Key of the JSON text in the note.
const KEY: &str = "identity";

/// Teacher, source, method and codec of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordIdentity {
    /// SHA-256 of the teacher's weights.
    pub teacher_sha256: String,
    /// Name of the teacher's network.
    pub teacher_model: String,
    /// SHA-256 of the teacher's configuration: grid, layouts, anchors.
    pub config_sha256: String,
    /// SHA-256 of the source's topics, counts and times, and of the topic recorded.
    pub source_sha256: String,
    /// The cloud topic.
    pub topic: String,
    /// Clouds of the source.
    pub clouds: u64,
    /// Which anchors are recorded.
    pub anchors: Option<percept_distill::teacher::AnchorChoice>,
    /// Which features are recorded.
    pub taps: Vec<String>,
    /// How features are stored.
    pub codec: FeatureCodec,
    /// Clouds a split.
    pub frames_per_split: u64,
}

impl RecordIdentity {
    /// As a note of a file.
    pub(super) fn note(&self) -> Result<BTreeMap<String, String>, serde_json::Error> {
        Ok(BTreeMap::from([(KEY.to_owned(), serde_json::to_string(self)?)]))
    }

    /// Of an opened file; an error in words where it has none or cannot be read.
    pub(super) fn of(reader: &BagReader) -> Result<Self, String> {
        let note = reader.metadata().find(|(name, _)| *name == NOTE);
        let text = note.and_then(|(_, entries)| entries.get(KEY));
        let text = text.ok_or("holds no teacher's records: give a bag that percept record wrote")?;
        serde_json::from_str(text).map_err(|error| format!("its note of the teacher cannot be read ({error})"))
    }

    /// What differs from another, in words; `None` where nothing does.
    pub(super) fn differs(&self, wanted: &Self) -> Option<String> {
        let (found, wanted) = (serde_json::to_value(self).ok()?, serde_json::to_value(wanted).ok()?);
        let found = found.as_object()?;
        let other = |(key, value): (&String, &serde_json::Value)| {
            let found = found.get(key)?;
            (found != value).then(|| format!("{key} is {found}, expected {value}"))
        };
        let differing: Vec<String> = wanted.as_object()?.iter().filter_map(other).collect();
        (!differing.is_empty()).then(|| differing.join("; "))
    }

    /// What is recorded.
    pub fn needs(&self) -> TeacherNeeds {
        TeacherNeeds { anchors: self.anchors, taps: self.taps.iter().cloned().collect() }
    }
}

/// SHA-256 of what tells a bag apart: its topics with their counts, its times, the topic in question.
pub(super) fn source_sha256(reader: &BagReader, topic: &str) -> String {
    let mut text = format!("{topic}\n{:?}\n", reader.time_range_ns());
    for topic in reader.topics() {
        text.push_str(&format!("{} {} {}\n", topic.name, topic.type_name, topic.message_count));
    }
    sha256_hex(text.as_bytes())
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
