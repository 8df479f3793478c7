//! The demo: a bag through the detector, with pictures, figures and a page that shows them.
//!
//! ```text
//! bag, weights ─replay─► OUT/boxes, OUT/pictures ─evaluate─► figures ─► OUT/report.html
//! ```

mod distil;
mod page;
mod shipped;

pub use distil::{DistilDemoSettings, DistilDemoSummary, demo_distil};

use crate::evaluate::{EvaluateSettings, Evaluation, WorstSettings, evaluate};
use crate::replay::{PictureSettings, ReplaySettings, ReplaySummary, replay};
use crate::{AppError, DetectorConfig, Progress};
use serde::Serialize;
pub(crate) use shipped::find_shipped;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The committed bag and weights, from the root of the workspace.
pub(crate) const DEMO_BAG: &str = "bags/demo_street";
pub(crate) const DEMO_WEIGHTS: &str = "ros_packages/percept_models_data/weights/pointpillars_4x_kitti.safetensors";

/// Frames shown with their misses and false boxes.
const WORST_FRAMES: usize = 4;

/// Says that a folder was written by a demo, so that the next one may replace it.
const MARK: &str = ".percept_demo";

/// What to show.
#[derive(Clone, Debug)]
pub struct DemoSettings {
    /// The bag; `None`: the committed one.
    pub bag: Option<PathBuf>,
    /// The weights; `None`: the committed ones.
    pub weights: Option<PathBuf>,
    /// The cloud topic; `None`: the only one.
    pub topic: Option<String>,
    /// A picture every n frames.
    pub every: u64,
}

/// What was made, and where it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DemoSummary {
    /// The replay.
    pub replay: ReplaySummary,
    /// Figures, where the bag has truth.
    pub evaluation: Option<Evaluation>,
    /// The page.
    pub report: PathBuf,
    /// The folder of the pictures.
    pub pictures: PathBuf,
    /// Wall time of all of it.
    pub seconds: f64,
}

/// Replays, draws, evaluates where there is truth, and writes the page.
///
/// # Errors
/// When the bag or weights are not there, `out` holds something else, or any step fails.
pub fn demo(out: &Path, settings: &DemoSettings, progress: &mut dyn Progress) -> Result<DemoSummary, AppError> {
    let started = Instant::now();
    let bag = settings.bag.clone().map_or_else(|| find_shipped(DEMO_BAG, "--bag"), Ok)?;
    let weights = settings.weights.clone().map_or_else(|| find_shipped(DEMO_WEIGHTS, "--weights"), Ok)?;
    claim_folder(out)?;
    let pictures = out.join("pictures");
    let config = DetectorConfig {
        weights: Some(weights),
        input_topic: settings.topic.clone(),
        publish_markers: true,
        ..DetectorConfig::default()
    };
    let replay_settings = ReplaySettings {
        config,
        pictures: Some(PictureSettings { folder: pictures.clone(), every: settings.every }),
        max_frames: None,
    };
    let boxes = out.join("boxes");
    let summary = replay(&bag, &boxes, &replay_settings, progress)?;
    let evaluation = evaluate_if_labelled(out, &bag, progress)?;
    let report = out.join("report.html");
    page::write_report(&report, &summary, evaluation.as_ref())?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(DemoSummary { replay: summary, evaluation, report, pictures, seconds })
}

/// Figures and the worst frames where the bag has truth; a bag without any is no fault.
fn evaluate_if_labelled(out: &Path, bag: &Path, progress: &mut dyn Progress) -> Result<Option<Evaluation>, AppError> {
    let worst = WorstSettings { frames: WORST_FRAMES, folder: out.join("worst") };
    let settings = EvaluateSettings { worst: Some(worst), ..EvaluateSettings::default() };
    match evaluate(&[out.join("boxes")], bag, &settings, progress) {
        Ok(evaluation) => Ok(Some(evaluation)),
        Err(AppError::NoDetections { .. }) => {
            progress.note("the bag has no truth: the report has no metrics");
            Ok(None)
        }
        // Stopped before the first frame: there is nothing to evaluate.
        Err(AppError::TruthMismatch { .. }) if progress.stop_asked() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the folder, and empties it of an earlier demo; anything else in it is left and refused.
fn claim_folder(out: &Path) -> Result<(), AppError> {
    let mark = out.join(MARK);
    let is_used = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
    if is_used && !mark.is_file() {
        return Err(AppError::Unavailable {
            what: format!("{} holds something that is no earlier demo", out.display()),
            way_out: "choose another folder with --out".to_owned(),
        });
    }
    for old in ["boxes", "pictures", "worst"].map(|name| out.join(name)).iter().filter(|path| path.is_dir()) {
        fs::remove_dir_all(old).map_err(AppError::io("remove", old))?;
    }
    fs::create_dir_all(out).map_err(AppError::io("create", out))?;
    fs::write(&mark, "written by percept demo; the next one replaces it\n").map_err(AppError::io("write", &mark))
}

impl fmt::Display for DemoSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.replay)?;
        if let Some(evaluation) = &self.evaluation {
            writeln!(f)?;
            write!(f, "{evaluation}")?;
        }
        writeln!(f, "\n{} pictures in {}", self.replay.pictures.len(), self.pictures.display())?;
        writeln!(f, "report      {}", self.report.display())?;
        writeln!(f, "output bag  {}", self.replay.out.display())?;
        writeln!(f, "{:.1} s", self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_else_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "important").unwrap();
        let error = claim_folder(folder.path()).unwrap_err().to_string();
        assert!(error.contains("no earlier demo") && error.contains("--out"), "{error}");
        assert!(folder.path().join("thesis.txt").is_file());
    }

    #[test]
    fn an_earlier_demo_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("demo");
        claim_folder(&out).unwrap();
        fs::create_dir(out.join("boxes")).unwrap();
        claim_folder(&out).unwrap();
        assert!(!out.join("boxes").exists());
    }
}
