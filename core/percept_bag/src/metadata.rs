//! metadata.yaml, as rosbag2 has written it since version 1.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_yaml::Value;

/// Largest metadata.yaml that is read; real ones have a few kilobytes.
const MAX_METADATA_BYTES: u64 = 16 << 20;

/// The root of the file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct MetadataFile {
    pub(crate) rosbag2_bagfile_information: BagInformation,
}

/// What metadata.yaml says about a bag. Fields that a version lacks have their default.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BagInformation {
    pub(crate) version: i64,
    pub(crate) storage_identifier: String,
    pub(crate) duration: Nanoseconds,
    pub(crate) starting_time: SinceEpoch,
    pub(crate) message_count: u64,
    pub(crate) topics_with_message_count: Vec<TopicWithCount>,
    pub(crate) compression_format: Option<String>,
    pub(crate) compression_mode: Option<String>,
    pub(crate) relative_file_paths: Vec<String>,
    pub(crate) files: Vec<FileInformation>,
    pub(crate) custom_data: Value,
    pub(crate) ros_distro: Option<String>,
}

/// A duration as rosbag2 nests it.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Nanoseconds {
    pub(crate) nanoseconds: i64,
}

/// A time as rosbag2 nests it.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SinceEpoch {
    pub(crate) nanoseconds_since_epoch: i64,
}

/// A topic with its number of messages.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TopicWithCount {
    pub(crate) topic_metadata: TopicMetadata,
    pub(crate) message_count: u64,
}

/// A topic. `offered_qos_profiles` is YAML text up to version 8 and a list from version 9.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TopicMetadata {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    pub(crate) serialization_format: String,
    pub(crate) offered_qos_profiles: Value,
    pub(crate) type_description_hash: String,
}

/// One storage file of the bag (from version 5).
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct FileInformation {
    pub(crate) path: String,
    pub(crate) starting_time: SinceEpoch,
    pub(crate) duration: Nanoseconds,
    pub(crate) message_count: u64,
}

/// How messages or files are compressed; the names are compared without case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CompressionMode {
    #[default]
    None,
    File,
    Message,
}

impl BagInformation {
    /// Reads the metadata of a bag directory; none where the file is not there.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, String> {
        let found = match std::fs::metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        if found.len() > MAX_METADATA_BYTES {
            return Err(format!("{} bytes are too many for a metadata.yaml", found.len()));
        }
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let file: MetadataFile = serde_yaml::from_str(&text).map_err(|error| error.to_string())?;
        Ok(Some(file.rosbag2_bagfile_information))
    }

    /// Parses the text that schema 4 of sqlite3 keeps, which has no root key.
    pub(crate) fn parse_bare(text: &str) -> Option<Self> {
        serde_yaml::from_str(text).ok()
    }

    /// The mode of compression.
    ///
    /// # Errors
    /// The name of a mode or format that is not known.
    pub(crate) fn compression(&self) -> Result<CompressionMode, String> {
        let lower = |name: &Option<String>| name.as_deref().unwrap_or("").to_ascii_lowercase();
        let mode = match lower(&self.compression_mode).as_str() {
            "" | "none" => return Ok(CompressionMode::None),
            "file" => CompressionMode::File,
            "message" => CompressionMode::Message,
            // The MCAP plug-in's own presets compress chunks, which needs nothing from here.
            "storage" => return Ok(CompressionMode::None),
            other => return Err(format!("mode {other}")),
        };
        match lower(&self.compression_format).as_str() {
            "zstd" => Ok(mode),
            "" if mode == CompressionMode::File => Ok(mode),
            other => Err(other.to_owned()),
        }
    }

    /// Messages that one storage file should hold, where the metadata says so.
    pub(crate) fn expected_messages(&self, listed: &str) -> Option<u64> {
        if self.relative_file_paths.len() == 1 && self.files.is_empty() {
            return Some(self.message_count);
        }
        let file = self.files.iter().find(|file| file.path == listed);
        file.map(|file| file.message_count)
    }
}

impl TopicMetadata {
    /// The QoS profiles as text, whichever form the version has.
    pub(crate) fn qos_text(&self) -> String {
        match &self.offered_qos_profiles {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Sequence(list) if list.is_empty() => String::new(),
            other => serde_yaml::to_string(other).unwrap_or_default(),
        }
    }
}

impl BagInformation {
    /// The whole file as text.
    pub(crate) fn to_file_text(&self) -> Result<String, serde_yaml::Error> {
        let mut information = self.clone();
        if information.custom_data.is_null() {
            // rosbag2 reads it as a map, and null is none.
            information.custom_data = Value::Mapping(serde_yaml::Mapping::new());
        }
        serde_yaml::to_string(&MetadataFile { rosbag2_bagfile_information: information })
    }
}

impl TopicMetadata {
    /// QoS text in the form of a metadata version: text up to 8, a list from 9 on.
    pub(crate) fn qos_value(text: &str, version: i64) -> Value {
        if version < 9 {
            return Value::String(text.to_owned());
        }
        match serde_yaml::from_str(text) {
            Ok(Value::Sequence(list)) => Value::Sequence(list),
            _ => Value::Sequence(Vec::new()),
        }
    }
}

/// Whether QoS text is a YAML list, or empty.
pub(crate) fn qos_is_list(text: &str) -> Result<(), String> {
    match serde_yaml::from_str::<Value>(text) {
        Ok(Value::Null | Value::Sequence(_)) => Ok(()),
        Ok(_) => Err("something else".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
