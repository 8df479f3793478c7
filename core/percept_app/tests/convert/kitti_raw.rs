//! KITTI's raw drives.

use super::{clouds, f32_bytes, near, odometry, write};
use crate::fixtures::messages_of;
use percept_app::convert::{KittiRawSettings, convert_kitti_raw};
use percept_app::{AppError, Unwatched, topics};
use percept_msgs::Message;
use percept_msgs::nav_msgs::Odometry;
use percept_msgs::sensor_msgs::CameraInfo;
use percept_msgs::vision_msgs::Detection3DArray;
use percept_types::Occlusion;
use std::path::{Path, PathBuf};

const CAMERAS: &str = "calib_time: 09-Jan-2012 13:57:47\nS_rect_02: 1.242e+03 3.75e+02\nS_rect_03: 1.242e+03 3.75e+02\n\
                       R_rect_00: 1 0 0 0 1 0 0 0 1\nP_rect_02: 700 0 600 45 0 700 180 0.2 0 0 1 0.003\n\
                       P_rect_03: 700 0 600 -340 0 700 180 2.2 0 0 1 0.003\n";
const LIDAR: &str = "calib_time: 15-Mar-2012\nR: 0 -1 0 0 0 -1 1 0 0\nT: 0 -0.08 -0.27\ndelta_f: 0 0\n";
const IMU: &str = "calib_time: 25-May-2012\nR: 1 0 0 0 1 0 0 0 1\nT: -0.81 0.32 -0.8\n";
/// One step of this many degrees of latitude is 10 m north in KITTI's projection at the equator.
const TEN_METRES_DEG: f64 = 10.0 / 6_378_137.0 * 180.0 / std::f64::consts::PI;

/// Speed ahead 10 m/s, heading north.
fn packet(latitude_deg: f64) -> String {
    let yaw_rad = std::f64::consts::FRAC_PI_2;
    format!("{latitude_deg} 8.4 112.8 0 0 {yaw_rad} 10 0 10 0 0 0 0 9.8 0 0 9.8 0 0 0.1 0 0 0.2 0.5 0.07 4 10 4 4 0\n")
}

/// Two sweeps, the second a second later and 10 m on; its packet lies 10 ms after it.
fn write_drive(date: &Path) -> PathBuf {
    write(&date.join("calib_cam_to_cam.txt"), CAMERAS);
    write(&date.join("calib_velo_to_cam.txt"), LIDAR);
    write(&date.join("calib_imu_to_velo.txt"), IMU);
    let drive = date.join("2011_09_26_drive_0005_sync");
    let times = "2011-09-26 13:04:32.335337762\n2011-09-26 13:04:33.335337762\n";
    write(&drive.join("velodyne_points/timestamps.txt"), times);
    write(&drive.join("oxts/timestamps.txt"), times.replace("33.335", "33.345"));
    write(&drive.join("image_03/timestamps.txt"), times.replace("32.335", "32.340"));
    for number in 0..2 {
        write(&drive.join(format!("velodyne_points/data/{number:010}.bin")), f32_bytes(&[10.0, 1.0, -1.7, 0.3]));
        write(&drive.join(format!("oxts/data/{number:010}.txt")), packet(TEN_METRES_DEG * f64::from(number)));
    }
    write(&drive.join("image_02/data/0000000000.png"), b"\x89PNG of the left");
    write(&drive.join("image_03/data/0000000000.png"), b"\x89PNG of the right");
    drive
}

fn settings() -> KittiRawSettings {
    KittiRawSettings { images: true, ..KittiRawSettings::default() }
}

#[test]
fn a_drive_becomes_a_bag_with_odometry_and_its_cameras() {
    let folder = tempfile::tempdir().unwrap();
    let drive = write_drive(folder.path());
    let out = folder.path().join("bag");
    let summary = convert_kitti_raw(&drive, &out, &settings(), &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.images, summary.skipped), (2, 2, 0));
    assert_eq!(summary.without.get("image"), Some(&1));
    let poses = odometry(&out);
    assert_eq!(poses[0].0.nanoseconds, 1_317_042_272_335_337_762);
    near(poses[0].1, [0.0; 3], 1e-9);
    // The packet tells 10 m; the sweep came 10 ms before it, at 10 m/s.
    near(poses[1].1, [9.9, 0.0, 0.0], 1e-3);
    let twist = Odometry::decode(&messages_of(&out, topics::ODOMETRY)[0].1).unwrap().twist;
    assert_eq!((twist.twist.linear.x, twist.twist.angular.z, twist.covariance[0]), (10.0, 0.2, 0.0));
    let right = CameraInfo::decode(&messages_of(&out, "/camera/image_03/camera_info")[0].1).unwrap();
    assert_eq!((right.p[3], right.width, right.header.stamp.nanosec), (-340.0, 1242, 340_337_762));
    assert_eq!(messages_of(&out, topics::CAMERA_IMAGE).len(), 1);
    assert_eq!(messages_of(&out, "/camera/image_03/image/compressed").len(), 1);
}

#[test]
fn a_broken_stamp_or_packet_costs_one_frame_and_names_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let drive = write_drive(folder.path());
    write(&drive.join("velodyne_points/timestamps.txt"), "yesterday\n2011-09-26 13:04:33.335337762\n");
    write(&drive.join("oxts/data/0000000001.txt"), "49.0 8.4 x");
    let summary = convert_kitti_raw(folder.path(), &folder.path().join("bag"), &settings(), &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.skipped), (0, 2));
    assert!(
        summary.faulty[0].contains("timestamps.txt, line 1") && summary.faulty[0].contains("yesterday"),
        "{summary}"
    );
    assert!(summary.faulty[1].contains("0000000001.txt, line 1") && summary.faulty[1].contains("\"x\""), "{summary}");
}

/// A car over both frames and a pedestrian at the second, as boost's archive writes them.
fn tracklets(second_yaw: &str) -> String {
    let pose = |x: f64, yaw: &str, occlusion: u8| {
        format!(
            "<item class_id=\"3\">\n<tx>{x}</tx>\n<ty>1.0</ty>\n<tz>-2.0</tz>\n<rx>0</rx><ry>0</ry><rz>{yaw}</rz>\n\
             <state>2</state><occlusion>{occlusion}</occlusion><truncation>1</truncation></item>\n"
        )
    };
    let item = |class: &str, first: u8, poses: &str| {
        format!(
            "<item>\n<objectType>{class}</objectType>\n<h>1.5</h><w>1.6</w><l>4.0</l>\n<first_frame>{first}</first_frame>\n\
             <poses>\n<count>0</count>\n{poses}</poses><finished>1</finished></item>\n"
        )
    };
    let car = item("Car", 0, &(pose(10.0, "0.5", 0) + &pose(11.0, second_yaw, 1)));
    let person = item("Person (sitting)", 1, &pose(20.0, "0", 2));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\" ?>\n<!DOCTYPE boost_serialization>\n\
         <boost_serialization version=\"9\">\n<tracklets version=\"0\">\n<count>2</count>\n{car}{person}</tracklets>\n\
         </boost_serialization>\n"
    )
}

#[test]
fn tracklets_become_boxes_on_their_frames() {
    let folder = tempfile::tempdir().unwrap();
    let drive = write_drive(folder.path());
    write(&drive.join("tracklet_labels.xml"), tracklets("0.6"));
    let out = folder.path().join("bag");
    let summary = convert_kitti_raw(&drive, &out, &settings(), &mut Unwatched).unwrap();
    assert_eq!((summary.num_objects(), summary.objects.get("Person_sitting")), (3, Some(&1)), "{summary}");
    let arrays = messages_of(&out, topics::TRUTH_OBJECTS);
    let first = Detection3DArray::decode(&arrays[0].1).unwrap();
    let car = &first.to_truth().unwrap()[0];
    assert_eq!((car.class_name.as_str(), car.num_points, car.occlusion), ("Car", 1, Occlusion::Visible));
    near(car.box3d.center_m, [10.0, 1.0, -1.25], 1e-9);
    assert!(car.box3d.size_m == [4.0, 1.6, 1.5] && (car.box3d.yaw_rad - 0.5).abs() < 1e-9, "{car:?}");
    assert!(first.detections[0].id.contains("in_image=truncated"), "{}", first.detections[0].id);
    let second = Detection3DArray::decode(&arrays[1].1).unwrap().to_truth().unwrap();
    assert_eq!(second.iter().map(|object| object.instance_id).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_broken_tracklet_costs_its_frame_and_a_file_that_is_cut_off_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let drive = write_drive(folder.path());
    write(&drive.join("tracklet_labels.xml"), tracklets("left"));
    let summary = convert_kitti_raw(&drive, &folder.path().join("bag"), &settings(), &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.skipped), (1, 1));
    let fault = &summary.faulty[0];
    assert!(fault.contains("tracklet_labels.xml, line 22") && fault.contains("<rz> holds \"left\""), "{fault}");
    let whole = tracklets("0.6");
    for cut in [whole.len() / 2, whole.len() - 30, whole.len() - 5] {
        write(&drive.join("tracklet_labels.xml"), &whole[..cut]);
        let error = convert_kitti_raw(&drive, &folder.path().join("other"), &settings(), &mut Unwatched).unwrap_err();
        assert!(error.to_string().contains("cut off"), "{error}");
    }
}

#[test]
fn a_file_named_by_a_number_beyond_the_clock_costs_one_frame() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("velodyne_points/data");
    for name in ["0000000001", "18446744073709551615"] {
        write(&data.join(name).with_extension("bin"), f32_bytes(&[1.0, 2.0, 3.0, 0.5]));
    }
    let summary = convert_kitti_raw(folder.path(), &folder.path().join("bag"), &settings(), &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.skipped), (1, 1));
    assert!(summary.faulty[0].contains("1970 to 2038"), "{summary}");
}

#[test]
fn sweeps_alone_are_enough_and_what_is_missing_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let drive = folder.path().join("unnamed");
    write(&drive.join("velodyne_points/0000000004.bin"), f32_bytes(&[1.0, 2.0, 3.0, 0.5]));
    let out = folder.path().join("bag");
    let summary = convert_kitti_raw(&drive, &out, &settings(), &mut Unwatched).unwrap();
    assert_eq!(clouds(&out).len(), 1);
    assert!(["calibration", "pose", "image"].iter().all(|part| summary.without.get(*part) == Some(&1)), "{summary}");
}

#[test]
fn what_is_no_drive_is_told_with_the_layout_and_several_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let convert = || convert_kitti_raw(folder.path(), &folder.path().join("bag"), &settings(), &mut Unwatched);
    let error = convert().unwrap_err();
    assert!(
        matches!(error, AppError::NotDataSet { .. }) && error.to_string().contains("velodyne_points/data"),
        "{error}"
    );
    write_drive(folder.path());
    write(&folder.path().join("2011_09_26_drive_0009_sync/velodyne_points/data/0000000000.bin"), [0; 16]);
    let error = convert().unwrap_err().to_string();
    assert!(error.contains("--drive: 2011_09_26_drive_0005_sync, 2011_09_26_drive_0009_sync"), "{error}");
    let dates = tempfile::tempdir().unwrap();
    for date in ["2011_09_26", "2011_09_28"] {
        write_drive(&dates.path().join(date));
    }
    let asked = KittiRawSettings { drive: Some("2011_09_28/".to_owned()), ..settings() };
    let summary = convert_kitti_raw(dates.path(), &folder.path().join("dated"), &asked, &mut Unwatched).unwrap();
    assert!(summary.root.starts_with(dates.path().join("2011_09_28")), "{summary}");
}
