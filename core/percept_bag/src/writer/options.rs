//! How a bag is written.

/// Compression of chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// None: the fastest to read and write.
    None,
    /// lz4 frames: fast, modest.
    Lz4,
    /// zstd frames.
    #[default]
    Zstd,
}

impl Compression {
    /// The name in chunk headers (MCAP registry, "Well-known compression formats").
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// The form of metadata.yaml.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MetadataVersion {
    /// Version 8, with QoS profiles as text: read by Humble and every later release.
    V8,
    /// Version 9, as Jazzy and later write it, with QoS profiles as a list.
    #[default]
    V9,
}

/// How a bag is written. The defaults suit recordings of point clouds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOptions {
    /// Compression of chunks; zstd.
    pub compression: Compression,
    /// Level for zstd, 1 to 22; 3.
    pub zstd_level: i32,
    /// A chunk goes to the file once it has this many bytes before compression; 1 MiB. A message
    /// is never divided. With 1, every message has a chunk of its own.
    pub chunk_size_bytes: u64,
    /// A new file is begun before this many bytes would be exceeded; none: one file. The summary
    /// comes on top, and a larger message still goes into a file of its own.
    pub max_file_bytes: Option<u64>,
    /// The form of metadata.yaml; 9.
    pub metadata_version: MetadataVersion,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            compression: Compression::default(),
            zstd_level: 3,
            chunk_size_bytes: 1 << 20,
            max_file_bytes: None,
            metadata_version: MetadataVersion::default(),
        }
    }
}
