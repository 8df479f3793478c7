//! The end of a run: norms measured anew, weights written as fp16, judged as written, described on a card.

use percept_distill::data::Batch;
use percept_distill::losses::DistillationSettings;
use percept_distill::train::NormCalibration;
use percept_kernels::parameters::ParameterMap;
use percept_models::weights::{Architecture, Precision, TeacherNote, TrainingRecord, Weights, WeightsMetadata};
use std::path::{Path, PathBuf};

use super::{HeldOut, Scores, SessionEnd, TrainingError, model_card};

/// Batches over which the norms' statistics are measured.
const CALIBRATION_BATCHES: u64 = 100;

/// What an export wrote and found.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The weights.
    pub weights: PathBuf,
    /// The card beside them.
    pub card: PathBuf,
    /// Figures of the weights as written, one entry a held-out set.
    pub scores: Vec<Scores>,
}

/// Writes `<model_id>.safetensors` and `<model_id>.md` into `folder`. The figures are those of the weights read back
/// from the file, in half precision.
///
/// # Errors
/// When a frame cannot be made, the network's predictions are no numbers, or the disk refuses.
pub fn export(
    end: &SessionEnd,
    model_id: &str,
    command: &str,
    held_out: &[HeldOut],
    folder: &Path,
) -> Result<Exported, TrainingError> {
    std::fs::create_dir_all(folder).map_err(TrainingError::io("create", folder))?;
    let path = folder.join(format!("{model_id}.safetensors"));
    let mut metadata = metadata(end, model_id, command);
    let parameters = calibrated(end)?;
    Weights::new(metadata.clone(), parameters.clone())?.write(&path, Precision::F16)?;
    let written = Weights::read(&path)?;
    let score = |set: &HeldOut| set.score(end.trainer.config(), written.parameters());
    let scores = held_out.iter().map(score).collect::<Result<Vec<_>, _>>()?;
    metadata.metrics = scores.iter().flat_map(Scores::metrics).collect();
    Weights::new(metadata.clone(), parameters)?.write(&path, Precision::F16)?;
    let card = folder.join(format!("{model_id}.md"));
    let sha256 = Weights::read(&path)?.sha256().to_owned();
    let text = model_card(&metadata, end.trainer.settings(), &sha256, &scores);
    std::fs::write(&card, text).map_err(TrainingError::io("write", &card))?;
    Ok(Exported { weights: path, card, scores })
}

/// The averaged weights with statistics measured on windows after the run's last.
fn calibrated(end: &SessionEnd) -> Result<ParameterMap, TrainingError> {
    let trainer = &end.trainer;
    let mut calibration = NormCalibration::new(trainer.plan(), trainer.averaged_weights());
    let first = trainer.state().step;
    for step in first..first + CALIBRATION_BATCHES {
        let frames = trainer.settings().frames_of(step).map(|index| end.maker.make(index));
        let frames = frames.collect::<Result<Vec<_>, _>>()?;
        calibration.add(&Batch::new(trainer.config(), frames, trainer.settings().normaliser)?.pillars)?;
    }
    Ok(calibration.finish().unwrap_or_else(|| trainer.averaged_weights().clone()))
}

fn teacher_note(distillation: &DistillationSettings) -> TeacherNote {
    // What was read from JSON can be written as JSON.
    let term = |term| serde_json::to_string(term).unwrap_or_default();
    TeacherNote {
        sha256: distillation.teacher_sha256.clone(),
        terms: distillation.terms.iter().map(term).collect(),
        recorded: distillation.recorded,
    }
}

fn metadata(end: &SessionEnd, model_id: &str, command: &str) -> WeightsMetadata {
    let (settings, state) = (end.trainer.settings(), end.trainer.state());
    let mut metadata = WeightsMetadata::new(model_id, Architecture::PointPillars(settings.model.clone()));
    metadata.training = Some(TrainingRecord {
        command: command.to_owned(),
        bags: vec![settings.source.clone()],
        seeds: vec![settings.seed],
        steps: state.step,
        frames: settings.frames_of(state.step).start,
        wall_time_s: state.seconds,
        teacher: settings.distillation.as_ref().map(teacher_note),
    });
    metadata.input_statistics = end.trainer.input_statistics().summary();
    metadata
}
