//! Opening a database without touching it, not even its directory.
//!
//! A database that was closed properly is opened in place as immutable: no lock, no journal, no
//! shared-memory file, so a read-only directory will do. A leftover write-ahead log or rollback
//! journal has to be played into the database first; that happens in a temporary copy. So does
//! the cutting of a last page that is only partly there, which sqlite would fill with zeros.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::options::ReadOptions;

/// A database file ready to be opened any number of times.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    path: PathBuf,
    /// Whether it is a copy of ours that sqlite may recover.
    copied: bool,
    /// Bytes of an incomplete last page, with the offset where it began.
    cut: Option<(u64, u64)>,
    /// Bytes that the header says the file has beyond its end.
    missing_bytes: u64,
    _copy: Option<Arc<TempDir>>,
}

impl Database {
    /// Prepares a database, copying it with its journal into a temporary directory where that
    /// has to be played in first.
    pub(crate) fn prepare(path: &Path, options: &ReadOptions) -> io::Result<Self> {
        let len = fs::metadata(path)?.len();
        let (page_bytes, pages) = page_layout(path)?;
        let partial = len % page_bytes;
        let journals: Vec<PathBuf> = ["-wal", "-journal"]
            .iter()
            .map(|suffix| with_suffix(path, suffix))
            .filter(|journal| fs::metadata(journal).is_ok_and(|found| found.len() > 0))
            .collect();
        // With a log beside it, the file is as long as it was at the last checkpoint.
        let whole = pages.saturating_mul(page_bytes);
        let missing_bytes = if journals.is_empty() { whole.saturating_sub(len) } else { 0 };
        let mut database = Self {
            path: path.to_path_buf(),
            copied: false,
            cut: (partial > 0).then_some((len - partial, partial)),
            missing_bytes,
            _copy: None,
        };
        if !journals.is_empty() || partial > 0 {
            database.copy(&journals, len - partial, options)?;
        }
        Ok(database)
    }

    fn copy(&mut self, journals: &[PathBuf], len: u64, options: &ReadOptions) -> io::Result<()> {
        let dir = tempfile::Builder::new().prefix("percept_bag_").tempdir_in(options.temp_dir())?;
        let target = dir.path().join("bag.db3");
        // The last page is cut off while copying, so that sqlite never sees half of it.
        let mut source = File::open(&self.path)?.take(len);
        io::copy(&mut source, &mut File::create(&target)?)?;
        for journal in journals {
            let name = journal.to_string_lossy();
            let suffix = if name.ends_with("-wal") { "-wal" } else { "-journal" };
            io::copy(&mut File::open(journal)?, &mut File::create(with_suffix(&target, suffix))?)?;
        }
        self.path = target;
        self.copied = true;
        self._copy = Some(Arc::new(dir));
        Ok(())
    }

    /// In words, what is missing at the end of the file.
    pub(crate) fn cut(&self) -> Option<String> {
        match (self.cut, self.missing_bytes) {
            (None, 0) => None,
            (cut, missing) => Some(format!(
                "the database ends {missing} bytes before its last page does{}",
                if cut.is_some() { ", within a page" } else { "" }
            )),
        }
    }

    /// Where the incomplete last page begins and how much of it is there.
    pub(crate) fn cut_bytes(&self) -> (u64, u64) {
        self.cut.unwrap_or((0, 0))
    }

    /// A connection of its own, with every limit that a hostile file calls for.
    pub(crate) fn connect(&self, options: &ReadOptions) -> rusqlite::Result<Connection> {
        let connection = if self.copied {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(&self.path, flags)?
        } else {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
            Connection::open_with_flags(immutable_uri(&self.path), flags)?
        };
        let max_len = i32::try_from(options.max_chunk_bytes).unwrap_or(i32::MAX);
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, max_len)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        // writable_schema makes sqlite accept a file shorter than its header says; nothing is
        // written by it. Temporary tables go to a file, so that memory stays bounded.
        connection.execute_batch(
            "PRAGMA trusted_schema = OFF; PRAGMA writable_schema = ON; PRAGMA cell_size_check = ON;
             PRAGMA cache_size = -8192; PRAGMA mmap_size = 0; PRAGMA temp_store = FILE;",
        )?;
        Ok(connection)
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

/// Page size and number of pages from the database header (SQLite file format, section 1.3).
fn page_layout(path: &Path) -> io::Result<(u64, u64)> {
    let mut header = Vec::with_capacity(100);
    File::open(path)?.take(100).read_to_end(&mut header)?;
    let number = |range: std::ops::Range<usize>| {
        let bytes = header.get(range).unwrap_or_default();
        bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))
    };
    let page_bytes = match number(16..18) {
        1 => 65_536,
        size if size >= 512 && size.is_power_of_two() => size,
        _ => 1,
    };
    // The count is valid only where the change counter equals the version-valid-for number.
    let valid = number(24..28) == number(92..96);
    Ok((page_bytes, if valid { number(28..32) } else { 0 }))
}

/// A file URI for sqlite; everything but plain characters is percent-encoded.
fn immutable_uri(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut uri = String::from("file:");
    for byte in absolute.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?mode=ro&immutable=1");
    uri
}
