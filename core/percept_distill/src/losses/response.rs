//! Response distillation: the student says what the teacher says at the anchors that the teacher cares for.
//!
//! Input   class logits (B, A·K, H, W), box codes (B, A·7, H, W), direction logits (B, A·2, H, W) of the student; for each
//!         window the teacher's chosen anchors with the same values.
//! Output  the Kullback-Leibler divergence of the softened class and direction probabilities, times the square of the
//!         temperature, and smooth L1 between box codes where the teacher is sure; all divided by the summed confidence of
//!         the teacher. Identical networks give 0.
//! Source  Hinton et al., Distilling the Knowledge in a Neural Network, 2015, section 2 (temperature and its square);
//!         Chen et al., Learning Efficient Object Detection Models with Knowledge Distillation, NIPS 2017 (classes and boxes).

use std::sync::Arc;

use candle_core::Tensor;
use percept_models::outputs::ModelOutputs;
use percept_models::pointpillars::{OUTPUT_BOX, OUTPUT_CLS, OUTPUT_DIR};
use serde::{Deserialize, Serialize};

use super::box_regression::CODE_SIZE;
use super::direction::BINS;
use super::fused::{self, ValueAndGradient};
use crate::DistillError;
use crate::teacher::AnchorTargets;

/// Where smooth L1 turns from a square to a line.
const BETA: f64 = 1.0 / 9.0;

/// Weights and reach of the method.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResponseSettings {
    /// Of the softened probabilities; 1 leaves them as they are.
    pub temperature: f64,
    /// Anchors of a window that are compared, those of the highest teacher score; 0 for all (dense).
    pub top_k: usize,
    /// Weight of the classes.
    pub classification: f64,
    /// Weight of the box codes.
    pub box_regression: f64,
    /// Weight of the direction.
    pub direction: f64,
    /// Boxes and directions count from this score of the teacher.
    pub box_score: f32,
}

impl Default for ResponseSettings {
    fn default() -> Self {
        Self { temperature: 2.0, top_k: 2048, classification: 1.0, box_regression: 2.0, direction: 0.2, box_score: 0.3 }
    }
}

impl ResponseSettings {
    pub(super) fn validate(&self) -> Result<(), DistillError> {
        let refuse =
            |name, found: f64, expected| Err(DistillError::Setting { name, found: found.to_string(), expected });
        if !(self.temperature > 0.0 && self.temperature <= 100.0) {
            return refuse("response.temperature", self.temperature, "above 0 and at most 100");
        }
        for (name, weight) in [
            ("response.classification", self.classification),
            ("response.box_regression", self.box_regression),
            ("response.direction", self.direction),
        ] {
            if !(weight >= 0.0 && weight.is_finite()) {
                return refuse(name, weight, "0 or more");
            }
        }
        if !(0.0..=1.0).contains(&self.box_score) {
            return refuse("response.box_score", f64::from(self.box_score), "0 to 1");
        }
        Ok(())
    }
}

/// Anchors of a batch and the lattice that they are numbered on.
struct Lattice {
    windows: Arc<[AnchorTargets]>,
    kinds: usize,
    cells: usize,
    /// Summed confidence of the teacher, at least 1.
    total: f64,
}

impl Lattice {
    /// For each compared anchor: its window, its place in the window's list, and where value `i` of `values` lies.
    fn anchors(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let windows = self.windows.iter().enumerate();
        windows.flat_map(|(window, targets)| (0..targets.anchors.len()).map(move |place| (window, place)))
    }

    fn offset(&self, window: usize, anchor: u32, values: usize, i: usize) -> usize {
        let (cell, kind) = (anchor as usize / self.kinds, anchor as usize % self.kinds);
        ((window * self.kinds + kind) * values + i) * self.cells + cell
    }
}

/// The loss; a scalar.
pub(super) fn evaluate(
    settings: &ResponseSettings,
    student: &ModelOutputs,
    teacher: &Arc<[AnchorTargets]>,
) -> Result<Tensor, DistillError> {
    let (cls, boxes, dir) = (student.output(OUTPUT_CLS)?, student.output(OUTPUT_BOX)?, student.output(OUTPUT_DIR)?);
    let (batch, channels, height, width) = boxes.dims4()?;
    let (kinds, cells) = (channels / CODE_SIZE, height * width);
    if teacher.len() != batch {
        return Err(DistillError::Shape {
            what: "windows of the teacher",
            expected: vec![batch],
            found: vec![teacher.len()],
        });
    }
    let num_classes = cls.dim(1)? / kinds.max(1);
    for window in teacher.iter() {
        window.check(num_classes, kinds * cells)?;
    }
    let total: f64 = teacher.iter().map(AnchorTargets::summed_confidence).sum();
    let lattice = || Lattice { windows: teacher.clone(), kinds, cells, total: total.max(1.0) };
    let (own, settings) = (lattice(), *settings);
    let classes = fused::apply("soft classes", cls, move |x| soft_classes(&own, num_classes, settings.temperature, x))?;
    let own = lattice();
    let codes = fused::apply("teacher's boxes", boxes, move |x| box_codes(&own, settings.box_score, x))?;
    let own = lattice();
    let turns = fused::apply("soft directions", dir, move |x| soft_directions(&own, &settings, x))?;
    let weighted = ((classes * settings.classification)? + (codes * settings.box_regression)?)?;
    Ok((weighted + (turns * settings.direction)?)?)
}

/// Divergence of two probabilities given by softened logits, times the square of the temperature, and its slope.
fn divergence(student: f64, teacher: f64, temperature: f64) -> (f64, f64) {
    let (s, t) = (student / temperature, teacher / temperature);
    let softplus = |x: f64| (-x.abs()).exp().ln_1p() + x.max(0.0);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let p = sigmoid(t);
    let value = (softplus(s) - p * s) - (softplus(t) - p * t);
    (temperature * temperature * value.max(0.0), temperature * (sigmoid(s) - p))
}

fn soft_classes(lattice: &Lattice, num_classes: usize, temperature: f64, logits: &[f32]) -> ValueAndGradient {
    let mut evaluated = ValueAndGradient { value: 0.0, gradient: vec![0.0; logits.len()] };
    for (window, place) in lattice.anchors() {
        let targets = &lattice.windows[window];
        for class in 0..num_classes {
            let at = lattice.offset(window, targets.anchors[place], num_classes, class);
            let teacher = f64::from(targets.class_logits[place * num_classes + class]);
            let (value, slope) = divergence(f64::from(logits[at]), teacher, temperature);
            evaluated.value += value / lattice.total;
            evaluated.gradient[at] += (slope / lattice.total) as f32;
        }
    }
    evaluated
}

fn box_codes(lattice: &Lattice, box_score: f32, codes: &[f32]) -> ValueAndGradient {
    let mut evaluated = ValueAndGradient { value: 0.0, gradient: vec![0.0; codes.len()] };
    for (window, place) in lattice.anchors() {
        let targets = &lattice.windows[window];
        let confidence = targets.confidence(place);
        if confidence < box_score {
            continue;
        }
        let weight = f64::from(confidence) / lattice.total;
        for i in 0..CODE_SIZE {
            let at = lattice.offset(window, targets.anchors[place], CODE_SIZE, i);
            let error = f64::from(codes[at]) - f64::from(targets.box_codes[place * CODE_SIZE + i]);
            let (error, inner) = if i == CODE_SIZE - 1 { (error.sin(), error.cos()) } else { (error, 1.0) };
            let (value, slope) = super::box_regression::smooth_l1(error, BETA);
            evaluated.value += weight * value;
            evaluated.gradient[at] += (weight * slope * inner) as f32;
        }
    }
    evaluated
}

fn soft_directions(lattice: &Lattice, settings: &ResponseSettings, logits: &[f32]) -> ValueAndGradient {
    let mut evaluated = ValueAndGradient { value: 0.0, gradient: vec![0.0; logits.len()] };
    for (window, place) in lattice.anchors() {
        let targets = &lattice.windows[window];
        let confidence = targets.confidence(place);
        if confidence < settings.box_score {
            continue;
        }
        let weight = f64::from(confidence) / lattice.total;
        let at = [0, 1].map(|bin| lattice.offset(window, targets.anchors[place], BINS, bin));
        let teacher = &targets.direction_logits[place * BINS..][..BINS];
        // Two bins: the softmax is the sigmoid of the difference.
        let student = f64::from(logits[at[0]]) - f64::from(logits[at[1]]);
        let teacher = f64::from(teacher[0]) - f64::from(teacher[1]);
        let (value, slope) = divergence(student, teacher, settings.temperature);
        evaluated.value += weight * value;
        evaluated.gradient[at[0]] += (weight * slope) as f32;
        evaluated.gradient[at[1]] -= (weight * slope) as f32;
    }
    evaluated
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::losses::fused::assert_gradient;
    use crate::losses::testing::wave;

    const KINDS: usize = 2;
    const CLASSES: usize = 2;
    const CELLS: usize = 6;

    fn lattice() -> Lattice {
        let window = |shift: u32| {
            let anchors = vec![1 + shift, 4, 9];
            AnchorTargets {
                class_logits: wave(anchors.len() * CLASSES, 2.0),
                box_codes: wave(anchors.len() * CODE_SIZE, 0.5),
                direction_logits: wave(anchors.len() * BINS, 1.5),
                num_classes: CLASSES,
                anchors,
            }
        };
        let windows: Vec<AnchorTargets> = vec![window(0), window(2)];
        let total = windows.iter().map(AnchorTargets::summed_confidence).sum();
        Lattice { windows: windows.into(), kinds: KINDS, cells: CELLS, total }
    }

    #[test]
    fn the_gradients_agree_with_differences() {
        let own = lattice();
        let maps = |values: usize| wave(2 * KINDS * values * CELLS, 1.7);
        assert_gradient(|x| soft_classes(&own, CLASSES, 2.0, x), &maps(CLASSES), 1e-3);
        assert_gradient(|x| box_codes(&own, 0.1, x), &maps(CODE_SIZE), 2e-2);
        let settings = ResponseSettings { box_score: 0.1, ..ResponseSettings::default() };
        assert_gradient(|x| soft_directions(&own, &settings, x), &maps(BINS), 1e-3);
    }

    #[test]
    fn a_student_that_says_what_the_teacher_says_has_neither_loss_nor_gradient() {
        let own = lattice();
        let fill = |values: usize, of: fn(&AnchorTargets) -> &[f32]| {
            let mut map = wave(2 * KINDS * values * CELLS, 1.0);
            for (window, place) in own.anchors() {
                let targets = &own.windows[window];
                for i in 0..values {
                    map[own.offset(window, targets.anchors[place], values, i)] = of(targets)[place * values + i];
                }
            }
            map
        };
        let settings = ResponseSettings { box_score: 0.0, ..ResponseSettings::default() };
        for evaluated in [
            soft_classes(&own, CLASSES, 3.0, &fill(CLASSES, |t| &t.class_logits)),
            box_codes(&own, 0.0, &fill(CODE_SIZE, |t| &t.box_codes)),
            soft_directions(&own, &settings, &fill(BINS, |t| &t.direction_logits)),
        ] {
            assert!(evaluated.value.abs() < 1e-12, "{}", evaluated.value);
            assert!(evaluated.gradient.iter().all(|g| g.abs() < 1e-7));
        }
    }
}
