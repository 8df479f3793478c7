//! A training session: a folder, a source, a run, an export.

use percept_distill::augment::{Augmentation, ObjectDatabase};
use percept_distill::data::{FrameSource, SampleMaker};
use percept_distill::train::{Checkpoint, RunEnd, RunPlan, TrainSettings, Trainer, run};
use percept_kernels::parameters::ParameterMap;
use percept_models::weights::Weights;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::watch::{Recent, Watch};
use super::{HeldOut, TrainingError};
use crate::Progress;

/// Frames whose objects are pasted into others, where that is asked for; their indices lie far from any run's.
const PASTE_FRAMES: std::ops::Range<u64> = (1 << 40)..(1 << 40) + 200;

/// What a session needs to know.
pub struct SessionPlan {
    /// The run.
    pub settings: TrainSettings,
    /// Its folder: checkpoint, curves, scores.
    pub out: PathBuf,
    /// Go on with the run in that folder.
    pub resume: bool,
    /// Start from these weights instead of random ones.
    pub first_weights: Option<ParameterMap>,
    /// The teacher that the settings name, where they name one.
    pub teacher: Option<Arc<Weights>>,
    /// Threads that make frames.
    pub threads: usize,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
    /// Steps between validations; 0 for the end alone.
    pub validate_every: u64,
}

/// How a session ended.
pub struct SessionEnd {
    /// Whether all steps are done.
    pub end: RunEnd,
    /// The run's state.
    pub trainer: Trainer,
    /// The maker of its samples, for statistics of the norms.
    pub maker: Arc<SampleMaker>,
}

/// The run's checkpoint in its folder.
pub(super) fn checkpoint_path(out: &Path) -> PathBuf {
    out.join("checkpoint.safetensors")
}

/// Trains until the end or until the watcher asks to stop. The folder then holds `checkpoint.safetensors`,
/// `curves.csv`, `curves.png`, `scores.txt` and `settings.json`.
///
/// # Errors
/// Settings that cannot be, a run that is (or is not) there already, frames that cannot be made, a full disk.
pub fn train(
    plan: SessionPlan,
    source: Arc<dyn FrameSource>,
    held_out: &[HeldOut],
    progress: &mut dyn Progress,
) -> Result<SessionEnd, TrainingError> {
    let checkpoint = checkpoint_path(&plan.out);
    std::fs::create_dir_all(&plan.out).map_err(TrainingError::io("create", &plan.out))?;
    let mut trainer = open_trainer(&plan, &checkpoint)?;
    if let Some(teacher) = &plan.teacher {
        trainer.set_teacher(teacher)?;
    }
    let settings = trainer.settings().clone();
    let described = plan.out.join("settings.json");
    std::fs::write(&described, serde_json::to_string_pretty(&settings)?)
        .map_err(TrainingError::io("write", &described))?;
    let maker = sample_maker(&settings, &trainer, source, progress)?;

    let steps = settings.schedule.steps;
    progress.begin("training", Some(steps));
    progress.advance(trainer.state().step);
    let run_plan = RunPlan {
        threads: plan.threads,
        checkpoint,
        curves: plan.out.join("curves.csv"),
        checkpoint_every: plan.checkpoint_every,
        validate_every: plan.validate_every,
    };
    let stop = AtomicBool::new(false);
    let mut watch = Watch {
        progress: &mut *progress,
        stop: &stop,
        held_out,
        scores: plan.out.join("scores.txt"),
        curves: run_plan.curves.clone(),
        curves_png: plan.out.join("curves.png"),
        steps,
        recent: Recent::default(),
    };
    let end = run(&mut trainer, &maker, &run_plan, &stop, &mut watch)?;
    progress.end();
    Ok(SessionEnd { end, trainer, maker })
}

fn open_trainer(plan: &SessionPlan, checkpoint: &Path) -> Result<Trainer, TrainingError> {
    match (plan.resume, checkpoint.exists()) {
        (true, true) => Ok(Trainer::resume(plan.settings.clone(), Checkpoint::read(checkpoint)?)?),
        (true, false) => Err(TrainingError::NothingToResume { path: checkpoint.to_owned() }),
        (false, true) => Err(TrainingError::RunExists { path: checkpoint.to_owned() }),
        (false, false) => Ok(Trainer::new(plan.settings.clone(), plan.first_weights.as_ref())?),
    }
}

fn sample_maker(
    settings: &TrainSettings,
    trainer: &Trainer,
    source: Arc<dyn FrameSource>,
    progress: &mut dyn Progress,
) -> Result<Arc<SampleMaker>, TrainingError> {
    let database = if settings.augmentation.paste.objects_per_class.is_empty() {
        None
    } else {
        progress.note("collecting objects to paste");
        let mut database = ObjectDatabase::default();
        for index in PASTE_FRAMES {
            let frame =
                source.frame(index).map_err(|source| percept_distill::DistillError::Source { index, source })?;
            database.add_frame(&frame, 5);
        }
        Some(Arc::new(database))
    };
    let augmentation = Augmentation::new(settings.augmentation.clone(), source.camera(), database)?;
    let (config, rules) = (trainer.config().clone(), settings.rules.clone());
    let maker = SampleMaker::new(source, config, augmentation, rules, settings.windows, settings.seed)?;
    Ok(Arc::new(match &settings.distillation {
        Some(distillation) if distillation.recorded => maker.with_records(distillation.needs())?,
        Some(_) | None => maker,
    }))
}
