//! A bag of any bytes, mcap or sqlite3, packed or not: messages up to the damage, the loss counted, or a typed error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use percept_bag::{BagReader, ReadOptions, TopicFilter};
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let name = ["bag.mcap", "bag.db3", "bag.mcap.zstd", "bag.db3.zstd"][usize::from(which % 4)];
    // Small bounds, so that what the file claims and not what it holds would show.
    let options = ReadOptions {
        max_chunk_bytes: 1 << 20,
        resident_chunk_bytes: 1 << 20,
        max_unpacked_bytes: 1 << 20,
        ..ReadOptions::default()
    };
    let Ok(reader) = BagReader::from_bytes(Path::new(name), bytes.to_vec(), options) else { return };
    if let Ok(messages) = reader.messages(TopicFilter::all()) {
        messages.take(10_000).for_each(drop);
    }
    reader.losses().iter().for_each(|loss| drop(loss.to_string()));
});
