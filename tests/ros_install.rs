//! `ros_packages/install.sh`: what it lays out is what ROS 2 looks for, byte for byte what the repository holds.
#![allow(clippy::unwrap_used)]

use percept_tests::{files_with_ending, workspace_root};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Files below a folder with their bytes, by path relative to it.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn collect(folder: &Path, root: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, root, found);
            } else {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(folder, folder, &mut found);
    found
}

/// An empty folder of this name for this run of the tests.
fn empty_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn install(prefix: &Path, executables: &Path) -> Output {
    let script = workspace_root().join("ros_packages/install.sh");
    Command::new("bash").arg(script).args([prefix, executables]).output().unwrap()
}

fn executables(name: &str) -> PathBuf {
    let folder = empty_folder(name);
    for name in ["lidar_detector", "percept"] {
        fs::write(folder.join(name), format!("bytes of {name}")).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

#[test]
fn the_layout_is_the_one_that_ros_looks_for_with_the_bytes_of_the_repository() {
    let (prefix, root) = (empty_folder("install/prefix"), workspace_root());
    let output = install(&prefix, &executables("install/executables"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let mut expected = BTreeMap::new();
    let mut from = |target: String, source: &Path| expected.insert(target, fs::read(source).unwrap());
    for package in ["percept_bringup", "percept_lidar_detector", "percept_models_data", "percept_tools"] {
        from(format!("share/{package}/package.xml"), &root.join("ros_packages").join(package).join("package.xml"));
    }
    for path in files_with_ending(&root, "").unwrap() {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let detector = "ros_packages/percept_lidar_detector";
        if name.starts_with("launch/params/") {
            from(format!("share/percept_bringup/config/{file}"), &path);
        } else if name.starts_with("launch/rviz/") {
            from(format!("share/percept_bringup/rviz/{file}"), &path);
        } else if name.starts_with("launch/") && name.ends_with(".launch.py") {
            from(format!("share/percept_bringup/launch/{file}"), &path);
        } else if name.starts_with("ros_packages/percept_models_data/weights/") {
            from(format!("share/percept_models_data/weights/{file}"), &path);
        } else if name.starts_with(&format!("{detector}/launch/")) && name.ends_with(".launch.py") {
            from(format!("share/percept_lidar_detector/launch/{file}"), &path);
        } else if name.starts_with(&format!("{detector}/schema/")) {
            from(format!("share/percept_lidar_detector/schema/{file}"), &path);
        }
    }
    from(
        "share/percept_lidar_detector/config/lidar_detector.yaml".into(),
        &root.join("launch/params/lidar_detector.yaml"),
    );
    from("share/percept_lidar_detector/rviz/perception.rviz".into(), &root.join("launch/rviz/perception.rviz"));
    for package in ["percept_bringup", "percept_lidar_detector", "percept_models_data", "percept_tools"] {
        expected.insert(format!("share/ament_index/resource_index/packages/{package}"), Vec::new());
    }
    expected.insert("lib/percept_lidar_detector/lidar_detector".into(), b"bytes of lidar_detector".to_vec());
    expected.insert("lib/percept_tools/percept".into(), b"bytes of percept".to_vec());

    let mut found = tree(&prefix);
    let setup = String::from_utf8(found.remove("setup.bash").unwrap()).unwrap();
    assert!(setup.contains(&format!("AMENT_PREFIX_PATH=\"{}", prefix.canonicalize().unwrap().display())), "{setup}");
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in &expected {
        assert!(found[name] == *bytes, "{name} has other bytes");
    }
    let mode = fs::metadata(prefix.join("lib/percept_lidar_detector/lidar_detector")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
}

#[test]
fn what_is_not_built_is_left_out_and_told_and_a_second_run_changes_nothing() {
    let (prefix, nothing) = (empty_folder("install/again"), empty_folder("install/nothing"));
    let first = install(&prefix, &nothing);
    assert!(first.status.success());
    assert!(String::from_utf8_lossy(&first.stderr).contains("lidar_detector: build it"));
    let before = tree(&prefix);
    assert!(install(&prefix, &nothing).status.success());
    assert!(before == tree(&prefix) && !before.keys().any(|name| name.starts_with("lib/")));
}

#[test]
fn without_a_prefix_it_tells_how_it_is_called() {
    let script = workspace_root().join("ros_packages/install.sh");
    let output = Command::new("bash").arg(script).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("install.sh PREFIX [EXECUTABLES]"));
}

#[test]
fn colcon_finds_the_packages_that_it_should_build_and_no_others() {
    let root = workspace_root();
    for folder in ["core", "kernels", "tests", "bags", "launch"] {
        assert!(root.join(folder).join("COLCON_IGNORE").is_file(), "{folder} lacks COLCON_IGNORE");
    }
    for entry in fs::read_dir(root.join("ros_packages")).unwrap() {
        let folder = entry.unwrap().path();
        if folder.is_dir() {
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            let manifest = fs::read_to_string(folder.join("package.xml")).unwrap();
            assert!(manifest.contains(&format!("<name>{name}</name>")), "{name}");
            assert!(manifest.contains("<version>0.1.0</version>"), "{name}: the version of the workspace");
            let cmake = fs::read_to_string(folder.join("CMakeLists.txt")).unwrap();
            assert!(cmake.contains(&format!("project({name} NONE)")), "{name}");
        }
    }
}
