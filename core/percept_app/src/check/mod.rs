//! Whether weights, configuration and bag fit together, and what to do about what does not.

mod clouds;
mod findings;

pub use findings::{Finding, Findings, Level};

use crate::detector::{disagreements, open_weights};
use crate::mounting::BagMounting;
use crate::topics::{self, pick_cloud_topic};
use crate::{AppError, DetectorConfig};
use clouds::{CloudSample, compare_with_weights, sample_clouds};
use percept_bag::{BagReader, ReadOptions};
use percept_models::pointpillars::PointPillarsConfig;
use percept_types::InputStatistics;
use std::path::{Path, PathBuf};

/// What is to be held against each other; any of them may be left out.
#[derive(Clone, Debug, Default)]
pub struct CheckInputs {
    /// The weights; overrides the configuration's.
    pub weights: Option<PathBuf>,
    /// The parameter file.
    pub config: Option<PathBuf>,
    /// The bag.
    pub bag: Option<PathBuf>,
    /// The cloud topic; overrides the configuration's.
    pub topic: Option<String>,
}

/// What of the weights the other checks need.
struct CheckedWeights {
    config: PointPillarsConfig,
    statistics: Option<InputStatistics>,
}

/// Looks at everything given; a part that cannot be read is a finding and the others are still looked at.
pub fn check(inputs: &CheckInputs) -> Findings {
    let mut findings = Findings::default();
    let config = inputs.config.as_deref().and_then(|path| check_config(path, &mut findings));
    let config = config.unwrap_or_default();
    let weights_path = inputs.weights.clone().or(config.weights.clone());
    let weights = weights_path.as_deref().and_then(|path| check_weights(path, &config, &mut findings));
    if let Some(bag) = &inputs.bag {
        let topic = inputs.topic.as_deref().or(config.input_topic.as_deref());
        if let Err(error) = check_bag(bag, topic, weights.as_ref(), &config, &mut findings) {
            findings.error("bag", error_text(&error), "see the message");
        }
    }
    findings
}

fn check_config(path: &Path, findings: &mut Findings) -> Option<DetectorConfig> {
    match DetectorConfig::from_yaml_file(path) {
        Ok(config) => {
            findings.ok("config", format!("{} is valid", path.display()));
            Some(config)
        }
        Err(error) => {
            findings.error("config", error_text(&error), "correct the file");
            None
        }
    }
}

fn check_weights(path: &Path, config: &DetectorConfig, findings: &mut Findings) -> Option<CheckedWeights> {
    let weights = match open_weights(path) {
        Ok(weights) => weights,
        Err(error) => {
            findings.error(
                "weights",
                error_text(&error),
                "give a .safetensors file of percept train or percept import",
            );
            return None;
        }
    };
    let model = &weights.config;
    let range = model.grid().range_m();
    findings
        .ok("weights", format!("{}: classes {}, range {range:?} m", path.display(), model.class_names().join(", ")));
    let differences = disagreements(config, model);
    for d in &differences {
        let found = format!("{} is {} in the configuration but {} in the weights", d.key, d.configured, d.found);
        findings.error("config and weights", found, d.way_out);
    }
    if differences.is_empty() && *config != DetectorConfig::default() {
        findings.ok("config and weights", "classes, grid and anchors agree".to_owned());
    }
    Some(CheckedWeights { config: weights.config.clone(), statistics: weights.statistics })
}

fn check_bag(
    bag: &Path,
    topic: Option<&str>,
    weights: Option<&CheckedWeights>,
    config: &DetectorConfig,
    findings: &mut Findings,
) -> Result<(), AppError> {
    let reader = BagReader::open(bag, ReadOptions::default())?;
    let losses = reader.losses();
    match losses.iter().next() {
        None => findings.ok("bag", format!("{} opens without damage", bag.display())),
        Some(first) => findings.warn(
            "bag",
            format!("{} is damaged: {first}", bag.display()),
            "percept inspect lists the damage; what can be read is used",
        ),
    }
    check_truth(&reader, findings);
    let topic = pick_cloud_topic(bag, reader.topics(), topic)?;
    findings.ok("topic", format!("{} with {} clouds", topic.name, topic.message_count));
    let intensity_field = config.intensity_field.as_deref().unwrap_or("intensity");
    let trained = weights.map(|weights| weights.config.input().mounting());
    let mounted = |trained| BagMounting::of_bag(bag, &reader, topic, &config.mounting, trained);
    let mounting = trained.as_ref().map(mounted).transpose()?;
    if let Some(mounting) = &mounting {
        findings.ok("mounting", format!("clouds are {}", mounting.description()));
    }
    let sample = sample_clouds(bag, &reader, &topic.name, intensity_field, mounting.as_ref())?;
    describe_sample(&sample, findings);
    if let Some(weights) = weights {
        compare_with_weights(&sample, &weights.config, weights.statistics.as_ref(), config, findings);
    }
    Ok(())
}

fn check_truth(reader: &BagReader, findings: &mut Findings) {
    let has = |name: &str| reader.topics().iter().any(|topic| topic.name == name && topic.message_count > 0);
    let found = match (has(topics::TRUTH_KITTI), has(topics::TRUTH_OBJECTS)) {
        (true, _) => "has KITTI labels: percept eval gives KITTI's average precision",
        (false, true) => "has true boxes: percept eval gives bird's-eye average precision",
        (false, false) => "has no truth: percept eval needs another source",
    };
    findings.ok("truth", found.to_owned());
}

fn describe_sample(sample: &CloudSample, findings: &mut Findings) {
    for fault in &sample.faults {
        findings.error("cloud", fault.clone(), "percept replay counts such frames and goes on");
    }
    if let Some(points) = sample.num_points.checked_div(sample.frames) {
        let fields = sample.fields.join(", ");
        findings.ok("cloud", format!("{points} points a frame in {}; fields {fields}", sample.frame_id));
    }
    if sample.num_points == 0 {
        findings.warn("cloud", "the first clouds have no points".to_owned(), "look at the driver's recording");
    }
}

fn error_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text
}
