//! Where the files that come with Percept are: in the workspace it was built from, or beside the executable.

use crate::AppError;
use std::path::{Path, PathBuf};

/// Finds a file or folder by its path from the root of the workspace.
///
/// # Errors
/// Lists the places looked at and the option that names another.
pub(crate) fn find_shipped(relative: &str, option: &str) -> Result<PathBuf, AppError> {
    let places = places(relative);
    match places.iter().find(|place| place.exists()) {
        Some(place) => Ok(place.clone()),
        None => {
            let looked: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
            Err(AppError::Unavailable {
                what: format!("{relative} was not found; looked at {}", looked.join(", ")),
                way_out: format!("run from the workspace, or name it with {option}"),
            })
        }
    }
}

/// The current folder and those above it, then the workspace of the build, then `share/` beside the executable.
fn places(relative: &str) -> Vec<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let current = std::env::current_dir().unwrap_or_default();
    let mut places: Vec<PathBuf> = current.ancestors().map(|folder| folder.join(relative)).collect();
    // Only the nearest of the current folder's ancestors that is a workspace counts; listing all would bury it.
    places.retain(|place| place.exists());
    places.push(workspace.canonicalize().unwrap_or(workspace).join(relative));
    if let Some(prefix) = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.parent()?.to_owned())) {
        let name = Path::new(relative).file_name().unwrap_or_default();
        places.push(prefix.join("share/percept").join(relative));
        places.push(prefix.join("share/percept").join(name));
        places.push(prefix.join("share/percept_models_data/weights").join(name));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_reported_with_the_places_and_the_option() {
        let error = find_shipped("bags/nothing_of_this_name", "--bag").unwrap_err().to_string();
        assert!(error.contains("bags/nothing_of_this_name") && error.contains("name it with --bag"), "{error}");
    }

    #[test]
    fn a_file_of_the_workspace_is_found() {
        assert!(find_shipped("launch/params/lidar_detector.yaml", "--config").unwrap().is_file());
    }
}
