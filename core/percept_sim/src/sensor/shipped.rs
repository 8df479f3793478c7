//! The sensors that come with the program.

use super::LidarModel;
use crate::changes::merged;
use crate::error::SimError;
use serde_json::Value;
use std::path::Path;

/// Name for the command line, file, text.
const SHIPPED: [(&str, &str, &str); 8] = [
    ("hdl-64e-kitti", "sensors/hdl64e_kitti.json", include_str!("../../sensors/hdl64e_kitti.json")),
    ("hdl-64e", "sensors/hdl64e.json", include_str!("../../sensors/hdl64e.json")),
    ("vlp-16", "sensors/vlp16.json", include_str!("../../sensors/vlp16.json")),
    ("vlp-32c", "sensors/vlp32c.json", include_str!("../../sensors/vlp32c.json")),
    ("os1-64", "sensors/os1_64.json", include_str!("../../sensors/os1_64.json")),
    ("os1-128", "sensors/os1_128.json", include_str!("../../sensors/os1_128.json")),
    ("pandar40p", "sensors/pandar40p.json", include_str!("../../sensors/pandar40p.json")),
    ("pandar128", "sensors/pandar128.json", include_str!("../../sensors/pandar128.json")),
];

/// A sensor file is at most this large: a table of 256 rings is a tenth of it.
const MAX_FILE_BYTES: u64 = 1 << 20;

impl LidarModel {
    /// Names of the sensors that come with the program.
    pub fn shipped() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _, _)| *name)
    }

    /// The Velodyne HDL-64E of KITTI's car, its motion taken out of each sweep as KITTI's recordings have it.
    ///
    /// # Errors
    /// When the shipped file is damaged.
    pub fn hdl64e_kitti() -> Result<Self, SimError> {
        let (_, file, text) = SHIPPED[0];
        Self::from_json(file, text)
    }

    /// KITTI's sensor with changes: a JSON object with keys of sensor files.
    ///
    /// # Errors
    /// When a key is unknown or a number impossible.
    pub fn hdl64e_kitti_changed(changes: &Value) -> Result<Self, SimError> {
        let (_, file, text) = SHIPPED[0];
        let refuse = |reason: String| SimError::SensorFile { file: file.to_owned(), reason };
        let value: Value = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
        Self::from_json(&format!("{file} with changes"), &merged(value, changes).to_string())
    }

    /// A shipped sensor by its name (case, `-` and `_` do not matter), or one from a JSON file.
    ///
    /// # Errors
    /// When there is neither such a name nor such a file, or the file describes no sensor.
    pub fn named_or_from_file(name: &str) -> Result<Self, SimError> {
        if let Some((_, file, text)) = SHIPPED.iter().find(|(shipped, _, _)| letters(shipped) == letters(name)) {
            return Self::from_json(file, text);
        }
        let unknown = || SimError::UnknownSensor { found: name.to_owned(), shipped: Self::shipped().collect() };
        let size = std::fs::metadata(Path::new(name)).map_err(|_| unknown())?.len();
        let refuse = |reason: String| SimError::SensorFile { file: name.to_owned(), reason };
        if size > MAX_FILE_BYTES {
            return Err(refuse(format!("{size} bytes: a sensor file has at most {MAX_FILE_BYTES}")));
        }
        let text = std::fs::read_to_string(name).map_err(|error| refuse(error.to_string()))?;
        Self::from_json(name, &text)
    }
}

fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}
