//! What can end a training session.

use std::path::{Path, PathBuf};

/// An error of training, with the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// A setting that cannot be.
    #[error("{name} is {found}: expected {expected}")]
    Setting {
        /// The setting, as on the command line.
        name: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A run is already there.
    #[error("{path} holds a run already: go on with --resume, or give another folder")]
    RunExists {
        /// The checkpoint found.
        path: PathBuf,
    },
    /// Nothing to resume.
    #[error("{path} is not there: start without --resume, or give the folder of the run")]
    NothingToResume {
        /// The checkpoint expected.
        path: PathBuf,
    },
    /// A file or folder that the system refuses.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A labelled drive that cannot be trained on.
    #[error("{bag}: {reason}")]
    Bag {
        /// The bag.
        bag: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// A KITTI folder that cannot be validated on.
    #[error("{root}: {reason}")]
    Kitti {
        /// The folder.
        root: PathBuf,
        /// Why.
        reason: String,
    },
    /// A study that cannot be run.
    #[error("{path}: {reason}")]
    Study {
        /// The study's file, folder or finished cell.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// A candidate, a deployed model or a set of the gate that cannot be used.
    #[error("{path}: {reason}")]
    Gate {
        /// The file or folder.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The run itself failed.
    #[error(transparent)]
    Run(#[from] percept_distill::DistillError),
    /// The simulator refused.
    #[error(transparent)]
    Simulator(#[from] percept_sim::SimError),
    /// The metrics refused.
    #[error(transparent)]
    Evaluation(#[from] percept_eval::EvalError),
    /// The weights cannot be written or read.
    #[error(transparent)]
    Weights(#[from] percept_models::ModelError),
    /// A picture cannot be drawn.
    #[error("the curves cannot be drawn: {reason}")]
    Picture {
        /// Why.
        reason: String,
    },
    /// JSON that cannot be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl TrainingError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
