//! What an evaluation gives.

use super::{DetectionClass, ErrorKind, FilterCounts, NuscenesConfig, RecallCurve};
use crate::average_precision::mean;
use crate::table::{Table, figure};
use serde::{Deserialize, Serialize};

/// The five errors of true positives; `None` where the benchmark defines none or no truth is there.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct TruePositiveErrors {
    /// ATE, metres.
    pub translation_m: Option<f64>,
    /// ASE, 1 - overlap.
    pub scale: Option<f64>,
    /// AOE, radians.
    pub orientation_rad: Option<f64>,
    /// AVE, metres a second.
    pub velocity_mps: Option<f64>,
    /// AAE, 1 - accuracy.
    pub attribute: Option<f64>,
}

impl TruePositiveErrors {
    /// From a function of the kind.
    pub(super) fn from_fn(of: impl Fn(ErrorKind) -> Option<f64>) -> Self {
        Self {
            translation_m: of(ErrorKind::Translation),
            scale: of(ErrorKind::Scale),
            orientation_rad: of(ErrorKind::Orientation),
            velocity_mps: of(ErrorKind::Velocity),
            attribute: of(ErrorKind::Attribute),
        }
    }

    /// One of them.
    pub fn get(&self, kind: ErrorKind) -> Option<f64> {
        match kind {
            ErrorKind::Translation => self.translation_m,
            ErrorKind::Scale => self.scale,
            ErrorKind::Orientation => self.orientation_rad,
            ErrorKind::Velocity => self.velocity_mps,
            ErrorKind::Attribute => self.attribute,
        }
    }
}

/// Figures of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    /// Class.
    pub class: DetectionClass,
    /// Truth boxes that count.
    pub num_truth: usize,
    /// AP, 0 to 1, one a distance threshold; empty without truth.
    pub aps: Vec<f64>,
    /// Their mean; `None` without truth.
    pub mean_ap: Option<f64>,
    /// Errors of true positives.
    pub errors: TruePositiveErrors,
    /// The curve at the distance at which errors are measured; `None` without truth.
    pub curve: Option<RecallCurve>,
}

/// Sums over classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// mAP, 0 to 1.
    pub mean_ap: f64,
    /// Mean errors.
    pub errors: TruePositiveErrors,
    /// nuScenes detection score, 0 to 1.
    pub nds: f64,
}

/// The benchmark on a set of frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NuscenesResults {
    /// Frames evaluated.
    pub num_frames: usize,
    /// Distance thresholds of the APs, metres.
    pub distance_thresholds_m: Vec<f64>,
    /// One a class, in the order of the configuration.
    pub classes: Vec<ClassFigures>,
    /// As the devkit sums: a class without truth has AP 0 and errors 1. `None` where no class has truth.
    pub devkit: Option<Summary>,
    /// The same over the classes that have truth.
    pub of_present_classes: Option<Summary>,
    /// What was left out before.
    pub filtered: FilterCounts,
}

/// Whether the benchmark measures this error for this class.
pub(super) fn is_measured(class: DetectionClass, kind: ErrorKind) -> bool {
    match (class, kind) {
        (DetectionClass::TrafficCone, ErrorKind::Orientation)
        | (DetectionClass::TrafficCone | DetectionClass::Barrier, ErrorKind::Velocity | ErrorKind::Attribute) => false,
        (_, _) => true,
    }
}

/// Sums over classes, with those without truth as the devkit has them or left out.
pub(super) fn summarize(classes: &[ClassFigures], config: &NuscenesConfig, only_present: bool) -> Option<Summary> {
    if classes.iter().all(|class| class.num_truth == 0) {
        return None;
    }
    let counted = || classes.iter().filter(|class| !only_present || class.num_truth > 0);
    let mean_ap = mean(counted().map(|class| class.mean_ap.unwrap_or(0.0)))?;
    let mean_error = |kind: ErrorKind| {
        let measured = counted().filter(|class| is_measured(class.class, kind));
        mean(measured.map(|class| if class.num_truth > 0 { class.errors.get(kind).unwrap_or(1.0) } else { 1.0 }))
    };
    let errors = TruePositiveErrors::from_fn(mean_error);
    // Where only cones and barriers are there some errors have no class: they weigh nothing.
    let scores: Vec<f64> =
        ErrorKind::ALL.into_iter().filter_map(|kind| errors.get(kind)).map(|error| (1.0 - error).max(0.0)).collect();
    let total = config.mean_ap_weight * mean_ap + scores.iter().sum::<f64>();
    Some(Summary { mean_ap, errors, nds: total / (config.mean_ap_weight + scores.len() as f64) })
}

impl NuscenesResults {
    /// A table for people.
    pub fn table(&self) -> Table {
        let names = self.distance_thresholds_m.iter().map(|d| format!("AP {d} m"));
        let mut header: Vec<String> = ["class", "truth", "AP"].map(str::to_owned).to_vec();
        header.extend(names);
        header.extend(["ATE m", "ASE", "AOE rad", "AVE m/s", "AAE", "NDS"].map(str::to_owned));
        let mut table = Table::new(&header.iter().map(String::as_str).collect::<Vec<_>>());
        let errors = |e: &TruePositiveErrors| ErrorKind::ALL.map(|kind| figure(e.get(kind), 3));
        for class in &self.classes {
            let mean_ap = if class.num_truth == 0 { "no truth".to_owned() } else { figure(class.mean_ap, 4) };
            let mut row = vec![class.class.name().to_owned(), class.num_truth.to_string(), mean_ap];
            row.extend((0..self.distance_thresholds_m.len()).map(|i| figure(class.aps.get(i).copied(), 4)));
            row.extend(errors(&class.errors));
            table.push(row);
        }
        for (name, summary) in [("all (devkit)", &self.devkit), ("all with truth", &self.of_present_classes)] {
            let num_truth: usize = self.classes.iter().map(|class| class.num_truth).sum();
            let mut row = vec![name.to_owned(), num_truth.to_string(), figure(summary.map(|s| s.mean_ap), 4)];
            row.extend(self.distance_thresholds_m.iter().map(|_| String::new()));
            row.extend(errors(&summary.map(|s| s.errors).unwrap_or_default()));
            row.push(figure(summary.map(|s| s.nds), 4));
            table.push(row);
        }
        table
    }
}
