//! The node's executable as it comes out of a build without ROS 2.
#![cfg(not(feature = "r2r"))]
#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn built_without_ros_it_refuses_to_start_and_names_both_ways_out() {
    let output = Command::new(env!("CARGO_BIN_EXE_lidar_detector")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("--features r2r") && said.contains("percept node --transport dds"), "{said}");
}
