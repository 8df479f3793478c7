//! One cell from its settings to its figures: frames, training, export, judging, cost.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::super::session::checkpoint_path;
use super::super::{Exported, HeldOut, RunEnd, SessionEnd, SessionPlan, TrainingError, Weights, export, train};
use super::{Cell, FinishedCell, Judge};
use crate::Progress;

/// Pillars of a frame by which multiply-adds are counted.
const COUNTED_PILLARS: usize = 12_000;

/// A cell on its way.
#[derive(Clone, Debug)]
pub struct CellRun<'a> {
    /// What is run.
    pub cell: &'a Cell,
    /// Folder of the run; one that holds a checkpoint is gone on with.
    pub out: &'a Path,
    /// The command, for the card.
    pub command: String,
    /// Threads that make frames.
    pub threads: usize,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
}

/// A cell that was run to its end.
pub struct CellEnd {
    /// The run.
    pub session: SessionEnd,
    /// Weights, card and scores.
    pub exported: Exported,
    /// SHA-256 of the weights.
    pub weights_sha256: String,
}

impl CellRun<'_> {
    /// Trains, exports and judges; `None` where it was stopped before its end.
    ///
    /// # Errors
    /// Settings, bags, records or a teacher that do not fit; a run that fails; a full disk.
    pub fn run(&self, held_out: &[HeldOut], progress: &mut dyn Progress) -> Result<Option<CellEnd>, TrainingError> {
        let (settings, seed) = (&self.cell.settings, self.cell.seed);
        let teacher = settings.teacher()?;
        let (source, described) = settings.source(seed, teacher.as_deref())?;
        let session = SessionPlan {
            settings: settings.train_settings(seed, described, teacher.as_deref())?,
            resume: checkpoint_path(self.out).exists(),
            out: self.out.to_owned(),
            first_weights: None,
            teacher,
            threads: self.threads,
            checkpoint_every: self.checkpoint_every,
            validate_every: 0,
        };
        let session = train(session, source, &[], progress)?;
        if session.end != RunEnd::Finished {
            return Ok(None);
        }
        progress.note("judging the finished weights");
        let model_id = settings.run_config(seed)?.model_id();
        let exported = export(&session, &model_id, &self.command, held_out, self.out)?;
        let weights_sha256 = Weights::read(&exported.weights)?.sha256().to_owned();
        Ok(Some(CellEnd { session, exported, weights_sha256 }))
    }
}

impl CellEnd {
    /// What the cell leaves.
    pub fn finished(&self, cell: &Cell, judge: &Judge, judge_sha256: &str) -> FinishedCell {
        let state = self.session.trainer.state();
        FinishedCell {
            cell: cell.clone(),
            judge: judge.clone(),
            judge_sha256: judge_sha256.to_owned(),
            metrics: self.metrics(),
            frames: self.session.trainer.settings().frames_of(state.step).start,
            minutes: state.seconds / 60.0,
            weights_sha256: self.weights_sha256.clone(),
            percept_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Scores of every set, and cost: parameters, multiply-adds, median latency.
    fn metrics(&self) -> BTreeMap<String, f64> {
        let scores = &self.exported.scores;
        let mut metrics: BTreeMap<String, f64> = scores.iter().flat_map(|scores| scores.metrics()).collect();
        let config = self.session.trainer.config();
        let whole = config.whole_window();
        let canvas = percept_kernels::plan::CanvasSize { ny: whole.ny, nx: whole.nx };
        if let Ok(plan) = self.session.trainer.plan().with_canvas(canvas) {
            let cost = plan.cost(COUNTED_PILLARS);
            metrics.insert("cost/parameters".to_owned(), cost.parameters() as f64);
            metrics.insert("cost/multiply_adds".to_owned(), cost.multiply_adds() as f64);
        }
        let mut latency_ms: Vec<f64> = scores.iter().flat_map(|scores| scores.latency_ms.clone()).collect();
        latency_ms.sort_by(f64::total_cmp);
        if let Some(median) = latency_ms.get(latency_ms.len() / 2) {
            metrics.insert("cost/latency_p50_ms".to_owned(), *median);
        }
        metrics
    }
}
