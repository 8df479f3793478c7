//! Bags back to KITTI's and SemanticKITTI's folders.

use super::semantickitti::{POSES, labels, points, write_sequence};
use super::{f32_bytes, write};
use percept_app::convert::{
    KittiSettings, SemanticKittiSettings, ToKittiSettings, ToSemanticKittiSettings, convert_kitti,
    convert_semantickitti, convert_to_kitti, convert_to_semantickitti,
};
use percept_app::simulate::{DEFAULT_SENSOR, SimulateSettings, simulate};
use percept_app::{AppError, Unwatched};
use percept_eval::kitti::{Calibration, parse_labels};
use std::fs;
use std::path::Path;

const CALIB: &str = "P0: 700 0 600 0 0 700 180 0 0 0 1 0\nP2: 700 0 600 45 0 700 180 -0.3 0 0 1 0.005\n\
                     R0_rect: 0.999923 0.009837 -0.007445 -0.009869 0.999942 -0.004278 0.007402 0.004351 0.999963\n\
                     Tr_velo_to_cam: 0.007533 -0.999971 -0.000616 -0.004 0.014802 0.000728 -0.99989 -0.076 \
                     0.999862 0.007523 0.014807 -0.271\n";
const LABELS: &str = "Car 0.00 0 1.50 587.01 173.33 614.12 200.12 1.65 1.67 3.64 -0.65 1.71 26.70 1.59\n\
                      DontCare -1 -1 -10 503.89 169.71 590.61 190.13 -1 -1 -1 -1000 -1000 -1000 -10\n";

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn a_kitti_folder_comes_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let points = f32_bytes(&[26.5, 0.6, -1.0, 0.3, 10.0, 3.0, -1.7, 0.1]);
    let part = |name: &str| folder.path().join("kitti/training").join(name);
    write(&part("velodyne/000007.bin"), &points);
    write(&part("velodyne/000123.bin"), &points);
    write(&part("calib/000123.txt"), CALIB);
    write(&part("label_2/000123.txt"), LABELS);
    fs::create_dir_all(part("image_2")).unwrap();
    image::RgbImage::new(1242, 375).save(part("image_2/000123.png")).unwrap();
    let (bag, out) = (folder.path().join("bag"), folder.path().join("back"));
    let settings = KittiSettings { images: true, ..KittiSettings::default() };
    convert_kitti(&folder.path().join("kitti"), &bag, &settings, &mut Unwatched).unwrap();
    let summary = convert_to_kitti(&bag, &out, &ToKittiSettings::default(), &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.points, summary.images, summary.num_objects()), (2, 4, 1, 1));
    assert_eq!(summary.without.get("boxes"), Some(&1));
    for file in
        ["velodyne/000007.bin", "velodyne/000123.bin", "label_2/000123.txt", "calib/000123.txt", "image_2/000123.png"]
    {
        assert_eq!(read(&out.join("training").join(file)), read(&part(file)), "{file}");
    }
    assert!(!out.join("training/calib/000007.txt").exists(), "what is not known is not written");
}

#[test]
fn a_sequence_comes_back_byte_for_byte_with_the_same_poses() {
    let folder = tempfile::tempdir().unwrap();
    write_sequence(&folder.path().join("there"));
    let (bag, out) = (folder.path().join("bag"), folder.path().join("back"));
    convert_semantickitti(&folder.path().join("there"), &bag, &SemanticKittiSettings::default(), &mut Unwatched)
        .unwrap();
    let settings = ToSemanticKittiSettings { sequence: "04".to_owned(), ..ToSemanticKittiSettings::default() };
    let summary = convert_to_semantickitti(&bag, &out, &settings, &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.without.get("point labels")), (3, Some(&1)));
    let back = out.join("sequences/04");
    for number in 0..3_u8 {
        assert_eq!(read(&back.join(format!("velodyne/{number:06}.bin"))), points(number));
    }
    assert_eq!(read(&back.join("labels/000001.label")), labels(1));
    let numbers = |text: &str| text.split_whitespace().map(|word| word.parse().unwrap()).collect::<Vec<f64>>();
    let (there, here) = (numbers(POSES), numbers(&String::from_utf8(read(&back.join("poses.txt"))).unwrap()));
    assert_eq!(there.len(), here.len());
    assert!(there.iter().zip(&here).all(|(a, b)| (a - b).abs() < 2e-6), "{there:?} {here:?}");
    let again = folder.path().join("again");
    convert_semantickitti(&back, &again, &SemanticKittiSettings::default(), &mut Unwatched).unwrap();
    assert_eq!(super::clouds(&again).len(), 3, "what is written can be read");
}

#[test]
fn a_simulated_drive_becomes_kittis_folder_with_labels_that_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let (bag, out) = (folder.path().join("bag"), folder.path().join("back"));
    simulate(&bag, &SimulateSettings { seed: 11, frames: 2, ..SimulateSettings::default() }, &mut Unwatched).unwrap();
    let summary = convert_to_kitti(&bag, &out, &ToKittiSettings::default(), &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.without.get("image")), (2, Some(&2)));
    let text = String::from_utf8(read(&out.join("training/label_2/000001.txt"))).unwrap();
    assert!(!parse_labels("back", &text).unwrap().is_empty());
    let text = String::from_utf8(read(&out.join("training/calib/000001.txt"))).unwrap();
    let back = Calibration::parse("back", &text).unwrap().camera(1242, 375);
    let there = percept_sim::camera_beside(&percept_sim::LidarModel::named_or_from_file(DEFAULT_SENSOR).unwrap());
    let (a, b) = (there.project_lidar_point([20.0, 3.0, -1.0]), back.project_lidar_point([20.0, 3.0, -1.0]));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert!((a.u - b.u).abs() < 1e-6 && (a.v - b.v).abs() < 1e-6, "without a recorded text: {a:?} {b:?}");
    let sequence = folder.path().join("sequence");
    let summary = convert_to_semantickitti(&bag, &sequence, &Default::default(), &mut Unwatched).unwrap();
    assert_eq!((summary.frames, summary.without.len()), (2, 0));
    let labels = read(&sequence.join("sequences/00/labels/000001.label"));
    assert_eq!(labels.len() * 4, read(&sequence.join("sequences/00/velodyne/000001.bin")).len());
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("bag");
    simulate(&bag, &SimulateSettings { seed: 11, frames: 1, ..SimulateSettings::default() }, &mut Unwatched).unwrap();
    write(&folder.path().join("out/mine.txt"), "mine");
    let error = convert_to_kitti(&bag, &folder.path().join("out"), &ToKittiSettings::default(), &mut Unwatched);
    assert!(matches!(error, Err(AppError::DataFile { .. })));
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 1);
}

#[test]
fn what_an_organised_sweep_did_not_see_is_left_out_with_its_labels() {
    let folder = tempfile::tempdir().unwrap();
    let (bag, out) = (folder.path().join("bag"), folder.path().join("back"));
    let settings = SimulateSettings { sensor: "os1-64".to_owned(), frames: 1, ..SimulateSettings::default() };
    let simulated = simulate(&bag, &settings, &mut Unwatched).unwrap();
    let summary = convert_to_semantickitti(&bag, &out, &Default::default(), &mut Unwatched).unwrap();
    assert_eq!(summary.points, simulated.points);
    assert!(super::clouds(&bag)[0].width as u64 * 64 > summary.points, "some rays did not come back");
    let sizes = ["velodyne/000000.bin", "labels/000000.label"].map(|f| read(&out.join("sequences/00").join(f)).len());
    assert_eq!(sizes, [summary.points as usize * 16, summary.points as usize * 4]);
}
