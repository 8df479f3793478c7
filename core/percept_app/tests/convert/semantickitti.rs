//! SemanticKITTI's sequences.

use super::{clouds, f32_bytes, near, odometry, write};
use crate::fixtures::messages_of;
use percept_app::convert::{SemanticKittiSettings, convert_semantickitti, kitti_stamp};
use percept_app::{AppError, Unwatched, topics};
use percept_msgs::Message;
use percept_msgs::sensor_msgs::PointCloud2;
use percept_types::{PointLabels, RawCloud, Stamp};
use std::path::Path;

const CALIB: &str = "P0: 700 0 600 0 0 700 180 0 0 0 1 0\nP2: 700 0 600 45 0 700 180 -0.3 0 0 1 0.005\n\
                     Tr: 0 -1 0 0.1 0 0 -1 -0.08 1 0 0 -0.27\n";
/// The camera ahead by 0, 2 and 4 m along its z, the last turned by 0.1 rad to the left (about -y).
pub(super) const POSES: &str = "1 0 0 0 0 1 0 0 0 0 1 0\n1 0 0 0 0 1 0 0 0 0 1 2\n\
                                0.995004165 0 -0.099833417 0 0 1 0 0 0.099833417 0 0.995004165 4\n";

pub(super) fn points(number: u8) -> Vec<u8> {
    f32_bytes(&[10.0, f32::from(number), -1.7, 0.25, 12.5, -3.0, 0.1, 0.75])
}

pub(super) fn labels(number: u32) -> Vec<u8> {
    [40_u32, 10 | (number + 1) << 16].iter().flat_map(|label| label.to_le_bytes()).collect()
}

/// Three sweeps, of which the last has no labels.
pub(super) fn write_sequence(folder: &Path) {
    write(&folder.join("calib.txt"), CALIB);
    write(&folder.join("poses.txt"), POSES);
    for number in 0..3_u8 {
        write(&folder.join(format!("velodyne/{number:06}.bin")), points(number));
    }
    for number in 0..2 {
        write(&folder.join(format!("labels/{number:06}.label")), labels(number));
    }
}

#[test]
fn a_sequence_becomes_a_bag_with_labels_poses_and_the_camera() {
    let folder = tempfile::tempdir().unwrap();
    write_sequence(&folder.path().join("dataset/sequences/04"));
    let out = folder.path().join("bag");
    let settings = SemanticKittiSettings { images: true, ..SemanticKittiSettings::default() };
    let summary = convert_semantickitti(folder.path(), &out, &settings, &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.points, summary.skipped), (3, 6, 0));
    assert_eq!(summary.without.get("point labels"), Some(&1));
    assert_eq!((summary.without.get("image"), summary.without.get("pose")), (Some(&3), None));
    let stamps: Vec<Stamp> = clouds(&out).iter().map(|cloud| cloud.header.stamp.into()).collect();
    assert_eq!(stamps, [0, 1, 2].map(kitti_stamp));
    assert_eq!(clouds(&out)[1].data, points(1), "the file's bytes are the message's");
    let labelled = messages_of(&out, topics::TRUTH_POINTS);
    let cloud = RawCloud::try_from(PointCloud2::decode(&labelled[1].1).unwrap()).unwrap();
    let expected = PointLabels { class_ids: vec![40, 10], instance_ids: vec![0, 2] };
    assert_eq!((labelled.len(), PointCloud2::labels_of(&cloud).unwrap()), (2, expected));
    let poses = odometry(&out);
    near(poses[0].1, [0.0; 3], 1e-9);
    near(poses[1].1, [2.0, 0.0, 0.0], 1e-9);
    // The base is 1.03 m behind the camera and 0.1 m to its right: turned about the camera it swings aside.
    let (sin, cos) = 0.1_f64.sin_cos();
    near(poses[2].1, [5.03 - 1.03 * cos + 0.1 * sin, 0.1 - 1.03 * sin - 0.1 * cos, 0.0], 1e-6);
}

#[test]
fn a_broken_pose_and_labels_that_are_cut_off_cost_one_frame_each_and_strict_stops() {
    let folder = tempfile::tempdir().unwrap();
    write_sequence(folder.path());
    write(&folder.path().join("poses.txt"), POSES.replacen("0 0 0 1 0 0 0 0 1 2", "0 0 0 1 0 0 zero 0 1 2", 1));
    write(&folder.path().join("labels/000000.label"), [1, 2, 3]);
    let settings = SemanticKittiSettings::default();
    let summary = convert_semantickitti(folder.path(), &folder.path().join("bag"), &settings, &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.skipped), (1, 2));
    assert!(summary.faulty[0].contains("000000.label") && summary.faulty[0].contains("3 bytes for 2 points"));
    assert!(summary.faulty[1].contains("poses.txt, line 2") && summary.faulty[1].contains("\"zero\""), "{summary}");
    let strict = SemanticKittiSettings { strict: true, ..settings };
    let bag = folder.path().join("strict");
    let error = convert_semantickitti(folder.path(), &bag, &strict, &mut Unwatched).unwrap_err();
    assert!(error.to_string().contains("000000.label"), "{error}");
    assert_eq!(clouds(&bag).len(), 0, "the bag is closed and readable");
}

#[test]
fn several_sequences_are_listed_and_what_is_none_is_told_with_the_layout() {
    let folder = tempfile::tempdir().unwrap();
    let convert = |sequence: Option<&str>| {
        let settings = SemanticKittiSettings { sequence: sequence.map(str::to_owned), ..Default::default() };
        convert_semantickitti(folder.path(), &folder.path().join("bag"), &settings, &mut Unwatched)
    };
    let error = convert(None).unwrap_err();
    assert!(matches!(error, AppError::NotDataSet { .. }) && error.to_string().contains("SEQUENCE/velodyne"), "{error}");
    for sequence in ["00", "08"] {
        write_sequence(&folder.path().join("sequences").join(sequence));
    }
    assert!(convert(None).unwrap_err().to_string().contains("--sequence: 00, 08"));
    assert!(convert(Some("21")).unwrap_err().to_string().contains("no sequence 21; it has 00, 08"));
    assert_eq!(convert(Some("08")).unwrap().frames, 3);
}
