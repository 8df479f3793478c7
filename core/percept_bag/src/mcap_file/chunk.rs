//! One chunk: its header checked, its content decompressed and held against size and checksum.

use std::io::{self, Read};

use mcap::records::{ChunkHeader, Record as McapRecord, op};

use super::framing::{HEAD_BYTES, u64_from_le};
use crate::byte_source::ByteSource;
use crate::losses::LossKind;

/// Room reserved at once for a chunk's content, whatever its header claims.
const MAX_FIRST_RESERVE_BYTES: u64 = 16 << 20;

/// The chunk header without the name of the compression: two times, size, checksum, the length of
/// the name, stored size.
const FIXED_HEADER_BYTES: usize = 8 + 8 + 8 + 4 + 4 + 8;

/// Why a chunk cannot be used.
pub(super) enum ChunkFault {
    /// The disk does not give the bytes.
    Io(io::Error),
    /// The bytes are not a good chunk.
    Bad { kind: LossKind, reason: String },
}

impl From<io::Error> for ChunkFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn bad(reason: String) -> ChunkFault {
    ChunkFault::Bad { kind: LossKind::BadChunk, reason }
}

/// Reads the chunk record at `offset` and returns its header and decompressed content.
///
/// Nothing is allocated for a length before it was held against the file and `max_bytes`; a
/// checksum of 0 means that the writer computed none.
pub(super) fn load_chunk(
    source: &ByteSource,
    offset: u64,
    max_bytes: u64,
) -> Result<(ChunkHeader, Vec<u8>), ChunkFault> {
    let body = read_body(source, offset, max_bytes)?;
    let (header, content_offset) = match mcap::read::parse_record(op::CHUNK, &body) {
        // The content follows the header, whose only varying field is the compression's name.
        Ok(McapRecord::Chunk { header, .. }) => {
            let content_offset = FIXED_HEADER_BYTES + header.compression.len();
            (header, content_offset)
        }
        Ok(_) => return Err(bad(format!("no chunk at byte {offset}"))),
        Err(error) => return Err(bad(format!("the chunk header at byte {offset}: {error}"))),
    };
    if header.uncompressed_size > max_bytes {
        return Err(bad(format!(
            "the chunk at byte {offset} claims {} bytes decompressed, the limit is {max_bytes}",
            header.uncompressed_size
        )));
    }
    let content = decompress(&header, body, content_offset)
        .map_err(|reason| bad(format!("the chunk at byte {offset} {reason}")))?;
    let found = crc32fast::hash(&content);
    if header.uncompressed_crc != 0 && header.uncompressed_crc != found {
        return Err(ChunkFault::Bad {
            kind: LossKind::BadChecksum,
            reason: format!(
                "the chunk at byte {offset} has the checksum {found:08x}, its header says {:08x}",
                header.uncompressed_crc
            ),
        });
    }
    Ok((header, content))
}

fn read_body(source: &ByteSource, offset: u64, max_bytes: u64) -> Result<Vec<u8>, ChunkFault> {
    let head = source.read_at(offset, HEAD_BYTES)?;
    let opcode = head.first().copied().unwrap_or(0);
    let len = head.get(1..).map_or(0, u64_from_le);
    if opcode != op::CHUNK {
        return Err(bad(format!("the index points at byte {offset} for a chunk, opcode {opcode:#04x} is there")));
    }
    let room = source.len() - offset - HEAD_BYTES;
    if len > room || len > max_bytes {
        return Err(bad(format!(
            "the chunk at byte {offset} claims {len} bytes; {room} are left and the limit is \
             {max_bytes}"
        )));
    }
    Ok(source.read_at(offset + HEAD_BYTES, len)?)
}

fn decompress(header: &ChunkHeader, mut body: Vec<u8>, start: usize) -> Result<Vec<u8>, String> {
    let stored = header.compressed_size as usize;
    let expected = header.uncompressed_size;
    let content = match header.compression.as_str() {
        "" => {
            body.truncate(start + stored);
            body.drain(..start);
            body
        }
        "zstd" => {
            let data = body.get(start..start + stored).unwrap_or_default();
            let decoder = zstd::stream::read::Decoder::with_buffer(data);
            read_content(decoder.map_err(not_decompressed)?, expected)?
        }
        "lz4" => {
            let data = body.get(start..start + stored).unwrap_or_default();
            read_content(lz4::Decoder::new(data).map_err(not_decompressed)?, expected)?
        }
        other => return Err(format!("is compressed as {other:?}; lz4 and zstd are known")),
    };
    if content.len() as u64 != expected {
        let found = content.len();
        return Err(format!("has {found} bytes or more, its header says {expected}"));
    }
    Ok(content)
}

/// Reads at most one byte more than expected, so that too long a content is seen but not kept.
fn read_content(decoder: impl Read, expected: u64) -> Result<Vec<u8>, String> {
    let mut content = Vec::with_capacity(expected.min(MAX_FIRST_RESERVE_BYTES) as usize);
    decoder.take(expected.saturating_add(1)).read_to_end(&mut content).map_err(not_decompressed)?;
    Ok(content)
}

fn not_decompressed(error: io::Error) -> String {
    format!("does not decompress: {error}")
}
