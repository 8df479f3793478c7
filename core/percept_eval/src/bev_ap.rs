//! Average precision from LiDAR boxes alone, for validation while training and for data without labels in the image.
//!
//! KITTI's matching at every score (the curve has no limit on small sets, see `average_precision`); what is ignored follows from the points in a box and its distance
//! instead of its image: truth with too few points or too far away, and neighbouring classes. Where a camera is given,
//! what it does not see is ignored as well, and false boxes inside DontCare regions are excused.

use crate::EvalError;
use crate::average_precision::{DenseCurve, Figure, FrameOutcomes, MeanAveragePrecision, RecallPoints};
use crate::kitti::{EvaluatedClass, annotation_of_box, check_finite, share_inside};
use crate::matching::{Candidate, FrameProblem, Role};
use percept_types::{Box3d, Camera, Detections, TruthObject};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// A false box is excused when more than this share of its image hull lies in a DontCare region.
const DONT_CARE_SHARE: f64 = 0.5;

/// Truth and detections of one frame, in the frame of the cloud.
#[derive(Clone, Copy, Debug)]
pub struct BevFrame<'a> {
    /// What is there; objects named DontCare need only their image box.
    pub truth: &'a [TruthObject],
    /// What the detector says.
    pub detections: &'a Detections,
    /// The camera whose image the labels cover, where they cover only that.
    pub camera: Option<&'a Camera>,
}

/// Which boxes are laid over each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxOverlap {
    /// Footprints.
    Bev,
    /// Volumes.
    #[serde(rename = "3d")]
    Volume,
}

/// What to evaluate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BevApConfig {
    /// Class in question; case does not matter.
    pub class_name: String,
    /// Classes so alike that finding one is neither right nor wrong.
    pub neighbours: Vec<String>,
    /// Overlap that a match exceeds.
    pub min_overlap: f64,
    /// Footprints or volumes.
    pub overlap: BoxOverlap,
    /// Truth with fewer points is ignored.
    pub min_points: usize,
    /// Truth and detections farther than this from the sensor in x and y are ignored.
    pub max_range_m: Option<f64>,
}

/// The figures of a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BevAp {
    /// Class.
    pub class_name: String,
    /// Truth boxes that count.
    pub num_truth: usize,
    /// AP over 40 recall points in percent, of the curve through every score; `None` without truth.
    pub ap_r40: Option<f64>,
    /// AP over 40 recall points with KITTI's sampling, which is too low for fewer than 41 truth boxes.
    pub kitti_ap_r40: Option<f64>,
    /// Precision against recall through every score; `None` without truth.
    pub curve: Option<DenseCurve>,
}

impl BevApConfig {
    /// KITTI's class with its neighbour and strict overlap from above; truth with at least five points, any distance.
    ///
    /// # Errors
    /// For a class that KITTI does not evaluate.
    pub fn kitti(class_name: &str) -> Result<Self, EvalError> {
        let class = EvaluatedClass::kitti(class_name)?;
        Ok(Self {
            class_name: class.class_name,
            neighbours: class.neighbour.into_iter().collect(),
            min_overlap: class.strict_overlap,
            overlap: BoxOverlap::Bev,
            min_points: 5,
            max_range_m: None,
        })
    }

    fn check(&self) -> Result<(), EvalError> {
        if !(0.0..1.0).contains(&self.min_overlap) {
            let found = self.min_overlap.to_string();
            return Err(EvalError::BadSetting { setting: "min_overlap", found, expected: "0 to below 1 is expected" });
        }
        if self.max_range_m.is_some_and(|range_m| range_m.is_nan() || range_m <= 0.0) {
            let found = format!("{:?}", self.max_range_m);
            return Err(EvalError::BadSetting { setting: "max_range_m", found, expected: "a distance is expected" });
        }
        Ok(())
    }

    fn in_range(&self, b: &Box3d) -> bool {
        self.max_range_m.is_none_or(|range_m| b.center_m[0].hypot(b.center_m[1]) <= range_m)
    }

    fn is_class(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.class_name)
    }
}

/// AP of one class.
///
/// # Errors
/// Without frames, for a setting out of range, a class index without name, and a box or score that is not finite.
pub fn evaluate(frames: &[BevFrame<'_>], config: &BevApConfig) -> Result<BevAp, EvalError> {
    let outcomes = outcomes(frames, config)?;
    let curve = outcomes.dense_curve(&vec![1; frames.len()]);
    Ok(BevAp {
        class_name: config.class_name.clone(),
        num_truth: curve.as_ref().map_or(0, |curve| curve.num_truth),
        ap_r40: curve.as_ref().map(|curve| curve.average_precision(RecallPoints::R40)),
        kitti_ap_r40: outcomes.curve().map(|curve| curve.average_precision(RecallPoints::R40)),
        curve,
    })
}

/// The same as a function of how often each frame occurs, for the bootstrap.
///
/// # Errors
/// As [`evaluate`].
pub fn mean_average_precision(
    frames: &[BevFrame<'_>],
    classes: &[BevApConfig],
) -> Result<MeanAveragePrecision, EvalError> {
    let classes = classes.iter().map(|config| outcomes(frames, config)).collect::<Result<_, _>>()?;
    Ok(MeanAveragePrecision { classes, figure: Figure::DensePrecision(RecallPoints::R40) })
}

/// The matching problems, a frame each: for lists of what was found, missed and false.
///
/// # Errors
/// As [`evaluate`].
pub fn frame_problems(frames: &[BevFrame<'_>], config: &BevApConfig) -> Result<Vec<FrameProblem>, EvalError> {
    config.check()?;
    if frames.is_empty() {
        return Err(EvalError::NoFrames);
    }
    frames.par_iter().enumerate().map(|(index, frame)| problem(index, frame, config)).collect()
}

fn outcomes(frames: &[BevFrame<'_>], config: &BevApConfig) -> Result<FrameOutcomes, EvalError> {
    let problems = frame_problems(frames, config)?;
    Ok(FrameOutcomes::new(problems.par_iter().map(FrameProblem::outcome).collect()))
}

fn problem(index: usize, frame: &BevFrame<'_>, config: &BevApConfig) -> Result<FrameProblem, EvalError> {
    check(index, frame)?;
    let detections = &frame.detections.boxes;
    let is_class =
        |d: &percept_types::Detection| frame.detections.class_name(d).is_some_and(|name| config.is_class(name));
    let is_seen = |b: &Box3d| frame.camera.is_none_or(|camera| annotation_of_box("", b, camera).is_some());
    let detection_role = |d: &percept_types::Detection| match is_class(d) {
        true if config.in_range(&d.box3d) && is_seen(&d.box3d) => Role::Counted,
        true => Role::Ignored,
        false => Role::Unrelated,
    };
    let truth_role = |t: &TruthObject| {
        let is_neighbour = config.neighbours.iter().any(|name| t.class_name.eq_ignore_ascii_case(name));
        let fits = || t.num_points >= config.min_points && config.in_range(&t.box3d) && is_seen(&t.box3d);
        match config.is_class(&t.class_name) {
            true if fits() => Role::Counted,
            true => Role::Ignored,
            false if is_neighbour => Role::Ignored,
            false => Role::Unrelated,
        }
    };
    let detection_roles: Vec<Role> = detections.iter().map(detection_role).collect();
    let candidates = |t: &TruthObject| -> Vec<Candidate> {
        let related = detections.iter().enumerate().filter(|(i, _)| detection_roles[*i] != Role::Unrelated);
        related
            .map(|(detection, d)| Candidate { detection, overlap: overlap(config.overlap, &t.box3d, &d.box3d) })
            .filter(|c| c.overlap > config.min_overlap)
            .collect()
    };
    Ok(FrameProblem {
        truth_roles: frame.truth.iter().map(truth_role).collect(),
        scores: detections.iter().map(|d| f64::from(d.score)).collect(),
        excused: detections.iter().map(|d| is_excused(frame, d)).collect(),
        candidates: frame.truth.iter().map(candidates).collect(),
        detection_roles,
        angles: None,
    })
}

fn overlap(kind: BoxOverlap, a: &Box3d, b: &Box3d) -> f64 {
    match kind {
        BoxOverlap::Bev => a.iou_bev(b),
        BoxOverlap::Volume => a.iou_3d(b),
    }
}

fn is_excused(frame: &BevFrame<'_>, detection: &percept_types::Detection) -> bool {
    let mut regions = frame.truth.iter().filter(|t| t.class_name == "DontCare").filter_map(|t| t.image_box).peekable();
    if regions.peek().is_none() {
        return false;
    }
    let shown = frame.camera.and_then(|camera| annotation_of_box("", &detection.box3d, camera));
    shown.is_some_and(|shown| regions.any(|region| share_inside(&shown.image_box, &region) > DONT_CARE_SHARE))
}

fn check(index: usize, frame: &BevFrame<'_>) -> Result<(), EvalError> {
    for (detection, d) in frame.detections.boxes.iter().enumerate() {
        let name = frame.detections.class_name(d).ok_or_else(|| EvalError::ClassWithoutName {
            detection,
            class_index: d.class_index,
            class_names: frame.detections.class_names.clone(),
        })?;
        if !d.score.is_finite() {
            let (class_name, score) = (name.to_owned(), f64::from(d.score));
            return Err(EvalError::ScoreNotFinite { frame: index, detection, class_name, score });
        }
        check_finite(index, "detection", detection, name, &d.box3d)?;
    }
    let objects = frame.truth.iter().enumerate().filter(|(_, t)| t.class_name != "DontCare");
    objects.into_iter().try_for_each(|(i, t)| check_finite(index, "truth", i, &t.class_name, &t.box3d))
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::{Detection, Occlusion};

    fn car(x: f64) -> Box3d {
        Box3d { center_m: [x, 0.0, -1.0], size_m: [4.0, 1.7, 1.5], yaw_rad: 0.0 }
    }

    fn object(class_name: &str, x: f64, num_points: usize) -> TruthObject {
        TruthObject {
            class_name: class_name.into(),
            box3d: car(x),
            velocity_mps: [0.0; 2],
            instance_id: 1,
            num_points,
            occlusion: Occlusion::Visible,
            truncation: 0.0,
            image_box: None,
        }
    }

    fn detections(boxes: &[(f64, f32)]) -> Detections {
        let one = |&(x, score): &(f64, f32)| Detection { box3d: car(x), class_index: 0, score, velocity_mps: None };
        Detections { class_names: vec!["Car".into()], boxes: boxes.iter().map(one).collect() }
    }

    fn evaluate_one(truth: &[TruthObject], detections: &Detections, config: &BevApConfig) -> BevAp {
        evaluate(&[BevFrame { truth, detections, camera: None }], config).unwrap()
    }

    #[test]
    fn truth_with_few_points_neighbours_and_far_boxes_are_neither_right_nor_wrong() {
        let config = BevApConfig { max_range_m: Some(40.0), ..BevApConfig::kitti("Car").unwrap() };
        let truth = [object("Car", 10.0, 50), object("Car", 20.0, 4), object("Van", 30.0, 50), object("Car", 50.0, 50)];
        let all = detections(&[(10.0, 0.5), (20.0, 0.9), (30.0, 0.9), (50.0, 0.9)]);
        let found = evaluate_one(&truth, &all, &config);
        assert_eq!(found.num_truth, 1);
        assert_eq!(found.ap_r40, Some(100.0));
        let point = found.curve.unwrap().points[0];
        assert_eq!((point.recall, point.precision), (1.0, 1.0));
    }

    #[test]
    fn a_false_box_lowers_precision() {
        let config = BevApConfig::kitti("Car").unwrap();
        let found = evaluate_one(&[object("Car", 10.0, 50)], &detections(&[(10.0, 0.5), (20.0, 0.9)]), &config);
        assert_eq!(found.ap_r40, Some(50.0));
    }

    #[test]
    fn no_truth_is_no_figure_and_no_frames_is_an_error() {
        let config = BevApConfig::kitti("Car").unwrap();
        assert_eq!(evaluate_one(&[], &detections(&[(10.0, 0.5)]), &config).ap_r40, None);
        assert_eq!(evaluate(&[], &config), Err(EvalError::NoFrames));
        assert!(matches!(BevApConfig::kitti("Boat"), Err(EvalError::UnknownClass { .. })));
    }

    #[test]
    fn a_score_that_is_not_a_number_is_refused_with_its_frame() {
        let config = BevApConfig::kitti("Car").unwrap();
        let (good, bad) = (detections(&[(10.0, 0.5)]), detections(&[(10.0, f32::NAN)]));
        let frames = [&good, &bad].map(|detections| BevFrame { truth: &[], detections, camera: None });
        assert!(matches!(evaluate(&frames, &config), Err(EvalError::ScoreNotFinite { frame: 1, detection: 0, .. })));
    }
}
