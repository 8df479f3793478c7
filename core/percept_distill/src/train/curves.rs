//! The curves of a run as CSV: one row a step, appended as it goes.
//!
//! On resuming, rows of steps that will be done again are cut off, so that the file is that of one run.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use super::StepReport;
use crate::DistillError;

const HEADER: &str = "step,loss,classification,box,direction,gradient_norm,learning_rate,positives,skipped,seconds,distillation,teacher_variance";

/// One row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepRecord {
    /// Number of the step.
    pub step: u64,
    /// Loss: sum, classification, box, direction.
    pub losses: [f64; 4],
    /// Learning rate.
    pub learning_rate: f64,
}

/// Appends rows.
#[derive(Debug)]
pub struct CurveWriter {
    file: std::fs::File,
    path: PathBuf,
}

impl CurveWriter {
    /// Opens the file and keeps the rows of steps before `next_step`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(path: &Path, next_step: u64) -> Result<Self, DistillError> {
        let io = |source| DistillError::io(path, source);
        let mut kept = format!("{HEADER}\n");
        if path.exists() {
            let file = std::fs::File::open(path).map_err(io)?;
            for line in BufReader::new(file).lines().skip(1) {
                let line = line.map_err(io)?;
                if step_of(&line).is_some_and(|step| step < next_step) {
                    kept.push_str(&line);
                    kept.push('\n');
                }
            }
        }
        super::checkpoint::write_atomically(path, kept.as_bytes())?;
        let file = std::fs::OpenOptions::new().append(true).open(path).map_err(io)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Appends a step that took so many seconds.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append(&mut self, report: &StepReport, seconds: f64) -> Result<(), DistillError> {
        let StepReport { step, loss, classification, box_regression, direction, gradient_norm, .. } = *report;
        let row = format!(
            "{step},{loss:.6},{classification:.6},{box_regression:.6},{direction:.6},{gradient_norm:.4},{:.3e},{},{},{seconds:.3},{:.6},{:.6}\n",
            report.learning_rate,
            report.positives,
            u8::from(report.skipped),
            report.distillation,
            report.teacher_variance
        );
        self.file.write_all(row.as_bytes()).map_err(|source| DistillError::io(&self.path, source))
    }

    /// Reads the rows of a file; damaged rows are left out.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(path: &Path) -> Result<Vec<StepRecord>, DistillError> {
        let text = std::fs::read_to_string(path).map_err(|source| DistillError::io(path, source))?;
        let record = |line: &str| {
            let values: Vec<f64> = line.split(',').filter_map(|value| value.parse().ok()).collect();
            let losses = [*values.get(1)?, *values.get(2)?, *values.get(3)?, *values.get(4)?];
            Some(StepRecord { step: step_of(line)?, losses, learning_rate: *values.get(6)? })
        };
        Ok(text.lines().skip(1).filter_map(record).collect())
    }
}

fn step_of(line: &str) -> Option<u64> {
    line.split(',').next()?.parse().ok()
}
