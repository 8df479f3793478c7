//! mcap files of every form, written by the mcap crate as an independent writer, and damaged ones.

// What the tests share is test code too, which the lint does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::borrow::Cow;
use std::io::Cursor;
use std::path::Path;

use mcap::records::MessageHeader;
use percept_bag::{BagReader, LossKind, ReadOptions, TopicFilter};

/// Log times of a recording, in the order of writing: two topics, a few out of order.
const TIMES: [u64; 12] = [10, 20, 30, 25, 40, 50, 5, 60, 70, 65, 80, 90];

fn mcap_bytes(options: mcap::WriteOptions, flush_every: usize) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    {
        let mut writer = options.profile("ros2").create(&mut out).unwrap();
        let schema = writer.add_schema("std_msgs/msg/String", "ros2msg", b"string data").unwrap();
        let none = Default::default();
        let ids = ["/a", "/b"].map(|topic| writer.add_channel(schema, topic, "cdr", &none).unwrap());
        for (number, time) in TIMES.iter().enumerate() {
            let header = MessageHeader {
                channel_id: ids[number % 2],
                sequence: number as u32,
                log_time: *time,
                publish_time: time - 1,
            };
            writer.write_to_known_channel(&header, &content(number)).unwrap();
            if number % flush_every == flush_every - 1 {
                writer.flush().unwrap();
            }
        }
        writer.finish().unwrap();
    }
    out.into_inner()
}

fn content(number: usize) -> Cow<'static, [u8]> {
    let mut data = vec![0, 1, 0, 0];
    data.resize(40 + number, number as u8);
    Cow::Owned(data)
}

fn options() -> mcap::WriteOptions {
    mcap::WriteOptions::new().compression(None).compression_threads(0)
}

fn unindexed(options: mcap::WriteOptions) -> mcap::WriteOptions {
    options
        .emit_summary_records(false)
        .emit_summary_offsets(false)
        .emit_message_indexes(false)
        .calculate_summary_section_crc(false)
}

fn open(bytes: Vec<u8>) -> BagReader {
    BagReader::from_bytes(Path::new("bag.mcap"), bytes, ReadOptions::default()).unwrap()
}

fn numbers(reader: &BagReader, filter: TopicFilter) -> Vec<usize> {
    let messages = reader.messages(filter).unwrap().map(Result::unwrap);
    let checked = messages.map(|message| {
        let number = message.sequence as usize;
        assert_eq!(message.data, content(number).as_ref());
        assert_eq!(message.log_time_ns, TIMES[number] as i64);
        assert_eq!(message.publish_time_ns, TIMES[number] as i64 - 1);
        assert_eq!(reader.topics()[message.topic].name, ["/a", "/b"][number % 2]);
        number
    });
    checked.collect()
}

fn by_time() -> Vec<usize> {
    let mut order: Vec<usize> = (0..TIMES.len()).collect();
    order.sort_by_key(|number| TIMES[*number]);
    order
}

#[test]
fn every_form_of_mcap_gives_the_same_messages_in_the_order_of_time() {
    use mcap::Compression::{Lz4, Zstd};
    for flush_every in [1, 3, 100] {
        for (name, options) in [
            ("none", options()),
            ("zstd", options().compression(Some(Zstd))),
            ("lz4", options().compression(Some(Lz4))),
            ("unchunked", options().use_chunks(false)),
            ("unindexed", unindexed(options().compression(Some(Zstd)))),
            ("unchunked, unindexed", unindexed(options().use_chunks(false))),
            ("no statistics", options().emit_statistics(false)),
            ("no channels in the summary", options().repeat_channels(false)),
            ("no chunk index", options().emit_chunk_indexes(false)),
            ("no checksums", options().calculate_chunk_crcs(false)),
        ] {
            let reader = open(mcap_bytes(options, flush_every));
            assert!(reader.losses().is_empty(), "{name}: {:?}", reader.losses());
            assert_eq!(numbers(&reader, TopicFilter::all()), by_time(), "{name}");
            assert_eq!(reader.time_range_ns(), Some((5, 90)), "{name}");
            let counts: Vec<u64> = reader.topics().iter().map(|t| t.message_count).collect();
            assert_eq!(counts, [6, 6], "{name}");
            assert_eq!(reader.topics()[0].schema.as_ref().unwrap().text, "string data");
            assert!(reader.losses().is_empty(), "{name}: {:?}", reader.losses());
        }
    }
}

#[test]
fn topics_and_times_are_filtered() {
    let reader = open(mcap_bytes(options(), 3));
    let filter = TopicFilter::topics(["/b"]).starting_at_ns(25).ending_before_ns(80);
    let expected = by_time().into_iter().filter(|n| n % 2 == 1 && (25..80).contains(&TIMES[*n]));
    assert_eq!(numbers(&reader, filter), expected.collect::<Vec<_>>());
    let error = reader.messages(TopicFilter::topics(["/c"])).unwrap_err().to_string();
    assert!(error.contains("\"/c\"") && error.contains("/a, /b"), "{error}");
}

#[test]
fn overlapping_chunks_stay_in_order_when_only_one_fits_in_memory() {
    let bytes = mcap_bytes(options().compression(Some(mcap::Compression::Zstd)), 3);
    let tight = ReadOptions { resident_chunk_bytes: 1, ..ReadOptions::default() };
    let reader = BagReader::from_bytes(Path::new("bag.mcap"), bytes, tight).unwrap();
    assert_eq!(numbers(&reader, TopicFilter::all()), by_time());
}

#[test]
fn a_file_cut_anywhere_gives_its_whole_chunks_and_says_what_is_missing() {
    for (options, flush_every) in
        [(options().compression(Some(mcap::Compression::Zstd)), 3), (options(), 2), (options().use_chunks(false), 100)]
    {
        let whole = mcap_bytes(options, flush_every);
        let mut most = 0;
        for len in 0..whole.len() {
            let cut = whole[..len].to_vec();
            let name = Path::new("cut.mcap");
            let Ok(reader) = BagReader::from_bytes(name, cut, ReadOptions::default()) else {
                assert!(len < 8, "{len} bytes are enough to know an mcap file");
                continue;
            };
            let found = numbers(&reader, TopicFilter::all());
            assert!(found.len() >= most, "a longer file holds no fewer messages");
            most = found.len();
            let losses = reader.losses();
            assert_eq!(losses.files_truncated(), 1, "cut at {len}");
            assert!(losses.iter().all(|loss| loss.to_string().contains("cut.mcap")));
            let strict = BagReader::from_bytes(name, &whole[..len], ReadOptions::strict());
            assert!(strict.is_err(), "cut at {len}");
        }
        assert_eq!(most, TIMES.len());
    }
}

#[test]
fn no_flipped_bit_passes_unnoticed_where_a_checksum_guards_it() {
    for compression in [None, Some(mcap::Compression::Lz4), Some(mcap::Compression::Zstd)] {
        let whole = mcap_bytes(options().compression(compression), 3);
        for place in 8..whole.len() {
            for bit in [0, 3, 7] {
                let mut bytes = whole.clone();
                bytes[place] ^= 1 << bit;
                let name = Path::new("flipped.mcap");
                let Ok(reader) = BagReader::from_bytes(name, bytes, ReadOptions::default()) else {
                    continue;
                };
                for message in reader.messages(TopicFilter::all()).unwrap() {
                    let message = message.unwrap();
                    let number = message.sequence as usize;
                    assert_eq!(message.data, content(number).as_ref(), "byte {place}");
                    assert_eq!(message.log_time_ns, TIMES[number] as i64, "byte {place}");
                }
            }
        }
    }
}

#[test]
fn arbitrary_damage_without_checksums_never_panics_and_invents_no_messages() {
    let bare = || unindexed(options()).calculate_chunk_crcs(false);
    let mut state = 7_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize
    };
    for options in [
        bare(),
        bare().use_chunks(false),
        bare().compression(Some(mcap::Compression::Lz4)),
        bare().compression(Some(mcap::Compression::Zstd)),
        options().calculate_chunk_crcs(false).calculate_summary_section_crc(false),
    ] {
        let whole = mcap_bytes(options, 3);
        for _ in 0..1500 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random() % 4 {
                let place = random() % bytes.len();
                bytes[place] = [0, 1, 0x7F, 0xFF, random() as u8][random() % 5];
            }
            let name = Path::new("damaged.mcap");
            if let Ok(reader) = BagReader::from_bytes(name, bytes, ReadOptions::default()) {
                let read = reader.messages(TopicFilter::all()).unwrap().filter(Result::is_ok);
                assert!(read.count() <= TIMES.len());
            }
        }
    }
}

#[test]
fn a_damaged_chunk_is_passed_over_and_its_messages_are_counted() {
    let mut bytes = mcap_bytes(options(), 3);
    let content = content(4);
    let place = bytes.windows(content.len()).position(|w| w == content.as_ref()).unwrap();
    bytes[place + 20] ^= 0xFF;
    let reader = open(bytes);
    let found = numbers(&reader, TopicFilter::all());
    let expected: Vec<usize> = by_time().into_iter().filter(|n| !(3..6).contains(n)).collect();
    assert_eq!(found, expected);
    let losses = reader.losses();
    assert_eq!((losses.chunks_bad(), losses.messages_lost()), (1, 3));
    assert_eq!(losses.count(LossKind::BadChecksum), 1);
    // A second pass meets the same damage and counts it once.
    let _ = reader.count_messages().unwrap();
    assert_eq!(reader.losses(), losses);
}

#[test]
fn damage_outside_of_chunks_is_seen_by_the_checksum_of_the_whole() {
    let mut bytes = mcap_bytes(options().use_chunks(false), 100);
    let content = content(4);
    let place = bytes.windows(content.len()).position(|w| w == content.as_ref()).unwrap();
    bytes[place + 20] ^= 0xFF;
    let losses = open(bytes).losses();
    assert_eq!(losses.count(LossKind::BadChecksum), 1);
}

#[test]
fn lengths_beyond_the_file_or_the_limit_are_refused_before_allocating() {
    let whole = mcap_bytes(unindexed(options()), 100);
    // The chunk record's own length, its size decompressed, and its stored size.
    let chunk = 8 + 9 + whole[9..17].iter().rev().fold(0, |n, b| n << 8 | *b as usize);
    assert_eq!(whole[chunk], 6);
    for field in [chunk + 1, chunk + 9 + 16, chunk + 9 + 32] {
        let mut bytes = whole.clone();
        bytes[field..field + 8].copy_from_slice(&(u64::MAX / 2).to_le_bytes());
        let reader = open(bytes);
        assert_eq!(reader.count_messages().unwrap().iter().sum::<u64>(), 0);
        assert!(!reader.losses().is_empty());
    }
}
