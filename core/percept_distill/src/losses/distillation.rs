//! The distillation methods as one closed set, and their weighted sum.
//!
//! ```text
//! ModelOutputs of the student ─┐
//! TeacherTargets, live or read ┼─DistillationLoss─► scalar
//! InputFrames                  ┘
//! ```
//! Every method sees the input frames as well: methods that weight by points or project into cameras need them.

use std::collections::{BTreeMap, BTreeSet};

use candle_core::{Tensor, Var};
use percept_kernels::parameters::ParameterMap;
use percept_models::outputs::{ModelOutputs, TapSupport};
use percept_models::pointpillars::{RawPointPillarsConfig, tap};
use serde::{Deserialize, Serialize};

use super::adapters::{AdapterSpec, Adapters};
use super::feature_regression::{self, FeatureRegressionSettings};
use super::point_distiller::{self, PointDistillerSettings};
use super::response::{self, ResponseSettings};
use crate::DistillError;
use crate::data::InputFrame;
use crate::teacher::{AnchorChoice, TeacherNeeds, TeacherTargets};

/// How the student is drawn towards the teacher.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DistillationMethod {
    /// Soft logits and boxes.
    Response(ResponseSettings),
    /// Features through an adaptation (FitNet).
    FeatureRegression(FeatureRegressionSettings),
    /// Local geometry of pillar features.
    PointDistiller(PointDistillerSettings),
}

impl DistillationMethod {
    /// Its name in settings and reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Response(_) => "response",
            Self::FeatureRegression(_) => "feature_regression",
            Self::PointDistiller(_) => "point_distiller",
        }
    }

    /// The same with another number of compared anchors, where it compares any; 0 for all.
    pub fn with_top_k(self, top_k: Option<usize>) -> Self {
        match (self, top_k) {
            (Self::Response(settings), Some(top_k)) => Self::Response(ResponseSettings { top_k, ..settings }),
            (method, _) => method,
        }
    }

    /// The feature tap that it reads.
    pub fn tap(&self) -> Option<&str> {
        match self {
            Self::Response(_) => None,
            Self::FeatureRegression(settings) => Some(&settings.tap),
            Self::PointDistiller(_) => Some(tap::PILLAR_FEATURES),
        }
    }

    fn validate(&self) -> Result<(), DistillError> {
        match self {
            Self::Response(settings) => settings.validate(),
            Self::FeatureRegression(_) => Ok(()),
            Self::PointDistiller(settings) => settings.validate(),
        }
    }

    fn adapters(&self, student_channels: usize, teacher_channels: usize) -> Vec<AdapterSpec> {
        match self {
            Self::Response(_) => Vec::new(),
            Self::FeatureRegression(_) => feature_regression::adapters(student_channels, teacher_channels),
            Self::PointDistiller(settings) => settings.adapters(student_channels, teacher_channels),
        }
    }
}

/// A method with its weight in the sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistillationTerm {
    /// Factor of the loss; 0 switches the term off.
    pub weight: f64,
    /// The method.
    pub method: DistillationMethod,
}

/// Whom a student learns from and how; part of a run's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistillationSettings {
    /// SHA-256 of the teacher's weights: another teacher is another run.
    pub teacher_sha256: String,
    /// The teacher's network.
    pub teacher: RawPointPillarsConfig,
    /// Whether its outputs come from records.
    pub recorded: bool,
    /// What is added to the supervised loss.
    pub terms: Vec<DistillationTerm>,
}

impl DistillationSettings {
    /// What of the teacher the terms read; terms of weight 0 read nothing.
    pub fn needs(&self) -> TeacherNeeds {
        let mut needs = TeacherNeeds { anchors: None, taps: BTreeSet::new() };
        for method in self.active().map(|(_, term)| &term.method) {
            needs.taps.extend(method.tap().map(str::to_owned));
            if let DistillationMethod::Response(settings) = method {
                let choice = match settings.top_k {
                    0 => AnchorChoice::Dense,
                    count => AnchorChoice::Top(count),
                };
                needs.anchors = Some(needs.anchors.map_or(choice, |other| other.wider(choice)));
            }
        }
        needs
    }

    fn active(&self) -> impl Iterator<Item = (usize, &DistillationTerm)> {
        self.terms.iter().enumerate().filter(|(_, term)| term.weight != 0.0)
    }

    /// Checks every term.
    ///
    /// # Errors
    /// The first number outside its limits, by name.
    pub fn validate(&self) -> Result<(), DistillError> {
        for term in &self.terms {
            if !(term.weight >= 0.0 && term.weight.is_finite()) {
                let found = term.weight.to_string();
                return Err(DistillError::Setting {
                    name: "weight of a distillation term",
                    found,
                    expected: "0 or more",
                });
            }
            term.method.validate()?;
        }
        Ok(())
    }
}

/// What the terms came to.
#[derive(Debug)]
pub struct DistillationValue {
    /// Weighted sum; a scalar to add to the supervised loss.
    pub total: Tensor,
    /// The same as a number.
    pub value: f64,
    /// Variance of the teacher's aggregated features where PointDistiller is among the terms: towards 0 the
    /// aggregations have collapsed and teach nothing.
    pub teacher_variance: Option<f64>,
}

/// The terms with the parameters that they train.
#[derive(Debug)]
pub struct DistillationLoss {
    settings: DistillationSettings,
    /// One entry a term, in their order; without any for a term of weight 0.
    adapters: Vec<Adapters>,
}

/// Channels of each tap.
pub type TapChannels = BTreeMap<String, usize>;

impl DistillationLoss {
    /// The terms with first parameters, or with saved ones.
    ///
    /// # Errors
    /// Settings outside their limits; a tap that a network lacks; saved parameters of other terms.
    pub fn new(
        settings: DistillationSettings,
        student: &TapChannels,
        teacher: &TapChannels,
        seed: u64,
        saved: Option<&ParameterMap>,
    ) -> Result<Self, DistillError> {
        settings.validate()?;
        let mut adapters = vec![Adapters::default(); settings.terms.len()];
        for (index, term) in settings.active() {
            let channels = |of: &TapChannels| {
                let Some(tap) = term.method.tap() else { return Ok(0) };
                of.get(tap).copied().ok_or_else(|| DistillError::Adapter { name: tap.to_owned() })
            };
            let specs = term.method.adapters(channels(student)?, channels(teacher)?);
            adapters[index] = match saved {
                None => Adapters::first(&specs, seed.wrapping_add(0x6164_6170 + index as u64))?,
                Some(saved) => {
                    let own = own_of(index, saved);
                    if !Adapters::fits(&specs, &own) {
                        return Err(DistillError::Adapter { name: prefix(index) });
                    }
                    Adapters::from_map(&own)?
                }
            };
        }
        Ok(Self { settings, adapters })
    }

    /// The settings.
    pub fn settings(&self) -> &DistillationSettings {
        &self.settings
    }

    /// The trained parameters, by name.
    ///
    /// # Errors
    /// When a value cannot be read.
    pub fn to_map(&self) -> Result<ParameterMap, DistillError> {
        let mut map = ParameterMap::new();
        for (index, adapters) in self.adapters.iter().enumerate() {
            map.extend(
                adapters.to_map()?.into_iter().map(|(name, tensor)| (format!("{}{name}", prefix(index)), tensor)),
            );
        }
        Ok(map)
    }

    /// What an optimiser steps besides the student.
    pub fn trainable(&self) -> Vec<(String, Var)> {
        let named = |(index, adapters): (usize, &Adapters)| {
            let own = adapters.iter().map(|(name, var)| (format!("{}{name}", prefix(index)), var.clone()));
            own.collect::<Vec<_>>()
        };
        self.adapters.iter().enumerate().flat_map(named).collect()
    }

    /// The weighted sum; `None` where nothing is to be compared (all weights 0, no pillar).
    ///
    /// # Errors
    /// Targets that lack what a term reads, or of another size than the student's outputs.
    pub fn evaluate(
        &self,
        student: &ModelOutputs,
        teacher: &TeacherTargets,
        frames: &[InputFrame],
    ) -> Result<Option<DistillationValue>, DistillError> {
        if frames.len() != teacher.num_windows {
            let (expected, found) = (vec![frames.len()], vec![teacher.num_windows]);
            return Err(DistillError::Shape { what: "windows of the teacher's targets", expected, found });
        }
        let (mut total, mut teacher_variance): (Option<Tensor>, Option<f64>) = (None, None);
        for (index, term) in self.settings.active() {
            let value = match &term.method {
                DistillationMethod::Response(settings) => {
                    Some(response::evaluate(settings, student, teacher.anchors()?)?)
                }
                DistillationMethod::FeatureRegression(settings) => {
                    let features = teacher.tap(&settings.tap)?;
                    Some(feature_regression::evaluate(student.tap(&settings.tap)?, features, &self.adapters[index])?)
                }
                DistillationMethod::PointDistiller(settings) => {
                    let own = student.tap(tap::PILLAR_FEATURES)?;
                    let TapSupport::Pillars { num_points, .. } = &own.support else {
                        return Err(DistillError::Adapter { name: own.name.clone() });
                    };
                    let features = teacher.tap(tap::PILLAR_FEATURES)?;
                    let adapters = &self.adapters[index];
                    let value = point_distiller::evaluate(settings, &own.features, features, num_points, adapters)?;
                    teacher_variance = value.as_ref().map(|value| value.teacher_variance).or(teacher_variance);
                    value.map(|value| value.loss)
                }
            };
            if let Some(value) = value {
                let weighted = (value * term.weight)?;
                total = Some(match total {
                    Some(total) => (total + weighted)?,
                    None => weighted,
                });
            }
        }
        let Some(total) = total else { return Ok(None) };
        let value = f64::from(total.to_scalar::<f32>()?);
        Ok(Some(DistillationValue { total, value, teacher_variance }))
    }
}

fn prefix(index: usize) -> String {
    format!("distillation.{index}.")
}

fn own_of(index: usize, saved: &ParameterMap) -> ParameterMap {
    let prefix = prefix(index);
    let own = saved.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(&prefix)?.to_owned(), tensor.clone())));
    own.collect()
}
