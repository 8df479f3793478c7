//! The loop as a whole on a small network and a few made-up frames.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
mod made_up;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use made_up::{frame, model};
use percept_distill::DistillError;
use percept_distill::augment::{Augmentation, AugmentationSettings, GeometryRanges, PointRanges};
use percept_distill::data::{Batch, FixedFrames, SampleMaker, WindowSettings};
use percept_distill::optimiser::OneCycle;
use percept_distill::train::{
    Checkpoint, CurveWriter, NormCalibration, Observe, RunEnd, RunPlan, StepReport, TrainSettings, Trainer, run,
};
use percept_distill::validation::Predictor;
use percept_types::{LabelledFrame, PointCloud};

fn settings(steps: u64) -> TrainSettings {
    let mut settings = TrainSettings::recipe(model(), 11, steps, "two made-up frames".into());
    settings.frames_per_step = 2;
    settings.windows = WindowSettings { nx: 96, ny: 96, per_frame: 1, on_object_probability: 0.0 };
    settings.schedule = OneCycle { peak_learning_rate: 5e-3, ..OneCycle::new(steps) };
    settings
}

fn maker(settings: &TrainSettings, frames: Vec<LabelledFrame>) -> Arc<SampleMaker> {
    let config = settings.validate().unwrap();
    let augmentation = Augmentation::new(settings.augmentation.clone(), None, None).unwrap();
    let source = Arc::new(FixedFrames(frames));
    let rules = settings.rules.clone();
    Arc::new(SampleMaker::new(source, config, augmentation, rules, settings.windows, settings.seed).unwrap())
}

/// All frames in one batch.
fn batch(trainer: &Trainer, frames: Vec<LabelledFrame>) -> Batch {
    let count = frames.len() as u64;
    let maker = maker(trainer.settings(), frames);
    let samples = (0..count).map(|index| maker.make(index).unwrap()).collect();
    Batch::new(trainer.config(), samples, trainer.settings().normaliser).unwrap()
}

/// Stops the run after a step; keeps the losses.
struct Watch<'a> {
    stop: &'a AtomicBool,
    stop_after: u64,
    losses: Vec<f64>,
}

impl Observe for Watch<'_> {
    fn stepped(&mut self, report: &StepReport, _: Duration) {
        self.losses.push(report.loss);
        if report.step + 1 == self.stop_after {
            self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }

    fn validate(&mut self, _: &Trainer) -> Result<(), DistillError> {
        Ok(())
    }

    fn saved(&mut self, _: &Trainer) {}
}

fn sit(trainer: &mut Trainer, folder: &Path, threads: usize, stop_after: u64) -> (RunEnd, Vec<f64>) {
    let maker = maker(trainer.settings(), vec![frame(0), frame(1)]);
    let stop = AtomicBool::new(false);
    let mut watch = Watch { stop: &stop, stop_after, losses: Vec::new() };
    let plan = RunPlan {
        threads,
        checkpoint: folder.join("checkpoint.safetensors"),
        curves: folder.join("curves.csv"),
        checkpoint_every: Duration::from_secs(3600),
        validate_every: 0,
    };
    let end = run(trainer, &maker, &plan, &stop, &mut watch).unwrap();
    (end, watch.losses)
}

#[test]
fn two_frames_are_learnt_by_heart_and_their_boxes_found() {
    let mut settings = settings(120);
    settings.average_decay = 0.8;
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = Trainer::new(settings, None).unwrap();
    let (end, losses) = sit(&mut trainer, folder.path(), 2, u64::MAX);
    assert_eq!(end, RunEnd::Finished);
    let last = losses[110..].iter().sum::<f64>() / 10.0;
    assert!(last < 0.03 * losses[0], "from {} to {last}", losses[0]);
    let mut calibration = NormCalibration::new(trainer.plan(), trainer.averaged_weights());
    calibration.add(&batch(&trainer, vec![frame(0), frame(1)]).pillars).unwrap();
    let mut predictor = Predictor::new(trainer.config(), &calibration.finish().unwrap(), 0.3).unwrap();
    for seed in 0..2 {
        let truth = frame(seed);
        let found = predictor.detect(&truth.cloud).unwrap();
        assert_eq!(found.len(), 2, "frame {seed}: {found:?}");
        for (class_index, object) in truth.objects.iter().enumerate() {
            let best = found.iter().find(|d| d.class_index == class_index).unwrap();
            let iou = best.box3d.iou_3d(&object.box3d);
            assert!(iou > 0.7, "frame {seed}, {}: overlap {iou}, {best:?}", object.class_name);
            let turn = percept_types::wrap_to_pi(best.box3d.yaw_rad - object.box3d.yaw_rad);
            assert!(turn.abs() < 0.3, "frame {seed}, {}: turned by {turn}", object.class_name);
        }
    }
}

#[test]
fn a_run_stopped_and_resumed_has_the_losses_of_one_never_stopped_on_any_number_of_threads() {
    let mut settings = settings(9);
    settings.augmentation = AugmentationSettings {
        geometry: GeometryRanges { slope: 0.01, lift_m: 0.1, ..GeometryRanges::kitti() },
        points: PointRanges { drop_fraction: [0.0, 0.2], jitter_std_m: 0.01, shuffle: true, ..PointRanges::default() },
        ..AugmentationSettings::default()
    };
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut never_stopped = Trainer::new(settings.clone(), None).unwrap();
    let (_, expected) = sit(&mut never_stopped, whole.path(), 3, u64::MAX);

    let mut first = Trainer::new(settings.clone(), None).unwrap();
    let (end, mut losses) = sit(&mut first, parts.path(), 1, 4);
    assert_eq!((end, losses.len()), (RunEnd::Stopped, 4));
    drop(first);
    let checkpoint = Checkpoint::read(&parts.path().join("checkpoint.safetensors")).unwrap();
    let mut second = Trainer::resume(settings, checkpoint).unwrap();
    let (end, rest) = sit(&mut second, parts.path(), 2, u64::MAX);
    assert_eq!(end, RunEnd::Finished);
    losses.extend(rest);
    assert_eq!(losses, expected);
    assert_eq!(second.averaged_weights(), never_stopped.averaged_weights());
    let seconds =
        |trainer: &Trainer| percept_distill::train::CheckpointState { seconds: 0.0, ..trainer.state().clone() };
    assert!(seconds(&second) == seconds(&never_stopped), "counters and statistics differ");
    let rows = CurveWriter::read(&parts.path().join("curves.csv")).unwrap();
    assert_eq!(rows.iter().map(|row| row.step).collect::<Vec<_>>(), (0..9).collect::<Vec<_>>());
}

#[test]
fn a_checkpoint_is_refused_under_other_settings_and_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = Trainer::new(settings(1), None).unwrap();
    sit(&mut trainer, folder.path(), 1, u64::MAX);
    let read = || Checkpoint::read(&folder.path().join("checkpoint.safetensors")).unwrap();
    let mut other = settings(1);
    other.seed = 12;
    let error = Trainer::resume(other, read()).unwrap_err().to_string();
    assert!(error.contains("seed"), "{error}");
    Trainer::resume(settings(1), read()).unwrap();
    std::fs::write(folder.path().join("other.safetensors"), b"not one").unwrap();
    assert!(matches!(Checkpoint::read(&folder.path().join("other.safetensors")), Err(DistillError::Checkpoint { .. })));
}

#[test]
fn a_batch_that_is_not_finite_or_empty_leaves_the_weights_and_many_in_a_row_end_the_run() {
    let settings = settings(100);
    let mut trainer = Trainer::new(settings, None).unwrap();
    let mut broken = frame(0);
    broken.cloud.values_mut().iter_mut().skip(3).step_by(4).for_each(|intensity| *intensity = f32::NAN);
    let empty = LabelledFrame { cloud: PointCloud::empty_xyzi(), point_labels: None, objects: Vec::new() };
    let (broken, empty, good) =
        (batch(&trainer, vec![broken]), batch(&trainer, vec![empty]), batch(&trainer, vec![frame(0)]));
    assert!(!trainer.step(&good).unwrap().skipped);
    let before = trainer.checkpoint().unwrap();
    assert!(trainer.step(&broken).unwrap().skipped);
    assert!(trainer.step(&empty).unwrap().skipped);
    let after = trainer.checkpoint().unwrap();
    assert_eq!((&before.weights, &before.average, &before.first), (&after.weights, &after.average, &after.first));
    assert_eq!((after.state.step, after.state.skipped), (3, 2));
    assert!(!trainer.step(&good).unwrap().skipped);
    let error = (0..50).find_map(|_| trainer.step(&broken).err()).unwrap();
    assert!(matches!(error, DistillError::NotFinite { steps: 20, .. }), "{error}");
}
