//! What an evaluation gives: one entry a class, difficulty, overlap set and metric.

use super::{Metric, OverlapSet};
use crate::average_precision::{PrecisionRecallCurve, RecallPoints, mean};
use crate::table::{Table, figure, percent};
use percept_types::Difficulty;
use serde::{Deserialize, Serialize};

/// One figure of the benchmark with its curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KittiEntry {
    /// Class.
    pub class_name: String,
    /// What is compared.
    pub metric: Metric,
    /// Difficulty.
    pub difficulty: Difficulty,
    /// Which minimum overlaps.
    pub overlap_set: OverlapSet,
    /// The overlap that a match exceeds.
    pub min_overlap: f64,
    /// Truth boxes that count.
    pub num_truth: usize,
    /// AP (or AOS) over 11 recall points in percent; `None` without truth, or for AOS without observation angles.
    pub ap_r11: Option<f64>,
    /// The same over 40 recall points.
    pub ap_r40: Option<f64>,
    /// Precision against recall; `None` without truth.
    pub curve: Option<PrecisionRecallCurve>,
}

/// The benchmark on a set of frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KittiResults {
    /// Frames evaluated.
    pub num_frames: usize,
    /// Entries in the order class, overlap set, metric, difficulty.
    pub entries: Vec<KittiEntry>,
}

impl KittiResults {
    /// One entry, if it was evaluated.
    pub fn entry(
        &self,
        class_name: &str,
        metric: Metric,
        difficulty: Difficulty,
        overlap_set: OverlapSet,
    ) -> Option<&KittiEntry> {
        self.entries.iter().find(|e| {
            e.class_name.eq_ignore_ascii_case(class_name)
                && e.metric == metric
                && e.difficulty == difficulty
                && e.overlap_set == overlap_set
        })
    }

    /// AP in percent; `None` without truth.
    pub fn ap(
        &self,
        class_name: &str,
        metric: Metric,
        difficulty: Difficulty,
        overlap_set: OverlapSet,
        recall_points: RecallPoints,
    ) -> Option<f64> {
        let entry = self.entry(class_name, metric, difficulty, overlap_set)?;
        entry.ap(recall_points)
    }

    /// Mean over the classes that have truth; `None` where none has.
    pub fn mean_ap(
        &self,
        metric: Metric,
        difficulty: Difficulty,
        overlap_set: OverlapSet,
        recall_points: RecallPoints,
    ) -> Option<f64> {
        let chosen = |e: &&KittiEntry| e.metric == metric && e.difficulty == difficulty && e.overlap_set == overlap_set;
        mean(self.entries.iter().filter(chosen).filter_map(|e| e.ap(recall_points)))
    }

    /// A table for people: a row a class, overlap set and metric; easy, moderate and hard for R40 and R11.
    pub fn table(&self) -> Table {
        let mut table = Table::new(&[
            "class",
            "metric",
            "overlap >",
            "truth e/m/h",
            "R40 easy",
            "moderate",
            "hard",
            "R11 easy",
            "moderate",
            "hard",
        ]);
        let difficulties = [Difficulty::Easy, Difficulty::Moderate, Difficulty::Hard];
        let mut seen: Vec<(&str, Metric, f64)> = Vec::new();
        for entry in &self.entries {
            // The image box needs the same overlap in both sets: one row.
            let row = (entry.class_name.as_str(), entry.metric, entry.min_overlap);
            if seen.contains(&row) {
                continue;
            }
            seen.push(row);
            let key = (entry.class_name.as_str(), entry.metric, entry.overlap_set);
            let found = difficulties.map(|d| self.entry(key.0, key.1, d, key.2));
            let truth = found.map(|e| e.map_or("-".to_owned(), |e| e.num_truth.to_string())).join("/");
            let mut row = vec![key.0.to_owned(), key.1.name().to_owned(), format!("{:.2}", entry.min_overlap), truth];
            for recall_points in [RecallPoints::R40, RecallPoints::R11] {
                row.extend(found.map(|e| e.map_or_else(|| "-".to_owned(), |e| e.cell(recall_points))));
            }
            table.push(row);
        }
        table
    }
}

impl KittiEntry {
    /// AP in percent; `None` without truth.
    pub fn ap(&self, recall_points: RecallPoints) -> Option<f64> {
        match recall_points {
            RecallPoints::R11 => self.ap_r11,
            RecallPoints::R40 => self.ap_r40,
        }
    }

    /// A cell for people: the figure, "no truth", or "-" where truth is but angles are not.
    fn cell(&self, recall_points: RecallPoints) -> String {
        let ap = self.ap(recall_points);
        if self.num_truth == 0 { percent(ap) } else { figure(ap, 2) }
    }
}
