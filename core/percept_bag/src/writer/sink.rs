//! Where a storage file's bytes go, and how a failed write is taken back.

use std::fs::File;
use std::io::{self, Write};

/// A file, or a stand-in for one in tests.
pub(super) trait Sink {
    /// Appends all bytes, or fails with some of them perhaps written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts the file to its first `len` bytes.
    fn cut(&mut self, len: u64) -> io::Result<()>;
    /// Brings everything onto the disk.
    fn sync(&mut self) -> io::Result<()>;
}

impl Sink for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)?;
        io::Seek::seek(self, io::SeekFrom::Start(len)).map(|_| ())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl<S: Sink + ?Sized> Sink for Box<S> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        (**self).append(bytes)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        (**self).cut(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        (**self).sync()
    }
}
