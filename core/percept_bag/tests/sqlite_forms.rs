//! sqlite3 files of every schema and in every state that recorders leave behind.

// What the tests share is test code too, which the lint does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use percept_bag::{BagReader, LossKind, ReadOptions, TopicFilter};
use rusqlite::{Connection, params};

const ROWS: i64 = 200;

fn content(row: i64) -> Vec<u8> {
    let mut data = vec![0, 1, 0, 0];
    data.resize(if row % 10 == 0 { 9000 } else { 100 }, row as u8);
    data
}

/// The tables of the first rosbag2, and of schema 4.
const OLDEST: &str = "
    CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,
        serialization_format TEXT NOT NULL);
    CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL,
        timestamp INTEGER NOT NULL, data BLOB NOT NULL);
    INSERT INTO topics VALUES (7, '/a', 'std_msgs/String', 'cdr');";
const VERSION_4: &str = "
    CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL);
    INSERT INTO schema VALUES (4, 'rolling');
    CREATE TABLE metadata(id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL,
        metadata TEXT NOT NULL);
    CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,
        serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL,
        type_description_hash TEXT NOT NULL);
    CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL,
        encoding TEXT NOT NULL, encoded_message_definition TEXT NOT NULL,
        type_description_hash TEXT NOT NULL);
    CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL,
        timestamp INTEGER NOT NULL, data BLOB NOT NULL);
    CREATE INDEX timestamp_idx ON messages (timestamp ASC);
    INSERT INTO topics VALUES (7, '/a', 'std_msgs/msg/String', 'cdr', '- history: 1', '');
    INSERT INTO message_definitions VALUES (1, 'std_msgs/msg/String', 'ros2msg', 'string data', '');";

fn database(path: &Path, schema: &str, time: impl Fn(i64) -> i64) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(schema).unwrap();
    insert(&connection, 1..=ROWS, time);
    connection
}

fn insert(connection: &Connection, rows: std::ops::RangeInclusive<i64>, time: impl Fn(i64) -> i64) {
    connection.execute_batch("BEGIN").unwrap();
    for row in rows {
        let sql = "INSERT INTO messages VALUES (?1, 7, ?2, ?3)";
        connection.execute(sql, params![row, time(row), content(row)]).unwrap();
    }
    connection.execute_batch("COMMIT").unwrap();
}

fn rows(reader: &BagReader, filter: TopicFilter) -> Vec<(i64, u8)> {
    let messages = reader.messages(filter).unwrap().map(Result::unwrap);
    messages.map(|m| (m.log_time_ns, *m.data.last().unwrap())).collect()
}

fn expected(time: impl Fn(i64) -> i64, last: i64) -> Vec<(i64, u8)> {
    let mut rows: Vec<(i64, u8)> = (1..=last).map(|row| (time(row), row as u8)).collect();
    rows.sort_by_key(|row| row.0);
    rows
}

#[test]
fn every_schema_and_any_order_of_rows_is_read_in_the_order_of_time() {
    let dir = tempfile::tempdir().unwrap();
    let shuffled = |row: i64| row * 37 % 101;
    let path = dir.path().join("odd name %?#.db3");
    for schema in [OLDEST, VERSION_4] {
        for time in [|row: i64| row * 10, shuffled] {
            drop(database(&path, schema, time));
            let reader = BagReader::open(&path, ReadOptions::strict()).unwrap();
            assert_eq!(rows(&reader, TopicFilter::all()), expected(time, ROWS));
            assert_eq!(reader.topics()[0].type_name, "std_msgs/msg/String");
            assert_eq!(reader.topics()[0].schema.is_some(), schema == VERSION_4);
            let late: Vec<_> = expected(time, ROWS).into_iter().filter(|r| (55..90).contains(&r.0)).collect();
            let filter = TopicFilter::topics(["/a"]).starting_at_ns(55).ending_before_ns(90);
            assert_eq!(rows(&reader, filter), late);
            fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn a_leftover_write_ahead_log_is_read_and_the_source_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.db3");
    let connection = database(&live, VERSION_4, |row| row);
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;").unwrap();
    insert(&connection, ROWS + 1..=ROWS + 50, |row| row);
    // The recorder dies: the files stay as they are.
    let crashed = dir.path().join("crashed");
    fs::create_dir(&crashed).unwrap();
    let bag = crashed.join("crashed_0.db3");
    fs::copy(&live, &bag).unwrap();
    fs::copy(dir.path().join("live.db3-wal"), crashed.join("crashed_0.db3-wal")).unwrap();
    let list = || {
        let entries = fs::read_dir(&crashed).unwrap().map(Result::unwrap);
        let mut files: Vec<(PathBuf, Vec<u8>)> =
            entries.map(|entry| (entry.path(), fs::read(entry.path()).unwrap())).collect();
        files.sort();
        files
    };
    let before = list();
    let reader = BagReader::open(&crashed, ReadOptions::strict()).unwrap();
    assert_eq!(rows(&reader, TopicFilter::all()), expected(|row| row, ROWS + 50));
    assert!(before == list(), "the source directory changed");
}

#[test]
fn a_truncated_database_gives_its_good_pages_and_counts_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bag_0.db3");
    drop(database(&path, OLDEST, |row| row));
    let whole = fs::read(&path).unwrap();
    let metadata = format!(
        "rosbag2_bagfile_information:\n  version: 4\n  storage_identifier: sqlite3\n  \
         relative_file_paths: [bag_0.db3]\n  message_count: {ROWS}\n"
    );
    fs::write(dir.path().join("metadata.yaml"), metadata).unwrap();
    let mut opened = 0;
    for len in (0..whole.len()).step_by(1777) {
        fs::write(&path, &whole[..len]).unwrap();
        let Ok(reader) = BagReader::open(dir.path(), ReadOptions::default()) else {
            continue;
        };
        opened += 1;
        let found = rows(&reader, TopicFilter::all());
        let good = expected(|row| row, ROWS);
        assert!(found.iter().all(|row| good.contains(row)), "{len}");
        for message in reader.messages(TopicFilter::all()).unwrap().map(Result::unwrap) {
            assert_eq!(message.data, content(message.log_time_ns), "{len}");
        }
        let losses = reader.losses();
        assert!(!losses.is_empty(), "{len}");
        assert_eq!(losses.messages_lost() as i64 + found.len() as i64, ROWS, "{len}: {losses:?}");
        assert!(BagReader::open(dir.path(), ReadOptions::strict()).is_err(), "{len}");
    }
    assert!(opened > 10, "{opened} of the cuts could be opened");
}

#[test]
fn damaged_pages_never_panic_and_never_repeat_rows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bag_0.db3");
    drop(database(&path, VERSION_4, |row| row));
    let whole = fs::read(&path).unwrap();
    let mut state = 1_u64;
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let place = (state >> 33) as usize % bytes.len();
            bytes[place] ^= (state >> 17) as u8;
        }
        fs::write(&path, &bytes).unwrap();
        let Ok(reader) = BagReader::open(&path, ReadOptions::default()) else {
            continue;
        };
        let times: Vec<i64> = reader
            .messages(TopicFilter::all())
            .unwrap()
            .map_while(Result::ok)
            .map(|message| message.log_time_ns)
            .collect();
        assert!(times.is_sorted());
        assert!(times.len() as i64 <= ROWS);
    }
}

#[test]
fn messages_and_files_compressed_with_zstd_are_read_whatever_the_case_of_the_mode() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain.db3");
    let connection = database(&plain, VERSION_4, |row| row);
    let file_mode = dir.path().join("file_mode");
    fs::create_dir(&file_mode).unwrap();
    connection.execute_batch("PRAGMA wal_checkpoint").unwrap();
    let packed = zstd::encode_all(fs::File::open(&plain).unwrap(), 3).unwrap();
    fs::write(file_mode.join("bag_0.db3.zstd"), &packed).unwrap();

    for row in 1..=ROWS {
        let data = zstd::bulk::compress(&content(row), 3).unwrap();
        connection.execute("UPDATE messages SET data = ?2 WHERE id = ?1", params![row, data]).unwrap();
    }
    drop(connection);
    let message_mode = dir.path().join("message_mode");
    fs::create_dir(&message_mode).unwrap();
    fs::copy(&plain, message_mode.join("bag_0.db3")).unwrap();

    for (dir, modes) in [(&file_mode, ["FILE", "file"]), (&message_mode, ["MESSAGE", "Message"])] {
        let name = if *dir == file_mode { "bag_0.db3.zstd" } else { "bag_0.db3" };
        for mode in modes.map(Some).into_iter().chain([None]) {
            let yaml = dir.join("metadata.yaml");
            match mode {
                Some(mode) => fs::write(
                    &yaml,
                    format!(
                        "rosbag2_bagfile_information: {{version: 5, relative_file_paths: [{name}], \
                         message_count: {ROWS}, compression_mode: {mode}, \
                         compression_format: zstd}}"
                    ),
                )
                .unwrap(),
                None => fs::remove_file(&yaml).unwrap(),
            }
            let reader = BagReader::open(dir, ReadOptions::strict()).unwrap();
            let found: Vec<_> = reader.messages(TopicFilter::all()).unwrap().map(Result::unwrap).collect();
            assert_eq!(found.len() as i64, ROWS);
            assert!(found.iter().all(|m| m.data == content(m.log_time_ns)), "{mode:?}");
        }
    }

    let cut = &packed[..packed.len() / 2];
    fs::write(file_mode.join("bag_0.db3.zstd"), cut).unwrap();
    if let Ok(reader) = BagReader::open(&file_mode, ReadOptions::default()) {
        let found = reader.count_messages().unwrap()[0] as i64;
        assert!(found < ROWS && reader.losses().count(LossKind::Truncated) > 0);
    }
}

#[test]
fn a_database_that_is_no_bag_is_refused_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.db3");
    let views = "CREATE TABLE topics(id, name, type, serialization_format);
        CREATE VIEW messages AS SELECT 1 AS id, 1 AS topic_id, 1 AS timestamp, x'00' AS data;";
    for sql in ["CREATE TABLE notes(id INTEGER)", views] {
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let error = BagReader::open(&path, ReadOptions::default()).unwrap_err().to_string();
        assert!(error.contains("other.db3") && error.contains("no table"), "{error}");
    }
}
