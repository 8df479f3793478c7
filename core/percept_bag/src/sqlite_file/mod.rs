//! One sqlite3 storage file: topics, counts, and which of its rows can be read.
//!
//! The message table is walked once on opening (row numbers, topics and stamps; the contents are
//! stored behind them and are not touched), which finds unreadable pages, counts the messages of
//! each topic and shows whether the rows already lie in the order of time. The timestamp index is
//! not used, so its damage costs nothing.
//!
//! Memory  sqlite's page cache (8 MiB), one page of messages (8 MiB, or one message where it is
//!         larger). Rows out of order are sorted by sqlite in a temporary file.
//! Source  rosbag2_storage_sqlite3: schemas from the first (topics with four columns, messages)
//!         to version 4 (schema, metadata, message_definitions, type hashes).

mod connect;
mod cursor;
mod rows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

pub(crate) use connect::Database;
pub(crate) use cursor::SqliteCursor;

use self::rows::Rows;
use crate::error::BagError;
use crate::losses::{FileLossLog, LossKind};
use crate::options::ReadOptions;
use crate::topic::{SchemaText, TopicRecord, normalise_type_name};

/// Most topics that one file may have; mcap has the same bound.
const MAX_TOPICS: usize = 65_536;

/// An opened sqlite3 storage file.
#[derive(Debug)]
pub(crate) struct SqliteFile {
    path: PathBuf,
    database: Database,
    topics: BTreeMap<i64, TopicRecord>,
    rows: Rows,
    metadata_text: Option<String>,
    losses: FileLossLog,
}

impl SqliteFile {
    /// Finds out what the file holds.
    ///
    /// # Errors
    /// [`BagError::Storage`] where sqlite cannot open it or it has no topics or messages table.
    pub(crate) fn open(
        path: &Path,
        database: Database,
        options: &ReadOptions,
        losses: FileLossLog,
    ) -> Result<Self, BagError> {
        let unreadable = |error: rusqlite::Error| storage_error(path, error);
        if let Some(reason) = database.cut() {
            let (end, bytes) = database.cut_bytes();
            losses.lost_bytes(LossKind::Truncated, end, bytes, None, reason);
        }
        let connection = database.connect(options).map_err(unreadable)?;
        require_table(path, &connection, "topics")?;
        require_table(path, &connection, "messages")?;
        let mut topics = read_topics(&connection, &losses).map_err(unreadable)?;
        let rows = Rows::walk(&connection, &topics, &losses).map_err(unreadable)?;
        for (id, topic) in &mut topics {
            topic.message_count = rows.counts.get(id).copied().unwrap_or(0);
        }
        Ok(Self {
            path: path.to_path_buf(),
            metadata_text: read_metadata_text(&connection),
            database,
            topics,
            rows,
            losses,
        })
    }

    /// Topics by row number.
    pub(crate) fn topics(&self) -> &BTreeMap<i64, TopicRecord> {
        &self.topics
    }

    pub(crate) fn message_count(&self) -> u64 {
        self.rows.counts.values().sum()
    }

    pub(crate) fn time_range_ns(&self) -> Option<(i64, i64)> {
        self.rows.time_range_ns
    }

    /// The bag's metadata.yaml as schema 4 keeps it in the database too.
    pub(crate) fn metadata_text(&self) -> Option<&str> {
        self.metadata_text.as_deref()
    }
}

pub(crate) fn storage_error(path: &Path, error: rusqlite::Error) -> BagError {
    BagError::Storage { path: path.to_path_buf(), reason: format!("sqlite3: {error}") }
}

/// A view of that name could compute anything, so only a true table will do.
fn require_table(path: &Path, connection: &Connection, name: &str) -> Result<(), BagError> {
    let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1 AND rootpage > 0 \
               AND sql NOT LIKE 'CREATE VIRTUAL%'";
    let found: Option<i64> =
        connection.query_row(sql, [name], |row| row.get(0)).optional().map_err(|error| storage_error(path, error))?;
    found.map(|_| ()).ok_or_else(|| BagError::Storage {
        path: path.to_path_buf(),
        reason: format!("the database has no table {name:?}: not a rosbag2 storage"),
    })
}

fn columns(connection: &Connection, table: &str) -> Vec<String> {
    let names = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
        statement.query_map([table], |row| row.get(0))?.collect()
    };
    names().unwrap_or_default()
}

/// The topics, whatever the schema's age; a row that cannot be read is counted.
fn read_topics(connection: &Connection, losses: &FileLossLog) -> rusqlite::Result<BTreeMap<i64, TopicRecord>> {
    let has_qos = columns(connection, "topics").iter().any(|c| c == "offered_qos_profiles");
    let qos = if has_qos { "offered_qos_profiles" } else { "''" };
    let sql = format!("SELECT id, name, type, serialization_format, {qos} FROM topics ORDER BY id");
    let schemas = read_schemas(connection);
    let mut topics = BTreeMap::new();
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    loop {
        let parsed = match rows.next() {
            Ok(Some(row)) => topic_of(row, &schemas),
            Ok(None) => break,
            Err(error) => {
                let reason = format!("the table of topics cannot be read to its end: {error}");
                losses.lost(LossKind::BadPages, 0, None, reason);
                break;
            }
        };
        match parsed {
            Ok((id, topic)) if topics.len() < MAX_TOPICS => {
                topics.insert(id, topic);
            }
            Ok((id, _)) => {
                let reason = format!("more than {MAX_TOPICS} topics");
                losses.lost(LossKind::BadRecord, id.unsigned_abs(), None, reason);
                break;
            }
            Err(error) => {
                let reason = format!("a row of the table of topics cannot be read: {error}");
                losses.lost(LossKind::BadRecord, topics.len() as u64, None, reason);
            }
        }
    }
    Ok(topics)
}

fn topic_of(
    row: &rusqlite::Row<'_>,
    schemas: &BTreeMap<String, Arc<SchemaText>>,
) -> rusqlite::Result<(i64, TopicRecord)> {
    let type_name = normalise_type_name(&row.get::<_, String>(2)?);
    let topic = TopicRecord {
        name: row.get(1)?,
        message_encoding: row.get(3)?,
        message_count: 0,
        offered_qos_profiles: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        schema: schemas.get(&type_name).cloned(),
        type_name,
    };
    Ok((row.get(0)?, topic))
}

/// Message definitions by type; files before schema 4 have none, and damage here costs no message.
fn read_schemas(connection: &Connection) -> BTreeMap<String, Arc<SchemaText>> {
    let read = || -> rusqlite::Result<BTreeMap<String, Arc<SchemaText>>> {
        let mut statement = connection.prepare(
            "SELECT topic_type, encoding, encoded_message_definition FROM message_definitions \
             ORDER BY id",
        )?;
        let mut schemas = BTreeMap::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let schema = SchemaText { encoding: row.get(1)?, text: row.get(2)? };
            if !schema.text.is_empty() && schemas.len() < MAX_TOPICS {
                let name = normalise_type_name(&row.get::<_, String>(0)?);
                schemas.entry(name).or_insert(Arc::new(schema));
            }
        }
        Ok(schemas)
    };
    read().unwrap_or_default()
}

fn read_metadata_text(connection: &Connection) -> Option<String> {
    let sql = "SELECT metadata FROM metadata ORDER BY id DESC LIMIT 1";
    connection.query_row(sql, [], |row| row.get(0)).ok()
}
