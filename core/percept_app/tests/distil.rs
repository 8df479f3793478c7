//! From a bag to a distilled student: records, their resumption and refusal, training from them, the finished cell.
#![allow(clippy::unwrap_used, clippy::panic)]

use percept_app::simulate::{SimulateSettings, SimulatedView, simulate};
use percept_app::training::{
    Cell, CellRun, CellSettings, DistillationTerm, FeatureCodec, HeldOut, Judge, RecordSettings, RecordedBag, Shard,
    SimulatedFrames, Study, StudyPlan, Width, content_sha256, held_out_sha256, method_of_name, record, run_study,
};
use percept_app::{Progress, Unwatched};
use percept_kernels::parameters::initialise;
use percept_kernels::plan::CanvasSize;
use percept_models::pointpillars::{GridPreset, PointPillarsConfig, RawPointPillarsConfig, topology};
use percept_models::weights::{Architecture, Precision, Weights, WeightsMetadata};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An untrained teacher of the student's grid and input.
fn teacher(folder: &Path, seed: u64, broken: bool) -> PathBuf {
    let mut raw = RawPointPillarsConfig::preset(Width::Quarter, GridPreset::Kitti);
    raw.input.intensity = percept_models::pointpillars::IntensityTreatment::Ignored;
    let config = PointPillarsConfig::try_from(raw.clone()).unwrap();
    let mut parameters = initialise(&topology(&config, CanvasSize { ny: 496, nx: 432 }).unwrap(), seed);
    if broken {
        // The first channel of a pillar overflows wherever a point lies more than a metre ahead.
        let weight = parameters.get_mut("vfe.pfn_layers.0.linear.weight").unwrap();
        weight.data[..10].fill(0.0);
        weight.data[0] = 3e38;
    }
    let path = folder.join(format!("teacher{seed}{broken}.safetensors"));
    let metadata = WeightsMetadata::new("teacher", Architecture::PointPillars(raw));
    Weights::new(metadata, parameters).unwrap().write(&path, Precision::F32).unwrap();
    path
}

fn drive(folder: &Path, frames: u64) -> PathBuf {
    let bag = folder.join("drive");
    let settings =
        SimulateSettings { frames, view: SimulatedView::KittiCamera, labelled_points: false, ..Default::default() };
    simulate(&bag, &settings, &mut Unwatched).unwrap();
    bag
}

fn settings(teacher: &Path, method: &str) -> RecordSettings {
    let method = method_of_name(method, Width::Quarter).unwrap();
    RecordSettings {
        teacher: teacher.to_owned(),
        topic: None,
        terms: vec![DistillationTerm { weight: 1.0, method }],
        codec: FeatureCodec::Fp16,
        frames_per_split: 2,
        shard: Shard::WHOLE,
        max_bytes: None,
    }
}

/// Asks to stop after so many frames: what a kill leaves, less the frame at work.
struct StopAfter(u64);

impl Progress for StopAfter {
    fn begin(&mut self, _what: &str, _steps: Option<u64>) {}
    fn advance(&mut self, steps: u64) {
        self.0 = self.0.saturating_sub(steps);
    }
    fn end(&mut self) {}
    fn note(&mut self, _text: &str) {}
    fn stop_asked(&self) -> bool {
        self.0 == 0
    }
}

#[test]
fn a_recording_that_was_stopped_or_sharded_ends_with_the_bytes_of_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let (bag, teacher) = (drive(folder.path(), 5), teacher(folder.path(), 1, false));
    let settings = settings(&teacher, "point-distiller");
    // The same name, since it stands in the files' names alone.
    let out = |name: &str| folder.path().join(name).join("records");
    let whole = record(&bag, &out("whole"), &settings, &mut Unwatched).unwrap();
    assert_eq!((whole.frames, whole.splits, whole.lost, whole.interrupted), (5, 3, 0, false));
    assert_eq!(whole.feature_error, 0.0);

    let stopped = record(&bag, &out("parts"), &settings, &mut StopAfter(3)).unwrap();
    assert!(stopped.interrupted && stopped.splits == 1 && stopped.frames == 3, "{stopped}");
    let readable = RecordedBag::open(&out("parts"), 1 << 30).unwrap();
    assert_eq!(readable.len(), 3, "the frames of the unfinished split are readable");
    let resumed = record(&bag, &out("parts"), &settings, &mut Unwatched).unwrap();
    assert_eq!((resumed.frames, resumed.frames_before), (3, 2));
    assert_eq!(resumed.content_sha256, whole.content_sha256);

    for index in 0..2 {
        let part = RecordSettings { shard: Shard::new(index, 2).unwrap(), ..settings.clone() };
        record(&bag, &out("shards"), &part, &mut Unwatched).unwrap();
    }
    assert_eq!(content_sha256(&out("shards")).unwrap(), whole.content_sha256);
}

#[test]
fn records_of_another_teacher_method_or_a_used_up_budget_are_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (bag, teacher) = (drive(folder.path(), 2), [1, 2].map(|seed| teacher(folder.path(), seed, false)));
    let out = folder.path().join("records");
    record(&bag, &out, &settings(&teacher[0], "point-distiller"), &mut Unwatched).unwrap();
    let error = record(&bag, &out, &settings(&teacher[1], "point-distiller"), &mut Unwatched).unwrap_err().to_string();
    assert!(error.contains("teacher_sha256") && error.contains("another folder"), "{error}");
    let records = RecordedBag::open(&out, 1 << 30).unwrap();
    let needs = records.identity().needs();
    let error = records.check(&"0".repeat(64), &needs).unwrap_err().to_string();
    assert!(error.contains("another teacher"), "{error}");
    let mut more = needs;
    more.anchors = Some(percept_distill::teacher::AnchorChoice::Top(10));
    let error = records.check(&records.identity().teacher_sha256, &more).unwrap_err().to_string();
    assert!(error.contains("record again with the run's method"), "{error}");
    let small = RecordSettings { max_bytes: Some(1000), ..settings(&teacher[0], "point-distiller") };
    let error = record(&bag, &folder.path().join("small"), &small, &mut Unwatched).unwrap_err().to_string();
    assert!(error.contains("budget of 1000 bytes"), "{error}");
    let error = record(&bag, &folder.path().join("dense"), &settings(&teacher[0], "feature"), &mut Unwatched);
    assert!(error.unwrap_err().to_string().contains("keep the teacher live"));
    let error = RecordedBag::open(&bag, 1 << 30).unwrap_err().to_string();
    assert!(error.contains("no teacher's records"), "{error}");
}

#[test]
fn a_teacher_that_gives_no_numbers_stops_the_recording_and_what_was_whole_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (bag, broken) = (drive(folder.path(), 2), teacher(folder.path(), 1, true));
    let out = folder.path().join("records");
    let error = record(&bag, &out, &settings(&broken, "point-distiller"), &mut Unwatched).unwrap_err().to_string();
    assert!(error.contains("NaN"), "{error}");
    assert_eq!(std::fs::read_dir(&out).unwrap().flatten().filter(|e| e.path().is_file()).count(), 0);
}

#[test]
fn a_bag_that_ends_early_is_recorded_as_far_as_it_goes_and_the_rest_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (bag, teacher) = (drive(folder.path(), 4), teacher(folder.path(), 1, false));
    let file = std::fs::read_dir(&bag).unwrap().flatten().find(|e| e.path().extension().is_some_and(|x| x == "mcap"));
    let file = file.unwrap().path();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() * 6 / 10]).unwrap();
    let summary = record(&bag, &folder.path().join("records"), &settings(&teacher, "point-distiller"), &mut Unwatched);
    let summary = summary.unwrap();
    assert!(summary.lost > 0 && summary.frames < 4, "{summary}");
    assert!(summary.to_string().contains("ends early or is damaged"), "{summary}");
}

fn cell(teacher: &Path, bag: &Path, records: &[PathBuf]) -> Cell {
    let settings: CellSettings = serde_json::from_value(json!({
        "preset": "16x", "steps": 2, "frames_per_step": 1, "windows_per_frame": 1, "window": 96,
        "bags": [bag], "augmentation": "none",
        "distillation": {
            "teacher": teacher, "records": records,
            "terms": [{ "weight": 1.0, "method": { "point_distiller": { "selected": 300, "neighbours": 8, "channels": 8 } } }]
        }
    }))
    .unwrap();
    Cell { row: "distilled".into(), seed: 1, settings }
}

#[test]
fn a_student_is_distilled_from_records_and_live_to_the_same_losses_and_leaves_gate_ready_weights() {
    let folder = tempfile::tempdir().unwrap();
    let (bag, teacher) = (drive(folder.path(), 2), teacher(folder.path(), 1, false));
    let records = folder.path().join("records");
    record(&bag, &records, &settings(&teacher, "point-distiller"), &mut Unwatched).unwrap();
    let held_out = [HeldOut::from_source("sim", &SimulatedFrames::held_out("highway").unwrap(), 1).unwrap()];
    let run = |name: &str, records: &[PathBuf]| {
        let out = folder.path().join(name);
        let cell = cell(&teacher, &bag, records);
        let run =
            CellRun { cell: &cell, out: &out, command: "test".into(), threads: 1, checkpoint_every: Duration::MAX };
        let ended = run.run(&held_out, &mut Unwatched).unwrap().unwrap();
        let finished = ended.finished(&cell, &Judge::default(), &held_out_sha256(&held_out));
        assert!(finished.metrics["cost/parameters"] > 3e5 && finished.metrics.contains_key("cost/latency_p50_ms"));
        let weights = Weights::read(&ended.exported.weights).unwrap();
        let note = weights.metadata().training.clone().unwrap().teacher.unwrap();
        assert_eq!(note.sha256, Weights::read(&teacher).unwrap().sha256());
        assert!(note.terms[0].contains("point_distiller") && note.recorded != records.is_empty());
        std::fs::read_to_string(out.join("curves.csv")).unwrap()
    };
    let losses = |text: String| -> Vec<f64> {
        let row = |line: &str| line.split(',').nth(10).unwrap().parse().unwrap();
        text.lines().skip(1).map(row).collect()
    };
    let (live, recorded) = (losses(run("live", &[])), losses(run("recorded", &[records])));
    assert!(live[0] > 0.0 && live.len() == 2);
    for (a, b) in live.iter().zip(&recorded) {
        assert!((a - b).abs() < 1e-3 * a, "live {a}, recorded {b}");
    }
}

#[test]
fn a_study_has_rows_with_and_without_a_teacher_and_writes_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let teacher = teacher(folder.path(), 1, false);
    let text = json!({
        "description": "Does a teacher help?", "seeds": [1],
        "base": { "preset": "16x", "steps": 1, "frames_per_step": 1, "windows_per_frame": 1, "window": 96, "scenes": "highway" },
        "rows": [
            { "name": "16x plain" },
            { "name": "16x + PointDistiller", "changes": { "distillation": { "teacher": teacher, "terms": [
                { "weight": 1.0, "method": { "point_distiller": { "selected": 300, "neighbours": 8, "channels": 8 } } }
            ] } } }
        ],
        "judge": { "scenes": "highway", "frames": 1 },
        "columns": [{ "title": "Car", "metric": "sim/Car/3d_ap_r40_moderate" }]
    });
    let path = folder.path().join("study.json");
    std::fs::write(&path, text.to_string()).unwrap();
    let study = Study::read(&path).unwrap();
    let plan = StudyPlan { study, out: folder.path().join("out"), kitti: None, threads: 1, max_cells: None };
    let table = run_study(&plan, &mut Unwatched).unwrap();
    assert_eq!((table.finished, table.cells), (2, 2));
    let page = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    for part in ["16x + PointDistiller", "multiply-adds", "compression", "by distance"] {
        assert!(page.contains(part), "{part} is not on the page");
    }
    let missing = text.to_string().replace("teacher1false", "nothing");
    std::fs::write(&path, missing).unwrap();
    assert!(Study::read(&path).unwrap_err().to_string().contains("is no teacher"));
}
