//! A study: a table of training runs, cell by cell. Each finished cell is a small JSON file, so that another day goes on
//! where this one stopped.
//!
//! ```text
//! study.json ─► Study ─► cells (rows x seeds) ─► train ─► export ─► judge ─► cells/<row>_seed<n>.json ─► table
//! ```

mod cell;
mod file;
mod report;
mod table;

pub use cell::{CellEnd, CellRun};
pub use file::{Cell, CellSettings, Column, Judge, Row, Study};
pub use report::write_report;
pub use table::{StudyTable, TableRow};

use super::session::checkpoint_path;
use super::{HeldOut, SimulatedFrames, TrainingError};
use crate::Progress;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time between the checkpoints of a cell's run.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(120);

/// Where a study runs and what it may use.
#[derive(Clone, Debug)]
pub struct StudyPlan {
    /// The study.
    pub study: Study,
    /// Its folder: `cells/`, `runs/`, `table.md`.
    pub out: PathBuf,
    /// A KITTI object folder to judge on as well; nothing of it is trained on.
    pub kitti: Option<PathBuf>,
    /// Threads that make frames.
    pub threads: usize,
    /// No more cells than this are run now.
    pub max_cells: Option<usize>,
}

/// What a finished cell leaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FinishedCell {
    /// What was run.
    pub cell: Cell,
    /// What it was judged on.
    pub judge: Judge,
    /// SHA-256 of the points that it was judged on: another simulator makes another.
    pub judge_sha256: String,
    /// Figures of its weights, by name.
    pub metrics: BTreeMap<String, f64>,
    /// Frames trained on.
    pub frames: u64,
    /// Wall time of the training.
    pub minutes: f64,
    /// SHA-256 of its weights.
    pub weights_sha256: String,
    /// Version of the program.
    pub percept_version: String,
}

/// Runs the cells that are not finished, until all are, the limit is reached or whoever watches asks to stop; then reads
/// all that are finished into a table, which is also written to `table.md`.
///
/// # Errors
/// A study that cannot be, a finished cell of other settings, a run that fails, a full disk.
pub fn run_study(plan: &StudyPlan, progress: &mut dyn Progress) -> Result<StudyTable, TrainingError> {
    let cells = plan.cells()?;
    let folder = plan.out.join("cells");
    std::fs::create_dir_all(&folder).map_err(TrainingError::io("create", &folder))?;
    let unfinished: Vec<&Cell> = cells.iter().filter(|cell| !plan.result(cell).exists()).collect();
    if !unfinished.is_empty() && plan.max_cells != Some(0) {
        let held_out = plan.held_out(progress)?;
        let judge_sha256 = plan.sha256_of(&held_out, &cells)?;
        for cell in unfinished.into_iter().take(plan.max_cells.unwrap_or(usize::MAX)) {
            progress.note(&format!("{} of {}: {}", plan.number(&cells, cell), cells.len(), cell.slug()));
            let Some(finished) = plan.run_cell(cell, &held_out, &judge_sha256, progress)? else { break };
            write_whole(&plan.result(cell), &serde_json::to_string_pretty(&finished)?)?;
            // The figures are kept; a checkpoint is far larger than all of them.
            let checkpoint = checkpoint_path(&plan.run_folder(cell));
            std::fs::remove_file(&checkpoint).map_err(TrainingError::io("remove", &checkpoint))?;
            if progress.stop_asked() {
                break;
            }
        }
    }
    let finished = plan.finished(&cells)?;
    let table = StudyTable::new(&plan.study, &finished);
    write_report(&plan.out.join("report.html"), &plan.study.description, &finished)?;
    let path = plan.out.join("table.md");
    std::fs::write(&path, table.to_string()).map_err(TrainingError::io("write", &path))?;
    Ok(table)
}

impl StudyPlan {
    fn cells(&self) -> Result<Vec<Cell>, TrainingError> {
        self.study.cells().map_err(|reason| TrainingError::Study { path: self.out.clone(), reason })
    }

    fn number(&self, cells: &[Cell], cell: &Cell) -> usize {
        cells.iter().position(|other| other == cell).map_or(0, |index| index + 1)
    }

    fn result(&self, cell: &Cell) -> PathBuf {
        self.out.join("cells").join(format!("{}.json", cell.slug()))
    }

    fn held_out(&self, progress: &mut dyn Progress) -> Result<Vec<HeldOut>, TrainingError> {
        progress.note(&format!("making {} held-out frames", self.study.judge.frames));
        let mut sets = Vec::new();
        if self.study.judge.frames > 0 {
            let frames = SimulatedFrames::held_out(&self.study.judge.scenes)?;
            sets.push(HeldOut::from_source("sim", &frames, self.study.judge.frames)?);
        }
        if let Some(root) = &self.kitti {
            sets.push(HeldOut::from_kitti("kitti", root)?);
        }
        Ok(sets)
    }

    fn run_folder(&self, cell: &Cell) -> PathBuf {
        self.out.join("runs").join(cell.slug())
    }

    /// Of the points of all held-out frames; those of the finished cells must have been the same.
    fn sha256_of(&self, held_out: &[HeldOut], cells: &[Cell]) -> Result<String, TrainingError> {
        let sha256 = held_out_sha256(held_out);
        match self.finished(cells)?.iter().find(|finished| finished.judge_sha256 != sha256) {
            None => Ok(sha256),
            Some(other) => Err(TrainingError::Study {
                path: self.result(&other.cell),
                reason: "judged on other points: the simulator or the real frames have changed since, so that cells \
                         cannot be compared; give another folder"
                    .to_owned(),
            }),
        }
    }

    /// The cell's result; `None` where it was stopped before its end.
    fn run_cell(
        &self,
        cell: &Cell,
        held_out: &[HeldOut],
        judge_sha256: &str,
        progress: &mut dyn Progress,
    ) -> Result<Option<FinishedCell>, TrainingError> {
        let run = CellRun {
            cell,
            out: &self.run_folder(cell),
            command: format!("percept study, cell {}", cell.slug()),
            threads: self.threads,
            checkpoint_every: CHECKPOINT_EVERY,
        };
        let ended = run.run(held_out, progress)?;
        Ok(ended.map(|ended| ended.finished(cell, &self.study.judge, judge_sha256)))
    }

    /// The finished cells in the order of the study.
    fn finished(&self, cells: &[Cell]) -> Result<Vec<FinishedCell>, TrainingError> {
        let read = |cell: &Cell| {
            let path = self.result(cell);
            let text = std::fs::read_to_string(&path).map_err(TrainingError::io("read", &path))?;
            let refuse = |reason: String| TrainingError::Study { path: path.clone(), reason };
            let finished: FinishedCell = serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
            if finished.cell != *cell || finished.judge != self.study.judge {
                let reason = "finished under other settings than the study's: give another folder, or remove it";
                return Err(refuse(reason.to_owned()));
            }
            Ok(finished)
        };
        cells.iter().filter(|cell| self.result(cell).exists()).map(read).collect()
    }
}

/// SHA-256 of the points of held-out frames: figures on other points cannot be compared.
pub fn held_out_sha256(held_out: &[HeldOut]) -> String {
    let mut hash = Sha256::new();
    for value in held_out.iter().flat_map(HeldOut::clouds).flat_map(|cloud| cloud.values()) {
        hash.update(value.to_le_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a file so that it is there whole or not at all.
fn write_whole(path: &Path, text: &str) -> Result<(), TrainingError> {
    let unfinished = path.with_extension("json.part");
    std::fs::write(&unfinished, text).map_err(TrainingError::io("write", &unfinished))?;
    std::fs::rename(&unfinished, path).map_err(TrainingError::io("rename to", path))
}
