//! A student that learns from a teacher, live and from records, on a small network and made-up frames.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod made_up;

use std::sync::Arc;

use made_up::{frame, model};
use percept_distill::DistillError;
use percept_distill::augment::{Augmentation, AugmentationSettings, GeometryRanges, PointRanges};
use percept_distill::data::{Batch, FrameSource, SampleMaker, WindowSettings, xyzi};
use percept_distill::losses::{
    DistillationMethod, DistillationSettings, DistillationTerm, FeatureRegressionSettings, PointDistillerSettings,
    ResponseSettings,
};
use percept_distill::optimiser::OneCycle;
use percept_distill::teacher::{
    AnchorChoice, AnchorTargets, FeatureCodec, LiveTeacher, RecordedAnchors, RecordedPillars, SceneMotion,
    TeacherNeeds, TeacherRecord, moved_anchors, points_sha256,
};
use percept_distill::train::{Checkpoint, StepReport, TrainSettings, Trainer};
use percept_kernels::parameters::initialise;
use percept_kernels::plan::CanvasSize;
use percept_models::pointpillars::{
    Anchors, Pillarizer, Pillars, PointPillarsConfig, RawPointPillarsConfig, Width, decode_box, resolve_yaw, tap,
    topology,
};
use percept_models::weights::{Architecture, Weights, WeightsMetadata};
use percept_types::{BoxError, LabelledFrame};

const CANVAS: CanvasSize = CanvasSize { ny: 96, nx: 96 };

fn teacher_model() -> RawPointPillarsConfig {
    RawPointPillarsConfig { widths: Width::Quarter.widths(), ..model() }
}

fn teacher() -> Weights {
    let config = PointPillarsConfig::try_from(teacher_model()).unwrap();
    let mut parameters = initialise(&topology(&config, CANVAS).unwrap(), 5);
    // A teacher that has something to say: logits from about -5 to 3.
    let cls = parameters.get_mut("dense_head.conv_cls.weight").unwrap();
    cls.data.iter_mut().enumerate().for_each(|(i, v)| *v = 0.6 * (i as f32 * 0.77).sin());
    Weights::new(WeightsMetadata::new("teacher", Architecture::PointPillars(teacher_model())), parameters).unwrap()
}

fn methods() -> Vec<DistillationMethod> {
    let few = PointDistillerSettings { selected: 200, neighbours: 8, channels: 8, ..PointDistillerSettings::default() };
    vec![
        DistillationMethod::Response(ResponseSettings { top_k: 300, box_score: 0.05, ..ResponseSettings::default() }),
        DistillationMethod::FeatureRegression(FeatureRegressionSettings::default()),
        DistillationMethod::PointDistiller(few),
    ]
}

fn settings(steps: u64, weight: f64, methods: Vec<DistillationMethod>) -> TrainSettings {
    let mut settings = TrainSettings::recipe(model(), 11, steps, "two made-up frames".into());
    settings.frames_per_step = 2;
    settings.windows = WindowSettings { nx: CANVAS.nx, ny: CANVAS.ny, per_frame: 1, on_object_probability: 0.0 };
    settings.schedule = OneCycle { peak_learning_rate: 5e-3, ..OneCycle::new(steps) };
    settings.distillation = Some(DistillationSettings {
        teacher_sha256: teacher().sha256().to_owned(),
        teacher: teacher_model(),
        recorded: false,
        terms: methods.into_iter().map(|method| DistillationTerm { weight, method }).collect(),
    });
    settings
}

/// Frames with the records of a teacher.
struct RecordedFrames {
    frames: Vec<LabelledFrame>,
    records: Vec<Arc<TeacherRecord>>,
}

impl FrameSource for RecordedFrames {
    fn len(&self) -> Option<u64> {
        Some(self.frames.len() as u64)
    }

    fn frame(&self, index: u64) -> Result<LabelledFrame, BoxError> {
        Ok(self.frames[index as usize % self.frames.len()].clone())
    }

    fn record(&self, index: u64) -> Result<Option<Arc<TeacherRecord>>, BoxError> {
        Ok(self.records.get(index as usize % self.frames.len()).cloned())
    }
}

fn pillars_of(frame: &LabelledFrame) -> Pillars {
    let config = PointPillarsConfig::try_from(model()).unwrap();
    let mut pillars = Pillars::empty(10);
    Pillarizer::new(&config, config.whole_window()).unwrap().pillarize(&xyzi(&frame.cloud), &mut pillars).unwrap();
    pillars
}

/// What the teacher says of a frame, through the bytes of a record.
fn record(frame: &LabelledFrame, codec: FeatureCodec) -> Arc<TeacherRecord> {
    let weights = teacher();
    let config = PointPillarsConfig::try_from(teacher_model()).unwrap();
    let needs = TeacherNeeds { anchors: Some(AnchorChoice::Top(300)), taps: [tap::PILLAR_FEATURES.to_owned()].into() };
    let mut live = LiveTeacher::new(&config, weights.parameters(), weights.sha256(), CANVAS, needs).unwrap();
    let pillars = pillars_of(frame);
    let targets = live.targets(&pillars).unwrap();
    let features = targets.tap(tap::PILLAR_FEATURES).unwrap();
    let record = TeacherRecord {
        teacher_sha256: weights.sha256().to_owned(),
        points_sha256: points_sha256(&xyzi(&frame.cloud)),
        anchors: Some(RecordedAnchors { targets: targets.anchors().unwrap()[0].clone() }),
        pillars: Some(RecordedPillars {
            coords: pillars.coords.iter().map(|[_, y, x]| [*y, *x]).collect(),
            num_points: pillars.offsets.windows(2).map(|pair| pair[1] - pair[0]).collect(),
            features: features.flatten_all().unwrap().to_vec1().unwrap(),
            channels: features.dim(1).unwrap(),
        }),
        feature_error: 0.0,
    };
    let bytes = record.to_bytes(codec).unwrap();
    assert_eq!(bytes, record.to_bytes(codec).unwrap(), "the same record gives the same bytes");
    Arc::new(TeacherRecord::from_bytes(&bytes).unwrap())
}

fn maker(settings: &TrainSettings, codec: FeatureCodec) -> Result<SampleMaker, DistillError> {
    let frames = vec![frame(0), frame(1)];
    let records = frames.iter().map(|frame| record(frame, codec)).collect();
    let source = Arc::new(RecordedFrames { frames, records });
    let augmentation = Augmentation::new(settings.augmentation.clone(), None, None)?;
    let config = settings.validate()?;
    let maker =
        SampleMaker::new(source, config, augmentation, settings.rules.clone(), settings.windows, settings.seed)?;
    match &settings.distillation {
        Some(distillation) if distillation.recorded => maker.with_records(distillation.needs()),
        _ => Ok(maker),
    }
}

fn batch(settings: &TrainSettings, codec: FeatureCodec) -> Batch {
    let maker = maker(settings, codec).unwrap();
    let samples = (0..2).map(|index| maker.make(index).unwrap()).collect();
    Batch::new(&settings.validate().unwrap(), samples, settings.normaliser).unwrap()
}

fn run(settings: &TrainSettings, steps: usize) -> (Vec<StepReport>, Trainer) {
    let mut trainer = Trainer::new(settings.clone(), None).unwrap();
    trainer.set_teacher(&teacher()).unwrap();
    let batch = batch(settings, FeatureCodec::Fp16);
    ((0..steps).map(|_| trainer.step(&batch).unwrap()).collect(), trainer)
}

#[test]
fn a_weight_of_zero_is_the_plain_baseline_bit_for_bit() {
    let (reports, trainer) = run(&settings(4, 0.0, methods()), 4);
    let plain = TrainSettings { distillation: None, ..settings(4, 0.0, Vec::new()) };
    let (expected, baseline) = run(&plain, 4);
    assert_eq!(reports, expected);
    assert_eq!(trainer.averaged_weights(), baseline.averaged_weights());
}

#[test]
fn every_method_lowers_its_own_loss_and_leaves_the_deployed_tensors_those_of_the_student() {
    for method in methods() {
        let name = method.name();
        let (reports, trainer) = run(&settings(12, 1.0, vec![method]), 12);
        let (first, last) = (reports[0].distillation, reports[11].distillation);
        assert!(first > 0.0 && last < 0.9 * first, "{name}: from {first} to {last}");
        assert!(reports.iter().all(|report| !report.skipped));
        let plain = Trainer::new(TrainSettings { distillation: None, ..settings(1, 0.0, Vec::new()) }, None).unwrap();
        let names = |trainer: &Trainer| trainer.averaged_weights().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&trainer), names(&plain), "{name}");
        assert_eq!(reports[5].teacher_variance > 0.0, name == "point_distiller");
    }
}

#[test]
fn a_run_resumed_from_its_checkpoint_goes_on_as_if_never_stopped() {
    let settings = settings(6, 1.0, methods());
    let (expected, whole) = run(&settings, 6);
    let (mut reports, first) = run(&settings, 3);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    first.checkpoint().unwrap().write(&path).unwrap();
    let mut second = Trainer::resume(settings.clone(), Checkpoint::read(&path).unwrap()).unwrap();
    second.set_teacher(&teacher()).unwrap();
    let batch = batch(&settings, FeatureCodec::Fp16);
    reports.extend((0..3).map(|_| second.step(&batch).unwrap()));
    assert_eq!(reports, expected);
    assert_eq!(second.checkpoint().unwrap().adapters, whole.checkpoint().unwrap().adapters);
    assert_eq!(second.averaged_weights(), whole.averaged_weights());
}

#[test]
fn a_live_teacher_and_its_records_give_the_same_loss() {
    let both = || vec![methods().remove(0), methods().remove(2)];
    let live = settings(1, 1.0, both());
    let mut recorded = live.clone();
    recorded.distillation.as_mut().unwrap().recorded = true;
    let expected = run(&live, 1).0[0];
    for (codec, tolerance) in [(FeatureCodec::Fp16, 1e-3), (FeatureCodec::Int8, 2e-2)] {
        let mut trainer = Trainer::new(recorded.clone(), None).unwrap();
        let found = trainer.step(&batch(&recorded, codec)).unwrap();
        let error = (found.distillation - expected.distillation).abs() / expected.distillation;
        assert!(error < tolerance, "{codec:?}: {} and {}, apart by {error}", found.distillation, expected.distillation);
        assert!((found.gradient_norm - expected.gradient_norm).abs() < tolerance * expected.gradient_norm);
    }
    let int8 = record(&frame(0), FeatureCodec::Int8).feature_error;
    assert!(int8 > 0.0 && int8 < 0.01, "relative error of int8 is {int8}");
    assert_eq!(record(&frame(0), FeatureCodec::Fp16).feature_error, 0.0);
}

#[test]
fn augmentations_that_a_record_cannot_follow_are_refused_by_name() {
    let mut features = settings(1, 1.0, vec![methods().remove(2)]);
    features.distillation.as_mut().unwrap().recorded = true;
    features.augmentation =
        AugmentationSettings { geometry: GeometryRanges::kitti(), ..AugmentationSettings::default() };
    let error = maker(&features, FeatureCodec::Fp16).err().unwrap().to_string();
    assert!(error.contains("flip_probability, rotation_rad, scale") && error.contains("pillar features"), "{error}");

    let mut logits = settings(1, 1.0, vec![methods().remove(0)]);
    logits.distillation.as_mut().unwrap().recorded = true;
    logits.augmentation.geometry = GeometryRanges::kitti();
    maker(&logits, FeatureCodec::Fp16).unwrap();
    logits.augmentation.points = PointRanges { drop_fraction: [0.0, 0.2], ..PointRanges::default() };
    let error = maker(&logits, FeatureCodec::Fp16).err().unwrap().to_string();
    assert!(error.contains("drop_fraction"), "{error}");

    let mut dense = settings(1, 1.0, vec![methods().remove(1)]);
    dense.distillation.as_mut().unwrap().recorded = true;
    let error = maker(&dense, FeatureCodec::Fp16).err().unwrap().to_string();
    assert!(error.contains("bev_features") && error.contains("live teacher"), "{error}");
}

#[test]
fn boxes_of_a_record_move_with_the_scene_exactly() {
    let config = PointPillarsConfig::try_from(model()).unwrap();
    let anchors = Anchors::new(&config, &config.whole_window()).unwrap();
    let targets = record(&frame(0), FeatureCodec::Fp16).anchors.as_ref().unwrap().targets.clone();
    let offset = config.direction_offset_rad();
    let motion = SceneMotion { flip: true, yaw_rad: 0.3, scale: 1.04, ..SceneMotion::default() };
    let moved = moved_anchors(&targets, &anchors, offset, &motion);
    assert!(moved.anchors.len() > 100, "{} of 300 stayed on the lattice", moved.anchors.len());
    let boxes = |targets: &AnchorTargets| {
        let of = |place: usize| {
            let code: [f64; 7] = std::array::from_fn(|i| f64::from(targets.box_codes[place * 7 + i]));
            let said = decode_box(&code, &anchors.get(targets.anchors[place] as usize).unwrap().box3d);
            let bin = usize::from(targets.direction_logits[place * 2 + 1] > targets.direction_logits[place * 2]);
            percept_types::Box3d { yaw_rad: resolve_yaw(said.yaw_rad, bin, offset), ..said }
        };
        (0..targets.anchors.len()).map(of).collect::<Vec<_>>()
    };
    let wanted: Vec<percept_types::Box3d> = boxes(&targets).iter().map(|b| motion.place_box(b)).collect();
    for found in boxes(&moved) {
        let is_it = |b: &&percept_types::Box3d| {
            let near = (0..3).all(|axis| (b.center_m[axis] - found.center_m[axis]).abs() < 1e-4);
            let alike = (0..3).all(|axis| (b.size_m[axis] - found.size_m[axis]).abs() < 1e-4);
            near && alike && percept_types::wrap_to_pi(b.yaw_rad - found.yaw_rad).abs() < 1e-4
        };
        assert!(wanted.iter().any(|b| is_it(&b)), "{found:?} is none of the moved boxes");
    }
    assert_eq!(moved_anchors(&targets, &anchors, offset, &SceneMotion::default()), targets);
}

#[test]
fn a_teacher_that_gives_no_numbers_is_told_and_the_student_stays_as_it_was() {
    let mut weights = teacher().parameters().clone();
    // The first channel of a pillar overflows wherever a point lies more than a metre ahead.
    weights.get_mut("vfe.pfn_layers.0.linear.weight").unwrap().data[..10].fill(0.0);
    weights.get_mut("vfe.pfn_layers.0.linear.weight").unwrap().data[0] = 3e38;
    let metadata = WeightsMetadata::new("broken", Architecture::PointPillars(teacher_model()));
    let broken = Weights::new(metadata, weights).unwrap();
    let mut settings = settings(3, 1.0, methods());
    settings.distillation.as_mut().unwrap().teacher_sha256 = broken.sha256().to_owned();
    let mut trainer = Trainer::new(settings.clone(), None).unwrap();
    trainer.set_teacher(&broken).unwrap();
    let before = trainer.checkpoint().unwrap();
    let error = trainer.step(&batch(&settings, FeatureCodec::Fp16)).unwrap_err().to_string();
    assert!(error.contains("NaN") && error.contains("teacher"), "{error}");
    assert_eq!(trainer.checkpoint().unwrap().weights, before.weights);
}

#[test]
fn another_teacher_and_one_that_sees_otherwise_are_refused() {
    let settings = settings(3, 1.0, methods());
    let mut trainer = Trainer::new(settings.clone(), None).unwrap();
    let config = PointPillarsConfig::try_from(teacher_model()).unwrap();
    let other = initialise(&topology(&config, CANVAS).unwrap(), 6);
    let other =
        Weights::new(WeightsMetadata::new("other", Architecture::PointPillars(teacher_model())), other).unwrap();
    let error = trainer.set_teacher(&other).unwrap_err().to_string();
    assert!(error.contains("is another than the run's"), "{error}");
    let error = Trainer::new(settings.clone(), None).unwrap().step(&batch(&settings, FeatureCodec::Fp16)).unwrap_err();
    assert!(error.to_string().contains("was not given"), "{error}");
    let mut coarse = settings;
    coarse.distillation.as_mut().unwrap().teacher.max_points_per_pillar = 20;
    let error = Trainer::new(coarse, None).err().unwrap().to_string();
    assert!(error.contains("max_points_per_pillar (student 32, teacher 20)"), "{error}");
}
