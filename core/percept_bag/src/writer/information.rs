//! metadata.yaml of a written bag, from what its files hold.

use std::fs;
use std::io;

use super::{BagWriter, MetadataVersion};
use crate::metadata::{BagInformation, FileInformation, Nanoseconds, SinceEpoch, TopicMetadata, TopicWithCount};

impl BagWriter {
    /// Writes metadata.yaml beside the files, whole or not at all.
    pub(super) fn write_information(&self) -> io::Result<()> {
        let text = self.information().to_file_text().map_err(io::Error::other)?;
        let target = self.path.join("metadata.yaml");
        let partial = self.path.join("metadata.yaml.partial");
        let written = fs::write(&partial, text).and_then(|()| fs::rename(&partial, &target));
        if written.is_err() {
            // The directory is then read without metadata; half a file would only confuse.
            let _ = fs::remove_file(&partial);
        }
        written
    }

    fn information(&self) -> BagInformation {
        let version = match self.options.metadata_version {
            MetadataVersion::V8 => 8,
            MetadataVersion::V9 => 9,
        };
        let ranges = self.closed.iter().filter_map(|split| split.contents.time_range_ns);
        let range = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let count = |channel: usize| -> u64 {
            let channel = channel as u16 + 1;
            let counts = self.closed.iter().filter_map(|s| s.contents.counts.get(&channel));
            counts.sum()
        };
        let topics = self.topics.specs().iter().enumerate().map(|(index, spec)| TopicWithCount {
            topic_metadata: TopicMetadata {
                name: spec.name.clone(),
                type_name: spec.type_name.clone(),
                serialization_format: spec.message_encoding.clone(),
                offered_qos_profiles: TopicMetadata::qos_value(&spec.offered_qos_profiles, version),
                type_description_hash: String::new(),
            },
            message_count: count(index),
        });
        let files = self.closed.iter().map(|split| FileInformation {
            path: split.name.clone(),
            starting_time: starting_time(split.contents.time_range_ns),
            duration: duration(split.contents.time_range_ns),
            message_count: split.contents.message_count(),
        });
        BagInformation {
            version,
            storage_identifier: "mcap".to_owned(),
            duration: duration(range),
            starting_time: starting_time(range),
            message_count: self.closed.iter().map(|s: &super::ClosedSplit| s.contents.message_count()).sum(),
            topics_with_message_count: topics.collect(),
            compression_format: Some(String::new()),
            compression_mode: Some(String::new()),
            relative_file_paths: self.closed.iter().map(|split| split.name.clone()).collect(),
            files: files.collect(),
            ros_distro: Some("percept".to_owned()),
            ..BagInformation::default()
        }
    }
}

fn starting_time(range: Option<(u64, u64)>) -> SinceEpoch {
    SinceEpoch { nanoseconds_since_epoch: range.map_or(0, |(first, _)| first as i64) }
}

fn duration(range: Option<(u64, u64)>) -> Nanoseconds {
    Nanoseconds { nanoseconds: range.map_or(0, |(first, last)| (last - first) as i64) }
}
