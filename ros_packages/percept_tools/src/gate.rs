//! `percept gate` and `percept rollback`: what may be deployed, and the way back.

use crate::bar::Bar;
use crate::outcome::{EXIT_CODES, Outcome};
use crate::report;
use anyhow::{Context, Result};
use clap::Args;
use percept_app::gate::{FrozenSet, GateDecision, GateLimits, GatePlan, ModelStore, gate};
use percept_app::training::SimulatedFrames;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  percept gate student.safetensors --models models               judge it against what is deployed there; publish it
  percept gate student.safetensors --models models --deploy      and put it to work
  percept gate student.safetensors --models models --limits limits.json --kitti KITTI
  percept rollback --models models                                back to the model before

limits.json holds what differs from the defaults, for example
  {\"class_drop\": {\"Pedestrian\": 1.0, \"Cyclist\": 1.0, \"Car\": 2.0}, \"latency_p99_ms\": 100}";

/// Hold a candidate against the deployed model on frozen sets; publish it where it passes
///
/// The gate blocks (exit code 1) where mAP or a safety class drops beyond its limit (paired bootstrap over frames), where a
/// set is too small to tell, where boxes are not sane, or where time or memory exceed their budget; the deployed model then
/// stays. A pass leaves an artefact in the models folder that is never changed; --deploy puts it to work for nodes that
/// watch deployed.safetensors there.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct GateArgs {
    /// The candidate's weights
    candidate: PathBuf,
    /// Folder of the artefacts
    #[arg(long, short)]
    models: PathBuf,
    /// What to hold it against instead of the deployed model
    #[arg(long)]
    against: Option<PathBuf>,
    /// A JSON file of limits
    #[arg(long)]
    limits: Option<PathBuf>,
    /// Scenes of the frozen simulated set
    #[arg(long, default_value = SimulatedFrames::DEFAULT_SCENES, value_name = "NAME[=WEIGHT],...")]
    scene: String,
    /// Frames of the frozen simulated set; 0 for none
    #[arg(long, default_value_t = 500)]
    frames: u64,
    /// A KITTI object folder as a further frozen set
    #[arg(long)]
    kitti: Option<PathBuf>,
    /// Put the model to work where it passes; otherwise it is published alone
    #[arg(long)]
    deploy: bool,
    /// Print a JSON summary
    #[arg(long)]
    json: bool,
}

/// Go back to the model that was deployed before
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct RollbackArgs {
    /// Folder of the artefacts
    #[arg(long, short)]
    models: PathBuf,
    /// Print a JSON summary
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Summary {
    decision: Option<GateDecision>,
    published: Option<String>,
    deployed: Option<String>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(decision) = &self.decision {
            write!(f, "{decision}")?;
        }
        if let Some(id) = &self.published {
            writeln!(f, "published {id}")?;
        }
        match &self.deployed {
            Some(id) => writeln!(f, "at work   {id}"),
            None => writeln!(f, "at work   nothing yet"),
        }
    }
}

/// Runs `percept gate`.
pub fn run(args: &GateArgs, bar: &mut Bar) -> Result<Outcome> {
    let store = ModelStore::open(&args.models)?;
    let at_work = store.deployed()?;
    let deployed = match (&args.against, &at_work) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(deployment)) => {
            store.verified(&deployment.current)?;
            Some(args.models.join(&deployment.current).join("weights.safetensors"))
        }
        (None, None) => None,
    };
    let limits = match &args.limits {
        None => GateLimits::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            serde_json::from_str(&text).with_context(|| format!("{} holds no limits", path.display()))?
        }
    };
    let simulated = (args.frames > 0).then(|| FrozenSet::Simulated {
        name: format!("sim-{}", args.frames),
        scenes: args.scene.clone(),
        frames: args.frames,
    });
    let kitti = args.kitti.clone().map(|root| FrozenSet::Kitti { name: "kitti".to_owned(), root });
    let plan = GatePlan {
        candidate: args.candidate.clone(),
        deployed,
        sets: simulated.into_iter().chain(kitti).collect(),
        limits,
        models: args.models.clone(),
    };
    let decision = gate(&plan, bar)?;
    let passed = decision.passed;
    let mut summary = Summary {
        decision: Some(decision.clone()),
        published: None,
        deployed: at_work.map(|deployment| deployment.current),
    };
    if passed {
        let bytes = std::fs::read(&args.candidate).with_context(|| format!("reading {}", args.candidate.display()))?;
        let artefact = store.publish(&bytes, &decision)?;
        if args.deploy {
            summary.deployed = Some(store.deploy(&artefact.id)?.current);
        }
        summary.published = Some(artefact.id);
    }
    report::print(&summary, args.json)?;
    Ok(Outcome::found(!passed))
}

/// Runs `percept rollback`.
pub fn rollback(args: &RollbackArgs) -> Result<Outcome> {
    let deployment = ModelStore::open(&args.models)?.rollback()?;
    report::print(&Summary { decision: None, published: None, deployed: Some(deployment.current) }, args.json)?;
    Ok(Outcome::Done)
}
