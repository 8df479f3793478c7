//! A bag as a transport: every message, on the bag's clock, and an output bag.
#![allow(clippy::unwrap_used)]

use percept_bag::{BagReader, BagWriter, ReadOptions, TopicFilter, TopicSpec, WriteOptions};
use percept_msgs::Message;
use percept_msgs::std_msgs::String as Text;
use percept_transport::{BagPlayer, Keep, Names, QosProfile, TransportError};
use percept_types::Stamp;
use std::path::{Path, PathBuf};

fn recorded(folder: &Path) -> PathBuf {
    let path = folder.join("drive");
    let mut bag = BagWriter::create(&path, WriteOptions::default()).unwrap();
    let spec = TopicSpec::new("/talk", Text::TYPE_NAME, QosProfile::RELIABLE).with_schema(Text::definition());
    let talk = bag.add_topic(spec).unwrap();
    for (time, data) in [(10, "a"), (20, "b")] {
        bag.write(talk, time, time, &Text { data: data.to_owned() }.encode()).unwrap();
    }
    bag.finish().unwrap();
    path
}

#[test]
fn a_node_over_a_bag_hears_every_message_and_writes_at_the_bags_time() {
    let folder = tempfile::tempdir().unwrap();
    let bag = recorded(folder.path());
    let output = BagWriter::create(&folder.path().join("out"), WriteOptions::default()).unwrap();
    let names = Names::new("/", "echo", &[]).unwrap();
    let (mut player, node) = BagPlayer::open(&bag, names, Some(output)).unwrap();
    let heard = node.subscribe::<Text>("/talk", QosProfile::SENSOR_DATA, Keep::Latest).unwrap();
    let said = node.advertise::<Text>("~/said", QosProfile::RELIABLE).unwrap();
    while let Some(played) = player.step().unwrap() {
        assert_eq!((played.topic.as_str(), played.heard_by), ("/talk", 1));
        let received = heard.take().unwrap().unwrap();
        assert_eq!((received.received_at, node.clock().now()), (played.log_time, played.log_time));
        said.publish(&received.message).unwrap();
    }
    player.rewind().unwrap();
    assert_eq!(player.step().unwrap().unwrap().log_time, Stamp::from_ns(10));
    assert_eq!(player.finish().unwrap().unwrap().message_count, 2);
    let reader = BagReader::open(&folder.path().join("out"), ReadOptions::default()).unwrap();
    let times: Vec<i64> =
        reader.messages(TopicFilter::topics(["/echo/said"])).unwrap().map(|m| m.unwrap().log_time_ns).collect();
    assert_eq!(times, [10, 20]);
}

#[test]
fn a_topic_of_another_type_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let bag = recorded(folder.path());
    let (_player, node) = BagPlayer::open(&bag, Names::new("/", "echo", &[]).unwrap(), None).unwrap();
    let refused = node.subscribe::<percept_msgs::rosgraph_msgs::Clock>("/talk", QosProfile::RELIABLE, Keep::Latest);
    assert!(matches!(refused, Err(TransportError::WrongType { .. })));
}
