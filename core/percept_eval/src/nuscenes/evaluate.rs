//! The benchmark over frames.

use super::matching::{Judged, check, judge};
use super::results::{is_measured, summarize};
use super::{
    ClassFigures, DetectionClass, FilterCounts, NuscenesConfig, NuscenesFrame, NuscenesResults, RecallCurve, Summary,
    TruePositiveErrors, filtered,
};
use crate::EvalError;
use crate::average_precision::mean;
use crate::bootstrap::FrameMetric;
use rayon::prelude::*;

/// mAP, errors and NDS of a set of frames.
///
/// # Errors
/// Without frames, for bad settings, and for boxes and scores that cannot be compared.
pub fn evaluate(frames: &[NuscenesFrame], config: &NuscenesConfig) -> Result<NuscenesResults, EvalError> {
    let outcomes = outcomes(frames, config, NuscenesFigure::Nds)?;
    let classes = outcomes.class_figures(&vec![1; frames.len()]);
    Ok(NuscenesResults {
        num_frames: frames.len(),
        distance_thresholds_m: config.distance_thresholds_m.clone(),
        devkit: summarize(&classes, config, false),
        of_present_classes: summarize(&classes, config, true),
        classes,
        filtered: outcomes.filtered,
    })
}

/// Which figure the bootstrap compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NuscenesFigure {
    /// mAP over the classes that have truth, 0 to 1.
    MeanAp,
    /// NDS over the classes that have truth, 0 to 1.
    Nds,
}

/// Every prediction judged: the figures as a function of how often each frame occurs.
#[derive(Clone, Debug)]
pub struct NuscenesOutcomes {
    config: NuscenesConfig,
    classes: Vec<ClassOutcomes>,
    num_frames: usize,
    filtered: FilterCounts,
    figure: NuscenesFigure,
}

/// One class: predictions of all frames by falling score, a list a distance threshold.
#[derive(Clone, Debug)]
struct ClassOutcomes {
    class: DetectionClass,
    truth_of_frame: Vec<usize>,
    judged: Vec<Vec<(usize, Judged)>>,
}

/// Judges every prediction once.
///
/// # Errors
/// As [`evaluate`].
pub fn outcomes(
    frames: &[NuscenesFrame],
    config: &NuscenesConfig,
    figure: NuscenesFigure,
) -> Result<NuscenesOutcomes, EvalError> {
    config.check()?;
    check(frames, config.max_boxes_per_frame)?;
    let (frames, counts): (Vec<NuscenesFrame>, Vec<FilterCounts>) =
        frames.par_iter().map(|frame| filtered(frame, config)).unzip();
    let mut total = FilterCounts::default();
    counts.iter().for_each(|c| total.add(c));
    let classes = config.class_range_m.iter().map(|(class, _)| ClassOutcomes::new(&frames, *class, config)).collect();
    Ok(NuscenesOutcomes { config: config.clone(), classes, num_frames: frames.len(), filtered: total, figure })
}

impl ClassOutcomes {
    fn new(frames: &[NuscenesFrame], class: DetectionClass, config: &NuscenesConfig) -> Self {
        let at = |distance_m: &f64| {
            let of_frames: Vec<Vec<Judged>> = frames.par_iter().map(|frame| judge(frame, class, *distance_m)).collect();
            // Of equal scores the later frame comes first, as in the devkit's reversed sort.
            let mut all: Vec<(usize, Judged)> = of_frames
                .into_iter()
                .enumerate()
                .rev()
                .flat_map(|(frame, judged)| judged.into_iter().map(move |j| (frame, j)))
                .collect();
            all.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));
            all
        };
        Self {
            class,
            truth_of_frame: frames.iter().map(|f| f.truth.iter().filter(|t| t.class == class).count()).collect(),
            judged: config.distance_thresholds_m.iter().map(at).collect(),
        }
    }

    fn figures(&self, weights: &[u32], config: &NuscenesConfig) -> ClassFigures {
        let weight = |frame: usize| weights.get(frame).map_or(0, |w| *w as usize);
        let num_truth = self.truth_of_frame.iter().enumerate().map(|(frame, n)| n * weight(frame)).sum();
        if num_truth == 0 {
            let errors = TruePositiveErrors::default();
            return ClassFigures { class: self.class, num_truth, aps: Vec::new(), mean_ap: None, errors, curve: None };
        }
        let curve = |judged: &Vec<(usize, Judged)>| {
            let repeated = judged.iter().flat_map(|(frame, j)| std::iter::repeat_n(j, weight(*frame)));
            RecallCurve::new(repeated, num_truth)
        };
        let curves: Vec<RecallCurve> = self.judged.iter().map(curve).collect();
        let aps: Vec<f64> =
            curves.iter().map(|c| c.average_precision(config.min_recall, config.min_precision)).collect();
        let is_error_distance = |d: &f64| *d == config.true_positive_distance_m;
        let error_index = config.distance_thresholds_m.iter().position(is_error_distance);
        let error_curve = error_index.and_then(|index| curves.into_iter().nth(index));
        let error = |kind| {
            let curve = error_curve.as_ref().filter(|_| is_measured(self.class, kind))?;
            Some(curve.mean_error(kind, config.min_recall))
        };
        ClassFigures {
            class: self.class,
            num_truth,
            mean_ap: mean(aps.iter().copied()),
            aps,
            errors: TruePositiveErrors::from_fn(error),
            curve: error_curve,
        }
    }
}

impl NuscenesOutcomes {
    /// Figures of each class in the set where frame i occurs `weights[i]` times.
    pub fn class_figures(&self, weights: &[u32]) -> Vec<ClassFigures> {
        self.classes.iter().map(|class| class.figures(weights, &self.config)).collect()
    }
}

impl FrameMetric for NuscenesOutcomes {
    fn num_frames(&self) -> usize {
        self.num_frames
    }

    fn value(&self, weights: &[u32]) -> Option<f64> {
        let Summary { mean_ap, nds, .. } = summarize(&self.class_figures(weights), &self.config, true)?;
        Some(match self.figure {
            NuscenesFigure::MeanAp => mean_ap,
            NuscenesFigure::Nds => nds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nuscenes::{PredictedBox, TruthBox};
    use percept_types::Box3d;

    fn frame(x: f64, score: f64) -> NuscenesFrame {
        let box3d = Box3d { center_m: [x, 0.0, 0.0], size_m: [4.0, 2.0, 1.5], yaw_rad: 0.0 };
        let class = DetectionClass::Car;
        NuscenesFrame {
            truth: vec![TruthBox { class, box3d, velocity_mps: None, attribute: None, num_points: Some(3) }],
            predictions: vec![PredictedBox { class, box3d, velocity_mps: None, attribute: None, score }],
            ..NuscenesFrame::default()
        }
    }

    #[test]
    fn scores_boxes_and_settings_that_mean_nothing_are_refused_by_name() {
        let config = NuscenesConfig::default();
        assert_eq!(evaluate(&[], &config), Err(EvalError::NoFrames));
        assert!(matches!(
            evaluate(&[frame(1.0, 0.5), frame(1.0, f64::NAN)], &config),
            Err(EvalError::ScoreNotFinite { frame: 1, .. })
        ));
        assert!(matches!(evaluate(&[frame(f64::NAN, 0.5)], &config), Err(EvalError::BoxNotFinite { .. })));
        let mut flat = frame(1.0, 0.5);
        flat.predictions[0].box3d.size_m[2] = 0.0;
        assert!(matches!(evaluate(&[flat], &config), Err(EvalError::BadBox { .. })));
        let few = NuscenesConfig { max_boxes_per_frame: 0, ..config.clone() };
        assert!(matches!(evaluate(&[frame(1.0, 0.5)], &few), Err(EvalError::TooManyBoxes { found: 1, .. })));
        let other = NuscenesConfig { true_positive_distance_m: 3.0, ..config };
        assert!(matches!(evaluate(&[frame(1.0, 0.5)], &other), Err(EvalError::BadSetting { .. })));
    }

    #[test]
    fn truth_without_prediction_has_ap_zero_and_all_errors_one() {
        let mut missed = frame(1.0, 0.5);
        missed.predictions.clear();
        let results = evaluate(&[missed], &NuscenesConfig::default()).unwrap();
        let car = &results.classes[0];
        assert_eq!((car.mean_ap, car.errors.translation_m, car.errors.attribute), (Some(0.0), Some(1.0), Some(1.0)));
        assert_eq!(results.of_present_classes.unwrap().nds, 0.0);
    }
}
