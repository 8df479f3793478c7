//! A run of steps: loading ahead, checkpoints by time, someone to watch, a way to stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{CurveWriter, StepReport, Trainer};
use crate::DistillError;
use crate::data::{Batch, Loader, SampleMaker};

/// Where and how often a run writes.
#[derive(Clone, Debug)]
pub struct RunPlan {
    /// Loader threads.
    pub threads: usize,
    /// The checkpoint, written over and over.
    pub checkpoint: PathBuf,
    /// The curves.
    pub curves: PathBuf,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
    /// Steps between validations; 0 for none.
    pub validate_every: u64,
}

/// Someone who watches a run.
pub trait Observe {
    /// After each step, with the time it took.
    fn stepped(&mut self, report: &StepReport, time: Duration);

    /// After every so many steps and at the end: the place for a validation.
    ///
    /// # Errors
    /// Whatever should end the run.
    fn validate(&mut self, trainer: &Trainer) -> Result<(), DistillError>;

    /// After a checkpoint was written.
    fn saved(&mut self, trainer: &Trainer);
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// All steps of the schedule are done.
    Finished,
    /// It was asked to stop; the checkpoint holds everything.
    Stopped,
}

/// Steps until the schedule's end or until `stop` is set; the step under way is finished and saved.
///
/// # Errors
/// A frame that cannot be made, a loss that stays not finite, a full disk. What was saved before stays.
pub fn run(
    trainer: &mut Trainer,
    maker: &Arc<SampleMaker>,
    plan: &RunPlan,
    stop: &AtomicBool,
    observer: &mut dyn Observe,
) -> Result<RunEnd, DistillError> {
    let (first, steps) = (trainer.state().step, trainer.settings().schedule.steps);
    let settings = trainer.settings().clone();
    let mut curves = CurveWriter::open(&plan.curves, first)?;
    let frames = settings.frames_of(first).start..settings.frames_of(steps).start;
    let mut loader = Loader::start(maker.clone(), frames, plan.threads)?;
    let mut saved_at = Instant::now();
    while trainer.state().step < steps {
        let started = Instant::now();
        let frames = loader.by_ref().take(settings.frames_per_step).collect::<Result<Vec<_>, _>>()?;
        let batch = Batch::new(trainer.config(), frames, settings.normaliser)?;
        let report = trainer.step(&batch)?;
        trainer.add_seconds(started.elapsed().as_secs_f64());
        curves.append(&report, started.elapsed().as_secs_f64())?;
        observer.stepped(&report, started.elapsed());
        let step = trainer.state().step;
        let stopping = stop.load(Ordering::Relaxed);
        if stopping || step == steps || saved_at.elapsed() >= plan.checkpoint_every {
            trainer.checkpoint()?.write(&plan.checkpoint)?;
            saved_at = Instant::now();
            observer.saved(trainer);
        }
        if stopping && step < steps {
            return Ok(RunEnd::Stopped);
        }
        if step == steps || (plan.validate_every > 0 && step.is_multiple_of(plan.validate_every)) {
            observer.validate(trainer)?;
        }
    }
    Ok(RunEnd::Finished)
}
