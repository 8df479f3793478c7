//! A disk that fills up at every possible byte.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::qos::QosProfile;
use crate::{BagReader, ReadOptions};

/// A file on a disk with so much room; a cut gives room back, as on a real one.
struct SmallDisk {
    file: File,
    free: Arc<AtomicU64>,
    len: u64,
}

impl Sink for SmallDisk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let free = self.free.load(Ordering::Relaxed);
        let fits = free.min(bytes.len() as u64);
        self.file.append(&bytes[..fits as usize])?;
        self.free.store(free - fits, Ordering::Relaxed);
        self.len += fits;
        if fits < bytes.len() as u64 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.free.fetch_add(self.len - len, Ordering::Relaxed);
        self.len = len;
        self.file.cut(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes until the disk is full: messages kept according to the error, none if all fit.
fn write_until_full(path: &Path, room: u64) -> Option<u64> {
    let free = Arc::new(AtomicU64::new(room));
    let open_sink = move |path: &Path| -> io::Result<Box<dyn Sink + Send>> {
        Ok(Box::new(SmallDisk { file: File::create_new(path)?, free: free.clone(), len: 0 }))
    };
    let options = WriteOptions { compression: Compression::None, chunk_size_bytes: 1500, ..WriteOptions::default() };
    let kept = |error: BagError| match error {
        BagError::WriteFailed { path, messages_kept, .. } => {
            assert!(path.ends_with("full_0.mcap"));
            Some(messages_kept)
        }
        // Not even the header found room.
        BagError::Io { .. } => Some(0),
        other => panic!("{other}"),
    };
    let mut bag = match BagWriter::create_with(path, options, Box::new(open_sink)) {
        Ok(bag) => bag,
        Err(error) => return kept(error),
    };
    let spec = TopicSpec::new("/a", "std_msgs/msg/String", QosProfile::RELIABLE);
    let topic = bag.add_topic(spec).unwrap();
    for number in 0..20 {
        if let Err(error) = bag.write(topic, number, number, &[number as u8; 400]) {
            assert!(matches!(bag.write(topic, 1, 1, b""), Err(BagError::Closed { .. })));
            assert!(error.to_string().contains("readable"));
            return kept(error);
        }
    }
    bag.finish().map_or_else(kept, |_| None)
}

#[test]
fn a_disk_that_fills_up_at_any_byte_leaves_a_readable_bag() {
    let dir = tempfile::tempdir().unwrap();
    let mut finished = 0;
    let mut all_fit = false;
    for room in (0..12_000).step_by(61) {
        let path = dir.path().join(format!("{room}")).join("full");
        let Some(kept) = write_until_full(&path, room) else {
            all_fit = true;
            continue;
        };
        let Ok(reader) = BagReader::open(&path, ReadOptions::default()) else {
            assert!(kept == 0 && room < 8 + 100, "{room} bytes of room hold a header");
            continue;
        };
        let counts = reader.count_messages().unwrap();
        assert_eq!(counts.iter().sum::<u64>(), kept, "room for {room} bytes");
        finished += u64::from(reader.losses().is_empty() && kept > 0);
    }
    assert!(all_fit, "the largest room takes everything");
    assert!(finished > 20, "{finished} bags could still be closed with their index");
}
