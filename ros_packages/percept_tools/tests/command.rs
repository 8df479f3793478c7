//! The command as people and scripts meet it: help, exit codes, JSON, messages, a full disk, Ctrl-C.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn percept(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_percept")).args(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output.stdout)))
}

/// A simulated drive of a few frames.
fn drive(folder: &Path, frames: &str) -> String {
    let out = folder.join("drive").to_string_lossy().into_owned();
    let output = percept(&["simulate", "--out", &out, "--frames", frames, "--view", "kitti", "--no-labelled-points"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    out
}

#[test]
fn every_subcommand_explains_itself_with_an_example_and_its_exit_codes() {
    for command in ["demo", "replay", "eval", "inspect", "check", "simulate", "train", "import", "bench"] {
        let output = percept(&[command, "--help"]);
        let help = text(&output.stdout);
        assert_eq!(code(&output), 0);
        assert!(help.contains("Examples:") && help.contains("Exit codes:") && help.contains("--json"), "{help}");
    }
    let conversions = ["kitti", "kitti-raw", "semantickitti", "nuscenes", "argoverse2", "to-kitti", "to-semantickitti"];
    for conversion in conversions {
        let help = text(&percept(&["convert", conversion, "--help"]).stdout);
        assert!(help.contains("Examples:") && help.contains("Exit codes:") && help.contains("--strict"), "{help}");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    assert_eq!(code(&percept(&["replay"])), 2);
    assert_eq!(code(&percept(&["fly"])), 2);
}

#[test]
fn a_benchmark_on_a_gpu_that_is_not_there_is_refused_with_the_way_out() {
    let output = percept(&["bench", "--device", "cuda:9"]);
    let message = text(&output.stderr);
    assert_eq!(code(&output), 2, "{message}");
    assert!(message.contains("cuda:9") && message.contains("auto or cpu"), "{message}");
}

#[test]
fn inspect_lists_the_topics_of_a_drive_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let bag = drive(folder.path(), "3");
    let report = json(&percept(&["inspect", &bag, "--json"]));
    let topics = report["topics"].as_array().unwrap();
    let points = topics.iter().find(|topic| topic["name"] == "/sensing/lidar/points").unwrap();
    assert_eq!(points["type"], "sensor_msgs/msg/PointCloud2");
    assert_eq!(points["messages"], 3);
    assert!((report["duration"].as_f64().unwrap() - 0.2).abs() < 1e-3);
    assert_eq!(report["losses"].as_array().unwrap().len(), 0);
}

#[test]
fn simulate_compares_with_a_bag_and_needs_no_output_then() {
    let folder = tempfile::tempdir().unwrap();
    let bag = drive(folder.path(), "2");
    let report = folder.path().join("report").to_string_lossy().into_owned();
    let asked = ["simulate", "--compare", &bag, "--view", "kitti", "--frames", "2", "--report", &report, "--json"];
    let output = percept(&asked);
    assert!(code(&output) <= 1, "{}", text(&output.stderr));
    let compared = json(&output);
    assert_eq!(compared["real"]["frames"], 2);
    assert!(compared["statistics"].as_array().unwrap().len() > 10);
    assert!(Path::new(&report).join("realism.html").is_file() && Path::new(&report).join("realism.png").is_file());
    assert_eq!(code(&percept(&["simulate"])), 2);
}

#[test]
fn a_cut_bag_is_reported_and_strict_makes_it_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    let bag = drive(folder.path(), "3");
    let file = Path::new(&bag).join("drive_0.mcap");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let output = percept(&["inspect", &bag]);
    assert_eq!(code(&output), 0);
    assert!(text(&output.stdout).contains("damaged places"), "{}", text(&output.stdout));
    assert_eq!(code(&percept(&["inspect", &bag, "--strict"])), 1);
}

#[test]
fn bad_input_ends_with_2_and_says_what_was_found_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "hello").unwrap();
    let output = percept(&["inspect", &file.to_string_lossy()]);
    let error = text(&output.stderr);
    assert_eq!(code(&output), 2);
    assert!(error.contains("notes.txt") && error.contains("rosbag2") && !error.contains("panicked"), "{error}");

    let config = folder.path().join("detector.yaml");
    std::fs::write(&config, "/**:\n  ros__parameters:\n    voxel_sise: [1, 1, 1]\n").unwrap();
    let output = percept(&["replay", "nowhere", "--config", &config.to_string_lossy(), "--out", "x"]);
    let error = text(&output.stderr);
    assert_eq!(code(&output), 2);
    assert!(error.contains("did you mean voxel_size?"), "{error}");
}

#[test]
fn check_ends_with_1_where_something_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("detector.yaml");
    std::fs::write(&config, "/**:\n  ros__parameters:\n    score_threshold: 7\n").unwrap();
    let output = percept(&["check", "--config", &config.to_string_lossy(), "--json"]);
    assert_eq!(code(&output), 1);
    let findings = json(&output);
    assert_eq!(findings["findings"][0]["level"], "error");
    assert!(findings["findings"][0]["found"].as_str().unwrap().contains("score_threshold is 7"));
}

#[test]
#[cfg(unix)]
fn a_full_disk_ends_with_3_and_leaves_a_readable_bag() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("drive");
    // A limit on the size of files stands for the disk; the shell makes the excess an error instead of a signal.
    let script = format!(
        "trap '' XFSZ; ulimit -f 1200; exec {} simulate --quiet --out {} --frames 30 --view kitti",
        env!("CARGO_BIN_EXE_percept"),
        out.display()
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    let error = text(&output.stderr);
    assert_eq!(code(&output), 3, "{error}");
    assert!(error.contains("write failed") && error.contains("readable"), "{error}");
    let report = json(&percept(&["inspect", &out.to_string_lossy(), "--json"]));
    assert!(report["messages"].as_u64().unwrap() > 0, "{report}");
}

/// A KITTI folder of clouds that no compression makes small.
fn kitti_folder(root: &Path, frames: u32) {
    let velodyne = root.join("training/velodyne");
    std::fs::create_dir_all(&velodyne).unwrap();
    for number in 0..frames {
        let mut state = number + 1;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 1e5 - 80.0
        };
        let bytes: Vec<u8> = (0..4 * 2500).flat_map(|_| next().to_le_bytes()).collect();
        std::fs::write(velodyne.join(format!("{number:06}.bin")), bytes).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn converting_onto_a_full_disk_ends_with_3_and_leaves_a_readable_bag() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("kitti"), folder.path().join("bag"));
    kitti_folder(&root, 60);
    let script = format!(
        "trap '' XFSZ; ulimit -f 1200; exec {} convert kitti {} --quiet --out {}",
        env!("CARGO_BIN_EXE_percept"),
        root.display(),
        out.display()
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(code(&output), 3, "{}", text(&output.stderr));
    let report = json(&percept(&["inspect", &out.to_string_lossy(), "--json"]));
    assert!(report["messages"].as_u64().unwrap() > 0, "{report}");
}

#[test]
fn skipped_frames_are_findings_and_the_summary_tells_them_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("kitti"), folder.path().join("bag"));
    kitti_folder(&root, 3);
    std::fs::write(root.join("training/velodyne/000001.bin"), [0; 13]).unwrap();
    let (root, out) = (root.to_string_lossy(), out.to_string_lossy());
    let output = percept(&["convert", "kitti", &root, "--out", &out, "--json"]);
    assert_eq!(code(&output), 1);
    let summary = json(&output);
    assert_eq!((summary["frames"].as_u64(), summary["skipped"].as_u64()), (Some(2), Some(1)));
    assert!(summary["faulty"][0].as_str().unwrap().contains("13 bytes"), "{summary}");
    let output = percept(&["convert", "kitti", &root, "--out", &format!("{out}2"), "--strict"]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("000001.bin"), "{}", text(&output.stderr));
    let output = percept(&["convert", "nuscenes", &root, "--out", &format!("{out}3")]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("found training/"), "{}", text(&output.stderr));
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_with_130_and_leaves_a_whole_bag() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("drive");
    let mut child = Command::new(env!("CARGO_BIN_EXE_percept"))
        .args(["simulate", "--out", &out.to_string_lossy(), "--frames", "5000", "--speed", "1", "--view", "kitti"])
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let file = out.join("drive_0.mcap");
    let begun = || std::fs::metadata(&file).is_ok_and(|metadata| metadata.len() > 100_000);
    for _ in 0..600 {
        if begun() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(begun(), "no output within a minute");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let output = percept(&["inspect", &out.to_string_lossy(), "--strict", "--json"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stdout));
    assert!(json(&output)["messages"].as_u64().unwrap() > 0);
}
