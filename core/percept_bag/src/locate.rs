//! Which storage files make up a bag.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{BagError, io_error};
use crate::losses::{FileLossLog, LossKind, LossLog};
use crate::metadata::BagInformation;

/// Endings of storage files, the longer first.
const ENDINGS: [&str; 4] = [".mcap.zstd", ".db3.zstd", ".mcap", ".db3"];
/// Most storage files in one bag.
const MAX_FILES: usize = 100_000;

/// A storage file, with the name that metadata.yaml lists it by.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    pub(crate) path: PathBuf,
    pub(crate) listed: String,
}

/// The storage files of a bag in their order, and its metadata where there is one.
#[derive(Debug)]
pub(crate) struct BagFiles {
    pub(crate) files: Vec<Located>,
    pub(crate) information: Option<BagInformation>,
}

/// Finds the storage files of a bag directory, or takes the one file given.
pub(crate) fn locate(path: &Path, log: &LossLog) -> Result<BagFiles, BagError> {
    let found = fs::metadata(path).map_err(io_error(path, "open"))?;
    if !found.is_dir() {
        return Ok(single_file(path));
    }
    let metadata_path = path.join("metadata.yaml");
    let losses = FileLossLog::new(&metadata_path, log);
    let information = match BagInformation::read(&metadata_path) {
        Ok(information) => information,
        Err(reason) => {
            let reason = format!("{reason}; the directory was searched for storage files instead");
            losses.lost(LossKind::UnreadableMetadata, 0, Some(0), reason);
            None
        }
    };
    if let Some(information) = information.filter(|i| !i.relative_file_paths.is_empty()) {
        let files = listed_files(path, &information, log);
        if files.is_empty() {
            return Err(BagError::NoStorageFiles { path: path.to_path_buf() });
        }
        return Ok(BagFiles { files, information: Some(information) });
    }
    Ok(BagFiles { files: search(path)?, information: None })
}

/// A storage file given by itself. The metadata beside it still tells how its messages are
/// compressed, provided that it lists this file.
fn single_file(path: &Path) -> BagFiles {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let beside = path.parent().map(|dir| dir.join("metadata.yaml"));
    let information = beside.and_then(|path| BagInformation::read(&path).ok().flatten());
    let information = information.filter(|i| i.relative_file_paths.iter().any(|p| base(p) == name));
    // Topics and counts of the other files do not belong here.
    let information = information.map(|mut information| {
        if information.relative_file_paths.len() > 1 {
            information.topics_with_message_count.clear();
        }
        information
    });
    let listed = information.as_ref().and_then(|i| i.relative_file_paths.iter().find(|p| base(p) == name)).cloned();
    BagFiles { files: vec![Located { path: path.to_path_buf(), listed: listed.unwrap_or(name) }], information }
}

fn base(listed: &str) -> &str {
    listed.rsplit(['/', '\\']).next().unwrap_or(listed)
}

/// The files that metadata.yaml lists; one that is absent is a loss. Only the last part of a
/// path counts: old versions put the bag's name before it, and nothing outside of the directory
/// is opened.
fn listed_files(dir: &Path, information: &BagInformation, log: &LossLog) -> Vec<Located> {
    let mut files: Vec<Located> = Vec::new();
    for listed in information.relative_file_paths.iter().take(MAX_FILES) {
        let name = base(listed);
        let plain = dir.join(name);
        let zstd = dir.join(format!("{name}.zstd"));
        let unpacked = name.strip_suffix(".zstd").map(|name| dir.join(name));
        let candidates = [Some(plain.clone()), Some(zstd), unpacked];
        let found = candidates.into_iter().flatten().find(|path| path.is_file());
        match found {
            Some(path) if files.iter().any(|file| file.path == path) => {}
            Some(path) => files.push(Located { path, listed: listed.clone() }),
            None => {
                let expected = information.expected_messages(listed);
                FileLossLog::new(&plain, log).lost(
                    LossKind::MissingFile,
                    0,
                    expected,
                    "listed in metadata.yaml, but not there",
                );
            }
        }
    }
    files
}

/// Without metadata: the directory's storage files, if they look like the splits of one bag.
fn search(dir: &Path) -> Result<Vec<Located>, BagError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(io_error(dir, "list"))? {
        let entry = entry.map_err(io_error(dir, "list"))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(ending) = ENDINGS.iter().find(|ending| name.ends_with(**ending)) {
            let (stem, number) = split_number(name.trim_end_matches(ending));
            names.push((number, stem.to_owned(), *ending, name));
        }
    }
    names.sort();
    let Some((_, stem, ending, first)) = names.first() else {
        return Err(BagError::NoStorageFiles { path: dir.to_path_buf() });
    };
    let foreign = names.iter().find(|(_, s, e, _)| s != stem || e != ending);
    if let Some((_, _, _, second)) = foreign {
        return Err(BagError::AmbiguousDirectory {
            path: dir.to_path_buf(),
            first: first.clone(),
            second: second.clone(),
        });
    }
    let located = |(_, _, _, name): &(_, _, _, String)| Located { path: dir.join(name), listed: name.clone() };
    Ok(names.iter().take(MAX_FILES).map(located).collect())
}

/// `drive_12` is split 12 of `drive`.
fn split_number(stem: &str) -> (&str, u64) {
    let numbered = stem.rsplit_once('_');
    let parsed = numbered.and_then(|(stem, number)| Some((stem, number.parse().ok()?)));
    parsed.unwrap_or((stem, 0))
}
