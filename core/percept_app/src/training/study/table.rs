//! The table of a study: a row's mean over its seeds, and how far the seeds lie apart.

use super::{FinishedCell, Study};
use serde::Serialize;
use std::fmt;

/// What a study has found so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StudyTable {
    /// What is asked.
    pub description: String,
    /// Headings of the figures.
    pub columns: Vec<String>,
    /// The rows, in the study's order.
    pub rows: Vec<TableRow>,
    /// Cells finished.
    pub finished: usize,
    /// Cells there are.
    pub cells: usize,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableRow {
    /// Its name.
    pub name: String,
    /// Seeds that are finished.
    pub seeds: Vec<u64>,
    /// The figures of each finished seed, by column; `None` where the cell has none of that name.
    pub values: Vec<Vec<Option<f64>>>,
    /// Wall time of all its trainings.
    pub minutes: f64,
}

impl StudyTable {
    pub(super) fn new(study: &Study, finished: &[FinishedCell]) -> Self {
        let row = |name: &String| {
            let cells: Vec<&FinishedCell> = finished.iter().filter(|cell| cell.cell.row == *name).collect();
            let figures = |cell: &&FinishedCell| {
                study.columns.iter().map(|column| cell.metrics.get(&column.metric).copied()).collect()
            };
            TableRow {
                name: name.clone(),
                seeds: cells.iter().map(|cell| cell.cell.seed).collect(),
                values: cells.iter().map(figures).collect(),
                minutes: cells.iter().fold(0.0, |sum, cell| sum + cell.minutes),
            }
        };
        Self {
            description: study.description.clone(),
            columns: study.columns.iter().map(|column| column.title.clone()).collect(),
            rows: study.rows.iter().map(|r| row(&r.name)).collect(),
            finished: finished.len(),
            cells: study.rows.len() * study.seeds.len(),
        }
    }
}

impl TableRow {
    /// The mean over seeds and the largest distance of a seed from it.
    pub fn figure(&self, column: usize) -> Option<(f64, f64)> {
        let values: Vec<f64> = self.values.iter().filter_map(|seed| *seed.get(column)?).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let spread = values.iter().map(|value| (value - mean).abs()).fold(0.0, f64::max);
        (!values.is_empty()).then_some((mean, spread))
    }
}

impl fmt::Display for StudyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n\n{} of {} cells are finished.\n", self.description, self.finished, self.cells)?;
        writeln!(f, "| | {} | seeds | minutes |", self.columns.join(" | "))?;
        writeln!(f, "|---|{}---|---|", "---|".repeat(self.columns.len()))?;
        for row in &self.rows {
            let text = |column| match row.figure(column) {
                Some((mean, spread)) if row.seeds.len() > 1 => format!("{mean:.1} ± {spread:.1}"),
                Some((mean, _)) => format!("{mean:.1}"),
                None => "-".to_owned(),
            };
            let figures: Vec<String> = (0..self.columns.len()).map(text).collect();
            let seeds: Vec<String> = row.seeds.iter().map(u64::to_string).collect();
            writeln!(f, "| {} | {} | {} | {:.0} |", row.name, figures.join(" | "), seeds.join(", "), row.minutes)?;
        }
        Ok(())
    }
}
