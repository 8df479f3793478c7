//! What goes wrong on the wire, counted, and told in the terminal once rather than at every datagram.
//!
//! rustdds refuses a malformed datagram with a line of log and nothing else, so the count of them comes from its log: it
//! is there where the program lets [`WireLog::install`] take the log.

use log::{Level, LevelFilter, Log, Metadata, Record};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Faults of one node's wire so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireCounts {
    /// Datagrams or parts of them that were no RTPS; `None` where [`WireLog`] is not installed. Of the whole process.
    pub malformed: Option<u64>,
    /// Messages that came whole but in no form that can be handed on, requests without a header among them.
    pub unreadable: u64,
    /// Peers whose profile or type does not match a topic of ours; each was told in the log.
    pub mismatched_peers: u64,
    /// Responses that could not be sent.
    pub replies_failed: u64,
}

#[derive(Debug, Default)]
pub(super) struct WireCounters {
    unreadable: AtomicU64,
    mismatched_peers: AtomicU64,
    replies_failed: AtomicU64,
}

impl WireCounters {
    pub(super) fn unreadable(&self) {
        self.unreadable.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn mismatched_peer(&self) {
        self.mismatched_peers.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn reply_failed(&self) {
        self.replies_failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> WireCounts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WireCounts {
            malformed: INSTALLED.get().map(|log| count(&log.malformed)),
            unreadable: count(&self.unreadable),
            mismatched_peers: count(&self.mismatched_peers),
            replies_failed: count(&self.replies_failed),
        }
    }
}

/// Looks at the counts of a node from elsewhere, also after the node has gone.
#[derive(Clone, Debug)]
pub struct WireWatch(pub(super) Arc<WireCounters>);

impl WireWatch {
    /// What went wrong so far.
    pub fn counts(&self) -> WireCounts {
        self.0.counts()
    }
}

static INSTALLED: OnceLock<Arc<WireLog>> = OnceLock::new();

/// The log of a program that speaks DDS: counts what rustdds refuses and prints warnings to standard error, of each place
/// in the code the 1st, 2nd, 4th, 8th.
#[derive(Debug, Default)]
pub struct WireLog {
    malformed: AtomicU64,
    /// How often each place spoke: module and line.
    said: Mutex<BTreeMap<(String, u32), u64>>,
}

impl WireLog {
    /// Takes the program's log; false where another logger has it already, and then malformed datagrams go uncounted.
    pub fn install() -> bool {
        let log = Arc::new(Self::default());
        let taken = log::set_boxed_logger(Box::new(Shared(Arc::clone(&log)))).is_ok();
        if taken {
            log::set_max_level(LevelFilter::Warn);
            let _ = INSTALLED.set(log);
        }
        taken
    }

    /// How often this place spoke, if this time is one to be printed.
    fn worth_saying(&self, module: &str, line: u32) -> Option<u64> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let count = said.entry((module.to_owned(), line)).or_default();
        *count += 1;
        count.is_power_of_two().then_some(*count)
    }

    fn take(&self, record: &Record<'_>) -> Option<String> {
        let module = record.module_path().unwrap_or_default();
        if is_of_datagrams(module) {
            self.malformed.fetch_add(1, Ordering::Relaxed);
        }
        // Which datagrams are large is no fault; rustdds warns of each.
        let text = record.args().to_string();
        if text.contains("Message size = ") {
            return None;
        }
        let count = self.worth_saying(module, record.line().unwrap_or_default())?;
        let level = if record.level() == Level::Error { "error" } else { "warning" };
        let again = if count > 1 { format!(" ({count} times)") } else { String::new() };
        // A datagram may be quoted whole.
        let text: String = text.chars().take(400).collect();
        Some(format!("{level}: {text}{again}"))
    }
}

/// Where rustdds takes datagrams apart.
fn is_of_datagrams(module: &str) -> bool {
    ["rustdds::rtps::message_receiver", "rustdds::rtps::message", "rustdds::rtps::fragment_assembler"].contains(&module)
}

struct Shared(Arc<WireLog>);

impl Log for Shared {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata())
            && let Some(line) = self.0.take(record)
        {
            eprintln!("{line}");
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warned(log: &WireLog, module: &str, text: &str) -> Option<String> {
        let arguments = format_args!("{text}");
        log.take(&Record::builder().level(Level::Warn).module_path(Some(module)).line(Some(7)).args(arguments).build())
    }

    #[test]
    fn refused_datagrams_are_counted_and_said_ever_more_rarely() {
        let log = WireLog::default();
        let said: Vec<String> =
            (0..9).filter_map(|_| warned(&log, "rustdds::rtps::message_receiver", "no RTPS")).collect();
        assert_eq!(log.malformed.load(Ordering::Relaxed), 9);
        assert_eq!(said.len(), 4);
        assert_eq!((said[0].as_str(), said[3].as_str()), ("warning: no RTPS", "warning: no RTPS (8 times)"));
    }

    #[test]
    fn other_warnings_are_no_malformed_datagrams() {
        let log = WireLog::default();
        assert!(warned(&log, "rustdds::network::udp_listener", "SO_RCVBUF clamped").is_some());
        assert_eq!(log.malformed.load(Ordering::Relaxed), 0);
    }
}
