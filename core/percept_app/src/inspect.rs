//! What a bag holds: topics, counts, span, and what of it is damaged.

use crate::{AppError, Progress};
use percept_bag::{BagReader, Losses, ReadOptions, TopicFilter, TopicInfo};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// One topic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TopicReport {
    /// Name.
    pub name: String,
    /// Type, `pkg/msg/Type`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Messages that can be read.
    pub messages: u64,
    /// Messages a second of the topic's own span; `None` for fewer than two.
    pub rate_hz: Option<f64>,
    /// `cdr` for ROS 2.
    pub encoding: String,
    /// Offered QoS profiles as recorded.
    pub offered_qos_profiles: String,
}

/// One damage, in words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LossReport {
    /// File with the damage.
    pub file: PathBuf,
    /// Kind, such as `truncated` or `bad_chunk`.
    pub kind: &'static str,
    /// Messages lost, where that can be known.
    pub messages_lost: Option<u64>,
    /// Bytes not read because of it.
    pub bytes_unread: u64,
    /// What was found.
    pub reason: String,
}

/// Losses as reports show them.
pub fn describe_losses(losses: &Losses) -> Vec<LossReport> {
    let describe = |loss: &percept_bag::Loss| LossReport {
        file: loss.file.clone(),
        kind: loss.kind.as_str(),
        messages_lost: loss.messages_lost,
        bytes_unread: loss.bytes_unread,
        reason: loss.reason.clone(),
    };
    losses.iter().map(describe).collect()
}

impl fmt::Display for LossReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages = self.messages_lost.map_or("an unknown number of".to_owned(), |n| n.to_string());
        write!(f, "{}: {} ({messages} messages lost)", self.file.display(), self.reason)
    }
}

/// Everything `percept inspect` tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// The bag.
    pub bag: PathBuf,
    /// Its topics, by name.
    pub topics: Vec<TopicReport>,
    /// Messages of all topics.
    pub messages: u64,
    /// Log time of the first message.
    pub start_ns: Option<i64>,
    /// Log time of the last message.
    pub end_ns: Option<i64>,
    /// From the first to the last message, in seconds.
    #[serde(rename = "duration")]
    pub duration_s: f64,
    /// Whether every message was read; if not, counts are those of the index and damage may be unseen.
    pub scanned: bool,
    /// What could not be read.
    pub losses: Vec<LossReport>,
}

/// What a pass over one topic's messages gathers.
#[derive(Clone, Copy, Default)]
struct Span {
    count: u64,
    first_ns: Option<i64>,
    last_ns: Option<i64>,
}

impl Span {
    fn add(&mut self, time_ns: i64) {
        self.count += 1;
        self.first_ns = Some(self.first_ns.map_or(time_ns, |t| t.min(time_ns)));
        self.last_ns = Some(self.last_ns.map_or(time_ns, |t| t.max(time_ns)));
    }

    fn duration_s(&self) -> Option<f64> {
        Some(self.last_ns?.saturating_sub(self.first_ns?) as f64 * 1e-9)
    }

    fn rate_hz(&self) -> Option<f64> {
        let duration_s = self.duration_s().filter(|d| *d > 0.0)?;
        (self.count > 1).then(|| (self.count - 1) as f64 / duration_s)
    }
}

/// Lists a bag; `scan` reads every message, so that counts are of what can be read and damage shows.
///
/// # Errors
/// When the path is no bag or the system refuses a read; damage is counted, not an error.
pub fn inspect(bag: &Path, scan: bool, progress: &mut dyn Progress) -> Result<Inspection, AppError> {
    let reader = BagReader::open(bag, ReadOptions::default())?;
    let mut spans = vec![Span::default(); reader.topics().len()];
    if scan {
        let total = reader.topics().iter().map(|topic| topic.message_count).sum();
        progress.begin("reading", Some(total));
        for message in reader.messages(TopicFilter::all())? {
            let message = message?;
            if let Some(span) = spans.get_mut(message.topic) {
                span.add(message.log_time_ns);
            }
            progress.advance(1);
            if progress.stop_asked() {
                break;
            }
        }
        progress.end();
    }
    let whole = spans.iter().fold(Span::default(), |mut whole, span| {
        [span.first_ns, span.last_ns].into_iter().flatten().for_each(|t| whole.add(t));
        whole
    });
    let (start_ns, end_ns) = if scan { (whole.first_ns, whole.last_ns) } else { reader.time_range_ns().unzip() };
    let mut topics: Vec<TopicReport> =
        reader.topics().iter().zip(&spans).map(|(topic, span)| describe_topic(topic, span, scan)).collect();
    topics.sort_by(|a, b| (&a.name, &a.type_name).cmp(&(&b.name, &b.type_name)));
    Ok(Inspection {
        bag: bag.to_owned(),
        messages: topics.iter().map(|topic| topic.messages).sum(),
        topics,
        start_ns,
        end_ns,
        duration_s: start_ns.zip(end_ns).map_or(0.0, |(start, end)| end.saturating_sub(start) as f64 * 1e-9),
        scanned: scan,
        losses: describe_losses(&reader.losses()),
    })
}

fn describe_topic(topic: &TopicInfo, span: &Span, scan: bool) -> TopicReport {
    TopicReport {
        name: topic.name.clone(),
        type_name: topic.type_name.clone(),
        messages: if scan { span.count } else { topic.message_count },
        rate_hz: span.rate_hz(),
        encoding: topic.message_encoding.clone(),
        offered_qos_profiles: topic.offered_qos_profiles.clone(),
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} messages in {:.3} s", self.bag.display(), self.messages, self.duration_s)?;
        let mut table = percept_eval::table::Table::new(&["topic", "messages", "rate", "type"]);
        for topic in &self.topics {
            let rate = topic.rate_hz.map_or("-".to_owned(), |rate| format!("{rate:.2} Hz"));
            let encoding = if topic.encoding == "cdr" { String::new() } else { format!(" [{}]", topic.encoding) };
            let type_name = format!("{}{encoding}", topic.type_name);
            table.push(vec![topic.name.clone(), topic.messages.to_string(), rate, type_name]);
        }
        write!(f, "{table}")?;
        match (self.scanned, self.losses.as_slice()) {
            (true, []) => writeln!(f, "nothing is lost"),
            (false, []) => writeln!(f, "counts are those of the index; leave --no-scan out to read every message"),
            (_, losses) => {
                writeln!(f, "{} damaged places:", losses.len())?;
                losses.iter().try_for_each(|loss| writeln!(f, "  {loss}"))
            }
        }
    }
}
