//! The walk over the message table that finds which rows can be read.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::losses::{FileLossLog, LossKind};
use crate::topic::TopicRecord;

/// What the walk found.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Rows whose pages can be read; ascending.
    pub(super) readable: Vec<Span>,
    /// Whether stamps never decrease with the row number.
    pub(super) in_time_order: bool,
    pub(super) counts: BTreeMap<i64, u64>,
    pub(super) time_range_ns: Option<(i64, i64)>,
}

/// Rows that follow one another on readable pages. A statement must stop at the last of them: the
/// step beyond it may be the one that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) rows: u64,
}

impl Rows {
    /// Walks from the first row up to damage, then from the last row down to it. Everything
    /// between is lost.
    pub(super) fn walk(
        connection: &Connection,
        topics: &BTreeMap<i64, TopicRecord>,
        losses: &FileLossLog,
    ) -> rusqlite::Result<Self> {
        let mut rows = Self { in_time_order: true, ..Self::default() };
        let mut pass = Pass { rows: &mut rows, topics, losses, last_time_ns: i64::MIN };
        let front = pass.span(connection, "ASC", None)?;
        if let Some(error) = front.error {
            let below = front.last;
            let back = pass.span(connection, "DESC", below)?;
            let gap = back.last.map(|first_good| {
                let from = below.unwrap_or(0);
                first_good.saturating_sub(from).saturating_sub(1).unsigned_abs()
            });
            let reason = match (below, back.last) {
                (Some(row), Some(next)) => {
                    format!("pages of the messages between rows {row} and {next}: {error}")
                }
                (Some(row), None) => format!("pages of the messages behind row {row}: {error}"),
                (None, _) => format!("pages of the messages from the first on: {error}"),
            };
            let place = below.unwrap_or(0).unsigned_abs();
            losses.lost(LossKind::BadPages, place, gap, reason);
        }
        rows.readable.sort_unstable();
        Ok(rows)
    }
}

struct Pass<'a> {
    rows: &'a mut Rows,
    topics: &'a BTreeMap<i64, TopicRecord>,
    losses: &'a FileLossLog,
    last_time_ns: i64,
}

struct SpanEnd {
    last: Option<i64>,
    error: Option<rusqlite::Error>,
}

impl Pass<'_> {
    /// Walks in one direction until the end, damage, or `stop`.
    fn span(&mut self, connection: &Connection, direction: &str, stop: Option<i64>) -> rusqlite::Result<SpanEnd> {
        let sql = format!("SELECT rowid, topic_id, timestamp FROM messages NOT INDEXED ORDER BY rowid {direction}");
        let mut statement = connection.prepare(&sql)?;
        let mut found = statement.query([])?;
        let mut end = SpanEnd { last: None, error: None };
        let mut first = None;
        let mut rows = 0;
        loop {
            let row = match found.next() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(error) => {
                    end.error = Some(error);
                    break;
                }
            };
            let id: i64 = row.get(0)?;
            if stop.is_some_and(|stop| id <= stop) {
                break;
            }
            // Damaged pages may lead back to pages already read.
            let advances = end.last.is_none_or(|last| (id > last) == (direction == "ASC"));
            if !advances || end.last == Some(id) {
                end.error = Some(rusqlite::Error::IntegralValueOutOfRange(0, id));
                break;
            }
            first = first.or(Some(id));
            end.last = Some(id);
            rows += 1;
            self.row(id, integer(row, 1), integer(row, 2), direction == "ASC");
        }
        if let (Some(first), Some(last)) = (first, end.last) {
            self.rows.readable.push(Span { first: first.min(last), last: first.max(last), rows });
        }
        Ok(end)
    }

    fn row(&mut self, id: i64, topic: Option<i64>, time: Option<i64>, forward: bool) {
        let (Some(topic), Some(time)) = (topic, time) else {
            let reason = format!("message row {id} has no topic or stamp");
            self.losses.lost(LossKind::BadRecord, id.unsigned_abs(), Some(1), reason);
            return;
        };
        if !self.topics.contains_key(&topic) {
            let reason = format!("message row {id} belongs to topic {topic}, which is not defined");
            self.losses.lost(LossKind::BadRecord, id.unsigned_abs(), Some(1), reason);
            return;
        }
        // Rows found from behind come in reverse; their order is left to the sorter.
        self.rows.in_time_order &= forward && time >= self.last_time_ns;
        self.last_time_ns = time;
        *self.rows.counts.entry(topic).or_insert(0) += 1;
        let (first, last) = self.rows.time_range_ns.unwrap_or((time, time));
        self.rows.time_range_ns = Some((first.min(time), last.max(time)));
    }
}

/// An integer column; any other type is damage.
pub(super) fn integer(row: &rusqlite::Row<'_>, column: usize) -> Option<i64> {
    match row.get_ref(column) {
        Ok(ValueRef::Integer(value)) => Some(value),
        _ => None,
    }
}
