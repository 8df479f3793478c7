//! A file, or bytes in memory, read at any place without a shared position.
//!
//! Positional reads and not a memory map: resident memory then stays bounded whatever the bag's
//! size, and a file that shrinks while it is read is an error instead of a signal.

use std::fs::File;
use std::io;
use std::sync::Arc;

/// Bytes fetched at once where records are walked one by one.
const WINDOW_BYTES: usize = 64 << 10;

#[derive(Debug)]
enum Origin {
    File(File),
    Memory(Arc<[u8]>),
}

/// Bytes of known length. The length is fixed on opening: what a recorder appends later is not
/// seen.
#[derive(Debug)]
pub(crate) struct ByteSource {
    origin: Origin,
    len: u64,
}

impl ByteSource {
    pub(crate) fn from_file(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self { origin: Origin::File(file), len })
    }

    pub(crate) fn from_bytes(bytes: Arc<[u8]>) -> Self {
        Self { len: bytes.len() as u64, origin: Origin::Memory(bytes) }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Fills `buffer` from `offset`; an error where the source ends before.
    pub(crate) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match &self.origin {
            Origin::File(file) => read_file_at(file, buffer, offset),
            Origin::Memory(bytes) => {
                let end = offset.checked_add(buffer.len() as u64);
                let range = end.and_then(|end| bytes.get(offset as usize..end as usize));
                let found = range.ok_or(io::ErrorKind::UnexpectedEof)?;
                buffer.copy_from_slice(found);
                Ok(())
            }
        }
    }

    /// `len` bytes from `offset`. The length is held against the source before allocating.
    pub(crate) fn read_at(&self, offset: u64, len: u64) -> io::Result<Vec<u8>> {
        let fits = offset.checked_add(len).is_some_and(|end| end <= self.len);
        let len = usize::try_from(len).ok().filter(|_| fits);
        let mut buffer = vec![0; len.ok_or(io::ErrorKind::UnexpectedEof)?];
        self.read_exact_at(&mut buffer, offset)?;
        Ok(buffer)
    }
}

#[cfg(unix)]
fn read_file_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_file_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    let mut done = 0;
    while done < buffer.len() {
        let rest = buffer.get_mut(done..).unwrap_or_default();
        match file.seek_read(rest, offset + done as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => done += n,
        }
    }
    Ok(())
}

/// Small reads that mostly advance, served from a window of the source.
pub(crate) struct Window<'a> {
    source: &'a ByteSource,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(crate) fn new(source: &'a ByteSource) -> Self {
        Self { source, start: 0, bytes: Vec::new() }
    }

    /// `len` bytes from `offset`, or none where the source ends before. `len` is at most the
    /// size of the window.
    pub(crate) fn get(&mut self, offset: u64, len: usize) -> io::Result<Option<&[u8]>> {
        let end = match offset.checked_add(len as u64) {
            Some(end) if end <= self.source.len() && len <= WINDOW_BYTES => end,
            _ => return Ok(None),
        };
        if offset < self.start || end > self.start + self.bytes.len() as u64 {
            let window = (WINDOW_BYTES as u64).min(self.source.len() - offset) as usize;
            self.bytes.resize(window, 0);
            self.start = offset;
            if let Err(error) = self.source.read_exact_at(&mut self.bytes, offset) {
                self.bytes.clear();
                return Err(error);
            }
        }
        let first = (offset - self.start) as usize;
        Ok(self.bytes.get(first..first + len))
    }
}
