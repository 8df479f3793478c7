//! A study is a table of trainings that can be stopped after any cell.
#![allow(clippy::unwrap_used, clippy::panic)]

use percept_app::Unwatched;
use percept_app::training::{FinishedCell, Study, StudyPlan, run_study};
use std::path::Path;

const STUDY: &str = r#"{
  "description": "Does a stopped study go on?",
  "seeds": [1, 2],
  "base": { "preset": "16x", "steps": 1, "frames_per_step": 1, "windows_per_frame": 1, "window": 32, "worlds": 3 },
  "rows": [ { "name": "As it is", "changes": { "scenes": "highway" } } ],
  "judge": { "scenes": "highway", "frames": 1 },
  "columns": [ { "title": "Car", "metric": "sim/Car/3d_ap_r40_moderate" }, { "title": "none", "metric": "nothing" } ]
}"#;

fn plan(folder: &Path, text: &str, max_cells: Option<usize>) -> StudyPlan {
    let path = folder.join("study.json");
    std::fs::write(&path, text).unwrap();
    let study = Study::read(&path).unwrap();
    StudyPlan { study, out: folder.join("out"), kitti: None, threads: 1, max_cells }
}

#[test]
fn a_study_goes_on_after_its_last_finished_cell_and_refuses_cells_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let table = run_study(&plan(folder.path(), STUDY, Some(1)), &mut Unwatched).unwrap();
    assert_eq!((table.finished, table.cells, table.rows[0].seeds.as_slice()), (1, 2, &[1][..]));
    let first = folder.path().join("out/cells/as_it_is_seed1.json");
    let written = std::fs::metadata(&first).unwrap().modified().unwrap();
    assert!(!folder.path().join("out/runs/as_it_is_seed1/checkpoint.safetensors").exists());

    let table = run_study(&plan(folder.path(), STUDY, None), &mut Unwatched).unwrap();
    assert_eq!((table.finished, table.rows[0].seeds.as_slice()), (2, &[1, 2][..]));
    assert_eq!(std::fs::metadata(&first).unwrap().modified().unwrap(), written, "a finished cell was run again");
    let text = std::fs::read_to_string(folder.path().join("out/table.md")).unwrap();
    assert!(text.contains("2 of 2 cells") && text.contains("| As it is |") && text.contains("| - |"), "{text}");
    let cell: FinishedCell = serde_json::from_str(&std::fs::read_to_string(&first).unwrap()).unwrap();
    assert_eq!((cell.frames, cell.weights_sha256.len(), cell.judge_sha256.len()), (1, 64, 64));

    let other = STUDY.replace("\"worlds\": 3", "\"worlds\": 4");
    let error = run_study(&plan(folder.path(), &other, Some(0)), &mut Unwatched).unwrap_err().to_string();
    assert!(error.contains("as_it_is_seed1.json") && error.contains("other settings"), "{error}");
    // A third seed, after the simulator has changed.
    let forged = serde_json::to_string(&FinishedCell { judge_sha256: "0".repeat(64), ..cell }).unwrap();
    std::fs::write(&first, forged).unwrap();
    let more = STUDY.replace("[1, 2]", "[1, 2, 3]");
    let error = run_study(&plan(folder.path(), &more, None), &mut Unwatched).unwrap_err().to_string();
    assert!(error.contains("other points"), "{error}");
}
