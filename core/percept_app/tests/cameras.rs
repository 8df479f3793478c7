//! Simulated drives with cameras on their way through a bag.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;

use fixtures::*;
use percept_app::drive::EncodeOptions;
use percept_app::simulate::{CameraSettings, SimulateSettings, SimulateSummary, rig_names, simulate};
use percept_app::{Unwatched, topics};
use percept_msgs::Message;
use percept_msgs::sensor_msgs::{CameraInfo, CompressedImage};
use percept_msgs::tf2_msgs::TFMessage;
use percept_msgs::vision_msgs::Detection2DArray;
use percept_types::Transform;
use std::fs;
use std::path::Path;

fn settings(rig: &str, image_size: [usize; 2]) -> SimulateSettings {
    let encode = EncodeOptions { jpeg_quality: 90, depth: true, masks: true };
    SimulateSettings {
        sensor: "vlp-16".to_owned(),
        seed: 4,
        frames: 2,
        cameras: Some(CameraSettings { rig: rig.to_owned(), image_size: Some(image_size), encode, pictures: None }),
        ..SimulateSettings::default()
    }
}

fn drive(out: &Path, settings: &SimulateSettings) -> SimulateSummary {
    simulate(out, settings, &mut Unwatched).unwrap()
}

fn decoded<M: Message>(bag: &Path, topic: &str) -> Vec<(i64, M)> {
    messages_of(bag, topic).into_iter().map(|(at, data)| (at, M::decode(&data).unwrap())).collect()
}

#[test]
fn each_camera_has_calibration_images_and_truth_of_one_moment_and_a_place_in_tf() {
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("drive");
    let mut settings = settings("nuscenes", [176, 64]);
    settings.cameras.as_mut().unwrap().pictures = Some(folder.path().join("pictures"));
    let summary = drive(&bag, &settings);
    let sheet = image::open(folder.path().join("pictures/000001.jpg")).unwrap();
    assert_eq!((sheet.width(), sheet.height()), (3 * 176, 2 * 64));
    assert_eq!(summary.images.len(), 6);
    assert!(summary.images.values().all(|images| *images == 2), "{:?}", summary.images);
    let fixed: Vec<_> =
        decoded::<TFMessage>(&bag, topics::TF_STATIC).into_iter().flat_map(|(_, m)| m.transforms).collect();
    let mut boxes = 0;
    for name in summary.images.keys() {
        let infos = decoded::<CameraInfo>(&bag, &topics::camera_info_of(name));
        let images = decoded::<CompressedImage>(&bag, &topics::camera_image_of(name));
        let depths = decoded::<CompressedImage>(&bag, &topics::camera_depth_of(name));
        let classes = decoded::<CompressedImage>(&bag, &topics::camera_classes_of(name));
        let instances = decoded::<CompressedImage>(&bag, &topics::camera_instances_of(name));
        let objects = decoded::<Detection2DArray>(&bag, &topics::camera_objects_of(name));
        assert_eq!([infos.len(), images.len(), depths.len(), classes.len(), instances.len(), objects.len()], [2; 6]);
        let (at, info) = &infos[0];
        assert_eq!((info.width, info.height, info.distortion_model.as_str()), (176, 64, "plumb_bob"));
        assert!(info.d.iter().all(|d| *d == 0.0) && info.k[0] == info.p[0] && info.k[2] == info.p[2]);
        let header = &info.header;
        assert_eq!(header.frame_id, topics::camera_frame_of(name));
        assert!([&images, &depths, &classes, &instances].iter().all(|m| m[0].0 == *at && m[0].1.header == *header));
        assert_eq!(images[0].1.format, "rgb8; jpeg compressed bgr8");
        let picture = image::load_from_memory(&images[0].1.data).unwrap();
        assert!((picture.width(), picture.height()) == (176, 64) && picture.color() == image::ColorType::Rgb8);
        let depth = image::load_from_memory(&depths[0].1.data).unwrap();
        assert_eq!(depth.color(), image::ColorType::L16);
        // The road ahead of the lowest row is a few metres away.
        let lowest: Vec<u16> = depth.to_luma16().rows().next_back().unwrap().map(|pixel| pixel.0[0]).collect();
        assert!(lowest.iter().filter(|mm| (300..20_000).contains(*mm)).count() > 120, "{name}: {lowest:?}");
        let transform = fixed.iter().find(|t| t.child_frame_id == header.frame_id).unwrap();
        assert_eq!(transform.header.frame_id, topics::FRAME_LIDAR);
        let (t, q) = (transform.transform.translation, transform.transform.rotation);
        let t_lidar_camera = Transform::from_parts([t.x, t.y, t.z], [q.x, q.y, q.z, q.w]).unwrap();
        assert!(info.to_camera(t_lidar_camera.inverse()).is_ok());
        boxes += objects.iter().map(|(_, m)| m.detections.len()).sum::<usize>();
    }
    assert!(boxes > 5, "{boxes}");
}

#[test]
fn equal_seeds_give_equal_bytes_and_without_depth_and_masks_there_are_no_such_topics() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings("kitti", [124, 37]);
    settings.cameras.as_mut().unwrap().encode = EncodeOptions { jpeg_quality: 80, depth: false, masks: false };
    settings.frames = 1;
    let bags = ["one", "two"].map(|name| folder.path().join(name));
    bags.iter().for_each(|bag| _ = drive(bag, &settings));
    let bytes = |bag: &Path| {
        let files = fs::read_dir(bag).unwrap().map(|entry| entry.unwrap().path());
        fs::read(files.into_iter().find(|path| path.extension().is_some_and(|e| e == "mcap")).unwrap()).unwrap()
    };
    assert_eq!(bytes(&bags[0]), bytes(&bags[1]));
    assert!(topic_hashes(&bags[0]).keys().all(|topic| !topic.contains("/depth/") && !topic.contains("/classes/")));
    assert_eq!(messages_of(&bags[0], &topics::camera_image_of("image_03")).len(), 1);
}

#[test]
fn an_unknown_rig_lists_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let error = simulate(&folder.path().join("drive"), &settings("waymo", [8, 8]), &mut Unwatched).unwrap_err();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    assert!(rig_names().iter().all(|name| text.contains(name)), "{text}");
}
