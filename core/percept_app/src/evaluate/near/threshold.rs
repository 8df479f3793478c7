//! Thresholds chosen on simulated frames that no training run has seen.

use super::super::detections::OutputDetections;
use super::scores::share;
use super::{CLASSES, NearSettings, class_config};
use crate::detector::{LidarDetector, load_detector};
use crate::training::{FrameSource, SimulatedFrames};
use crate::{AppError, DetectorConfig, Progress};
use percept_bag::{BagReader, ReadOptions};
use percept_eval::bev_ap::{BevFrame, evaluate};
use percept_eval::operating_point::{ChosenThreshold, ThresholdRule, choose_threshold};
use percept_eval::table::figure;
use percept_msgs::DriverLayout;
use percept_msgs::sensor_msgs::PointCloud2;
use percept_msgs::std_msgs::Header;
use percept_types::{BoxError, Detections, FrameReport, Perceive, PointCloud, RawCloud, TruthObject};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where thresholds come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ThresholdSource {
    /// So many held-out simulated frames, run through the weights.
    Simulated(u64),
    /// A score, for every class.
    Score(f64),
}

/// The threshold of a class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassThreshold {
    /// The class.
    pub class_name: &'static str,
    /// Boxes at or above it are kept; `None` where the simulated frames gave none.
    pub score: Option<f64>,
    /// Simulated frames it was chosen on; 0 where it was given.
    pub simulated_frames: u64,
    /// What it was worth there.
    pub chosen: Option<ChosenThreshold>,
}

impl ClassThreshold {
    /// Class, score, rule, recall and precision where it was chosen.
    pub(super) fn row(&self) -> Vec<String> {
        let rule = match self.chosen.map(|chosen| chosen.rule) {
            Some(ThresholdRule::Precision(precision)) => {
                format!("precision {precision:.2} on {} simulated", self.simulated_frames)
            }
            Some(ThresholdRule::BestF1) => format!("best F1 on {} simulated", self.simulated_frames),
            None if self.score.is_some() => "given".to_owned(),
            None => format!("nothing found on {} simulated", self.simulated_frames),
        };
        let worth = [self.chosen.map(|chosen| chosen.recall), self.chosen.map(|chosen| chosen.precision)];
        let [recall, precision] = worth.map(share);
        vec![self.class_name.to_owned(), figure(self.score, 3), rule, recall, precision]
    }
}

/// A threshold for each class that the output has.
pub(super) fn thresholds(
    output: &OutputDetections,
    settings: &NearSettings,
    progress: &mut dyn Progress,
) -> Result<Vec<ClassThreshold>, AppError> {
    let frames = match settings.threshold {
        ThresholdSource::Score(score) => {
            let given =
                |class_name| ClassThreshold { class_name, score: Some(score), simulated_frames: 0, chosen: None };
            return Ok(CLASSES.into_iter().map(given).collect());
        }
        ThresholdSource::Simulated(frames) => frames,
    };
    let simulated = SimulatedOutput::of(&weights_of(output, settings)?, frames, progress)?;
    CLASSES.into_iter().map(|class_name| simulated.threshold(class_name, settings.rule)).collect()
}

/// What `percept replay` noted in its output.
pub(super) fn notes_of(output: &OutputDetections) -> Result<BTreeMap<String, String>, AppError> {
    let reader = BagReader::open(&output.bag, ReadOptions::default())?;
    let noted = reader.metadata().find(|(name, _)| *name == "percept_replay").map(|(_, entries)| entries.clone());
    Ok(noted.unwrap_or_default())
}

/// The weights asked for, or those that the output bag names; they must be the ones that made it.
fn weights_of(output: &OutputDetections, settings: &NearSettings) -> Result<PathBuf, AppError> {
    let noted = notes_of(output)?;
    let Some(path) = settings.weights.clone().or_else(|| noted.get("weights").map(PathBuf::from)) else {
        return Err(AppError::Unavailable {
            what: format!("{} does not tell which weights made it", output.bag.display()),
            way_out: "name them with --weights, or give a score with --near-score".to_owned(),
        });
    };
    let found = crate::detector::open_weights(&path)?.weights.sha256().to_owned();
    match noted.get("weights_sha256").filter(|expected| **expected != found) {
        Some(expected) => Err(AppError::Contradiction {
            weights: path,
            key: "weights_sha256".to_owned(),
            configured: expected.clone(),
            found,
            way_out: "the output was made by other weights: name those with --weights",
        }),
        None => Ok(path),
    }
}

/// Truth and detections of simulated frames.
struct SimulatedOutput {
    frames: u64,
    truth: Vec<Vec<TruthObject>>,
    detections: Vec<Detections>,
    camera: Option<percept_types::Camera>,
}

impl SimulatedOutput {
    fn of(weights: &std::path::Path, frames: u64, progress: &mut dyn Progress) -> Result<Self, AppError> {
        let config = DetectorConfig { weights: Some(weights.to_owned()), ..DetectorConfig::default() };
        let LidarDetector { mut model, pool, .. } = load_detector(&config)?;
        let source =
            SimulatedFrames::held_out(SimulatedFrames::DEFAULT_SCENES).map_err(AppError::stage("simulation"))?;
        let mut output = Self { frames: 0, truth: Vec::new(), detections: Vec::new(), camera: source.camera() };
        progress.begin("choosing thresholds", Some(frames));
        for index in 0..frames {
            let frame = source.frame(index).map_err(AppError::stage::<BoxError>("simulation"))?;
            let cloud = raw_cloud(&frame.cloud)?.into();
            let detections = pool
                .install(|| model.perceive(&cloud, &mut FrameReport::default()))
                .map_err(AppError::stage("detecting on simulated frames"))?;
            output.frames += 1;
            output.truth.push(frame.objects);
            output.detections.push(detections);
            progress.advance(1);
            if progress.stop_asked() {
                break;
            }
        }
        progress.end();
        Ok(output)
    }

    /// By the rule, or the best F1 where no score satisfies it.
    fn threshold(&self, class_name: &'static str, rule: ThresholdRule) -> Result<ClassThreshold, AppError> {
        let frame = |(truth, detections)| BevFrame { truth, detections, camera: self.camera.as_ref() };
        let truth = self.truth.iter().map(Vec::as_slice);
        let frames: Vec<BevFrame<'_>> = truth.zip(&self.detections).map(frame).collect();
        let found = class_config(class_name).and_then(|config| evaluate(&frames, &config));
        let curve = found.map_err(AppError::stage("choosing thresholds"))?.curve;
        let rules = [rule, ThresholdRule::BestF1];
        let chosen = curve.and_then(|curve| rules.into_iter().find_map(|rule| choose_threshold(&curve, rule)));
        let score = chosen.map(|chosen| chosen.score);
        Ok(ClassThreshold { class_name, score, simulated_frames: self.frames, chosen })
    }
}

fn raw_cloud(cloud: &PointCloud) -> Result<RawCloud, AppError> {
    let failed = "detecting on simulated frames";
    let message =
        PointCloud2::from_sweep(cloud, DriverLayout::default(), Header::default()).map_err(AppError::stage(failed))?;
    RawCloud::try_from(message).map_err(AppError::stage(failed))
}
