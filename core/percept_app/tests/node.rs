//! The LiDAR detector node from end to end: parameters, lifecycle, topics, over the memory transport and a manual clock.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;
mod node_bench;

use fixtures::*;
use node_bench::{NodeBench, fake_factory, raw, value};
use percept_app::config::{RawConfig, Value};
use percept_app::node::{LidarNode, PooledDetector, run_lidar_detector};
use percept_app::replay::{ReplaySettings, replay};
use percept_app::{DetectorConfig, Unwatched, topics};
use percept_bag::{BagWriter, WriteOptions};
use percept_msgs::autoware_perception_msgs::DetectedObjects;
use percept_msgs::diagnostic_msgs::DiagnosticStatus;
use percept_msgs::lifecycle_msgs::*;
use percept_msgs::rcl_interfaces::*;
use percept_msgs::sensor_msgs::PointCloud2;
use percept_msgs::vision_msgs::{Detection3DArray, LabelInfo};
use percept_msgs::visualization_msgs::MarkerArray;
use percept_transport::{BagPlayer, Clock, Keep, MemoryHub, Names, QosProfile};
use percept_types::Stamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
fn a_node_that_starts_itself_answers_each_cloud_with_its_stamp_and_frame() {
    let mut bench = NodeBench::started(&[]);
    let objects = bench.listen::<Detection3DArray>("~/output/objects");
    let markers = bench.listen::<MarkerArray>("~/output/markers");
    let times = ["processing_time_ms", "cyclic_time_ms", "pipeline_latency_ms"].map(|name| {
        bench.listen::<percept_msgs::autoware_internal_debug_msgs::Float64Stamped>(&format!("~/debug/{name}"))
    });
    for _ in 0..2 {
        bench.send_cloud(&some_points());
        bench.advance_and_turn(100);
    }
    let array = objects.take().unwrap().unwrap().message;
    assert_eq!((Stamp::from(array.header.stamp), array.header.frame_id.as_str()), (bench.start, "lidar_top"));
    assert_eq!((array.detections.len(), markers.waiting()), (1, 2));
    assert_eq!(times.each_ref().map(|time| time.waiting()), [2, 1, 2]);
    // Joined late, and hears the names all the same.
    let labels = bench.listen_latched::<LabelInfo>("~/output/label_info");
    let info = labels.take().unwrap().unwrap().message;
    assert_eq!(info.class_map.iter().map(|class| class.class_name.as_str()).collect::<Vec<_>>(), ["Car", "Cyclist"]);
}

#[test]
fn an_empty_cloud_gives_an_empty_message() {
    let mut bench = NodeBench::started(&[]);
    let objects = bench.listen::<Detection3DArray>("~/output/objects");
    bench.send_cloud(&[]);
    // The first cloud of all waits for TF, which is silent here.
    bench.advance_and_turn(100);
    let array = objects.take().unwrap().unwrap().message;
    assert!(array.detections.is_empty() && array.header.frame_id == "lidar_top");
}

#[test]
fn boxes_go_out_as_detected_objects_where_that_is_asked_for() {
    let mut bench = NodeBench::started(&[("output_type", Value::Text("detected_objects".into()))]);
    let objects = bench.listen::<DetectedObjects>("~/output/objects");
    bench.send_cloud(&some_points());
    bench.advance_and_turn(100);
    assert_eq!(objects.take().unwrap().unwrap().message.objects.len(), 1);
}

#[test]
fn a_lifecycle_client_leads_the_node_through_its_states() {
    let mut bench = NodeBench::new(&[("autostart", Value::Bool(false))]);
    let objects = bench.listen::<Detection3DArray>("~/output/objects");
    let events = bench.listen::<TransitionEvent>("~/transition_event");
    let published = |bench: &mut NodeBench| {
        bench.send_cloud(&some_points());
        bench.advance_and_turn(100);
        std::iter::from_fn(|| objects.take()).count()
    };
    assert_eq!(bench.state(), "unconfigured");
    assert_eq!(bench.transitions(), ["configure", "shutdown"]);
    assert!(!bench.ask("activate"), "nothing is loaded yet");
    assert!(bench.ask("configure"));
    assert_eq!((bench.state().as_str(), published(&mut bench)), ("inactive", 0));
    assert!(bench.ask("activate"));
    assert_eq!((bench.state().as_str(), published(&mut bench)), ("active", 1));
    assert!(bench.ask("deactivate"));
    assert_eq!((bench.state().as_str(), published(&mut bench)), ("inactive", 0));
    assert!(bench.ask("activate"));
    assert_eq!(published(&mut bench), 1, "the weights are still there");
    assert!(bench.ask("deactivate") && bench.ask("cleanup"));
    assert_eq!(bench.state(), "unconfigured");
    assert!(bench.ask("configure") && bench.ask("shutdown"));
    assert_eq!(bench.state(), "finalized");
    // Two events for each of the eight transitions that happened, none for the one that was refused.
    assert_eq!(std::iter::from_fn(|| events.take()).count(), 16);
    let states = bench.call::<GetAvailableStates>("~/get_available_states", &GetAvailableStatesRequest::default());
    let graph = bench.call::<GetAvailableTransitions>("~/get_transition_graph", &Default::default());
    assert_eq!((states.available_states.len(), graph.available_transitions.len()), (11, 25));
}

#[test]
fn weights_that_cannot_be_used_are_refused_at_configure_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let weights = write_weights(folder.path(), small_network());
    let path = |path: &std::path::Path| ("weights", Value::Text(path.display().to_string()));
    let garbage = folder.path().join("garbage.safetensors");
    std::fs::write(&garbage, b"not weights at all").unwrap();
    let names = |names: &[&str]| Value::List(names.iter().map(|name| Value::Text((*name).to_owned())).collect());
    let cases: [(Vec<(&str, Value)>, &str); 5] = [
        (vec![path(&folder.path().join("missing.safetensors"))], "missing.safetensors"),
        (vec![path(&garbage)], "garbage.safetensors"),
        (vec![path(&weights), ("class_names", names(&["Car", "Truck"]))], "class_names"),
        (vec![path(&weights), ("max_voxels", Value::Int(17))], "max_voxels"),
        (vec![path(&weights), ("score_thresholds.Tram", Value::Float(0.3))], "Tram"),
    ];
    for (mut parameters, word) in cases {
        parameters.push(("autostart", Value::Bool(false)));
        let mut bench = NodeBench::with_factory(&parameters, Arc::new(PooledDetector::load)).unwrap();
        assert!(!bench.ask("configure"), "{word}");
        assert_eq!(bench.state(), "unconfigured");
        let status = bench.status("model");
        assert_eq!(status.level, DiagnosticStatus::ERROR);
        assert!(status.message.contains(word), "{word}: {}", status.message);
        // A node that starts itself ends with the same reason.
        let error = bench.node.start().unwrap_err().to_string();
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[test]
fn unknown_and_mistyped_parameters_are_refused_with_the_nearest_name() {
    let mut values = RawConfig::default();
    let error = values.set("score_treshold", Value::Float(0.5)).unwrap_err().to_string();
    assert!(error.contains("did you mean score_threshold?"), "{error}");
    let error = values.set("past_sweeps", Value::Text("two".into())).unwrap_err().to_string();
    assert!(error.contains("past_sweeps") && error.contains("a whole number"), "{error}");
    let refused = NodeBench::with_factory(&[("max_age_ms", Value::Float(-1.0))], fake_factory());
    assert!(refused.err().unwrap().to_string().contains("max_age_ms"));
}

fn parameter(name: &str, value: ParameterValue) -> Parameter {
    Parameter { name: name.to_owned(), value }
}

fn double(value: f64) -> ParameterValue {
    ParameterValue { r#type: ParameterType::PARAMETER_DOUBLE, double_value: value, ..Default::default() }
}

fn boolean(value: bool) -> ParameterValue {
    ParameterValue { r#type: ParameterType::PARAMETER_BOOL, bool_value: value, ..Default::default() }
}

#[test]
fn parameters_are_listed_described_and_told() {
    let mut bench = NodeBench::started(&[("score_thresholds.Car", Value::Float(0.4))]);
    let list = bench.call::<ListParameters>("~/list_parameters", &ListParametersRequest::default()).result;
    assert!(list.names.len() > 30 && list.prefixes == ["score_thresholds"], "{list:?}");
    let request = ListParametersRequest { prefixes: vec!["score_thresholds".into()], depth: 0 };
    let below = bench.call::<ListParameters>("~/list_parameters", &request).result;
    assert_eq!(below.names, ["score_thresholds.Car"]);
    let names: Vec<String> = ["score_threshold", "weights", "max_detections", "nonsense"].map(str::to_owned).to_vec();
    let told =
        bench.call::<DescribeParameters>("~/describe_parameters", &DescribeParametersRequest { names: names.clone() });
    let [threshold, weights, most, nonsense] = &told.descriptors[..] else { panic!("{told:?}") };
    assert_eq!((threshold.read_only, threshold.floating_point_range[0].to_value), (false, 1.0));
    assert!(weights.read_only && weights.r#type == ParameterType::PARAMETER_STRING);
    assert_eq!(most.integer_range[0].from_value, 1);
    assert_eq!(nonsense.name, "");
    let values = bench.call::<GetParameters>("~/get_parameters", &GetParametersRequest { names: names.clone() }).values;
    assert_eq!((values[0].double_value, values[2].integer_value, values[3].r#type), (0.1, 500, 0));
    let types = bench.call::<GetParameterTypes>("~/get_parameter_types", &GetParameterTypesRequest { names }).types;
    assert_eq!(types, [3, 4, 2, 0]);
}

#[test]
fn what_may_change_changes_the_next_frame_and_what_may_not_says_so() {
    let mut bench = NodeBench::started(&[]);
    let objects = bench.listen::<Detection3DArray>("~/output/objects");
    let markers = bench.listen::<MarkerArray>("~/output/markers");
    let boxes = |bench: &mut NodeBench| {
        bench.send_cloud(&some_points());
        bench.advance_and_turn(100);
        objects.take().unwrap().unwrap().message.detections.len()
    };
    assert_eq!(boxes(&mut bench), 1);
    let results = bench.set(&[
        parameter("score_threshold", double(0.95)),
        parameter("weights", ParameterValue { r#type: 4, string_value: "other".into(), ..Default::default() }),
        parameter("score_threshold", double(1.5)),
        parameter("score_threshold", boolean(true)),
        parameter("score_treshold", double(0.5)),
        parameter("score_thresholds.Tram", double(0.5)),
    ]);
    let successes: Vec<bool> = results.iter().map(|result| result.successful).collect();
    assert_eq!(successes, [true, false, false, false, false, false], "{results:?}");
    for (result, words) in
        results[1..].iter().zip(["read-only", "from 0 to 1", "a number", "did you mean score_threshold?", "Tram"])
    {
        assert!(result.reason.contains(words), "{words}: {}", result.reason);
    }
    assert_eq!(boxes(&mut bench), 0, "the fake box has a score of 0.9");
    let atomic = SetParametersAtomicallyRequest {
        parameters: vec![parameter("score_threshold", double(0.2)), parameter("device", boolean(true))],
    };
    assert!(!bench.call::<SetParametersAtomically>("~/set_parameters_atomically", &atomic).result.successful);
    assert_eq!(boxes(&mut bench), 0, "all or none");
    let before = markers.waiting();
    assert!(
        bench
            .set(&[parameter("publish_markers", boolean(false)), parameter("score_threshold", double(0.2))])
            .iter()
            .all(|result| result.successful)
    );
    assert_eq!((boxes(&mut bench), markers.waiting()), (1, before));
}

/// A way to spoil a cloud, and what its diagnostic says.
type Spoil = (&'static str, fn(&mut PointCloud2));

#[test]
fn every_malformed_cloud_is_counted_and_told_and_the_node_goes_on() {
    let spoils: [Spoil; 8] = [
        ("no field 'y'", |cloud| drop(cloud.fields.remove(1))),
        ("datatype 9", |cloud| cloud.fields[0].datatype = 9),
        ("occurs twice", |cloud| cloud.fields[3].name = "x".into()),
        ("overlaps", |cloud| cloud.fields[1].offset = 2),
        ("ends at byte", |cloud| cloud.fields[3].offset = 14),
        ("point_step is 0", |cloud| cloud.point_step = 0),
        ("bytes", |cloud| cloud.data.truncate(100)),
        ("row_step", |cloud| cloud.row_step = 8),
    ];
    let mut bench = NodeBench::started(&[]);
    let objects = bench.listen::<Detection3DArray>("~/output/objects");
    for (count, (words, spoil)) in spoils.into_iter().enumerate() {
        let mut spoilt = bench.cloud(&some_points());
        spoil(&mut spoilt);
        bench.send(&spoilt);
        bench.node.turn();
        let status = bench.status("input");
        assert_eq!(status.level, DiagnosticStatus::ERROR, "{words}");
        assert!(status.message.contains(words), "{words}: {}", status.message);
        assert_eq!(value(&status, "malformed"), (count + 1).to_string());
        bench.send_cloud(&some_points());
        bench.advance_and_turn(1500);
        assert_eq!(objects.take().unwrap().unwrap().message.detections.len(), 1, "after {words}");
        assert!(objects.take().is_none());
    }
}

#[test]
fn nan_and_infinite_points_are_dropped_counted_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let weights = Value::Text(write_weights(folder.path(), small_network()).display().to_string());
    let factory = Arc::new(PooledDetector::load);
    let mut bench = NodeBench::with_factory(&[("weights", weights), ("threads", Value::Int(1))], factory).unwrap();
    bench.node.start().unwrap();
    let mut points = some_points();
    points[0][0] = f32::NAN;
    points[1][2] = f32::INFINITY;
    points[2][0] = 500.0;
    bench.send_cloud(&points);
    bench.advance_and_turn(100);
    bench.advance_and_turn(1100);
    let status = bench.status("input");
    assert_eq!(value(&status, "points_not_finite"), "2");
    assert!(value(&status, "points_out_of_range").parse::<u64>().unwrap() >= 1);
    assert_eq!(value(&bench.status("model"), "model_id"), "test_16x");
}

#[test]
fn a_node_over_a_bag_publishes_what_replay_writes_byte_by_byte() {
    let folder = tempfile::tempdir().unwrap();
    let drive = write_drive(folder.path(), "drive", 3, 4);
    let weights = write_weights(folder.path(), small_network());
    let (replayed, noded) = (folder.path().join("replayed"), folder.path().join("noded"));
    let config = DetectorConfig { input_topic: Some(topics::POINTS.to_owned()), ..config_for(&weights, 1) };
    replay(&drive, &replayed, &ReplaySettings { config, ..ReplaySettings::default() }, &mut Unwatched).unwrap();
    let output = BagWriter::create(&noded, WriteOptions::default()).unwrap();
    let names = Names::new("/", "lidar_detector", &[]).unwrap();
    let (mut player, transport) = BagPlayer::open(&drive, names, Some(output)).unwrap();
    let values = raw(&[
        ("weights", Value::Text(weights.display().to_string())),
        ("threads", Value::Int(1)),
        ("input_topic", Value::Text(topics::POINTS.to_owned())),
    ]);
    let mut node = LidarNode::new(transport, values, Arc::new(PooledDetector::load), Arc::new(|_, _| {})).unwrap();
    node.start().unwrap();
    while player.step().unwrap().is_some() {
        node.turn();
    }
    player.finish().unwrap();
    let objects = |bag: &std::path::Path, topic: &str| -> Vec<Vec<u8>> {
        messages_of(bag, topic).into_iter().map(|(_, data)| data).collect()
    };
    let expected = objects(&replayed, topics::OBJECTS);
    assert_eq!(expected.len(), 4);
    assert_eq!(objects(&noded, "/lidar_detector/output/objects"), expected);
    assert_eq!(objects(&noded, "/lidar_detector/output/markers"), objects(&replayed, topics::MARKERS));
}

#[test]
fn new_weights_are_swapped_in_and_broken_ones_leave_the_old_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_weights(folder.path(), small_network());
    let parameters = [
        ("weights", Value::Text(path.display().to_string())),
        ("threads", Value::Int(1)),
        ("watch_weights", Value::Bool(true)),
    ];
    let mut bench = NodeBench::with_factory(&parameters, Arc::new(PooledDetector::load)).unwrap();
    bench.node.start().unwrap();
    let objects = bench.listen::<Detection3DArray>("~/output/objects");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    bench.node.reload_weights().unwrap();
    bench.node.wait_for_weights();
    bench.send_cloud(&some_points());
    bench.advance_and_turn(100);
    assert!(objects.take().is_some());
    assert_eq!(value(&bench.status("model"), "swaps_failed"), "1");
    let other = tempfile::tempdir().unwrap();
    let mut network = small_network();
    network.max_pillars = 30_000;
    let before = value(&bench.status("model"), "weights_sha256");
    std::fs::copy(write_weights(other.path(), network), &path).unwrap();
    // The node sees the new file and waits a second for it to come to rest.
    for _ in 0..2 {
        bench.advance_and_turn(1000);
    }
    bench.node.wait_for_weights();
    bench.send_cloud(&some_points());
    bench.advance_and_turn(1100);
    assert!(objects.take().is_some());
    let status = bench.status("model");
    assert_eq!(value(&status, "swaps"), "1");
    assert_ne!(value(&status, "weights_sha256"), before);
}

#[test]
fn under_simulated_time_a_clock_that_is_silent_is_told() {
    let hub = MemoryHub::new();
    let names = Names::new("/", "lidar_detector", &[]).unwrap();
    let transport = hub.join(names, Clock::manual_unheard());
    let values = raw(&[("use_sim_time", Value::Bool(true))]);
    let node = LidarNode::new(transport, values, fake_factory(), Arc::new(|_, _| {})).unwrap();
    let mut bench = NodeBench::of(hub, node);
    bench.node.start().unwrap();
    let status = bench.status("time");
    assert!(status.level == DiagnosticStatus::ERROR && status.message.contains("/clock"), "{status:?}");
    let player = bench.client.advertise("/clock", QosProfile::SENSOR_DATA).unwrap();
    let now = Stamp::from_ns(77_000_000_000);
    player.publish(&percept_msgs::rosgraph_msgs::Clock { clock: now.into() }).unwrap();
    assert_eq!(bench.status("time").level, DiagnosticStatus::OK);
    assert_eq!(bench.node.transport().clock().now(), now);
}

#[test]
fn clouds_that_come_while_the_model_is_busy_are_no_silence_and_none_are() {
    let mut bench = NodeBench::started(&[("expected_rate_hz", Value::Float(10.0))]);
    bench.send_cloud(&some_points());
    assert_eq!(bench.status("input").level, DiagnosticStatus::OK);
    let while_busy = |bench: &mut NodeBench, sends: bool| {
        bench.client.clock().advance(Duration::from_millis(100));
        if sends {
            bench.send_cloud(&some_points());
        }
        // What the node's own thread does while the frames' thread is in the model.
        bench.node.control_turn();
    };
    (0..12).for_each(|_| while_busy(&mut bench, true));
    let told = bench.told("input");
    assert_eq!(told.level, DiagnosticStatus::OK, "{told:?}");
    assert_eq!((value(&told, "received"), value(&told, "queue")), ("11".to_owned(), "1".to_owned()));
    (0..3).for_each(|_| while_busy(&mut bench, false));
    let told = bench.told("input");
    assert!(told.level == DiagnosticStatus::ERROR && told.message.contains("nothing any more"), "{told:?}");
}

#[test]
fn a_running_node_answers_and_ends_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let weights = Value::Text(write_weights(folder.path(), small_network()).display().to_string());
    let hub = MemoryHub::new();
    let transport = hub.join(Names::new("/", "lidar_detector", &[]).unwrap(), Clock::system());
    let client = hub.join(Names::new("/", "client", &[]).unwrap(), Clock::system());
    let publisher =
        client.advertise::<PointCloud2>("/lidar_detector/input/pointcloud", QosProfile::SENSOR_DATA).unwrap();
    let objects = client
        .subscribe::<Detection3DArray>("/lidar_detector/output/objects", QosProfile::RELIABLE, Keep::Last(9))
        .unwrap();
    let labels =
        client.subscribe::<LabelInfo>("/lidar_detector/output/label_info", QosProfile::LATCHED, Keep::Latest).unwrap();
    let stop = AtomicBool::new(false);
    let values = raw(&[("weights", weights), ("threads", Value::Int(1))]);
    let wait_for = |is_there: &dyn Fn() -> bool| {
        let begun = std::time::Instant::now();
        while !is_there() {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing came");
            let seen = client.signal().count();
            client.signal().wait(seen, Duration::from_millis(50));
        }
    };
    std::thread::scope(|scope| {
        let node = scope.spawn(|| run_lidar_detector(transport, values, &stop));
        wait_for(&|| labels.take().is_some());
        wait_for(&|| {
            // Subscribed a moment after the labels came: sent until it is heard.
            publisher.publish(&cloud(Clock::system().now().nanoseconds, &some_points(), true)).unwrap();
            objects.take().is_some()
        });
        stop.store(true, Ordering::Release);
        node.join().unwrap().unwrap();
    });
    assert_eq!(client.publishers(objects.topic()), Some(0), "its topics are withdrawn");
}
