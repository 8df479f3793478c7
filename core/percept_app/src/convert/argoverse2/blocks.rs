//! The blocks of a Feather file, checked before they are read: arrow's reader takes their places and sizes on trust, and
//! a file that was damaged would end the process.
//!
//! ```text
//! ARROW1.. | block: message, body { buffer: [length before compression: i64] bytes } | .. | footer, its length, ARROW1
//! ```
//! Source  Apache Arrow, columnar format, "IPC File Format" and "Compression"; format/{File, Message}.fbs.

use arrow_ipc::reader::read_footer_length;
use arrow_ipc::{Block, root_as_footer, root_as_message};

/// A byte of LZ4 tells at most so many (the LZ4 block format: a match's length grows by 255 a byte).
const MAX_LZ4_RATIO: u64 = 255;

/// Says what does not lie where the file says it does.
pub(super) fn check_blocks(bytes: &[u8]) -> Result<(), String> {
    let tail = bytes.last_chunk::<10>().ok_or("too short for a footer: is it cut off?")?;
    let length = read_footer_length(*tail).map_err(|e| e.to_string())?;
    let end = bytes.len() - tail.len();
    let footer = end.checked_sub(length).and_then(|start| bytes.get(start..end));
    let footer = footer.ok_or_else(|| format!("a footer of {length} bytes in a file of {}", bytes.len()))?;
    let footer = root_as_footer(footer).map_err(|e| e.to_string())?;
    let dictionaries = footer.dictionaries().into_iter().flatten();
    dictionaries.chain(footer.recordBatches().into_iter().flatten()).try_for_each(|block| check_block(bytes, block))
}

fn check_block(bytes: &[u8], block: &Block) -> Result<(), String> {
    let (offset, head, body) = (block.offset(), i64::from(block.metaDataLength()), block.bodyLength());
    let outside = || format!("a block of {head} + {body} bytes at {offset} in a file of {}", bytes.len());
    let head = part(bytes, offset, head).ok_or_else(outside)?;
    let body = part(bytes, offset.saturating_add(head.len() as i64), body).ok_or_else(outside)?;
    // Older files lack the marker before the length.
    let message = if head.starts_with(&[0xff; 4]) { head.get(8..) } else { head.get(4..) };
    let message = root_as_message(message.ok_or_else(outside)?).map_err(|e| e.to_string())?;
    let dictionary = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    let Some(batch) = message.header_as_record_batch().or(dictionary) else { return Ok(()) };
    for buffer in batch.buffers().into_iter().flatten() {
        let (offset, length) = (buffer.offset(), buffer.length());
        let data = part(body, offset, length)
            .ok_or_else(|| format!("a buffer of {length} bytes at {offset} in a block of {}", body.len()))?;
        let told = data.first_chunk::<8>().filter(|_| batch.compression().is_some());
        let size = told.and_then(|told| u64::try_from(i64::from_le_bytes(*told)).ok());
        if size.is_some_and(|size| size > data.len() as u64 * MAX_LZ4_RATIO) {
            return Err(format!("a buffer of {length} bytes that would hold {}", size.unwrap_or_default()));
        }
    }
    Ok(())
}

fn part(bytes: &[u8], offset: i64, length: i64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(length).ok()?)?)
}
