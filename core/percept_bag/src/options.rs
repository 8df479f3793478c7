//! How a bag is opened: strictness and the limits that bound memory and disk.

use std::path::PathBuf;

/// How a bag is opened. [`ReadOptions::default`] suits recordings of vehicles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// Any loss is an error ([`BagError::Lossy`](crate::BagError::Lossy)) instead of a count.
    pub strict: bool,
    /// Largest chunk or message that is read, in bytes after decompression; 1 GiB. A larger one
    /// is counted as lost: its length field is most likely damaged.
    pub max_chunk_bytes: u64,
    /// Chunk contents kept decompressed at a time in one file, in bytes; 256 MiB. Where more
    /// chunks overlap in time than fit, they are decompressed again when their turn comes.
    pub resident_chunk_bytes: u64,
    /// Largest file that file-mode compression may unpack to, in bytes; 1 TiB.
    pub max_unpacked_bytes: u64,
    /// Where compressed files are unpacked and databases with a leftover journal are copied to;
    /// the system's directory for temporary files where none is given.
    pub temp_dir: Option<PathBuf>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            strict: false,
            max_chunk_bytes: 1 << 30,
            resident_chunk_bytes: 256 << 20,
            max_unpacked_bytes: 1 << 40,
            temp_dir: None,
        }
    }
}

impl ReadOptions {
    /// The defaults, with every loss an error.
    pub fn strict() -> Self {
        Self { strict: true, ..Self::default() }
    }

    pub(crate) fn temp_dir(&self) -> PathBuf {
        self.temp_dir.clone().unwrap_or_else(std::env::temp_dir)
    }
}
