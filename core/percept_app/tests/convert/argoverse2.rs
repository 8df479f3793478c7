//! Argoverse 2's sensor logs.

use super::{clouds, fields, near, odometry, transforms, write};
use crate::fixtures::messages_of;
use arrow_array::types::{ArrowPrimitiveType, Float16Type};
use arrow_array::{ArrayRef, Float16Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, UInt8Array};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use percept_app::convert::{Argoverse2Settings, convert_argoverse2};
use percept_app::{AppError, Unwatched, topics};
use percept_msgs::Message;
use percept_msgs::sensor_msgs::CameraInfo;
use percept_msgs::vision_msgs::Detection3DArray;
use std::path::Path;
use std::sync::Arc;

type F16 = <Float16Type as ArrowPrimitiveType>::Native;

const FIRST_NS: i64 = 315_966_265_259_836_000;
const SECOND_NS: i64 = FIRST_NS + 100_000_000;

/// A Feather table as Argoverse writes it, its buffers in LZ4.
fn feather(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME)).unwrap();
    let mut bytes = Vec::new();
    let mut writer = FileWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    write(path, bytes);
}

fn reals<const N: usize>(values: [f64; N]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn wholes<const N: usize>(values: [i64; N]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts<const N: usize>(values: [&str; N]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Columns of transforms without turn, by their places.
fn places<const N: usize>(places_m: [[f64; 3]; N]) -> Vec<(&'static str, ArrayRef)> {
    let axis = |i: usize| reals(places_m.map(|place| place[i]));
    vec![
        ("qw", reals([1.0; N])),
        ("qx", reals([0.0; N])),
        ("qy", reals([0.0; N])),
        ("qz", reals([0.0; N])),
        ("tx_m", axis(0)),
        ("ty_m", axis(1)),
        ("tz_m", axis(2)),
    ]
}

fn sweep(path: &Path) {
    let halves = |values: [f32; 2]| -> ArrayRef { Arc::new(Float16Array::from(values.map(F16::from_f32).to_vec())) };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("x", halves([10.0, -20.5])),
        ("y", halves([1.5, 2.0])),
        ("z", halves([0.25, -0.3])),
        ("intensity", Arc::new(UInt8Array::from(vec![7, 255]))),
        ("laser_number", Arc::new(UInt8Array::from(vec![0, 63]))),
        ("offset_ns", Arc::new(Int32Array::from(vec![0, 99_000_000]))),
    ];
    feather(path, columns);
}

/// Two sweeps; the vehicle drives 1 m, a car beside it 2 m.
fn write_log(folder: &Path) {
    for stamp_ns in [FIRST_NS, SECOND_NS] {
        sweep(&folder.join(format!("sensors/lidar/{stamp_ns}.feather")));
    }
    let mut poses = places([[5000.0, 2000.0, 10.0], [5001.0, 2000.0, 10.0]]);
    poses.push(("timestamp_ns", wholes([FIRST_NS, SECOND_NS])));
    feather(&folder.join("city_SE3_egovehicle.feather"), poses);
    let mut boxes = places([[8.0, 3.0, 0.5], [9.0, 3.0, 0.5]]);
    boxes.extend([
        ("timestamp_ns", wholes([FIRST_NS, SECOND_NS])),
        ("track_uuid", texts(["track", "track"])),
        ("category", texts(["REGULAR_VEHICLE", "REGULAR_VEHICLE"])),
        ("length_m", reals([4.5; 2])),
        ("width_m", reals([1.9; 2])),
        ("height_m", reals([1.6; 2])),
        ("num_interior_pts", wholes([120, 80])),
    ]);
    feather(&folder.join("annotations.feather"), boxes);
    let mut mounts = places([[1.6, 0.0, 1.4]]);
    mounts.push(("sensor_name", texts(["ring_front_center"])));
    feather(&folder.join("calibration/egovehicle_SE3_sensor.feather"), mounts);
    let mut intrinsics: Vec<(&str, ArrayRef)> = vec![("sensor_name", texts(["ring_front_center"]))];
    let numbers = ["fx_px", "fy_px", "cx_px", "cy_px", "k1", "k2", "k3"];
    let values = [1685.0, 1685.0, 775.0, 1024.0, -0.25, 0.1, -0.03];
    intrinsics.extend(numbers.into_iter().zip(values).map(|(name, value)| (name, reals([value]))));
    intrinsics.extend([("width_px", wholes([1550])), ("height_px", wholes([2048]))]);
    feather(&folder.join("calibration/intrinsics.feather"), intrinsics);
    for offset_ns in [-30_000_000, 20_000_000] {
        let image = folder.join(format!("sensors/cameras/ring_front_center/{}.jpg", FIRST_NS + offset_ns));
        write(&image, format!("jpeg {offset_ns}"));
    }
}

fn convert(root: &Path, out: &Path) -> Result<percept_app::convert::ConvertSummary, AppError> {
    let settings = Argoverse2Settings { images: true, ..Argoverse2Settings::default() };
    convert_argoverse2(root, out, &settings, &mut Unwatched)
}

#[test]
fn a_log_becomes_a_bag_in_velodynes_layout_with_boxes_tracks_and_poses() {
    let folder = tempfile::tempdir().unwrap();
    write_log(&folder.path().join("logs/7fab"));
    let out = folder.path().join("bag");
    let summary = convert(&folder.path().join("logs"), &out).unwrap();
    assert_eq!((summary.frames, summary.points, summary.images), (2, 4, 1));
    assert_eq!(summary.without.get("image"), Some(&1), "the second sweep's nearest image is 80 ms off");
    let cloud = &clouds(&out)[1];
    let expected = [("x", 0), ("y", 4), ("z", 8), ("intensity", 12), ("ring", 16), ("time", 18)];
    assert_eq!(fields(cloud), expected.map(|(name, offset)| (name.to_owned(), offset)));
    let far = &cloud.data[22..44];
    assert_eq!(far[..4], (-20.5_f32).to_le_bytes());
    assert_eq!((&far[12..16], &far[16..18]), (&255.0_f32.to_le_bytes()[..], &63_u16.to_le_bytes()[..]));
    assert_eq!(far[18..22], 0.099_f32.to_le_bytes());
    near(odometry(&out)[1].1, [1.0, 0.0, 0.0], 1e-6);
    let buffer = transforms(&out);
    let t = buffer.lookup(topics::FRAME_MAP, topics::FRAME_LIDAR, percept_types::Stamp::from_ns(SECOND_NS)).unwrap();
    near(t.translation_m(), [5001.0, 2000.0, 10.0], 1e-6);
    let array = Detection3DArray::decode(&messages_of(&out, topics::TRUTH_OBJECTS)[0].1).unwrap();
    let car = &array.to_truth().unwrap()[0];
    assert_eq!((car.class_name.as_str(), car.num_points, car.instance_id), ("REGULAR_VEHICLE", 120, 1));
    near(car.box3d.center_m, [8.0, 3.0, 0.5], 1e-9);
    near([car.velocity_mps[0], car.velocity_mps[1], 0.0], [20.0, 0.0, 0.0], 1e-6);
    assert!(array.detections[0].id.contains("track=track"));
    let info = CameraInfo::decode(&messages_of(&out, "/camera/ring_front_center/camera_info")[0].1).unwrap();
    assert_eq!((info.k[0], info.d.as_slice()), (1685.0, &[-0.25, 0.1, 0.0, 0.0, -0.03][..]));
    assert_eq!(percept_types::Stamp::from(info.header.stamp).nanoseconds, FIRST_NS + 20_000_000);
}

#[test]
fn a_sweep_that_is_no_table_or_lacks_a_column_costs_one_frame() {
    let folder = tempfile::tempdir().unwrap();
    write_log(folder.path());
    write(&folder.path().join(format!("sensors/lidar/{FIRST_NS}.feather")), b"ARROW1 and then nothing");
    feather(&folder.path().join(format!("sensors/lidar/{SECOND_NS}.feather")), vec![("x", reals([1.0]))]);
    let summary = convert(folder.path(), &folder.path().join("bag")).unwrap();
    assert_eq!((summary.frames, summary.skipped), (0, 2));
    assert!(summary.faulty[0].contains("no readable Feather table"), "{summary}");
    assert!(summary.faulty[1].contains("no column y; there are x"), "{summary}");
}

#[test]
fn a_broken_box_or_pose_costs_its_sweep_and_names_its_row() {
    let folder = tempfile::tempdir().unwrap();
    write_log(folder.path());
    let mut poses = places([[5000.0, 2000.0, 10.0], [f64::NAN, 2000.0, 10.0]]);
    poses.push(("timestamp_ns", wholes([FIRST_NS, SECOND_NS])));
    feather(&folder.path().join("city_SE3_egovehicle.feather"), poses);
    let mut boxes = places([[8.0, 3.0, 0.5]]);
    boxes.extend([("timestamp_ns", wholes([FIRST_NS])), ("track_uuid", texts(["track"]))]);
    boxes.extend([("category", texts(["BUS"])), ("num_interior_pts", wholes([1])), ("length_m", reals([-4.5]))]);
    boxes.extend([("width_m", reals([1.9])), ("height_m", reals([1.6]))]);
    feather(&folder.path().join("annotations.feather"), boxes);
    let summary = convert(folder.path(), &folder.path().join("bag")).unwrap();
    assert_eq!((summary.frames, summary.skipped), (0, 2));
    assert!(summary.faulty[0].contains("annotations.feather: row 1: a box of [-4.5,"), "{summary}");
    assert!(summary.faulty[1].contains("city_SE3_egovehicle.feather: row 2: no transform"), "{summary}");
}

#[test]
fn a_table_with_any_byte_broken_or_cut_off_ends_no_process() {
    let folder = tempfile::tempdir().unwrap();
    write_log(folder.path());
    let path = folder.path().join("calibration/egovehicle_SE3_sensor.feather");
    let whole = std::fs::read(&path).unwrap();
    let mut refused = 0;
    for (round, at) in (0..whole.len()).step_by(4).enumerate() {
        // One place broken at a time, or the file cut there.
        let mut bytes = whole.clone();
        match round % 3 {
            0 => bytes[at] = 0xff,
            1 => bytes[at] ^= 0x40,
            _ => bytes.truncate(at),
        }
        write(&path, bytes);
        refused += u32::from(convert(folder.path(), &folder.path().join(format!("bag{at}"))).is_err());
    }
    assert!(refused as usize > whole.len() / 12, "{refused} of {}", whole.len());
}

#[test]
fn what_is_no_log_is_told_with_the_layout() {
    let folder = tempfile::tempdir().unwrap();
    let error = convert(folder.path(), &folder.path().join("bag")).unwrap_err();
    assert!(matches!(error, AppError::NotDataSet { .. }) && error.to_string().contains("LOG/sensors/lidar"), "{error}");
}
