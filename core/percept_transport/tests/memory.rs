//! Messages and services between nodes of one process, as the nodes themselves will use them.
#![allow(clippy::unwrap_used)]

use percept_msgs::builtin_interfaces::Time;
use percept_msgs::lifecycle_msgs::{GetState, GetStateRequest, GetStateResponse, State};
use percept_msgs::rosgraph_msgs::Clock as ClockMessage;
use percept_msgs::std_msgs::String as Text;
use percept_transport::{Clock, Keep, MemoryHub, Names, QosProfile, Remap, Subscription, Transport, TransportError};
use percept_types::Stamp;
use std::time::Duration;

fn node(hub: &MemoryHub, name: &str, rules: &[&str]) -> Transport {
    let rules: Vec<Remap> = rules.iter().map(|rule| Remap::parse(rule).unwrap()).collect();
    hub.join(Names::new("/", name, &rules).unwrap(), Clock::manual(Stamp::from_ns(1_000)))
}

fn text(data: &str) -> Text {
    Text { data: data.to_owned() }
}

fn taken(subscription: &Subscription<Text>) -> Vec<String> {
    std::iter::from_fn(|| subscription.take()).map(|received| received.unwrap().message.data).collect()
}

#[test]
fn a_slot_keeps_the_newest_and_counts_what_it_drops() {
    let hub = MemoryHub::new();
    let (driver, detector) = (node(&hub, "driver", &[]), node(&hub, "detector", &["~/input:=/talk"]));
    let slot = detector.subscribe::<Text>("~/input", QosProfile::SENSOR_DATA, Keep::Latest).unwrap();
    let queue = detector.subscribe::<Text>("/talk", QosProfile::SENSOR_DATA, Keep::Last(2)).unwrap();
    let publisher = driver.advertise::<Text>("talk", QosProfile::SENSOR_DATA).unwrap();
    for data in ["a", "b", "c"] {
        publisher.publish(&text(data)).unwrap();
    }
    assert_eq!((taken(&slot), taken(&queue)), (vec!["c".to_owned()], vec!["b".to_owned(), "c".to_owned()]));
    assert_eq!((slot.counts().received, slot.counts().dropped, queue.counts().dropped), (3, 2, 1));
}

#[test]
fn arrival_is_told_on_the_receivers_clock_and_wakes_it() {
    let hub = MemoryHub::new();
    let (driver, detector) = (node(&hub, "driver", &[]), node(&hub, "detector", &[]));
    let subscription = detector.subscribe::<Text>("/talk", QosProfile::RELIABLE, Keep::Latest).unwrap();
    let publisher = driver.advertise::<Text>("/talk", QosProfile::RELIABLE).unwrap();
    let seen = detector.signal().count();
    detector.clock().advance(Duration::from_nanos(500));
    publisher.publish(&text("now")).unwrap();
    assert_ne!(detector.signal().count(), seen);
    let received = subscription.take().unwrap().unwrap();
    assert_eq!((received.received_at, received.received_steady), (Stamp::from_ns(1_500), Duration::from_nanos(500)));
    assert_eq!(subscription.last_received().unwrap().0, Stamp::from_ns(1_500));
}

#[test]
fn profiles_match_as_in_dds() {
    let hub = MemoryHub::new();
    let (driver, detector) = (node(&hub, "driver", &[]), node(&hub, "detector", &[]));
    let best_effort = detector.subscribe::<Text>("/talk", QosProfile::SENSOR_DATA, Keep::Last(9)).unwrap();
    let reliable = detector.subscribe::<Text>("/talk", QosProfile::RELIABLE, Keep::Last(9)).unwrap();
    let latched = detector.subscribe::<Text>("/talk", QosProfile::LATCHED, Keep::Last(9)).unwrap();
    for (qos, data) in
        [(QosProfile::SENSOR_DATA, "best effort"), (QosProfile::RELIABLE, "reliable"), (QosProfile::LATCHED, "latched")]
    {
        driver.advertise::<Text>("/talk", qos).unwrap().publish(&text(data)).unwrap();
    }
    assert_eq!(taken(&best_effort), ["best effort", "reliable", "latched"]);
    assert_eq!(taken(&reliable), ["reliable", "latched"]);
    assert_eq!(taken(&latched), ["latched"]);
}

#[test]
fn a_late_joiner_hears_the_last_latched_message() {
    let hub = MemoryHub::new();
    let (driver, detector) = (node(&hub, "driver", &[]), node(&hub, "detector", &[]));
    let publisher = driver.advertise::<Text>("/labels", QosProfile::LATCHED).unwrap();
    publisher.publish(&text("old")).unwrap();
    publisher.publish(&text("new")).unwrap();
    let late = detector.subscribe::<Text>("/labels", QosProfile::LATCHED, Keep::Last(9)).unwrap();
    let volatile = detector.subscribe::<Text>("/labels", QosProfile::RELIABLE, Keep::Last(9)).unwrap();
    assert_eq!((taken(&late), taken(&volatile)), (vec!["new".to_owned()], vec![]));
}

#[test]
fn dropping_ends_a_subscription_and_a_publisher() {
    let hub = MemoryHub::new();
    let (driver, detector) = (node(&hub, "driver", &[]), node(&hub, "detector", &[]));
    let publisher = driver.advertise::<Text>("/talk", QosProfile::RELIABLE).unwrap();
    let subscription = detector.subscribe::<Text>("/talk", QosProfile::RELIABLE, Keep::Latest).unwrap();
    assert_eq!(detector.publishers(subscription.topic()), Some(1));
    drop(publisher);
    assert_eq!(detector.publishers(subscription.topic()), Some(0));
    drop(subscription);
    driver.advertise::<Text>("/talk", QosProfile::RELIABLE).unwrap().publish(&text("nobody")).unwrap();
}

#[test]
fn the_clock_topic_tells_simulated_time_forwards_and_backwards() {
    let hub = MemoryHub::new();
    let player = node(&hub, "player", &[]);
    let detector = hub.join(Names::new("/", "detector", &[]).unwrap(), Clock::simulated());
    let followed = detector.follow_clock().unwrap();
    assert_eq!(detector.clock().heard(), None);
    let publisher = player.advertise::<ClockMessage>("/clock", QosProfile::SENSOR_DATA).unwrap();
    for sec in [7, 3] {
        publisher.publish(&ClockMessage { clock: Time { sec, nanosec: 5 } }).unwrap();
        assert_eq!(detector.clock().now(), Stamp::from_parts(sec, 5));
    }
    drop(followed);
    publisher.publish(&ClockMessage { clock: Time { sec: 9, nanosec: 0 } }).unwrap();
    assert_eq!(detector.clock().now(), Stamp::from_parts(3, 5));
}

#[test]
fn a_service_answers_its_callers_in_their_order() {
    let hub = MemoryHub::new();
    let detector = node(&hub, "detector", &[]);
    let server = detector.serve::<GetState>("~/get_state").unwrap();
    assert!(detector.serve::<GetState>("~/get_state").is_err());
    let calls = [0, 1].map(|_| hub.call::<GetState>("/detector/get_state", &GetStateRequest::default()).unwrap());
    assert!(calls[0].take().is_none());
    let mut id = 0;
    let answer = |_| {
        id += 1;
        GetStateResponse { current_state: State { id, label: "inactive".to_owned() } }
    };
    server.answer(answer).unwrap();
    let ids = calls.map(|call| call.take().unwrap().unwrap().current_state.id);
    assert_eq!(ids, [1, 2]);
    drop(server);
    let gone = hub.call::<GetState>("/detector/get_state", &GetStateRequest::default());
    assert!(matches!(gone, Err(TransportError::Refused { .. })));
}
