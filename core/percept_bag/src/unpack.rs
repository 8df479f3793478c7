//! Undoing rosbag2's own zstd compression: whole files into a temporary file, messages in place.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use tempfile::TempPath;

use crate::error::{BagError, io_error};
use crate::losses::{FileLossLog, LossKind};
use crate::options::ReadOptions;

/// First bytes of a zstd frame (RFC 8878, section 3.1.1).
pub(crate) const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// Bytes moved at once.
const COPY_BYTES: usize = 256 << 10;
/// Room reserved at once for a message, whatever its frame claims.
const MAX_FIRST_RESERVE_BYTES: usize = 4 << 20;

/// A file that is deleted with its last user.
#[derive(Debug, Clone)]
pub(crate) struct Unpacked(Arc<TempPath>);

impl Unpacked {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl From<TempPath> for Unpacked {
    fn from(path: TempPath) -> Self {
        Self(Arc::new(path))
    }
}

/// Streams a compressed file into a temporary one. A frame that ends too early, or is damaged,
/// gives what came before, and the loss is counted.
pub(crate) fn unpack_file(path: &Path, options: &ReadOptions, losses: &FileLossLog) -> Result<Unpacked, BagError> {
    let source = File::open(path).map_err(io_error(path, "open"))?;
    let total = source.metadata().map_err(io_error(path, "read"))?.len();
    unpack(path, source, total, options, losses)
}

/// As [`unpack_file`], from any source of `total` bytes.
pub(crate) fn unpack(
    path: &Path,
    source: impl Read,
    total: u64,
    options: &ReadOptions,
    losses: &FileLossLog,
) -> Result<Unpacked, BagError> {
    let dir = options.temp_dir();
    let created = tempfile::Builder::new().prefix("percept_bag_").tempfile_in(&dir);
    let (mut target, temp_path) = created.map_err(io_error(&dir, "create a temporary file in"))?.into_parts();
    let decoder = zstd::stream::read::Decoder::new(source);
    let mut decoder = decoder.map_err(io_error(path, "decompress"))?;
    let mut buffer = vec![0; COPY_BYTES];
    let mut written = 0_u64;
    loop {
        let read = match decoder.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let reason = format!(
                    "the compressed file of {total} bytes ends or breaks after {written} \
                     decompressed bytes: {error}"
                );
                losses.lost(LossKind::Truncated, 0, None, reason);
                break;
            }
        };
        written += read as u64;
        if written > options.max_unpacked_bytes {
            let limit = options.max_unpacked_bytes;
            let reason = format!("more than the {limit} bytes that may be unpacked");
            losses.lost(LossKind::Truncated, 0, None, reason);
            break;
        }
        let bytes = buffer.get(..read).unwrap_or_default();
        target.write_all(bytes).map_err(io_error(&dir, "unpack the bag into"))?;
    }
    target.flush().map_err(io_error(&dir, "unpack the bag into"))?;
    Ok(temp_path.into())
}

/// Decompresses one message of a bag in message mode.
pub(crate) fn unpack_message(data: &[u8], max_bytes: u64) -> io::Result<Vec<u8>> {
    let decoder = zstd::stream::read::Decoder::with_buffer(data)?;
    let mut content = Vec::with_capacity(data.len().saturating_mul(2).min(MAX_FIRST_RESERVE_BYTES));
    decoder.take(max_bytes.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > max_bytes {
        return Err(io::Error::other(format!("more than {max_bytes} bytes decompressed")));
    }
    Ok(content)
}
