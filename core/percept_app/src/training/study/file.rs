//! What a study is to run: a JSON file of a base, rows that change it, and seeds.

use super::super::{
    AugmentationLevel, BagFrames, Distillation, GridPreset, RunConfig, SimulatedFrames, TrainingError, Weights, Width,
};
use percept_distill::data::FrameSource;
use percept_distill::train::TrainSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A study file is at most this large.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Most cells of a study.
const MAX_CELLS: usize = 10_000;

/// A table of runs: every row under every seed is a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// What is asked, in a sentence.
    pub description: String,
    /// Seeds of each row.
    pub seeds: Vec<u64>,
    /// What every cell does unless its row changes it.
    #[serde(default)]
    pub base: CellSettings,
    /// The rows, in the order of the table.
    pub rows: Vec<Row>,
    /// What all cells are judged on.
    #[serde(default)]
    pub judge: Judge,
    /// Columns of the table.
    pub columns: Vec<Column>,
}

/// A row: the base with changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Name in the table, and in lower case with underscores of the cells' files.
    pub name: String,
    /// Keys of [`CellSettings`] that differ from the base.
    #[serde(default)]
    pub changes: serde_json::Map<String, Value>,
}

/// What finished cells are judged on: the same for all, whatever they were trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Judge {
    /// Scenes of the held-out simulated frames.
    pub scenes: String,
    /// How many.
    pub frames: u64,
}

impl Default for Judge {
    fn default() -> Self {
        Self { scenes: SimulatedFrames::DEFAULT_SCENES.to_owned(), frames: 200 }
    }
}

/// A figure of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its heading.
    pub title: String,
    /// Name of the metric, as in the weights' metadata: `sim/Car/3d_ap_r40_moderate`, `kitti/NearCar/bev_0.5_ap_r40`.
    pub metric: String,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CellSettings {
    /// `1x`, `4x` or `16x`.
    pub preset: String,
    /// `kitti` or `surround`.
    pub grid: String,
    /// Optimiser steps.
    pub steps: u64,
    /// Frames a step.
    pub frames_per_step: usize,
    /// Windows of each frame.
    pub windows_per_frame: usize,
    /// Side of the windows in pillars; 0 for the whole grid.
    pub window: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Whether the network reads intensity.
    pub intensity: bool,
    /// Objects of each class that frames are filled up to.
    pub paste: usize,
    /// Scenes to train in.
    pub scenes: String,
    /// Keys of scene files that all these scenes change.
    pub scene_changes: Option<Value>,
    /// Keys of the sensor's file that change.
    pub sensor_changes: Option<Value>,
    /// So many worlds, again and again; endlessly many where left out.
    pub worlds: Option<u64>,
    /// Labelled drives to train on instead of simulated frames.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bags: Vec<PathBuf>,
    /// How much frames are varied.
    #[serde(skip_serializing_if = "is_full")]
    pub augmentation: AugmentationLevel,
    /// Whom the network learns from, where it learns from a teacher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distillation: Option<Distillation>,
}

/// Keys that say what always held are left out, so that cells finished before there were these keys stay readable.
fn is_full(level: &AugmentationLevel) -> bool {
    *level == AugmentationLevel::Full
}

impl Default for CellSettings {
    fn default() -> Self {
        let run = RunConfig::default();
        Self {
            preset: run.width.name().to_owned(),
            grid: run.grid.name().to_owned(),
            steps: run.steps,
            frames_per_step: run.frames_per_step,
            windows_per_frame: run.windows_per_frame,
            window: 168,
            learning_rate: run.peak_learning_rate,
            intensity: run.intensity,
            paste: run.paste_objects,
            scenes: SimulatedFrames::DEFAULT_SCENES.to_owned(),
            scene_changes: None,
            sensor_changes: None,
            worlds: None,
            bags: Vec::new(),
            augmentation: AugmentationLevel::Full,
            distillation: None,
        }
    }
}

/// One row under one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The row's name.
    pub row: String,
    /// The seed.
    pub seed: u64,
    /// What is run.
    pub settings: CellSettings,
}

impl Study {
    /// Reads and checks a study file.
    ///
    /// # Errors
    /// A file that cannot be read or describes no study, with the key at fault.
    pub fn read(path: &Path) -> Result<Self, TrainingError> {
        let refuse = |reason: String| TrainingError::Study { path: path.to_owned(), reason };
        let size = std::fs::metadata(path).map_err(TrainingError::io("read", path))?.len();
        if size > MAX_FILE_BYTES {
            return Err(refuse(format!("{size} bytes: a study has at most {MAX_FILE_BYTES}")));
        }
        let text = std::fs::read_to_string(path).map_err(TrainingError::io("read", path))?;
        let study: Self = serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
        study.check().map_err(refuse)?;
        Ok(study)
    }

    fn check(&self) -> Result<(), String> {
        let distinct = |names: Vec<String>, what: &str| {
            let all: BTreeSet<&String> = names.iter().collect();
            let empty = names.iter().any(|name| name.trim_matches('_').is_empty());
            match names.is_empty() || empty || all.len() < names.len() {
                true => Err(format!("{what}: expected at least one, all named and different, found {names:?}")),
                false => Ok(()),
            }
        };
        distinct(self.rows.iter().map(|row| slug(&row.name)).collect(), "rows")?;
        distinct(self.seeds.iter().map(u64::to_string).collect(), "seeds")?;
        distinct(self.columns.iter().map(|column| column.metric.clone()).collect(), "columns")?;
        if self.rows.len() * self.seeds.len() > MAX_CELLS {
            return Err(format!(
                "{} rows under {} seeds: expected at most {MAX_CELLS} cells",
                self.rows.len(),
                self.seeds.len()
            ));
        }
        for cell in self.cells()? {
            let at_fault = |error: TrainingError| format!("row \"{}\": {error}", cell.row);
            let teacher = cell.settings.teacher().map_err(at_fault)?;
            cell.settings.train_settings(cell.seed, String::new(), teacher.as_deref()).map_err(at_fault)?;
            cell.settings.simulated(cell.seed).map_err(at_fault)?;
        }
        Ok(())
    }

    /// Every cell: all rows under the first seed, then all under the next.
    ///
    /// # Errors
    /// When a row changes what a run does not have.
    pub fn cells(&self) -> Result<Vec<Cell>, String> {
        let settings = |row: &Row| -> Result<CellSettings, String> {
            let at_fault = |error: serde_json::Error| format!("row \"{}\": {error}", row.name);
            let mut settings = serde_json::to_value(&self.base).map_err(at_fault)?;
            if let Value::Object(keys) = &mut settings {
                keys.extend(row.changes.clone());
            }
            serde_json::from_value(settings).map_err(at_fault)
        };
        let rows = self.rows.iter().map(|row| Ok((row, settings(row)?))).collect::<Result<Vec<_>, String>>()?;
        let cell = |(row, settings): &(&Row, CellSettings), seed: u64| Cell {
            row: row.name.clone(),
            seed,
            settings: settings.clone(),
        };
        Ok(self.seeds.iter().flat_map(|seed| rows.iter().map(move |row| cell(row, *seed))).collect())
    }
}

impl CellSettings {
    /// The run under a seed.
    ///
    /// # Errors
    /// An unknown preset or grid.
    pub fn run_config(&self, seed: u64) -> Result<RunConfig, TrainingError> {
        let unknown = |name, found: &str, expected| TrainingError::Setting { name, found: found.to_owned(), expected };
        Ok(RunConfig {
            detector: None,
            width: Width::from_name(&self.preset).ok_or_else(|| unknown("preset", &self.preset, "1x, 4x or 16x"))?,
            grid: GridPreset::from_name(&self.grid).ok_or_else(|| unknown("grid", &self.grid, "kitti or surround"))?,
            seed,
            steps: self.steps,
            frames_per_step: self.frames_per_step,
            windows_per_frame: self.windows_per_frame,
            window: (self.window > 0).then_some([self.window; 2]),
            peak_learning_rate: self.learning_rate,
            intensity: self.intensity,
            // Bags tell of no camera.
            camera_crop_probability: match self.bags.is_empty() {
                true => RunConfig::default().camera_crop_probability,
                false => 0.0,
            },
            paste_objects: self.paste,
        })
    }

    /// The teacher, where there is one.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn teacher(&self) -> Result<Option<Arc<Weights>>, TrainingError> {
        self.distillation.as_ref().map(Distillation::open_teacher).transpose()
    }

    /// The full settings under a seed, for frames of a source.
    ///
    /// # Errors
    /// Numbers outside their limits, a teacher that cannot teach this student.
    pub fn train_settings(
        &self,
        seed: u64,
        source: String,
        teacher: Option<&Weights>,
    ) -> Result<TrainSettings, TrainingError> {
        let mut settings = self.run_config(seed)?.settings(source)?;
        self.augmentation.apply(&mut settings);
        if let (Some(distillation), Some(teacher)) = (&self.distillation, teacher) {
            settings.distillation = Some(distillation.settings(teacher));
        }
        settings.validate()?;
        Ok(settings)
    }

    /// Its frames under a seed, with what they are in words.
    ///
    /// # Errors
    /// Unknown scenes, bags or records that cannot be read or do not belong to the teacher.
    pub fn source(
        &self,
        seed: u64,
        teacher: Option<&Weights>,
    ) -> Result<(Arc<dyn FrameSource>, String), TrainingError> {
        let recorded = self.distillation.as_ref().filter(|distillation| !distillation.records.is_empty());
        if self.bags.is_empty() {
            if recorded.is_some() {
                let expected = "the bags that were recorded (bags), for simulated frames have no records";
                return Err(TrainingError::Setting { name: "records", found: "no bags".into(), expected });
            }
            let frames = self.simulated(seed)?;
            let described = frames.describe();
            return Ok((Arc::new(frames), described));
        }
        let mut frames = BagFrames::open(&self.bags, seed)?;
        if let (Some(distillation), Some(teacher)) = (recorded, teacher) {
            let needs = distillation.settings(teacher).needs();
            frames = frames.with_records(&distillation.records, teacher.sha256(), &needs)?;
        }
        let described = frames.describe();
        Ok((Arc::new(frames), described))
    }

    /// Its simulated frames under a seed.
    ///
    /// # Errors
    /// Unknown scenes, changes that are none.
    pub fn simulated(&self, seed: u64) -> Result<SimulatedFrames, TrainingError> {
        let half_width_deg = self.run_config(seed)?.half_width_deg();
        let mut frames = SimulatedFrames::for_training(seed, half_width_deg, &self.scenes)?;
        if let Some(changes) = &self.scene_changes {
            frames = frames.with_scene_changes(changes)?;
        }
        if let Some(changes) = &self.sensor_changes {
            frames = frames.with_sensor_changes(changes)?;
        }
        match self.worlds {
            Some(worlds) => frames.with_worlds(worlds),
            None => Ok(frames),
        }
    }
}

impl Cell {
    /// Name of its files.
    pub fn slug(&self) -> String {
        format!("{}_seed{}", slug(&self.row), self.seed)
    }
}

fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn study(rows: &str) -> String {
        format!(
            r#"{{"description": "d", "seeds": [1, 2], "base": {{"preset": "16x", "steps": 10}}, "rows": {rows},
               "columns": [{{"title": "Car", "metric": "sim/Car/3d_ap_r40_moderate"}}]}}"#
        )
    }

    fn read(text: &str) -> Result<Study, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("study.json");
        std::fs::write(&path, text).unwrap();
        Study::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn rows_change_the_base_and_come_under_every_seed() {
        let rows = r#"[{"name": "As shipped"}, {"name": "no weather", "changes": {"scene_changes": {"weather": {"rain": 0}}}}]"#;
        let cells = read(&study(rows)).unwrap().cells().unwrap();
        let names: Vec<String> = cells.iter().map(Cell::slug).collect();
        assert_eq!(names, ["as_shipped_seed1", "no_weather_seed1", "as_shipped_seed2", "no_weather_seed2"]);
        assert!(cells.iter().all(|cell| cell.settings.preset == "16x" && cell.settings.steps == 10));
        assert!(cells[0].settings.scene_changes.is_none() && cells[1].settings.scene_changes.is_some());
    }

    #[test]
    fn a_row_that_cannot_be_run_is_refused_before_anything_runs() {
        for (rows, at_fault) in [
            (r#"[{"name": "a", "changes": {"stepps": 1}}]"#, "stepps"),
            (r#"[{"name": "a", "changes": {"preset": "2x"}}]"#, "2x"),
            (r#"[{"name": "a", "changes": {"scene_changes": {"wether": 1}}}]"#, "wether"),
            (r#"[{"name": "a", "changes": {"sensor_changes": {"range_noise_m": -1}}}]"#, "range_noise_m"),
            (r#"[{"name": "a", "changes": {"worlds": 0}}]"#, "worlds"),
            (r#"[{"name": "a"}, {"name": "A"}]"#, "rows"),
            ("[]", "rows"),
        ] {
            let error = read(&study(rows)).unwrap_err();
            assert!(error.contains(at_fault), "{rows}: {error}");
        }
    }
}
