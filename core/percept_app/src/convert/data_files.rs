//! Files of data sets: read within a limit, split into numbers, every fault with its file and line.

use crate::AppError;
use std::fs;
use std::path::{Path, PathBuf};

/// Far above any one file of the data sets (a table of nuScenes' trainval has 1 GB, a cloud 2 MB).
const LIMIT_BYTES: u64 = 4 << 30;

/// The bytes of a file; `None` where there is none.
pub(super) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, AppError> {
    if !path.is_file() {
        return Ok(None);
    }
    let length = fs::metadata(path).map_err(AppError::io("read", path))?.len();
    if length > LIMIT_BYTES {
        return Err(AppError::data_file(path, format!("{length} bytes, expected at most {LIMIT_BYTES}")));
    }
    fs::read(path).map(Some).map_err(AppError::io("read", path))
}

/// The bytes of a file that must be there.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, AppError> {
    read_if_there(path)?.ok_or_else(|| AppError::data_file(path, "there is no such file"))
}

/// Names of the folders in a folder, sorted; empty where it is none.
pub(super) fn folders_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

/// Whole numbers that name the files of one ending in a folder, ascending, each with the file.
pub(super) fn numbered_files(folder: &Path, ending: &str) -> Result<Vec<(u64, PathBuf)>, AppError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(AppError::io("list", folder))? {
        let path = entry.map_err(AppError::io("list", folder))?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if let Some(number) = number.filter(|_| path.extension().is_some_and(|found| found == ending)) {
            files.push((number, path));
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Lines of a text file, parsed when asked for: one broken line spoils one frame.
#[derive(Clone, Debug)]
pub(super) struct TextLines {
    path: PathBuf,
    lines: Vec<String>,
}

impl TextLines {
    /// Reads a file that must be there.
    pub(super) fn read(path: &Path) -> Result<Self, AppError> {
        Self::of(path, read(path)?)
    }

    /// Reads a file that may be missing.
    pub(super) fn read_if_there(path: &Path) -> Result<Option<Self>, AppError> {
        read_if_there(path)?.map(|bytes| Self::of(path, bytes)).transpose()
    }

    fn of(path: &Path, bytes: Vec<u8>) -> Result<Self, AppError> {
        let text = String::from_utf8(bytes).map_err(|_| AppError::data_file(path, "the text is not UTF-8"))?;
        Ok(Self { path: path.to_owned(), lines: text.lines().map(str::to_owned).collect() })
    }

    /// A line by its index, from 0.
    pub(super) fn line(&self, index: usize) -> Result<&str, AppError> {
        let found = self.lines.get(index).map(|line| line.trim()).filter(|line| !line.is_empty());
        found.ok_or_else(|| self.fault(index, "there is no such line, or it is empty"))
    }

    /// The numbers of a line by its index, from 0.
    pub(super) fn numbers<const N: usize>(&self, index: usize) -> Result<[f64; N], AppError> {
        self.parse(index, self.line(index)?)
    }

    /// The numbers behind a name that stands first on its line, with or without a colon.
    pub(super) fn numbers_of<const N: usize>(&self, name: &str) -> Result<[f64; N], AppError> {
        let rest = |line: &String| {
            let (first, rest) = line.trim().split_once(char::is_whitespace)?;
            (first.trim_end_matches(':') == name).then(|| rest.to_owned())
        };
        let found = self.lines.iter().enumerate().find_map(|(index, line)| Some((index, rest(line)?)));
        match found {
            Some((index, rest)) => self.parse(index, &rest),
            None => Err(AppError::data_file(&self.path, format!("there is no line {name}:"))),
        }
    }

    fn parse<const N: usize>(&self, index: usize, text: &str) -> Result<[f64; N], AppError> {
        let mut numbers = Vec::with_capacity(N);
        for word in text.split_whitespace() {
            match word.parse::<f64>() {
                Ok(number) if number.is_finite() => numbers.push(number),
                _ => return Err(self.fault(index, format!("{word:?} where a finite number is expected"))),
            }
        }
        let found = numbers.len();
        numbers.try_into().map_err(|_| self.fault(index, format!("{found} numbers, expected {N}")))
    }

    /// A fault of the line of an index.
    pub(super) fn fault(&self, index: usize, reason: impl Into<String>) -> AppError {
        AppError::DataLine { path: self.path.clone(), line: index + 1, reason: reason.into() }
    }
}
