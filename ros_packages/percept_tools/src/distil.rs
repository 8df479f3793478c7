//! `percept distill`: a small network that learns from a teacher, live or from its records.

use crate::bar::Bar;
use crate::outcome::{EXIT_CODES, Outcome};
use crate::report;
use anyhow::{Context, Result, bail};
use clap::Args;
use percept_app::Progress;
use percept_app::training::{
    AugmentationLevel, Cell, CellRun, CellSettings, Distillation, DistillationTerm, FinishedCell, HeldOut, Judge,
    METHOD_NAMES, SimulatedFrames, Width, held_out_sha256, method_of_name, write_report,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const EXAMPLES: &str = "Examples:
  percept distill --teacher W --method point-distiller --out run                 on simulated frames, the teacher live
  percept distill --teacher W --bag drive --records drive_teacher --out run      from records, see percept record
  percept distill --config student.json --out run --seed 2                       everything from a file
  percept distill --config student.json --out run --resume
  percept distill --teacher W --out run --beside plain/cell.json                 with a run of before on the page

A configuration is a JSON object of the keys of a study's cell, for example
  {\"preset\": \"16x\", \"steps\": 6000, \"distillation\": {\"teacher\": \"teacher.safetensors\",
   \"terms\": [{\"weight\": 1, \"method\": {\"point_distiller\": {\"selected\": 12000, \"channels\": 16}}}]}}";

/// Distil a detector from a teacher, live or from records
///
/// The student sees the teacher's outputs on the same windows as the truth. The folder of a run holds its checkpoint,
/// curves, weights with their card, cell.json with every figure, and report.html. Ctrl-C finishes the step and saves;
/// --resume goes on as if never stopped.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct DistilArgs {
    /// Folder of the run
    #[arg(long, short)]
    out: PathBuf,
    /// Go on with the run in that folder, under the same settings
    #[arg(long)]
    resume: bool,
    /// A JSON file of the run's settings; the options below change it
    #[arg(long)]
    config: Option<PathBuf>,
    /// The teacher's weights
    #[arg(long, short)]
    teacher: Option<PathBuf>,
    /// How to learn from it (may be given several times) [default: point-distiller]
    #[arg(long, value_parser = METHOD_NAMES)]
    method: Vec<String>,
    /// Weight of the teacher's part of the loss, with --method or --teacher
    #[arg(long, default_value_t = 1.0)]
    weight: f64,
    /// Folders of percept record: the teacher's outputs on the bags (may be given several times)
    #[arg(long)]
    records: Vec<PathBuf>,
    /// Labelled drives to train on instead of the simulator (may be given several times)
    #[arg(long)]
    bag: Vec<PathBuf>,
    /// Width of the student: 1x, 4x or 16x
    #[arg(long)]
    preset: Option<String>,
    /// Steps of the one-cycle schedule
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    steps: Option<u64>,
    /// Seed of first weights, frames, augmentation and windows
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads that make frames
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Minutes between checkpoints
    #[arg(long, default_value_t = 3.0)]
    checkpoint_minutes: f64,
    /// Held-out simulated frames to judge the finished weights on
    #[arg(long, default_value_t = 500)]
    final_frames: u64,
    /// A KITTI object folder to judge on as well; nothing of it is trained on
    #[arg(long)]
    kitti: Option<PathBuf>,
    /// cell.json of another run, judged on the same frames, to stand beside this one in the report (may be given several times)
    #[arg(long)]
    beside: Vec<PathBuf>,
    /// Print a JSON summary
    #[arg(long)]
    json: bool,
}

/// How it went.
#[derive(Debug, Serialize)]
struct Summary {
    out: PathBuf,
    finished: bool,
    weights: Option<PathBuf>,
    report: Option<PathBuf>,
    metrics: BTreeMap<String, f64>,
    #[serde(skip)]
    lines: Vec<String>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        match (&self.weights, &self.report) {
            (Some(weights), Some(report)) => writeln!(f, "weights {}\nreport  {}", weights.display(), report.display()),
            _ => writeln!(f, "saved in {}; go on with --resume", self.out.display()),
        }
    }
}

/// Methods by name as terms of one weight, with the published numbers for a student of this width.
pub fn terms_of_names(names: &[String], student: Width, weight: f64, top_k: Option<usize>) -> Vec<DistillationTerm> {
    let methods = names.iter().filter_map(|name| method_of_name(name, student));
    methods.map(|method| DistillationTerm { weight, method: method.with_top_k(top_k) }).collect()
}

/// Runs the command.
pub fn run(args: &DistilArgs, bar: &mut Bar) -> Result<Outcome> {
    let cell = Cell { row: "distilled".to_owned(), seed: args.seed, settings: settings(args)? };
    let checkpoint = args.out.join("checkpoint.safetensors");
    match (args.resume, checkpoint.exists()) {
        (true, false) => {
            bail!("{} is not there: start without --resume, or give the folder of the run", checkpoint.display())
        }
        (false, true) => {
            bail!("{} holds a run already: go on with --resume, or give another folder", checkpoint.display())
        }
        (true, true) | (false, false) => {}
    }
    let seconds = args.checkpoint_minutes * 60.0;
    if !(0.0..=1e7).contains(&seconds) {
        bail!("--checkpoint-minutes is {}: expected 0 or more", args.checkpoint_minutes);
    }
    let judge = Judge { frames: args.final_frames, ..Judge::default() };
    let run = CellRun {
        cell: &cell,
        out: &args.out,
        command: command(),
        threads: args.threads,
        checkpoint_every: Duration::from_secs_f64(seconds),
    };
    let held_out = held_out(args, &judge)?;
    let Some(ended) = run.run(&held_out, bar)? else {
        let summary = Summary {
            out: args.out.clone(),
            finished: false,
            weights: None,
            report: None,
            metrics: BTreeMap::new(),
            lines: Vec::new(),
        };
        report::print(&summary, args.json)?;
        return Ok(Outcome::Interrupted);
    };
    let finished = ended.finished(&cell, &judge, &held_out_sha256(&held_out));
    let (path, page) = (args.out.join("cell.json"), args.out.join("report.html"));
    std::fs::write(&path, serde_json::to_string_pretty(&finished)?)
        .with_context(|| format!("writing {}", path.display()))?;
    let mut cells = beside(&args.beside, &finished, bar)?;
    cells.push(finished.clone());
    write_report(&page, "Distillation", &cells)?;
    let names = ended.session.trainer.config().class_names();
    let summary = Summary {
        out: args.out.clone(),
        finished: true,
        lines: ended.exported.scores.iter().map(|scores| scores.line(names)).collect(),
        weights: Some(ended.exported.weights.clone()),
        report: Some(page),
        metrics: finished.metrics,
    };
    report::print(&summary, args.json)?;
    Ok(Outcome::Done)
}

fn settings(args: &DistilArgs) -> Result<CellSettings> {
    let mut settings = match &args.config {
        None => CellSettings::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            serde_json::from_str(&text).with_context(|| format!("{} is no configuration of a run", path.display()))?
        }
    };
    if let Some(preset) = &args.preset {
        settings.preset.clone_from(preset);
    }
    settings.steps = args.steps.unwrap_or(settings.steps);
    if !args.bag.is_empty() {
        settings.bags.clone_from(&args.bag);
    }
    let Some(width) = Width::from_name(&settings.preset) else {
        bail!("preset is {:?}: expected 1x, 4x or 16x", settings.preset);
    };
    if let Some(teacher) = &args.teacher {
        let names = if args.method.is_empty() { vec!["point-distiller".to_owned()] } else { args.method.clone() };
        let terms = terms_of_names(&names, width, args.weight, None);
        settings.distillation = Some(Distillation { teacher: teacher.clone(), records: Vec::new(), terms });
    } else if !args.method.is_empty() {
        bail!("--method needs a teacher: give its weights with --teacher");
    }
    match &mut settings.distillation {
        None => bail!("there is no teacher: give its weights with --teacher, or a configuration that names one"),
        Some(distillation) if !args.records.is_empty() => distillation.records.clone_from(&args.records),
        Some(_) => {}
    }
    if !args.records.is_empty() {
        // What the records can follow, unless the configuration says otherwise and is refused by name.
        let features = settings.distillation.iter().flat_map(|d| &d.terms).any(|term| term.method.tap().is_some());
        if settings.augmentation == AugmentationLevel::Full && args.config.is_none() {
            settings.augmentation = if features { AugmentationLevel::None } else { AugmentationLevel::Rigid };
        }
    }
    Ok(settings)
}

fn held_out(args: &DistilArgs, judge: &Judge) -> Result<Vec<HeldOut>> {
    let mut sets = Vec::new();
    if judge.frames > 0 {
        sets.push(HeldOut::from_source("sim", &SimulatedFrames::held_out(&judge.scenes)?, judge.frames)?);
    }
    if let Some(root) = &args.kitti {
        sets.push(HeldOut::from_kitti("kitti", root)?);
    }
    Ok(sets)
}

/// Cells of other runs; those judged on other frames are left out, which is told.
fn beside(paths: &[PathBuf], own: &FinishedCell, bar: &mut Bar) -> Result<Vec<FinishedCell>> {
    let read = |path: &Path| -> Result<FinishedCell> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no finished cell", path.display()))
    };
    let mut cells = Vec::new();
    for path in paths {
        let cell = read(path)?;
        if cell.judge_sha256 == own.judge_sha256 {
            cells.push(cell);
        } else {
            bar.note(&format!("{} was judged on other frames and is left out of the report", path.display()));
        }
    }
    Ok(cells)
}

/// The command as typed, for the card.
fn command() -> String {
    let args = std::env::args().skip(1).filter(|arg| arg != "--resume");
    std::iter::once("percept".to_owned()).chain(args).collect::<Vec<_>>().join(" ")
}
