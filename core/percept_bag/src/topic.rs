//! Topics, messages as bytes, and which of them a pass over a bag reads.

use std::sync::Arc;

/// The text that defines a topic's message type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaText {
    /// `ros2msg`, `ros2idl`, or whatever the storage names.
    pub encoding: String,
    /// The definition with its dependencies.
    pub text: String,
}

/// A topic of a bag, with what the storage says about it.
///
/// Topics are told apart by name, type and message encoding together: a bag whose splits
/// disagree about a topic's type lists it twice rather than mixing two layouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    /// Name as recorded, such as `/velodyne_points`.
    pub name: String,
    /// Type in the form `pkg/msg/Type`; the old `pkg/Type` is brought into it.
    pub type_name: String,
    /// `cdr` for ROS 2; others are listed, and their messages handed out as they are.
    pub message_encoding: String,
    /// Messages found when the bag was opened.
    pub message_count: u64,
    /// The offered QoS profiles as the YAML text recorded, empty where none is.
    pub offered_qos_profiles: String,
    /// The message definition, where the storage has it.
    pub schema: Option<SchemaText>,
}

/// One message as recorded. Times are nanoseconds since the epoch of the recording clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawMessage {
    /// Index into [`BagReader::topics`](crate::BagReader::topics).
    pub topic: usize,
    /// When the recorder received it.
    pub log_time_ns: i64,
    /// When it was published; the log time where the storage does not record it (sqlite3).
    pub publish_time_ns: i64,
    /// Sequence number, 0 where the storage has none (sqlite3).
    pub sequence: u32,
    /// The serialised message, with its encapsulation header.
    pub data: Vec<u8>,
}

/// Which messages a pass reads: some or all topics, and a half-open span of log time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicFilter {
    pub(crate) names: Option<Vec<String>>,
    pub(crate) start_ns: Option<i64>,
    pub(crate) end_ns: Option<i64>,
}

impl TopicFilter {
    /// Every message of every topic.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only the topics of these names. A name that the bag has not is an error when the pass
    /// begins.
    pub fn topics<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self { names: Some(names.into_iter().map(Into::into).collect()), ..Self::default() }
    }

    /// Only messages logged at this time or later.
    pub fn starting_at_ns(mut self, start_ns: i64) -> Self {
        self.start_ns = Some(start_ns);
        self
    }

    /// Only messages logged before this time.
    pub fn ending_before_ns(mut self, end_ns: i64) -> Self {
        self.end_ns = Some(end_ns);
        self
    }

    pub(crate) fn span(&self) -> TimeSpan {
        TimeSpan { start_ns: self.start_ns.unwrap_or(i64::MIN), end_ns: self.end_ns }
    }
}

/// A half-open span of log time; without an end it has none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeSpan {
    pub(crate) start_ns: i64,
    pub(crate) end_ns: Option<i64>,
}

impl TimeSpan {
    pub(crate) fn contains(&self, time_ns: i64) -> bool {
        time_ns >= self.start_ns && self.end_ns.is_none_or(|end| time_ns < end)
    }

    /// Whether anything from `first_ns` to `last_ns`, both included, may lie in the span.
    pub(crate) fn overlaps(&self, first_ns: i64, last_ns: i64) -> bool {
        last_ns >= self.start_ns && self.end_ns.is_none_or(|end| first_ns < end)
    }
}

/// What one storage file says about a topic, before the files of a bag are merged.
#[derive(Debug, Clone)]
pub(crate) struct TopicRecord {
    pub(crate) name: String,
    pub(crate) type_name: String,
    pub(crate) message_encoding: String,
    pub(crate) message_count: u64,
    pub(crate) offered_qos_profiles: String,
    pub(crate) schema: Option<Arc<SchemaText>>,
}

/// Brings a type name into the form `pkg/msg/Type`.
///
/// Recorders before Eloquent wrote `pkg/Type`, DDS tools write `pkg::msg::dds_::Type_`; names of
/// any other shape are kept as they are.
///
/// ```
/// assert_eq!(percept_bag::normalise_type_name("sensor_msgs/Image"), "sensor_msgs/msg/Image");
/// assert_eq!(percept_bag::normalise_type_name("a/srv/B_Event"), "a/srv/B_Event");
/// ```
pub fn normalise_type_name(name: &str) -> String {
    let parts: Vec<&str> = if name.contains("::") {
        name.split("::").filter(|part| *part != "dds_").collect()
    } else {
        name.split('/').collect()
    };
    let from_dds = name.contains("::dds_::");
    match parts.as_slice() {
        [package, kind] if !package.is_empty() && !kind.is_empty() => {
            format!("{package}/msg/{kind}")
        }
        [package, interface, kind] if name.contains("::") => {
            let kind = if from_dds { kind.trim_end_matches('_') } else { kind };
            format!("{package}/{interface}/{kind}")
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_of_every_age_become_one_form() {
        for name in ["std_msgs/String", "std_msgs/msg/String", "std_msgs::msg::String", "std_msgs::msg::dds_::String_"]
        {
            assert_eq!(normalise_type_name(name), "std_msgs/msg/String");
        }
        for name in ["", "/", "String", "a//b", "/b", "json schema"] {
            assert_eq!(normalise_type_name(name), name);
        }
    }

    #[test]
    fn a_span_is_closed_below_and_open_above() {
        let span = TopicFilter::all().starting_at_ns(5).ending_before_ns(8).span();
        assert_eq!([4, 5, 7, 8].map(|t| span.contains(t)), [false, true, true, false]);
        assert!(TopicFilter::all().span().contains(i64::MAX));
        assert!(span.overlaps(0, 5) && !span.overlaps(0, 4) && !span.overlaps(8, 9));
    }
}
