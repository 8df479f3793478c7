//! nuScenes' scenes.

use super::{clouds, f32_bytes, fields, near, odometry, transforms, write, wxyz};
use crate::fixtures::messages_of;
use percept_app::convert::{NuscenesSettings, convert_nuscenes};
use percept_app::{AppError, Unwatched, topics};
use percept_msgs::Message;
use percept_msgs::sensor_msgs::{CameraInfo, CompressedImage, PointCloud2};
use percept_msgs::vision_msgs::Detection3DArray;
use percept_types::{Occlusion, RawCloud, Stamp, Transform};
use serde_json::{Value, json};
use std::path::Path;

/// The LiDAR's axes: x right, y ahead.
fn t_base_lidar() -> Transform {
    Transform::from_yaw([0.9, 0.0, 1.8], -std::f64::consts::FRAC_PI_2)
}

fn t_base_camera() -> Transform {
    Transform::from_matrix_3x4(&[0., 0., 1., 1.7, -1., 0., 0., 0., 0., -1., 0., 1.5])
}

/// The vehicle on the map at a time after the start: 10 m/s north.
fn t_map_base(seconds: f64) -> Transform {
    Transform::from_yaw([400.0, 1100.0 + 10.0 * seconds, 0.0], std::f64::consts::FRAC_PI_2)
}

const START_US: i64 = 1_532_402_927_647_951;

fn pose_row(token: &str, seconds: f64) -> Value {
    let pose = t_map_base(seconds);
    json!({"token": token, "timestamp": 0, "rotation": wxyz(&pose), "translation": pose.translation_m()})
}

/// A key frame's rows of sample_data: the LiDAR at its time, the camera 40 ms before.
fn file_rows(index: i64) -> [Value; 2] {
    let time_us = START_US + index * 500_000;
    let row = |name: &str, kind: &str, time_us: i64, file: String, size: [i64; 2]| {
        json!({"token": format!("{name}{index}"), "sample_token": format!("s{index}"), "timestamp": time_us,
               "ego_pose_token": format!("pose_{name}{index}"), "calibrated_sensor_token": kind, "is_key_frame": true,
               "width": size[0], "height": size[1], "filename": file, "fileformat": "", "prev": "", "next": ""})
    };
    let camera_file = format!("samples/CAM_FRONT/{index}.jpg");
    [
        row("lidar", "mount_lidar", time_us, format!("samples/LIDAR_TOP/{index}.pcd.bin"), [0, 0]),
        row("camera", "mount_camera", time_us - 40_000, camera_file, [1600, 900]),
    ]
}

/// A box 20 m north of the start, moving 4 m/s east.
fn box_row(index: i64, visibility: &str) -> Value {
    let link = |other: i64| if (0..2).contains(&other) { format!("box{other}") } else { String::new() };
    json!({"token": format!("box{index}"), "sample_token": format!("s{index}"), "instance_token": "thing",
           "visibility_token": visibility, "attribute_tokens": ["moving"],
           "translation": [400.0 + 2.0 * index as f64, 1120.0, 1.0], "size": [1.8, 4.5, 1.6],
           "rotation": wxyz(&Transform::from_yaw([0.0; 3], 0.0)), "prev": link(index - 1), "next": link(index + 1),
           "num_lidar_pts": 7 + index, "num_radar_pts": 2})
}

/// Two key frames of `scene-0061`; the second has neither image nor classes of points.
fn write_scene(root: &Path) {
    let table = |name: &str, rows: Value| write(&root.join("v1.0-mini").join(name), rows.to_string());
    table("scene.json", json!([{"token": "scene", "name": "scene-0061", "nbr_samples": 2}]));
    let sample =
        |i: i64| json!({"token": format!("s{i}"), "timestamp": START_US + i * 500_000, "scene_token": "scene"});
    table("sample.json", json!([sample(1), sample(0), {"token": "x", "timestamp": 0, "scene_token": "another"}]));
    let sensor =
        |token: &str, channel: &str, modality: &str| json!({"token": token, "channel": channel, "modality": modality});
    table("sensor.json", json!([sensor("top", "LIDAR_TOP", "lidar"), sensor("front", "CAM_FRONT", "camera")]));
    let mount = |token: &str, sensor: &str, t: Transform, intrinsic: Value| {
        json!({"token": token, "sensor_token": sensor, "rotation": wxyz(&t), "translation": t.translation_m(),
               "camera_intrinsic": intrinsic})
    };
    let intrinsic = json!([[1266.0, 0.0, 816.0], [0.0, 1266.0, 491.0], [0.0, 0.0, 1.0]]);
    let mounts = [
        mount("mount_lidar", "top", t_base_lidar(), json!([])),
        mount("mount_camera", "front", t_base_camera(), intrinsic),
    ];
    table("calibrated_sensor.json", json!(mounts));
    let poses = [
        pose_row("pose_lidar0", 0.0),
        pose_row("pose_camera0", -0.04),
        pose_row("pose_lidar1", 0.5),
        pose_row("pose_camera1", 0.46),
    ];
    table("ego_pose.json", json!(poses));
    table("sample_data.json", json!([file_rows(0), file_rows(1)].concat()));
    table("sample_annotation.json", json!([box_row(0, "3"), box_row(1, "4")]));
    table("instance.json", json!([{"token": "thing", "category_token": "car"}]));
    table("category.json", json!([{"token": "car", "name": "vehicle.car"}]));
    table("attribute.json", json!([{"token": "moving", "name": "vehicle.moving"}]));
    table("visibility.json", json!([{"token": "3", "level": "v60-80"}, {"token": "4", "level": "v80-100"}]));
    table("lidarseg.json", json!([{"token": "l", "sample_data_token": "lidar0", "filename": "lidarseg/0.bin"}]));
    write(&root.join("lidarseg/0.bin"), [17, 24]);
    for index in 0..2 {
        let points = f32_bytes(&[1.0, 10.0, -1.7, 12.0, 31.0, -2.0, 8.0, -1.6, 255.0, 0.0]);
        write(&root.join(format!("samples/LIDAR_TOP/{index}.pcd.bin")), points);
    }
    write(&root.join("samples/CAM_FRONT/0.jpg"), b"\xff\xd8jpeg");
}

fn convert(root: &Path, out: &Path) -> Result<percept_app::convert::ConvertSummary, AppError> {
    let settings = NuscenesSettings { images: true, ..NuscenesSettings::default() };
    convert_nuscenes(root, out, &settings, &mut Unwatched)
}

#[test]
fn a_scene_becomes_a_bag_with_cameras_boxes_and_classes_of_points() {
    let folder = tempfile::tempdir().unwrap();
    write_scene(folder.path());
    let out = folder.path().join("bag");
    let summary = convert(folder.path(), &out).unwrap();
    assert_eq!((summary.frames, summary.points, summary.images), (2, 4, 1));
    assert_eq!(summary.objects.get("car"), Some(&2));
    assert_eq!((summary.without.get("image"), summary.without.get("point labels")), (Some(&1), Some(&1)));
    let cloud = &clouds(&out)[0];
    let expected = [("x", 0), ("y", 4), ("z", 8), ("intensity", 12), ("ring", 16)];
    assert_eq!(fields(cloud), expected.map(|(name, offset)| (name.to_owned(), offset)));
    assert_eq!(Stamp::from(cloud.header.stamp), Stamp::from_ns(START_US * 1000));
    let labelled = PointCloud2::decode(&messages_of(&out, topics::TRUTH_POINTS)[0].1).unwrap();
    let labels = PointCloud2::labels_of(&RawCloud::try_from(labelled).unwrap()).unwrap();
    assert_eq!(labels.class_ids, [17, 24]);
    let image = CompressedImage::decode(&messages_of(&out, "/camera/cam_front/image/compressed")[0].1).unwrap();
    assert_eq!(
        (image.format.as_str(), Stamp::from(image.header.stamp).nanoseconds),
        ("jpeg", (START_US - 40_000) * 1000)
    );
}

#[test]
fn boxes_are_told_in_the_lidars_frame_with_velocity_points_and_visibility() {
    let folder = tempfile::tempdir().unwrap();
    write_scene(folder.path());
    let out = folder.path().join("bag");
    convert(folder.path(), &out).unwrap();
    let array = Detection3DArray::decode(&messages_of(&out, topics::TRUTH_OBJECTS)[0].1).unwrap();
    let car = &array.to_truth().unwrap()[0];
    // 20 m ahead of the axle; the LiDAR sits 0.9 m ahead and 1.8 m up, its y axis ahead. The car points east: to the
    // right, along the LiDAR's x.
    near(car.box3d.center_m, [0.0, 19.1, -0.8], 1e-9);
    assert!(car.box3d.yaw_rad.abs() < 1e-9 && car.box3d.size_m == [4.5, 1.8, 1.6], "{car:?}");
    near([car.velocity_mps[0], car.velocity_mps[1], 0.0], [4.0, 0.0, 0.0], 1e-6);
    assert_eq!((car.num_points, car.occlusion, car.instance_id), (7, Occlusion::Partly, 1));
    let id = &array.detections[0].id;
    for word in
        ["category=vehicle.car", "visibility=v60-80", "attribute=vehicle.moving", "radar_points=2", "instance=thing"]
    {
        assert!(id.contains(word), "{id}");
    }
}

#[test]
fn every_sensor_is_where_it_was_at_its_own_moment() {
    let folder = tempfile::tempdir().unwrap();
    write_scene(folder.path());
    let out = folder.path().join("bag");
    convert(folder.path(), &out).unwrap();
    let buffer = transforms(&out);
    let info = CameraInfo::decode(&messages_of(&out, "/camera/cam_front/camera_info")[1].1).unwrap();
    assert_eq!((info.header.frame_id.as_str(), info.k[0], info.width), ("cam_front_optical_frame", 1266.0, 1600));
    let t = buffer.lookup(topics::FRAME_MAP, "cam_front_optical_frame", info.header.stamp.into()).unwrap();
    near(t.translation_m(), (t_map_base(0.46) * t_base_camera()).translation_m(), 1e-6);
    let (stamp, position) = odometry(&out)[1];
    near(position, [5.0, 0.0, 0.0], 1e-6);
    let t = buffer.lookup(topics::FRAME_MAP, topics::FRAME_LIDAR, stamp).unwrap();
    near(t.translation_m(), (t_map_base(0.5) * t_base_lidar()).translation_m(), 1e-6);
}

#[test]
fn a_broken_row_names_its_line_and_a_sweep_that_is_cut_off_costs_one_frame() {
    let folder = tempfile::tempdir().unwrap();
    write_scene(folder.path());
    write(&folder.path().join("samples/LIDAR_TOP/1.pcd.bin"), [0; 19]);
    let summary = convert(folder.path(), &folder.path().join("bag")).unwrap();
    assert_eq!((summary.frames, summary.skipped), (1, 1));
    assert!(summary.faulty[0].starts_with("s1: ") && summary.faulty[0].contains("19 bytes"), "{summary}");
    write(&folder.path().join("v1.0-mini/sample.json"), "[\n{\"token\": \"s0\"}]");
    let error = convert(folder.path(), &folder.path().join("other")).unwrap_err().to_string();
    assert!(error.contains("sample.json, line 2") && error.contains("timestamp"), "{error}");
}

#[test]
fn scenes_are_listed_and_what_is_no_nuscenes_is_told_with_the_layout() {
    let folder = tempfile::tempdir().unwrap();
    let error = convert(folder.path(), &folder.path().join("bag")).unwrap_err();
    assert!(
        matches!(error, AppError::NotDataSet { .. }) && error.to_string().contains("v1.0-mini/scene.json"),
        "{error}"
    );
    write_scene(folder.path());
    let scenes = json!([{"token": "scene", "name": "scene-0061"}, {"token": "b", "name": "scene-0103"}]);
    write(&folder.path().join("v1.0-mini/scene.json"), scenes.to_string());
    let error = convert(folder.path(), &folder.path().join("bag")).unwrap_err().to_string();
    assert!(error.contains("--scene: scene-0061, scene-0103"), "{error}");
}

/// A LiDAR sweep 50 ms after the first key frame and an image between the two, nearer to the sweep.
fn add_sweep(root: &Path) {
    let between = |name: &str, after_us: i64, file: &str, size: [i64; 2]| {
        json!({"token": format!("between_{name}"), "sample_token": "s1", "timestamp": START_US + after_us,
               "ego_pose_token": format!("pose_{name}"), "calibrated_sensor_token": format!("mount_{name}"),
               "is_key_frame": false, "width": size[0], "height": size[1], "filename": file})
    };
    let mut rows = [file_rows(0), file_rows(1)].concat();
    rows.push(between("lidar", 50_000, "sweeps/LIDAR_TOP/a.pcd.bin", [0, 0]));
    rows.push(between("camera", 30_000, "sweeps/CAM_FRONT/a.jpg", [1600, 900]));
    rows.push(json!({"token": "lost", "sample_token": "s1", "timestamp": START_US, "ego_pose_token": "nowhere",
                     "calibrated_sensor_token": "mount_lidar", "is_key_frame": false, "filename": "x"}));
    write(&root.join("v1.0-mini/sample_data.json"), json!(rows).to_string());
    let mut poses: Vec<Value> =
        serde_json::from_slice(&std::fs::read(root.join("v1.0-mini/ego_pose.json")).unwrap()).unwrap();
    poses.extend([pose_row("pose_lidar", 0.05), pose_row("pose_camera", 0.03)]);
    write(&root.join("v1.0-mini/ego_pose.json"), json!(poses).to_string());
    write(&root.join("sweeps/LIDAR_TOP/a.pcd.bin"), f32_bytes(&[1.0, 9.5, -1.7, 12.0, 31.0]));
    write(&root.join("sweeps/CAM_FRONT/a.jpg"), b"\xff\xd8between");
}

#[test]
fn sweeps_between_key_frames_come_with_their_images_and_poses_where_they_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    write_scene(folder.path());
    add_sweep(folder.path());
    assert_eq!(convert(folder.path(), &folder.path().join("keys")).unwrap().frames, 2);
    let out = folder.path().join("bag");
    let settings = NuscenesSettings { images: true, sweeps: true, ..NuscenesSettings::default() };
    let summary = convert_nuscenes(folder.path(), &out, &settings, &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.points, summary.images), (3, 5, 2));
    assert_eq!(summary.without.get("boxes"), Some(&1), "only key frames have boxes");
    assert!(summary.notes.iter().any(|note| note.starts_with("1 rows of sample_data")), "{summary}");
    let stamps: Vec<i64> = clouds(&out).iter().map(|cloud| Stamp::from(cloud.header.stamp).nanoseconds).collect();
    assert_eq!(stamps, [0, 50_000, 500_000].map(|after_us| (START_US + after_us) * 1000));
    near(odometry(&out)[1].1, [0.5, 0.0, 0.0], 1e-6);
    let image = CompressedImage::decode(&messages_of(&out, "/camera/cam_front/image/compressed")[1].1).unwrap();
    assert!(image.data.ends_with(b"between"));
}

#[test]
fn a_table_cannot_name_files_outside_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("nuscenes");
    write_scene(&root);
    let outside = folder.path().join("secret.bin");
    write(&outside, [0; 20]);
    for name in ["../secret.bin", outside.to_str().unwrap()] {
        let mut rows = [file_rows(0), file_rows(1)].concat();
        rows[0]["filename"] = json!(name);
        write(&root.join("v1.0-mini/sample_data.json"), json!(rows).to_string());
        let summary = convert(&root, &folder.path().join(format!("bag{}", name.len()))).unwrap();
        assert_eq!((summary.frames, summary.skipped), (1, 1));
        assert!(summary.faulty[0].contains("is not below"), "{summary}");
    }
}
