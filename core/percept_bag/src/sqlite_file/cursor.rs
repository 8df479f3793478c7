//! Messages of one sqlite3 file in the order of their stamps, a page at a time.
//!
//! Where rows lie in the order of time (a recorder's do), pages follow the row number. Otherwise
//! sqlite sorts stamps and row numbers into a temporary table on disk, and pages follow that.
//! Equal stamps keep the order of their rows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{Span, integer};
use super::{SqliteFile, storage_error};
use crate::error::BagError;
use crate::losses::LossKind;
use crate::options::ReadOptions;
use crate::topic::{RawMessage, TimeSpan};

/// Content read ahead at most, beyond the message that passes it.
const PAGE_BYTES: usize = 8 << 20;
/// Rows looked at in one page.
const PAGE_ROWS: usize = 1024;

/// A row whose content is read next.
struct RowKey {
    id: i64,
    topic: usize,
    time_ns: i64,
}

/// A pass over the messages of one file.
pub(crate) struct SqliteCursor {
    file: Arc<SqliteFile>,
    connection: Connection,
    /// Topic of the bag by topic row.
    topics: BTreeMap<i64, usize>,
    span: TimeSpan,
    keys: VecDeque<RowKey>,
    page: VecDeque<RawMessage>,
    /// The last place looked at.
    place: i64,
    exhausted: bool,
    sorted: bool,
}

impl SqliteCursor {
    pub(crate) fn new(
        file: Arc<SqliteFile>,
        topics: BTreeMap<i64, usize>,
        span: TimeSpan,
        options: &ReadOptions,
    ) -> Result<Self, BagError> {
        let fail = |error| storage_error(&file.path, error);
        let connection = file.database.connect(options).map_err(fail)?;
        let sorted = !file.rows.in_time_order;
        if sorted {
            sort_rows(&connection, &file.rows.readable).map_err(fail)?;
        }
        let mut cursor = Self {
            file,
            connection,
            topics,
            span,
            keys: VecDeque::new(),
            page: VecDeque::new(),
            place: i64::MIN,
            exhausted: false,
            sorted,
        };
        cursor.seek().map_err(|error| cursor.fail(error))?;
        Ok(cursor)
    }

    fn fail(&self, error: rusqlite::Error) -> BagError {
        storage_error(&self.file.path, error)
    }

    /// The next message in the order of stamps. An unreadable content is counted and passed over.
    pub(crate) fn next_message(&mut self) -> Result<Option<RawMessage>, BagError> {
        loop {
            if let Some(message) = self.page.pop_front() {
                return Ok(Some(message));
            }
            if self.keys.is_empty() {
                if self.exhausted {
                    return Ok(None);
                }
                self.read_keys().map_err(|error| self.fail(error))?;
            }
            self.read_contents()?;
        }
    }

    /// Moves to the first row of the span by bisection: places ascend with time.
    fn seek(&mut self) -> rusqlite::Result<()> {
        let bounds = if self.sorted {
            let sql = "SELECT min(rowid), max(rowid) FROM temp.percept_order";
            self.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?
        } else {
            let spans = &self.file.rows.readable;
            (spans.first().map(|s| s.first), spans.last().map(|s| s.last))
        };
        let (Some(mut low), Some(mut high)): (Option<i64>, Option<i64>) = bounds else {
            self.exhausted = true;
            return Ok(());
        };
        // Invariant: rows before `low` are earlier than the span, rows from `high` on are not.
        let start_ns = self.span.start_ns;
        while start_ns > i64::MIN && low < high {
            // Row numbers may span all of i64, so their sum is taken wider.
            let middle = ((i128::from(low) + i128::from(high)) >> 1) as i64;
            let sql = if self.sorted {
                "SELECT rowid, timestamp FROM temp.percept_order WHERE rowid >= ?1 \
                 ORDER BY rowid LIMIT 1"
            } else {
                "SELECT rowid, timestamp FROM messages NOT INDEXED WHERE rowid >= ?1 \
                 ORDER BY rowid LIMIT 1"
            };
            let found =
                self.connection.prepare_cached(sql)?.query_row([middle], |row| Ok((integer(row, 0), integer(row, 1))));
            match found.optional()? {
                Some((Some(row), Some(time))) if time < start_ns => low = row.saturating_add(1),
                _ => high = middle,
            }
        }
        self.place = low.saturating_sub(1);
        Ok(())
    }

    /// Fetches the next rows without their contents.
    fn read_keys(&mut self) -> rusqlite::Result<()> {
        let sql = if self.sorted {
            "SELECT rowid, id, topic_id, timestamp FROM temp.percept_order WHERE rowid > ?1 \
             ORDER BY rowid LIMIT ?2"
        } else {
            "SELECT rowid, rowid, topic_id, timestamp FROM messages NOT INDEXED WHERE rowid > ?1 \
             ORDER BY rowid LIMIT ?2"
        };
        // Rows in the order of time are all before the damage, if there is any: one span.
        let last_good = self.file.rows.readable.last().filter(|_| !self.sorted).map(|s| s.last);
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![self.place, PAGE_ROWS as i64])?;
        let mut seen = 0;
        while let Some(row) = rows.next()? {
            seen += 1;
            let (Some(place), Some(id)) = (integer(row, 0), integer(row, 1)) else {
                continue;
            };
            self.place = self.place.max(place);
            let is_last = last_good == Some(id);
            let (topic, time_ns) = (integer(row, 2), integer(row, 3));
            let topic = topic.and_then(|topic| self.topics.get(&topic).copied());
            if let (Some(topic), Some(time_ns)) = (topic, time_ns)
                && self.span.contains(time_ns)
            {
                self.keys.push_back(RowKey { id, topic, time_ns });
            }
            if is_last || time_ns.zip(self.span.end_ns).is_some_and(|(time, end)| time >= end) {
                self.exhausted = true;
                return Ok(());
            }
        }
        self.exhausted = seen < PAGE_ROWS;
        Ok(())
    }

    /// Reads contents until the page is full.
    fn read_contents(&mut self) -> Result<(), BagError> {
        let sql = "SELECT data FROM messages NOT INDEXED WHERE rowid = ?1";
        let mut statement = match self.connection.prepare_cached(sql) {
            Ok(statement) => statement,
            Err(error) => return Err(storage_error(&self.file.path, error)),
        };
        let mut bytes = 0;
        while bytes < PAGE_BYTES {
            let Some(key) = self.keys.pop_front() else {
                break;
            };
            let content = statement.query_row([key.id], |row| {
                Ok(match row.get_ref(0)? {
                    ValueRef::Blob(data) => Some(data.to_vec()),
                    _ => None,
                })
            });
            let reason = match content {
                Ok(Some(data)) => {
                    bytes += data.len();
                    self.page.push_back(RawMessage {
                        topic: key.topic,
                        log_time_ns: key.time_ns,
                        publish_time_ns: key.time_ns,
                        sequence: 0,
                        data,
                    });
                    continue;
                }
                Ok(None) => "it is no blob".to_owned(),
                Err(error) => error.to_string(),
            };
            let reason = format!("the content of message row {}: {reason}", key.id);
            let place = key.id.unsigned_abs();
            self.file.losses.lost(LossKind::BadMessage, place, Some(1), reason);
        }
        Ok(())
    }
}

/// Sorts stamps and row numbers of the readable rows into a temporary table.
fn sort_rows(connection: &Connection, readable: &[Span]) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TEMP TABLE percept_found(id INTEGER, topic_id INTEGER, timestamp INTEGER);
         CREATE TEMP TABLE percept_order(id INTEGER, topic_id INTEGER, timestamp INTEGER);",
    )?;
    for span in readable {
        // LIMIT ends the statement before it steps from the span's last row onto damage.
        connection.execute(
            "INSERT INTO temp.percept_found SELECT rowid, topic_id, timestamp FROM messages \
             NOT INDEXED WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2",
            params![span.first, i64::try_from(span.rows).unwrap_or(i64::MAX)],
        )?;
    }
    connection.execute_batch(
        "INSERT INTO temp.percept_order SELECT id, topic_id, timestamp FROM temp.percept_found
         ORDER BY timestamp, id;
         DROP TABLE temp.percept_found;",
    )
}
