//! What can be wrong with what a simulation is given.

use thiserror::Error;

/// Why nothing was simulated.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SimError {
    /// A sensor file that describes no sensor.
    #[error("sensor file {file}: {reason}; correct it or name a shipped sensor")]
    SensorFile {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A sensor file with a number that no sensor has.
    #[error("sensor file {file}: {key} is {found}, expected {expected}")]
    SensorSetting {
        /// The file.
        file: String,
        /// The key.
        key: &'static str,
        /// What is there.
        found: String,
        /// What would do.
        expected: &'static str,
    },
    /// A name that is neither a shipped sensor nor a file.
    #[error("{found} is neither a file nor a shipped sensor: these are {}", .shipped.join(", "))]
    UnknownSensor {
        /// The name asked for.
        found: String,
        /// The names there are.
        shipped: Vec<&'static str>,
    },
    /// A scene file that describes no scene.
    #[error("scene file {file}: {reason}; correct it or name a shipped scene")]
    SceneFile {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that is neither a shipped scene nor a file.
    #[error("{found} is neither a file nor a shipped scene: these are {}", .shipped.join(", "))]
    UnknownScene {
        /// The name asked for.
        found: String,
        /// The names there are.
        shipped: Vec<&'static str>,
    },
    /// A list of scenes that cannot be read.
    #[error("{found}: expected scenes as NAME[=WEIGHT][,NAME[=WEIGHT]...] with weights of 0 or more, not all 0")]
    SceneList {
        /// The list.
        found: String,
    },
    /// A rig file that describes no cameras.
    #[error("rig file {file}: {reason}; correct it or name a shipped rig")]
    RigFile {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A rig file with a number that no camera has.
    #[error("rig file {file}: {key} is {found}, expected {expected}")]
    RigSetting {
        /// The file.
        file: String,
        /// The key and the camera.
        key: String,
        /// What is there.
        found: String,
        /// What would do.
        expected: &'static str,
    },
    /// A name that is neither a shipped rig nor a file.
    #[error("{found} is neither a file nor a shipped camera rig: these are {}", .shipped.join(", "))]
    UnknownRig {
        /// The name asked for.
        found: String,
        /// The names there are.
        shipped: Vec<&'static str>,
    },
    /// A size that no image has.
    #[error("an image of {found} pixels cannot be rendered: give 1 to {max} columns and rows")]
    ImageSize {
        /// The size asked for.
        found: String,
        /// The longest side.
        max: usize,
    },
    /// A scene description with impossible numbers.
    #[error("scene setting {name} is {found}, expected {expected}")]
    SceneSetting {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: String,
        /// What would do.
        expected: &'static str,
    },
    /// A sector without width.
    #[error("a view of {half_width_deg} degrees to each side sees nothing: give 0 to 180")]
    EmptyView {
        /// Half of its width.
        half_width_deg: f64,
    },
    /// More points or instances than labels can number.
    #[error("{found} instances in one world, at most {max} can be numbered: lower the densities or shorten the drive")]
    TooManyInstances {
        /// Instances sampled.
        found: usize,
        /// The largest number.
        max: usize,
    },
    /// The cloud could not be put together.
    #[error(transparent)]
    Cloud(#[from] percept_types::CloudError),
}
