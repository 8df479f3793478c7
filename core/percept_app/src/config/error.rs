//! What may be wrong with a configuration.

use std::path::PathBuf;
use thiserror::Error;

/// Why a configuration was refused. Every message names the file or key, what was found and the way out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: check the path and its permissions")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is larger than any configuration.
    #[error("{path} has {found_bytes} bytes, a configuration at most {limit_bytes}: is this the right file?")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        found_bytes: u64,
        /// The largest accepted.
        limit_bytes: u64,
    },
    /// The text is no YAML.
    #[error("{path} is not valid YAML: {detail}")]
    NotYaml {
        /// The file.
        path: PathBuf,
        /// The parser's words, with line and column.
        detail: String,
    },
    /// The file lacks the ROS parameter form.
    #[error(
        "{path} holds no parameters for the node {node}: expected `/**:` (or `{node}:`) with `ros__parameters:` below \
         it, found the top-level keys {found:?}"
    )]
    NoSection {
        /// The file.
        path: PathBuf,
        /// The node asked for.
        node: String,
        /// What is there instead.
        found: Vec<String>,
    },
    /// A value of a form that ROS parameters do not have.
    #[error("{key} is {found}: a ROS parameter is a boolean, number, text or a list of one of these")]
    NotAParameter {
        /// Name of the parameter.
        key: String,
        /// What was found.
        found: &'static str,
    },
    /// A key that nobody reads.
    #[error("unknown key {key}{}", nearest.as_ref().map_or_else(|| ": remove it".to_owned(), |n| format!(": did you mean {n}?")))]
    UnknownKey {
        /// The key found.
        key: String,
        /// The nearest valid one, where one is near.
        nearest: Option<String>,
    },
    /// A value of another type.
    #[error("{key} is {found}, expected {expected}")]
    WrongType {
        /// The key.
        key: String,
        /// The value found, as text.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A number that is no number or outside of what is allowed.
    #[error("{key} is {found}, expected {expected}")]
    OutOfRange {
        /// The key.
        key: String,
        /// The value found, as text.
        found: String,
        /// The allowed values.
        expected: String,
    },
    /// Range and voxel size make no grid.
    #[error("point_cloud_range and voxel_size make no grid")]
    Grid {
        /// Why.
        source: percept_types::GridError,
    },
    /// Two keys that need each other.
    #[error("{present} is set but {missing} is not: {way_out}")]
    Incomplete {
        /// The key found.
        present: String,
        /// The key missing.
        missing: String,
        /// What to do.
        way_out: &'static str,
    },
}
