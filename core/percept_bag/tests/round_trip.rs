//! What the writer writes, read back by our reader and by the mcap crate.

// What the tests share is test code too, which the lint does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use percept_bag::{
    BagError, BagReader, BagWriter, Compression, LossKind, MetadataVersion, QosProfile, ReadOptions, TopicFilter,
    TopicSpec, WriteOptions,
};

fn write(path: &Path, options: WriteOptions, messages: u32) -> Vec<(i64, String, Vec<u8>)> {
    let mut bag = BagWriter::create(path, options).unwrap();
    let spec = |name: &str, kind| TopicSpec::new(name, kind, QosProfile::SENSOR_DATA);
    let text = bag.add_topic(spec("/text", "std_msgs/msg/String")).unwrap();
    let mut expected = Vec::new();
    let mut late = None;
    for number in 0..messages {
        let time = 1_000_000 + i64::from(number) * 10;
        let data = vec![number as u8; 100 + number as usize % 900];
        bag.write(text, time, time - 3, &data).unwrap();
        expected.push((time, "/text".to_owned(), data));
        if number == messages / 2 {
            let topic = bag.add_topic(spec("/late", "sensor_msgs/msg/PointCloud2")).unwrap();
            bag.write(topic, time + 1, time + 1, b"late").unwrap();
            expected.push((time + 1, "/late".to_owned(), b"late".to_vec()));
            late = Some(topic);
        }
    }
    bag.add_topic(spec("/never", "nav_msgs/msg/Odometry")).unwrap();
    assert!(late.is_some());
    bag.add_metadata("about", &BTreeMap::from([("seed".to_owned(), "7".to_owned())])).unwrap();
    let written = bag.finish().unwrap();
    assert_eq!(written.message_count, expected.len() as u64);
    expected
}

fn read(reader: &BagReader) -> Vec<(i64, String, Vec<u8>)> {
    let messages = reader.messages(TopicFilter::all()).unwrap().map(Result::unwrap);
    messages.map(|m| (m.log_time_ns, reader.topics()[m.topic].name.clone(), m.data)).collect()
}

#[test]
fn a_written_bag_is_read_back_whole_by_two_readers() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = Vec::new();
    for (index, compression) in [Compression::None, Compression::Lz4, Compression::Zstd].into_iter().enumerate() {
        let options = WriteOptions { compression, chunk_size_bytes: 4000, ..WriteOptions::default() };
        let path = dir.path().join(format!("bag{index}"));
        let expected = write(&path, options.clone(), 300);
        let reader = BagReader::open(&path, ReadOptions::strict()).unwrap();
        assert_eq!(read(&reader), expected);
        let names: Vec<_> = reader.topics().iter().map(|t| (t.name.as_str(), t.message_count)).collect();
        assert_eq!(names, [("/text", 300), ("/late", 1), ("/never", 0)]);
        let (name, about) = reader.metadata().next().unwrap();
        assert_eq!((name, about["seed"].as_str()), ("about", "7"));

        let file = fs::read(path.join(format!("bag{index}_0.mcap"))).unwrap();
        let mut other: Vec<_> = mcap::MessageStream::new(&file)
            .unwrap()
            .map(Result::unwrap)
            .map(|m| (m.log_time as i64, m.channel.topic.clone(), m.data.into_owned()))
            .collect();
        other.sort_by_key(|message| message.0);
        assert_eq!(other, expected);
        let summary = mcap::Summary::read(&file).unwrap().unwrap();
        assert_eq!(summary.stats.unwrap().message_count, 301);
        assert!(!summary.chunk_indexes.is_empty() && summary.metadata_indexes.len() == 1);

        // Again into another place: the same bytes.
        let again = dir.path().join("again").join(format!("bag{index}"));
        write(&again, options, 300);
        assert!(fs::read(again.join(format!("bag{index}_0.mcap"))).unwrap() == file);
        assert!(fs::read(again.join("metadata.yaml")).unwrap() == fs::read(path.join("metadata.yaml")).unwrap());
        bytes.push(file.len());
    }
    assert!(bytes[2] < bytes[0], "zstd is smaller than none");
}

#[test]
fn splits_stay_below_their_size_and_are_one_bag() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("split");
    let options = WriteOptions {
        compression: Compression::None,
        chunk_size_bytes: 1000,
        max_file_bytes: Some(20_000),
        metadata_version: MetadataVersion::V8,
        ..WriteOptions::default()
    };
    let expected = write(&path, options, 300);
    let reader = BagReader::open(&path, ReadOptions::strict()).unwrap();
    assert!(reader.storage_files().count() > 5);
    assert_eq!(read(&reader), expected);
    // The same without metadata.yaml, and with one split gone.
    fs::rename(path.join("metadata.yaml"), dir.path().join("metadata.yaml")).unwrap();
    let reader = BagReader::open(&path, ReadOptions::strict()).unwrap();
    assert_eq!(read(&reader), expected);
    fs::rename(dir.path().join("metadata.yaml"), path.join("metadata.yaml")).unwrap();
    fs::remove_file(path.join("split_2.mcap")).unwrap();
    let reader = BagReader::open(&path, ReadOptions::default()).unwrap();
    let found = read(&reader);
    let losses = reader.losses();
    assert_eq!(losses.count(LossKind::MissingFile), 1);
    assert_eq!(found.len() as u64 + losses.messages_lost(), expected.len() as u64);
}

#[test]
fn a_dropped_writer_closes_its_bag() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dropped");
    let mut bag = BagWriter::create(&path, WriteOptions::default()).unwrap();
    let spec = TopicSpec::new("/a", "std_msgs/msg/String", QosProfile::RELIABLE);
    let topic = bag.add_topic(spec).unwrap();
    bag.write(topic, 1, 1, b"x").unwrap();
    drop(bag);
    let reader = BagReader::open(&path, ReadOptions::strict()).unwrap();
    assert_eq!(reader.message_count(), 1);
}

#[test]
fn a_bag_without_messages_is_a_bag() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("empty");
    let mut bag = BagWriter::create(&path, WriteOptions::default()).unwrap();
    bag.add_topic(TopicSpec::new("/a", "std_msgs/msg/String", QosProfile::LATCHED)).unwrap();
    bag.finish().unwrap();
    let reader = BagReader::open(&path, ReadOptions::strict()).unwrap();
    assert_eq!((reader.topics().len(), reader.time_range_ns()), (1, None));
    assert_eq!(reader.count_messages().unwrap(), [0]);
}

#[test]
fn what_cannot_be_written_is_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let mut bag = BagWriter::create(&dir.path().join("a"), WriteOptions::default()).unwrap();
    let spec = |name| TopicSpec::new(name, "std_msgs/msg/String", QosProfile::RELIABLE);
    let topic = bag.add_topic(spec("/a")).unwrap();
    assert!(matches!(bag.add_topic(spec("/a")), Err(BagError::InvalidTopic { .. })));
    let unknown = TopicSpec::new("/b", "my_msgs/msg/Thing", QosProfile::RELIABLE);
    let error = bag.add_topic(unknown.clone()).unwrap_err().to_string();
    assert!(error.contains("with_schema"), "{error}");
    bag.add_topic(unknown.with_schema("int32 x\n")).unwrap();
    let mut no_list = spec("/c");
    no_list.offered_qos_profiles = "depth: 1".to_owned();
    assert!(bag.add_topic(no_list).is_err());
    assert!(matches!(bag.write(topic, -1, 0, b""), Err(BagError::InvalidMessage { .. })));
    bag.write(topic, 0, 0, b"").unwrap();
    bag.finish().unwrap();
    let again = BagWriter::create(&dir.path().join("a"), WriteOptions::default());
    assert!(matches!(again, Err(BagError::OutputExists { .. })));
}

#[test]
fn paths_that_are_no_bag_are_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("notes.txt");
    fs::write(&text, "hello").unwrap();
    let open = |path: &Path| BagReader::open(path, ReadOptions::default()).unwrap_err().to_string();
    assert!(open(&text).contains("68 65 6c 6c 6f"));
    assert!(open(dir.path()).contains("no .mcap"));
    assert!(open(&dir.path().join("nothing")).contains("nothing"));
    fs::write(dir.path().join("empty.mcap"), "").unwrap();
    assert!(open(dir.path()).contains("it is empty"));
}
