//! `percept eval --near`: thresholds from elsewhere, boxes and labelled points as truth.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used)]

mod fixtures;

use fixtures::{config_for, small_network, write_bag, write_drive, write_weights};
use percept_app::Unwatched;
use percept_app::evaluate::{EvaluateSettings, NearSettings, ThresholdRule, ThresholdSource, evaluate};
use percept_app::replay::{ReplaySettings, replay};
use percept_app::simulate::{SimulateSettings, SimulatedView, simulate};
use percept_bag::{BagReader, ReadOptions, TopicFilter};
use percept_msgs::Message;
use percept_msgs::sensor_msgs::PointCloud2;
use percept_msgs::std_msgs::Header;
use percept_msgs::vision_msgs::Detection3DArray;
use percept_types::{Box3d, Detection, Detections, PointCloud, PointLabels, PointLayout, Stamp};
use std::path::{Path, PathBuf};

fn near(threshold: ThresholdSource) -> EvaluateSettings {
    let near = NearSettings { weights: None, threshold, rule: ThresholdRule::BestF1 };
    EvaluateSettings { near: Some(near), ..EvaluateSettings::default() }
}

/// A bag of detections: every true box of the drive, with a score.
fn true_boxes_as_output(drive: &Path, folder: &Path, score: f32) -> PathBuf {
    let reader = BagReader::open(drive, ReadOptions::strict()).unwrap();
    let messages = reader.messages(TopicFilter::topics(["/truth/objects"])).unwrap();
    let found = messages.map(|message| {
        let message = message.unwrap();
        let array = Detection3DArray::decode(&message.data).unwrap();
        let class_names: Vec<String> = ["Car", "Pedestrian", "Cyclist"].map(str::to_owned).to_vec();
        let boxes = array.to_truth().unwrap().into_iter().filter_map(|object| {
            let class_index = class_names.iter().position(|name| *name == object.class_name)?;
            Some(Detection { box3d: object.box3d, class_index, score, velocity_mps: None })
        });
        let detections = Detections { boxes: boxes.collect(), class_names: class_names.clone() };
        (message.log_time_ns, Detection3DArray::from_detections(&detections, &array.header).unwrap().encode())
    });
    let out = folder.join("found");
    write_bag(&out, &[("/perception/objects", Detection3DArray::TYPE_NAME, found.collect())]);
    out
}

#[test]
fn true_boxes_given_as_detections_are_all_found_at_a_score_below_theirs_and_none_above() {
    let folder = tempfile::tempdir().unwrap();
    let drive = write_drive(folder.path(), "drive", 3, 3);
    let out = true_boxes_as_output(&drive, folder.path(), 0.6);
    let scored = |score| {
        let evaluation =
            evaluate(std::slice::from_ref(&out), &drive, &near(ThresholdSource::Score(score)), &mut Unwatched).unwrap();
        evaluation.outputs[0].near.clone().unwrap()
    };
    let below = scored(0.5);
    assert!(below.cars > 0 && (below.car_ap["bev_0.7"] - 100.0).abs() < 1e-9, "{below}");
    let cars = below.classes[0].point.unwrap();
    assert_eq!((cars.missed, cars.false_boxes, cars.recall), (0, 0, Some(1.0)));
    let above = scored(0.7).classes[0].point.unwrap();
    assert_eq!((above.found, above.missed), (0, below.cars));
}

#[test]
fn thresholds_come_from_the_weights_that_the_output_names_and_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let drive = write_drive(folder.path(), "drive", 3, 2);
    let weights = write_weights(folder.path(), small_network());
    let out = folder.path().join("boxes");
    let settings = ReplaySettings { config: config_for(&weights, 1), ..ReplaySettings::default() };
    replay(&drive, &out, &settings, &mut Unwatched).unwrap();
    let from_simulated = near(ThresholdSource::Simulated(2));
    let evaluation = evaluate(std::slice::from_ref(&out), &drive, &from_simulated, &mut Unwatched).unwrap();
    let classes = &evaluation.outputs[0].near.as_ref().unwrap().classes;
    assert!(classes.iter().all(|class| class.threshold.simulated_frames == 2));

    // The same network with another random head.
    let mut other = small_network();
    other.widths.stages = [8, 8, 8];
    write_weights(folder.path(), other);
    let error = evaluate(&[out], &drive, &from_simulated, &mut Unwatched).unwrap_err().to_string();
    assert!(error.contains("weights_sha256"), "{error}");
}

#[test]
fn labelled_points_alone_serve_as_truth() {
    let folder = tempfile::tempdir().unwrap();
    let truth = folder.path().join("labelled");
    let out = folder.path().join("found");
    // Thirty points of car 7 ahead, and thirty of a wall.
    let place = |i: usize| if i < 30 { [12.0 + i as f32 * 0.05, 2.0, -1.0, 0.0] } else { [30.0, 5.0, -1.0, 0.0] };
    let cloud = PointCloud::new(PointLayout::xyzi(), (0..60).flat_map(place).collect()).unwrap();
    let (class_ids, instance_ids) = (0..60).map(|i| if i < 30 { (10, 7) } else { (50, 0) }).unzip();
    let header = Header::new(Stamp::from_ns(5), "lidar");
    let labels = PointLabels { class_ids, instance_ids };
    let labelled = PointCloud2::from_labelled_cloud(&cloud, &labels, |_| [0; 3], header.clone()).unwrap();
    write_bag(&truth, &[("/truth/labelled_points", PointCloud2::TYPE_NAME, vec![(5, labelled.encode())])]);
    let one = |x: f64, y: f64| Detection {
        box3d: Box3d { center_m: [x, y, -1.0], size_m: [4.0, 1.8, 1.6], yaw_rad: 0.0 },
        class_index: 0,
        score: 0.8,
        velocity_mps: None,
    };
    let found = Detections { class_names: vec!["Car".into()], boxes: vec![one(12.5, 2.2), one(30.0, 5.0)] };
    let found = Detection3DArray::from_detections(&found, &header).unwrap();
    write_bag(&out, &[("/perception/objects", Detection3DArray::TYPE_NAME, vec![(5, found.encode())])]);

    let evaluation = evaluate(&[out], &truth, &near(ThresholdSource::Score(0.5)), &mut Unwatched).unwrap();
    let cars = &evaluation.outputs[0].instances.as_ref().unwrap().classes[0];
    let point = cars.point.unwrap();
    assert_eq!((point.found, point.missed, point.false_boxes), (1, 0, 1));
    assert_eq!((cars.instances[0].1.instance_id, cars.false_boxes_a_frame), (7, Some(1.0)));
    assert!(evaluation.to_string().contains("1 of 1"), "{evaluation}");
}

#[test]
fn a_simulated_drive_with_labelled_points_and_boxes_is_judged_by_its_boxes() {
    let folder = tempfile::tempdir().unwrap();
    let drive = folder.path().join("drive");
    let settings = SimulateSettings { frames: 1, view: SimulatedView::KittiCamera, ..SimulateSettings::default() };
    simulate(&drive, &settings, &mut Unwatched).unwrap();
    let out = true_boxes_as_output(&drive, folder.path(), 0.6);
    let evaluation = evaluate(&[out], &drive, &near(ThresholdSource::Score(0.5)), &mut Unwatched).unwrap();
    assert!(evaluation.outputs[0].near.is_some() && evaluation.outputs[0].instances.is_none());
}
