//! The chain from a drive to a better small network, in small: record, distil, gate, swap, and a picture of before and after.
//!
//! ```text
//! bag ─record─► OUT/records ─distil─► before, after ─gate─► OUT/models ─deployed.safetensors─► pictures, OUT/distil.html
//! ```
//! A demonstration: a few hundred steps on a few seconds of one street teach nothing about other streets.

use super::shipped::find_shipped;
use super::{DEMO_BAG, DEMO_WEIGHTS};
use crate::gate::{FrozenSet, GateDecision, GateLimits, GatePlan, ModelStore, gate};
use crate::pictures::{draw_to_file, options_for};
use crate::training::{
    AugmentationLevel, BagFrames, Cell, CellRun, CellSettings, Distillation, DistillationTerm, FeatureCodec,
    FrameSource, RecordSettings, RecordSummary, Shard, TrainingError, Weights, Width, record,
};
use crate::{AppError, Progress};
use percept_distill::losses::{DistillationMethod, PointDistillerSettings, ResponseSettings};
use percept_distill::validation::Predictor;
use percept_models::weights::ReadyConfig;
use percept_types::Detections;
use percept_viz::bev::Scene;
use percept_viz::report::{Picture, Report};
use serde::Serialize;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Frames of the gate's set: enough to show the rules, too few to trust them.
const GATE_FRAMES: u64 = 12;
/// Side of the training windows in pillars.
const WINDOW: usize = 168;
/// Boxes below this are not drawn.
const SCORE: f32 = 0.2;

/// What to show.
#[derive(Clone, Debug)]
pub struct DistilDemoSettings {
    /// The labelled drive; `None`: the committed one.
    pub bag: Option<PathBuf>,
    /// The teacher; `None`: the committed 4x.
    pub teacher: Option<PathBuf>,
    /// Steps of the student that is deployed; the one before it gets a tenth.
    pub steps: u64,
}

/// What was done.
#[derive(Clone, Debug, Serialize)]
pub struct DistilDemoSummary {
    /// The recording.
    pub records: RecordSummary,
    /// The gate's decision on the longer taught student.
    pub decision: GateDecision,
    /// The model at work afterwards; `None` where the gate blocked.
    pub deployed: Option<String>,
    /// The page.
    pub report: PathBuf,
    /// Wall time of all of it.
    pub seconds: f64,
}

impl fmt::Display for DistilDemoSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.records, self.decision)?;
        writeln!(f, "at work   {}", self.deployed.as_deref().unwrap_or("nothing: the gate blocked"))?;
        writeln!(f, "report    {}\n{:.0} s", self.report.display(), self.seconds)
    }
}

/// Runs the chain; `None` where whoever watches asked to stop.
///
/// # Errors
/// A bag or weights that are not there, a folder that is in use, any step that fails.
pub fn demo_distil(
    out: &Path,
    settings: &DistilDemoSettings,
    progress: &mut dyn Progress,
) -> Result<Option<DistilDemoSummary>, TrainingError> {
    let started = Instant::now();
    let shipped = |given: &Option<PathBuf>, file, option| match given {
        Some(path) => Ok(path.clone()),
        None => find_shipped(file, option).map_err(in_words),
    };
    let bag = shipped(&settings.bag, DEMO_BAG, "--bag")?;
    let teacher = shipped(&settings.teacher, DEMO_WEIGHTS, "--weights")?;
    super::claim_folder(out).map_err(in_words)?;
    for old in ["records", "before", "after", "models"].map(|name| out.join(name)).iter().filter(|path| path.is_dir()) {
        fs::remove_dir_all(old).map_err(TrainingError::io("remove", old))?;
    }
    let chain = Chain { out, bag, teacher, steps: settings.steps.max(1) };
    progress.note("1 of 4: what the teacher says about the drive");
    let records = chain.record(progress)?;
    if records.interrupted {
        return Ok(None);
    }
    progress.note("2 of 4: two students, one taught ten times as long");
    let Some(before) = chain.distil("before", chain.steps.div_ceil(10), progress)? else { return Ok(None) };
    let Some(after) = chain.distil("after", chain.steps, progress)? else { return Ok(None) };
    progress.note("3 of 4: the gate");
    let (decision, deployed) = chain.gate(&before, &after, progress)?;
    progress.note("4 of 4: pictures");
    let at_work = match &deployed {
        Some((_, path)) => path.clone(),
        None => after.clone(),
    };
    let report = chain.page(&before, &at_work, &records, &decision)?;
    let seconds = started.elapsed().as_secs_f64();
    let deployed = deployed.map(|(id, _)| id);
    Ok(Some(DistilDemoSummary { records, decision, deployed, report, seconds }))
}

fn in_words(error: AppError) -> TrainingError {
    TrainingError::Picture { reason: error.to_string() }
}

struct Chain<'a> {
    out: &'a Path,
    bag: PathBuf,
    teacher: PathBuf,
    steps: u64,
}

impl Chain<'_> {
    fn terms() -> Vec<DistillationTerm> {
        // Fewer pillars and neighbours than published: they take most of a step of so small a student.
        let few = PointDistillerSettings { selected: 1500, neighbours: 32, channels: 16, ..Default::default() };
        let methods =
            [DistillationMethod::Response(ResponseSettings::default()), DistillationMethod::PointDistiller(few)];
        methods.into_iter().map(|method| DistillationTerm { weight: 1.0, method }).collect()
    }

    fn record(&self, progress: &mut dyn Progress) -> Result<RecordSummary, TrainingError> {
        let settings = RecordSettings {
            teacher: self.teacher.clone(),
            topic: None,
            terms: Self::terms(),
            codec: FeatureCodec::Fp16,
            frames_per_split: 100,
            shard: Shard::WHOLE,
            max_bytes: None,
        };
        record(&self.bag, &self.out.join("records"), &settings, progress)
    }

    fn distil(&self, name: &str, steps: u64, progress: &mut dyn Progress) -> Result<Option<PathBuf>, TrainingError> {
        let settings = CellSettings {
            preset: Width::Sixteenth.name().to_owned(),
            steps,
            frames_per_step: 2,
            windows_per_frame: 1,
            window: WINDOW,
            bags: vec![self.bag.clone()],
            // Features in the records allow none.
            augmentation: AugmentationLevel::None,
            distillation: Some(Distillation {
                teacher: self.teacher.clone(),
                records: vec![self.out.join("records")],
                terms: Self::terms(),
            }),
            ..CellSettings::default()
        };
        let cell = Cell { row: name.to_owned(), seed: 1, settings };
        let out = self.out.join(name);
        let run = CellRun {
            cell: &cell,
            out: &out,
            command: "percept demo --distill".to_owned(),
            threads: 1,
            checkpoint_every: Duration::from_secs(60),
        };
        Ok(run.run(&[], progress)?.map(|ended| ended.exported.weights))
    }

    /// The longer taught student against the other; where it passes it is put to work.
    fn gate(
        &self,
        before: &Path,
        after: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(GateDecision, Option<(String, PathBuf)>), TrainingError> {
        let models = self.out.join("models");
        let plan = GatePlan {
            candidate: after.to_owned(),
            deployed: Some(before.to_owned()),
            sets: vec![FrozenSet::Simulated {
                name: "demo".to_owned(),
                scenes: crate::training::SimulatedFrames::DEFAULT_SCENES.to_owned(),
                frames: GATE_FRAMES,
            }],
            // So few frames would clear nobody by the default limits.
            limits: GateLimits {
                resamples: 200,
                max_standard_error: 100.0,
                class_drop: [].into(),
                ..GateLimits::default()
            },
            models: models.clone(),
        };
        let decision = gate(&plan, progress)?;
        if !decision.passed {
            return Ok((decision, None));
        }
        let store = ModelStore::open(&models)?;
        let bytes = fs::read(after).map_err(TrainingError::io("read", after))?;
        let artefact = store.publish(&bytes, &decision)?;
        let deployment = store.deploy(&artefact.id)?;
        Ok((decision, Some((deployment.current, store.deployed_weights()))))
    }

    fn page(
        &self,
        before: &Path,
        after: &Path,
        records: &RecordSummary,
        decision: &GateDecision,
    ) -> Result<PathBuf, TrainingError> {
        let mut pictures = Vec::new();
        for (path, name, caption) in [
            (before, "before.png", format!("before: {} steps", self.steps.div_ceil(10))),
            (after, "after.png", format!("after: {} steps, as deployed", self.steps)),
            (self.teacher.as_path(), "teacher.png", "the teacher".to_owned()),
        ] {
            self.draw(path, &self.out.join(name), &caption)?;
            pictures.push(Picture { href: name.to_owned(), caption });
        }
        let row = |finding: &crate::gate::GateFinding| {
            let verdict = if finding.passed { "ok" } else { "blocked" };
            vec![finding.rule.clone(), verdict.to_owned(), finding.text.clone()]
        };
        let findings: Vec<Vec<String>> = decision.findings.iter().map(row).collect();
        let facts = [
            ("drive", self.bag.display().to_string()),
            ("teacher", self.teacher.display().to_string()),
            ("recorded", format!("{} clouds, {:.0} bytes each", records.frames, records.bytes_per_frame)),
            ("records, SHA-256", records.content_sha256.clone()),
            ("candidate, SHA-256", decision.candidate_sha256.clone()),
        ];
        let facts = facts.map(|(key, value)| (key.to_owned(), value));
        let report =
            Report::new("Percept: distillation", "A student of a sixteenth of the size learns one street from records")
                .strip("Seen from above", &pictures)
                .table("The gate", &["rule", "verdict", "figures"], &findings)
                .note(
                    "Limits",
                    "A few hundred steps on a few seconds of one street: this shows the chain, not what it is worth.",
                )
                .provenance("Where this comes from", &facts);
        let path = self.out.join("distil.html");
        fs::write(&path, report.to_html()).map_err(TrainingError::io("write", &path))?;
        Ok(path)
    }

    fn draw(&self, weights: &Path, picture: &Path, title: &str) -> Result<(), TrainingError> {
        let weights = Weights::read(weights)?;
        let ReadyConfig::PointPillars(config) = weights.config();
        let frame = BagFrames::open(std::slice::from_ref(&self.bag), 1)?.frame(0);
        let frame = frame.map_err(|error| TrainingError::Bag { bag: self.bag.clone(), reason: error.to_string() })?;
        let boxes = Predictor::new(config, weights.parameters(), SCORE)?.detect(&frame.cloud)?;
        let subtitle = format!("{} boxes", boxes.len());
        let detections = Detections { class_names: config.class_names().to_vec(), boxes };
        let scene = Scene {
            cloud: &frame.cloud,
            detections: Some(&detections),
            truth: &frame.objects,
            verdict: None,
            title,
            subtitle: &subtitle,
        };
        draw_to_file(picture, &scene, &options_for(config.grid())).map_err(in_words)
    }
}
