//! What the tests of the whole workspace need to know of it: where it lies, its crates, its sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The root of the workspace.
pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// A crate of the workspace and which crates of the workspace it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Folder relative to the root.
    pub folder: String,
    /// Workspace crates among `[dependencies]` (tests may look sideways, so `[dev-dependencies]` do not count).
    pub percept_dependencies: Vec<String>,
    /// All names among `[dependencies]`.
    pub dependencies: Vec<String>,
}

/// Every member of the workspace by crate name.
///
/// # Errors
/// When a manifest cannot be read or lacks what every manifest has.
pub fn manifests(root: &Path) -> io::Result<BTreeMap<String, Manifest>> {
    let workspace = read_toml(&root.join("Cargo.toml"))?;
    let members = workspace["workspace"]["members"].as_array().cloned().unwrap_or_default();
    members.iter().filter_map(toml::Value::as_str).map(|folder| manifest(root, folder)).collect()
}

fn manifest(root: &Path, folder: &str) -> io::Result<(String, Manifest)> {
    let path = root.join(folder).join("Cargo.toml");
    let table = read_toml(&path)?;
    let name = table.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    let name = name.ok_or_else(|| io::Error::other(format!("{} names no package", path.display())))?;
    let dependencies: Vec<String> =
        table.get("dependencies").and_then(toml::Value::as_table).into_iter().flat_map(|t| t.keys().cloned()).collect();
    let percept_dependencies = dependencies.iter().filter(|name| name.starts_with("percept_")).cloned().collect();
    Ok((name.to_owned(), Manifest { folder: folder.to_owned(), percept_dependencies, dependencies }))
}

fn read_toml(path: &Path) -> io::Result<toml::Value> {
    let text = fs::read_to_string(path).map_err(|e| io::Error::other(format!("{}: {e}", path.display())))?;
    text.parse::<toml::Table>()
        .map(toml::Value::Table)
        .map_err(|e| io::Error::other(format!("{}: {e}", path.display())))
}

/// Every file below the crates' folders with this ending, sorted; build outputs are left out.
///
/// # Errors
/// When a folder cannot be listed.
pub fn files_with_ending(root: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for top in ["core", "kernels", "ros_packages", "launch", "tests", "bags"] {
        collect(&root.join(top), ending, &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target" && name != ".git") {
                collect(&path, ending, found)?;
            }
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    Ok(())
}

/// The part of a source file before its inline tests.
pub fn without_tests(source: &str) -> &str {
    source.split("#[cfg(test)]\nmod tests {").next().unwrap_or(source)
}
