//! A candidate through all rules on all frozen sets.

use crate::Progress;
use crate::training::{HeldOut, Judged, SimulatedFrames, TrainingError, Weights, held_out_sha256};
use percept_eval::latency::StageLatency;
use percept_models::weights::ReadyConfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::judge::sanity;
use super::{GateFinding, GateLimits, compare_set};

/// Name of the file in the models folder that holds the frozen sets' hashes.
const FROZEN: &str = "frozen_sets.json";

/// A set that nothing is ever trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrozenSet {
    /// Simulated frames of the worlds kept apart for judging.
    Simulated {
        /// Its name.
        name: String,
        /// Scenes, `NAME[=WEIGHT],...`.
        scenes: String,
        /// How many frames.
        frames: u64,
    },
    /// A KITTI object folder.
    Kitti {
        /// Its name.
        name: String,
        /// The folder.
        root: PathBuf,
    },
}

impl FrozenSet {
    fn open(&self) -> Result<HeldOut, TrainingError> {
        match self {
            Self::Simulated { name, scenes, frames } => {
                HeldOut::from_source(name, &SimulatedFrames::held_out(scenes)?, *frames)
            }
            Self::Kitti { name, root } => HeldOut::from_kitti(name, root),
        }
    }
}

/// What is judged, against what, on what.
#[derive(Clone, Debug)]
pub struct GatePlan {
    /// The candidate's weights.
    pub candidate: PathBuf,
    /// The deployed weights; `None` for the first model, which is held to the rules that need no other.
    pub deployed: Option<PathBuf>,
    /// The sets.
    pub sets: Vec<FrozenSet>,
    /// The limits.
    pub limits: GateLimits,
    /// Folder that remembers the sets' hashes: a set that changed is refused.
    pub models: PathBuf,
}

/// What the gate says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateDecision {
    /// Whether the candidate may be deployed.
    pub passed: bool,
    /// SHA-256 of the candidate.
    pub candidate_sha256: String,
    /// SHA-256 of what it was held against.
    pub deployed_sha256: Option<String>,
    /// Every rule on every set.
    pub findings: Vec<GateFinding>,
    /// SHA-256 of each set's points, by name.
    pub sets: BTreeMap<String, String>,
}

impl fmt::Display for GateDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for GateFinding { set, rule, passed, text, .. } in &self.findings {
            writeln!(f, "{} {set}: {rule}: {text}", if *passed { "ok     " } else { "BLOCKED" })?;
        }
        let verdict = if self.passed { "passed" } else { "blocked: the deployed model stays" };
        writeln!(f, "candidate {:.12} {verdict}", self.candidate_sha256)
    }
}

/// Judges a candidate.
///
/// # Errors
/// Weights that are damaged or of other classes, a set that cannot be made or changed since it was frozen. A candidate that
/// is worse is no error: the decision says so.
pub fn gate(plan: &GatePlan, progress: &mut dyn Progress) -> Result<GateDecision, TrainingError> {
    plan.limits.check()?;
    if plan.sets.is_empty() {
        let expected = "at least one frozen set";
        return Err(TrainingError::Setting { name: "sets", found: "none".into(), expected });
    }
    let candidate = open(&plan.candidate, "candidate")?;
    let deployed = plan.deployed.as_deref().map(|path| open(path, "deployed model")).transpose()?;
    check_classes(plan, &candidate, deployed.as_ref())?;
    let mut decision = GateDecision {
        passed: false,
        candidate_sha256: candidate.sha256().to_owned(),
        deployed_sha256: deployed.as_ref().map(|weights| weights.sha256().to_owned()),
        findings: Vec::new(),
        sets: BTreeMap::new(),
    };
    for set in &plan.sets {
        let held_out = set.open()?;
        let name = held_out.name().to_owned();
        progress.note(&format!("judging on {name}, {} frames", held_out.len()));
        decision.sets.insert(name.clone(), held_out_sha256(std::slice::from_ref(&held_out)));
        let ReadyConfig::PointPillars(config) = candidate.config();
        let judged = match held_out.judge(config, candidate.parameters()) {
            Ok(judged) => judged,
            // A network whose outputs are no numbers is a finding about it, not a fault of the gate.
            Err(TrainingError::Run(error)) => {
                decision.findings.push(GateFinding::new(&name, "output invariants", false, error.to_string()));
                continue;
            }
            Err(error) => return Err(error),
        };
        decision.findings.push(sanity(&name, &judged.found, held_out.num_objects()));
        decision.findings.extend(budgets(&name, &judged, &plan.limits));
        if let Some(deployed) = &deployed {
            let ReadyConfig::PointPillars(config) = deployed.config();
            let before = held_out.judge(config, deployed.parameters())?;
            decision.findings.extend(compare_set(&name, &judged.pairs, &before.pairs, &plan.limits)?);
        }
    }
    check_frozen(&plan.models, &decision.sets)?;
    decision.passed = decision.findings.iter().all(|finding| finding.passed);
    Ok(decision)
}

fn open(path: &Path, what: &str) -> Result<Weights, TrainingError> {
    let bytes = std::fs::read(path).map_err(TrainingError::io("read", path))?;
    let fault = |error: percept_models::ModelError| TrainingError::Gate {
        path: path.to_owned(),
        reason: format!("the {what} cannot be used ({error}): the deployed model stays"),
    };
    let weights = Weights::from_bytes(&bytes).map_err(fault)?;
    Ok(weights)
}

fn check_classes(plan: &GatePlan, candidate: &Weights, deployed: Option<&Weights>) -> Result<(), TrainingError> {
    let names = |weights: &Weights| {
        let ReadyConfig::PointPillars(config) = weights.config();
        config.class_names().to_vec()
    };
    match deployed.map(names) {
        Some(before) if before.iter().any(|name| !names(candidate).contains(name)) => {
            let found = names(candidate);
            let reason =
                format!("knows the classes {found:?}, the deployed model {before:?}: it cannot take its place");
            Err(TrainingError::Gate { path: plan.candidate.clone(), reason })
        }
        _ => Ok(()),
    }
}

fn budgets(set: &str, judged: &Judged, limits: &GateLimits) -> Vec<GateFinding> {
    let times: Vec<Duration> = judged.latency_ms.iter().map(|ms| Duration::from_secs_f64(ms / 1e3)).collect();
    let p99 = StageLatency::of("frame", &times).map_or(f64::NAN, |latency| latency.p99_ms);
    let within = |found: f64, limit: Option<f64>| limit.is_none_or(|limit| found <= limit);
    let told = |limit: Option<f64>| limit.map_or("no limit".to_owned(), |limit| format!("limit {limit:.1}"));
    let megabytes = judged.memory_bytes as f64 / 1e6;
    let memory_limit = limits.memory_bytes.map(|bytes| bytes as f64 / 1e6);
    vec![
        GateFinding::new(
            set,
            "latency",
            within(p99, limits.latency_p99_ms),
            format!("99th percentile {p99:.1} ms, {}", told(limits.latency_p99_ms)),
        ),
        GateFinding::new(
            set,
            "memory",
            within(megabytes, memory_limit),
            format!("{megabytes:.1} MB of weights and buffers, {}", told(memory_limit)),
        ),
    ]
}

/// A set's points are noted at its first use and must be the same ever after.
fn check_frozen(models: &Path, sets: &BTreeMap<String, String>) -> Result<(), TrainingError> {
    std::fs::create_dir_all(models).map_err(TrainingError::io("create", models))?;
    let path = models.join(FROZEN);
    let mut known: BTreeMap<String, String> = match path.exists() {
        true => serde_json::from_str(&std::fs::read_to_string(&path).map_err(TrainingError::io("read", &path))?)?,
        false => BTreeMap::new(),
    };
    for (name, sha256) in sets {
        if known.get(name).is_some_and(|frozen| frozen != sha256) {
            let reason = format!(
                "the set {name} is not the one that was frozen: its points changed (simulator, files, number of frames). Give \
                 the set another name"
            );
            return Err(TrainingError::Gate { path, reason });
        }
        known.insert(name.clone(), sha256.clone());
    }
    let beside = path.with_extension("json.unfinished");
    std::fs::write(&beside, serde_json::to_string_pretty(&known)?).map_err(TrainingError::io("write", &beside))?;
    std::fs::rename(&beside, &path).map_err(TrainingError::io("rename to", &path))
}
