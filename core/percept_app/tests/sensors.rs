//! Every shipped sensor on its way through a bag: simulated, written in its driver's layout, read and decoded.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;

use fixtures::*;
use percept_app::inspect::inspect;
use percept_app::simulate::{SimulateSettings, sensor_names, simulate};
use percept_app::{Unwatched, topics};
use percept_kernels::decode_points::{Channel, decode_points};
use percept_msgs::Message;
use percept_msgs::sensor_msgs::PointCloud2;
use percept_msgs::tf2_msgs::TFMessage;
use percept_types::RawCloud;
use std::path::{Path, PathBuf};

fn drive_of(folder: &Path, sensor: &str) -> (PathBuf, u64) {
    let out = folder.join(sensor);
    let settings = SimulateSettings { sensor: sensor.to_owned(), seed: 5, frames: 1, ..SimulateSettings::default() };
    let points = simulate(&out, &settings, &mut Unwatched).unwrap().points;
    (out, points)
}

/// The layout's point_step and the largest intensity a driver of this kind gives.
fn expected(sensor: &str) -> (u32, f32) {
    match sensor {
        "hdl-64e-kitti" => (22, 1.0),
        name if name.starts_with("os1") => (48, 65535.0),
        name if name.starts_with("pandar") => (26, 255.0),
        _ => (22, 255.0),
    }
}

#[test]
fn every_shipped_sensor_is_written_in_its_drivers_layout_and_decoded_again() {
    let folder = tempfile::tempdir().unwrap();
    for sensor in sensor_names() {
        let (bag, points) = drive_of(folder.path(), sensor);
        let inspection = inspect(&bag, true, &mut Unwatched).unwrap();
        assert!(inspection.losses.is_empty(), "{sensor}");
        let (_, data) = messages_of(&bag, topics::POINTS).remove(0);
        let message = PointCloud2::decode(&data).unwrap();
        let (point_step, largest) = expected(sensor);
        assert_eq!(message.point_step, point_step, "{sensor}");
        let raw = RawCloud::try_from(message).unwrap();
        let decoded =
            decode_points(&raw, &[Channel::required("intensity"), Channel::required("ring")], Vec::new()).unwrap();
        assert_eq!(decoded.not_finite, 0, "{sensor}");
        let returns: Vec<&[f32]> = decoded.cloud.points().filter(|p| p[..3] != [0.0; 3]).collect();
        assert_eq!(returns.len() as u64, points, "{sensor}");
        let brightest = returns.iter().map(|p| p[3]).fold(0.0, f32::max);
        assert!(brightest <= largest && brightest > largest / 300.0, "{sensor}: {brightest}");
        assert!(returns.iter().all(|p| p[4].fract() == 0.0), "{sensor}");
        let (_, labelled) = messages_of(&bag, topics::TRUTH_POINTS).remove(0);
        let labelled = RawCloud::try_from(PointCloud2::decode(&labelled).unwrap()).unwrap();
        assert_eq!((labelled.width, labelled.height), (raw.width, raw.height), "{sensor}");
        assert_eq!(PointCloud2::labels_of(&labelled).unwrap().len(), raw.num_points(), "{sensor}");
    }
}

#[test]
fn times_lie_within_the_sweep_and_the_poses_span_it() {
    let folder = tempfile::tempdir().unwrap();
    let (bag, _) = drive_of(folder.path(), "pandar40p");
    let (stamp_ns, data) = messages_of(&bag, topics::POINTS).remove(0);
    let message = PointCloud2::decode(&data).unwrap();
    let timestamp = |point: usize| {
        let start = point * message.point_step as usize + 18;
        f64::from_le_bytes(std::array::from_fn(|i| message.data[start + i]))
    };
    let since = |point: usize| timestamp(point) - stamp_ns as f64 * 1e-9;
    let last = message.width as usize - 1;
    assert!((-1e-6..0.001).contains(&since(0)) && (0.099..0.1).contains(&since(last)), "{} {}", since(0), since(last));
    let poses: Vec<i64> = messages_of(&bag, topics::TF).into_iter().map(|(time_ns, _)| time_ns).collect();
    assert_eq!(poses, [stamp_ns, stamp_ns + 100_000_000]);
    // Hesai's driver has y ahead: the mounting turns it.
    let (_, fixed) = messages_of(&bag, topics::TF_STATIC).remove(0);
    let rotation = TFMessage::decode(&fixed).unwrap().transforms[0].transform.rotation;
    assert!((rotation.z + std::f64::consts::FRAC_1_SQRT_2).abs() < 1e-9, "{rotation:?}");
}

#[test]
fn a_sensor_file_of_ones_own_is_used_and_an_unknown_name_is_told_the_shipped_ones() {
    let folder = tempfile::tempdir().unwrap();
    let unknown = SimulateSettings { sensor: "vlp-17".to_owned(), ..SimulateSettings::default() };
    let error = simulate(&folder.path().join("no"), &unknown, &mut Unwatched).unwrap_err();
    let told = format!("{error} {}", std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default());
    assert!(told.contains("vlp-16") && told.contains("pandar128"), "{told}");
    assert!(!folder.path().join("no").exists());
    let file = folder.path().join("broken.json");
    std::fs::write(&file, "{ \"name\": \"mine\" }").unwrap();
    let broken = SimulateSettings { sensor: file.to_string_lossy().into_owned(), ..SimulateSettings::default() };
    let error = simulate(&folder.path().join("no"), &broken, &mut Unwatched).unwrap_err();
    let told = format!("{error} {}", std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default());
    assert!(told.contains("broken.json") && told.contains("source"), "{told}");
}
