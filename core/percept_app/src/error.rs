//! What can go wrong between a file and a result, each naming the place, what was expected and the way out.

use crate::config::ConfigError;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Every fault that a subcommand or a node can end with.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AppError {
    /// The configuration was refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A bag cannot be read or written.
    #[error(transparent)]
    Bag(#[from] percept_bag::BagError),
    /// A topic or service cannot be used.
    #[error(transparent)]
    Transport(#[from] percept_transport::TransportError),
    /// The system refused something.
    #[error("cannot {action} {path}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A bag without point clouds.
    #[error("{bag} has no sensor_msgs/msg/PointCloud2 topic; it has {}", list(.topics))]
    NoCloudTopic {
        /// The bag.
        bag: PathBuf,
        /// Its topics with their types.
        topics: Vec<String>,
    },
    /// A bag with several clouds and no word on which to take.
    #[error("{bag} has {} PointCloud2 topics: name one with --topic: {}", .candidates.len(), list(.candidates))]
    SeveralCloudTopics {
        /// The bag.
        bag: PathBuf,
        /// Their names and message counts.
        candidates: Vec<String>,
    },
    /// A topic that was asked for and is not there.
    #[error("{bag} has no topic {asked}; its PointCloud2 topics are {}", list(.candidates))]
    NoSuchTopic {
        /// The bag.
        bag: PathBuf,
        /// The name asked for.
        asked: String,
        /// Clouds that are there.
        candidates: Vec<String>,
    },
    /// A bag from which no topic of boxes can be told.
    #[error(
        "{bag}: no vision_msgs/msg/Detection3DArray topic can be chosen; it has {}: name one with --topic or \
         --truth-topic",
        list(.candidates)
    )]
    NoDetections {
        /// The bag.
        bag: PathBuf,
        /// Topics of the type.
        candidates: Vec<String>,
    },
    /// A topic of another type than is needed.
    #[error("{bag}: topic {topic} is {found}, expected {expected}")]
    WrongTopicType {
        /// The bag.
        bag: PathBuf,
        /// The topic.
        topic: String,
        /// Its type and encoding.
        found: String,
        /// What is needed.
        expected: &'static str,
    },
    /// A message that cannot be understood where nothing can be done without it.
    #[error("{bag}: message on {topic} at {log_time_ns} ns cannot be read: {reason}")]
    Message {
        /// The bag.
        bag: PathBuf,
        /// The topic.
        topic: String,
        /// Its log time.
        log_time_ns: i64,
        /// What is wrong with it.
        reason: String,
    },
    /// A message of ours that cannot be written.
    #[error("a message for {topic} cannot be written: {reason}")]
    Encode {
        /// The topic.
        topic: String,
        /// What is wrong.
        reason: String,
    },
    /// Weights that cannot be loaded.
    #[error("weights {path}: {reason}")]
    Weights {
        /// The file.
        path: PathBuf,
        /// Why, and the way out.
        reason: String,
    },
    /// Weights that are not what the configuration says.
    #[error("{key} is {configured} in the configuration but {found} in the weights {weights}: {way_out}")]
    Contradiction {
        /// The weights file.
        weights: PathBuf,
        /// The key that disagrees.
        key: String,
        /// What the configuration says.
        configured: String,
        /// What the weights say.
        found: String,
        /// What to do.
        way_out: &'static str,
    },
    /// A setting that this build or machine cannot serve.
    #[error("{what}: {way_out}")]
    Unavailable {
        /// What was asked for.
        what: String,
        /// What to do.
        way_out: String,
    },
    /// A GPU that failed or ran out of memory: nothing can be computed on it any more.
    #[error("the device is lost: {reason}")]
    DeviceLost {
        /// What the driver said, and the way out.
        reason: String,
    },
    /// A folder that is no KITTI object folder.
    #[error(
        "{path} has no {part} files: expected KITTI's object form, ROOT/training/{part}/000000.* (give ROOT or \
         ROOT/training); found {}",
        list(.found)
    )]
    NotKitti {
        /// The folder.
        path: PathBuf,
        /// The part looked for.
        part: &'static str,
        /// What is in the folder.
        found: Vec<String>,
    },
    /// A folder that has not the layout of a data set.
    #[error("{path} is no folder of {data_set}: expected {expected}; found {}", list(.found))]
    NotDataSet {
        /// The folder.
        path: PathBuf,
        /// The data set.
        data_set: &'static str,
        /// Its layout.
        expected: &'static str,
        /// What is in the folder.
        found: Vec<String>,
    },
    /// A data set with several drives and no word on which to take.
    #[error("{path} has {} {what}: name one with {option}: {}", .candidates.len(), list(.candidates))]
    SeveralDrives {
        /// The folder.
        path: PathBuf,
        /// What there are several of.
        what: &'static str,
        /// How to name one.
        option: &'static str,
        /// Their names.
        candidates: Vec<String>,
    },
    /// A drive that was asked for and is not there.
    #[error("{path} has no {asked}; it has {}", list(.candidates))]
    NoSuchDrive {
        /// The folder.
        path: PathBuf,
        /// What was asked for.
        asked: String,
        /// What there is.
        candidates: Vec<String>,
    },
    /// A file of a data set that cannot be understood.
    #[error("{path}: {reason}")]
    DataFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A line of a data set's file that cannot be understood.
    #[error("{path}, line {line}: {reason}")]
    DataLine {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Truth and detections that do not belong together.
    #[error("{truth} does not fit {detections}: {reason}")]
    TruthMismatch {
        /// Where truth came from.
        truth: PathBuf,
        /// Where detections came from.
        detections: PathBuf,
        /// What is wrong, and the way out.
        reason: String,
    },
    /// A picture or page that cannot be made.
    #[error("cannot draw {path}: {reason}")]
    Picture {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A stage that failed with a reason of its own crate.
    #[error("{stage} failed: {reason}")]
    Stage {
        /// What was being done.
        stage: &'static str,
        /// Why.
        reason: String,
    },
}

impl AppError {
    /// Whether a supervisor should start the process anew for another try at the GPU.
    pub fn is_device_lost(&self) -> bool {
        matches!(self, Self::DeviceLost { .. })
    }

    /// Names the action and the file in what the system said.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Names the topic in a message that cannot be written.
    pub fn encode(topic: &str) -> impl FnOnce(percept_msgs::MsgError) -> Self + use<> {
        let topic = topic.to_owned();
        move |error| Self::Encode { topic, reason: error.to_string() }
    }

    /// Names what was being done in the error of another crate.
    pub fn stage<E: std::fmt::Display>(stage: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Stage { stage, reason: error.to_string() }
    }

    /// A file of a data set with what is wrong with it.
    pub fn data_file(path: &Path, reason: impl Into<String>) -> Self {
        Self::DataFile { path: path.to_owned(), reason: reason.into() }
    }

    /// A folder that is no KITTI object folder, with what is in it.
    pub fn not_kitti(path: &Path, part: &'static str) -> Self {
        Self::NotKitti { path: path.to_owned(), part, found: contents(path) }
    }

    /// A folder that has not the layout of a data set, with what is in it.
    pub fn not_data_set(path: &Path, data_set: &'static str, expected: &'static str) -> Self {
        Self::NotDataSet { path: path.to_owned(), data_set, expected, found: contents(path) }
    }

    /// Whether the output could not be written (a full disk) while the input was fine.
    pub fn is_output_failure(&self) -> bool {
        matches!(self, Self::Bag(percept_bag::BagError::WriteFailed { .. }) | Self::Io { action: "write", .. })
    }
}

/// Names told of a folder's contents; the rest is counted.
const MAX_NAMES_TOLD: usize = 20;

/// The first names in a folder, sorted, folders with a slash behind.
fn contents(folder: &Path) -> Vec<String> {
    if !folder.is_dir() {
        return vec!["no such folder".to_owned()];
    }
    let name = |entry: std::fs::DirEntry| {
        let slash = if entry.path().is_dir() { "/" } else { "" };
        format!("{}{slash}", entry.file_name().to_string_lossy())
    };
    let mut names: Vec<String> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(name).collect();
    names.sort_unstable();
    let further = names.len().saturating_sub(MAX_NAMES_TOLD);
    names.truncate(MAX_NAMES_TOLD);
    names.extend((further > 0).then(|| format!("{further} more")));
    names
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
