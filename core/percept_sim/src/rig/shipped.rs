//! The rigs that come with the program.

use super::CameraRig;
use crate::error::SimError;
use std::path::Path;

/// Name for the command line, file, text.
const SHIPPED: [(&str, &str, &str); 2] = [
    ("nuscenes", "rigs/nuscenes.json", include_str!("../../rigs/nuscenes.json")),
    ("kitti", "rigs/kitti.json", include_str!("../../rigs/kitti.json")),
];

/// A rig file is at most this large: ten cameras are a hundredth of it.
const MAX_FILE_BYTES: u64 = 1 << 20;

impl CameraRig {
    /// Names of the rigs that come with the program.
    pub fn shipped() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _, _)| *name)
    }

    /// A shipped rig by its name (case does not matter), or one from a JSON file.
    ///
    /// # Errors
    /// When there is neither such a name nor such a file, or the file describes no rig.
    pub fn named_or_from_file(name: &str) -> Result<Self, SimError> {
        if let Some((_, file, text)) = SHIPPED.iter().find(|(shipped, _, _)| shipped.eq_ignore_ascii_case(name)) {
            return Self::from_json(file, text);
        }
        let unknown = || SimError::UnknownRig { found: name.to_owned(), shipped: Self::shipped().collect() };
        let size = std::fs::metadata(Path::new(name)).map_err(|_| unknown())?.len();
        let refuse = |reason: String| SimError::RigFile { file: name.to_owned(), reason };
        if size > MAX_FILE_BYTES {
            return Err(refuse(format!("{size} bytes: a rig file has at most {MAX_FILE_BYTES}")));
        }
        let text = std::fs::read_to_string(name).map_err(|error| refuse(error.to_string()))?;
        Self::from_json(name, &text)
    }
}
