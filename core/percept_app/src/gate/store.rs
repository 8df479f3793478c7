//! Deployed models as files: immutable artefacts, and the one at work.
//!
//! ```text
//! models/<id>/weights.safetensors, manifest.json      an artefact: never changed, checked by hash whenever it is used
//! models/deployed.json                                which one is at work, and which were before
//! models/deployed.safetensors                         the file that a node watches
//! ```

use crate::training::{TrainingError, Weights};
use percept_models::weights::TrainingRecord;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::GateDecision;

/// Former models that can be gone back to.
const KEPT: usize = 2;
const WEIGHTS: &str = "weights.safetensors";
const MANIFEST: &str = "manifest.json";
const DEPLOYED: &str = "deployed.json";
const DEPLOYED_WEIGHTS: &str = "deployed.safetensors";

/// What an artefact says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artefact {
    /// Name of its folder: the model and the first digits of its hash.
    pub id: String,
    /// SHA-256 of the weights.
    pub sha256: String,
    /// Name of the model.
    pub model_id: String,
    /// How it was trained: data, seeds, teacher.
    pub training: Option<TrainingRecord>,
    /// The gate's decision with its scores.
    pub decision: GateDecision,
    /// Version of the program.
    pub percept_version: String,
}

/// Which model is at work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Its id.
    pub current: String,
    /// SHA-256 of its weights.
    pub sha256: String,
    /// Ids of those before it, latest first.
    pub previous: Vec<String>,
}

/// A folder of models.
#[derive(Clone, Debug)]
pub struct ModelStore {
    root: PathBuf,
}

impl ModelStore {
    /// The folder, made where it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(root: &Path) -> Result<Self, TrainingError> {
        fs::create_dir_all(root).map_err(TrainingError::io("create", root))?;
        Ok(Self { root: root.to_owned() })
    }

    /// What is deployed; `None` before the first.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn deployed(&self) -> Result<Option<Deployment>, TrainingError> {
        let path = self.root.join(DEPLOYED);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(TrainingError::io("read", &path))?;
        let refuse = |error: serde_json::Error| TrainingError::Gate { path, reason: error.to_string() };
        Ok(Some(serde_json::from_str(&text).map_err(refuse)?))
    }

    /// The file that a node watches.
    pub fn deployed_weights(&self) -> PathBuf {
        self.root.join(DEPLOYED_WEIGHTS)
    }

    /// The weights of an artefact, held against its manifest.
    ///
    /// # Errors
    /// An id that is not there; weights that were changed, cut short or cannot be read.
    pub fn verified(&self, id: &str) -> Result<(Artefact, Vec<u8>), TrainingError> {
        let folder = self.folder(id)?;
        let path = folder.join(MANIFEST);
        let text = fs::read_to_string(&path).map_err(TrainingError::io("read", &path))?;
        let artefact: Artefact = serde_json::from_str(&text)
            .map_err(|error| TrainingError::Gate { path: path.clone(), reason: error.to_string() })?;
        let path = folder.join(WEIGHTS);
        let bytes = fs::read(&path).map_err(TrainingError::io("read", &path))?;
        let found = sha256_hex(&bytes);
        if found != artefact.sha256 {
            let reason = format!(
                "was changed since it was published: its hash is {found:.12}, the manifest says {:.12}; the deployed model \
                 stays. Publish it anew with percept gate",
                artefact.sha256
            );
            return Err(TrainingError::Gate { path, reason });
        }
        Weights::from_bytes(&bytes)?;
        Ok((artefact, bytes))
    }

    /// Ids come from files: none may lead out of the folder.
    fn folder(&self, id: &str) -> Result<PathBuf, TrainingError> {
        let is_name = !id.is_empty()
            && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            && !id.starts_with('.');
        let folder = self.root.join(id);
        match is_name && folder.is_dir() {
            true => Ok(folder),
            false => Err(TrainingError::Gate { path: self.root.clone(), reason: format!("has no model {id:?}") }),
        }
    }

    /// Publishes weights that passed: an artefact of its own folder, there whole or not at all. The same weights again are
    /// the same artefact.
    ///
    /// # Errors
    /// A decision that blocks, bytes of another model than the decision's, a full disk.
    pub fn publish(&self, bytes: &[u8], decision: &GateDecision) -> Result<Artefact, TrainingError> {
        let refuse = |reason: &str| TrainingError::Gate { path: self.root.clone(), reason: reason.to_owned() };
        let sha256 = sha256_hex(bytes);
        if !decision.passed {
            return Err(refuse("the gate blocks this model: nothing is published"));
        }
        if sha256 != decision.candidate_sha256 {
            return Err(refuse("the weights changed since the gate judged them: nothing is published"));
        }
        let weights = Weights::from_bytes(bytes)?;
        let model_id = weights.metadata().model_id.clone();
        let named: String = model_id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let artefact = Artefact {
            id: format!("{named}-{:.12}", sha256),
            sha256,
            model_id,
            training: weights.metadata().training.clone(),
            decision: decision.clone(),
            percept_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let folder = self.root.join(&artefact.id);
        if folder.exists() {
            return Ok(self.verified(&artefact.id)?.0);
        }
        let beside = self.root.join(format!(".{}.unfinished", artefact.id));
        if beside.exists() {
            fs::remove_dir_all(&beside).map_err(TrainingError::io("remove", &beside))?;
        }
        fs::create_dir_all(&beside).map_err(TrainingError::io("create", &beside))?;
        write_synced(&beside.join(WEIGHTS), bytes)?;
        write_synced(&beside.join(MANIFEST), serde_json::to_string_pretty(&artefact)?.as_bytes())?;
        sync_folder(&beside)?;
        fs::rename(&beside, &folder).map_err(TrainingError::io("rename to", &folder))?;
        sync_folder(&self.root)?;
        Ok(artefact)
    }

    /// Puts an artefact to work; the one before can be gone back to.
    ///
    /// # Errors
    /// An artefact that is not there or was changed; a full disk. What was deployed then stays.
    pub fn deploy(&self, id: &str) -> Result<Deployment, TrainingError> {
        let mut previous = Vec::new();
        if let Some(before) = self.deployed()? {
            if before.current == id {
                self.put_to_work(id, before.previous.clone())?;
                return Ok(before);
            }
            previous.push(before.current);
            previous.extend(before.previous.into_iter().filter(|other| other != id));
            previous.truncate(KEPT);
        }
        self.put_to_work(id, previous)
    }

    /// Goes back to the model before.
    ///
    /// # Errors
    /// When there is none, or it was changed: then what is deployed stays.
    pub fn rollback(&self) -> Result<Deployment, TrainingError> {
        let refuse = |reason: &str| TrainingError::Gate { path: self.root.clone(), reason: reason.to_owned() };
        let deployed = self.deployed()?.ok_or_else(|| refuse("has no deployed model to go back from"))?;
        let (before, rest) = deployed
            .previous
            .split_first()
            .ok_or_else(|| refuse("has no model before the deployed one: nothing to go back to"))?;
        self.put_to_work(before, rest.to_vec())
    }

    /// The weights first, so that a node that reads the note finds them.
    fn put_to_work(&self, id: &str, previous: Vec<String>) -> Result<Deployment, TrainingError> {
        let (artefact, bytes) = self.verified(id)?;
        let deployment = Deployment { current: artefact.id, sha256: artefact.sha256, previous };
        self.replace(DEPLOYED_WEIGHTS, &bytes)?;
        self.replace(DEPLOYED, serde_json::to_string_pretty(&deployment)?.as_bytes())?;
        Ok(deployment)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), TrainingError> {
        let (path, beside) = (self.root.join(name), self.root.join(format!(".{name}.unfinished")));
        write_synced(&beside, bytes)?;
        fs::rename(&beside, &path).map_err(TrainingError::io("rename to", &path))?;
        sync_folder(&self.root)
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), TrainingError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(TrainingError::io("write", path))
}

fn sync_folder(path: &Path) -> Result<(), TrainingError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(TrainingError::io("flush", path))
}

fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
