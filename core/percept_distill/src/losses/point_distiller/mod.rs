//! PointDistiller: local geometry of the student's pillar features drawn towards the teacher's.
//!
//! ```text
//! num_points ─► the N fullest pillars ─► their K nearest in the teacher's feature space ─► graph of both sides ─► weighted distance
//! ```
//! Input   pillar features of student (P, C_S) and teacher (P, C_T), rows in the same order; all pillars of the batch in
//!         one list, so that neighbours may lie in other frames of it.
//! Limits  importance and neighbours are constants; the gradient reaches the student and both aggregations. Memory is
//!         N K indices and four maps of (`channels`, P): the (N, K, channels) tensors of the paper are never made.
//! Source  Zhang et al., PointDistiller, CVPR 2023, section 3; the released code (RunpeiDong/PointDistiller, a5dc465) where
//!         it says otherwise, each difference a setting.

mod graph;
mod importance;
mod neighbours;

use candle_core::Tensor;
use percept_models::pointpillars::Width;
use serde::{Deserialize, Serialize};

use super::adapters::{AdapterSpec, Adapters};
use super::fused;
use crate::DistillError;
use graph::Graph;

/// What makes a pillar important.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportanceScore {
    /// Points stored in it (voxel detectors).
    NumPoints,
    /// Largest channel of the teacher's feature (point detectors and dense maps).
    TeacherMaximum,
}

/// Which of the scored pillars are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// The highest scores.
    Top,
    /// The lowest (an alternative tried in the released code).
    Bottom,
    /// Half of each (another).
    HalfHalf,
}

/// What an edge of the graph holds, first and second part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// (neighbour, centre): the released code.
    NeighbourCentre,
    /// (centre, neighbour): the paper.
    CentreNeighbour,
    /// (centre - neighbour, centre): "sub" in the released code.
    DifferenceCentre,
}

/// How the selected pillars are weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// N softmax(score / temperature), mean 1: the released code.
    MeanOne,
    /// softmax(score / temperature), sum 1: the paper.
    SumOne,
    /// 1: local distillation without reweighting (the paper's ablation).
    Uniform,
}

/// By what the weighted squares are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Twice the mean over pillars, neighbours and channels: the released code.
    TwiceMean,
    /// The sum: the paper, up to normalisation.
    Sum,
}

/// Numbers and variants; the default is the 4x preset of the released code.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PointDistillerSettings {
    /// N; all pillars where there are fewer.
    pub selected: usize,
    /// K, the pillar itself included; all pillars where there are fewer.
    pub neighbours: usize,
    /// Channels of the aggregated features.
    pub channels: usize,
    /// Of the softmax over scores.
    pub temperature: f64,
    /// What makes a pillar important.
    pub score: ImportanceScore,
    /// Which pillars are compared.
    pub selection: Selection,
    /// What an edge holds.
    pub edge: Edge,
    /// How pillars are weighted.
    pub weighting: Weighting,
    /// By what the squares are divided.
    pub reduction: Reduction,
}

impl Default for PointDistillerSettings {
    fn default() -> Self {
        Self {
            selected: 6000,
            neighbours: 128,
            channels: 32,
            temperature: 1e-2,
            score: ImportanceScore::NumPoints,
            selection: Selection::Top,
            edge: Edge::NeighbourCentre,
            weighting: Weighting::MeanOne,
            reduction: Reduction::TwiceMean,
        }
    }
}

impl PointDistillerSettings {
    /// The published numbers for a student of this width (4x where it is the teacher's own).
    pub fn preset(student: Width) -> Self {
        match student {
            Width::Full | Width::Quarter => Self::default(),
            Width::Sixteenth => Self { selected: 12_000, channels: 16, temperature: 1e-4, ..Self::default() },
        }
    }

    /// The same as the paper's text has it: centre first, weights that sum to one.
    pub fn paper(self) -> Self {
        Self { edge: Edge::CentreNeighbour, weighting: Weighting::SumOne, reduction: Reduction::Sum, ..self }
    }

    pub(super) fn validate(&self) -> Result<(), DistillError> {
        let refuse = |name, found: String, expected| Err(DistillError::Setting { name, found, expected });
        for (name, count) in [
            ("point_distiller.selected", self.selected),
            ("point_distiller.neighbours", self.neighbours),
            ("point_distiller.channels", self.channels),
        ] {
            if count == 0 || count > 1 << 20 {
                return refuse(name, count.to_string(), "1 to 1048576");
            }
        }
        if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            return refuse("point_distiller.temperature", self.temperature.to_string(), "a number above 0");
        }
        Ok(())
    }

    /// The two aggregations: a shared linear map of 2 C channels with batch norm, one a side.
    pub(super) fn adapters(&self, student_channels: usize, teacher_channels: usize) -> Vec<AdapterSpec> {
        let side = |side: &str, channels: usize| {
            [
                AdapterSpec::uniform(format!("{side}.weight"), vec![self.channels, 2 * channels], 2 * channels),
                AdapterSpec::constant(format!("{side}.norm.weight"), vec![self.channels], 1.0),
                AdapterSpec::constant(format!("{side}.norm.bias"), vec![self.channels], 0.0),
            ]
        };
        side("teacher", teacher_channels).into_iter().chain(side("student", student_channels)).collect()
    }
}

/// The loss with what tells whether the aggregations collapse.
pub(super) struct PointDistillerValue {
    /// Scalar.
    pub(super) loss: Tensor,
    /// Mean over channels of the variance of the teacher's aggregated features: towards 0 they say nothing any more.
    pub(super) teacher_variance: f64,
}

/// The loss of pillar features: student (P, C_S) and teacher (P, C_T). `None` without pillars.
pub(super) fn evaluate(
    settings: &PointDistillerSettings,
    student: &Tensor,
    teacher: &Tensor,
    num_points: &[u32],
    adapters: &Adapters,
) -> Result<Option<PointDistillerValue>, DistillError> {
    let (pillars, student_channels) = student.dims2()?;
    let (rows, teacher_channels) = teacher.dims2()?;
    if rows != pillars || num_points.len() != pillars {
        let (expected, found) = (vec![pillars, teacher_channels], vec![rows, teacher_channels]);
        return Err(DistillError::Shape { what: "teacher's pillar features", expected, found });
    }
    if pillars == 0 {
        return Ok(None);
    }
    let teacher = teacher.detach();
    let values: Vec<f32> = teacher.flatten_all()?.to_vec1()?;
    let scores = importance::scores(settings.score, num_points, &values, teacher_channels);
    let selected = importance::select(settings.selection, &scores, settings.selected);
    let weights = importance::weights(settings.weighting, &scores, &selected, settings.temperature);
    let neighbours = neighbours::nearest(&values, teacher_channels, &selected, settings.neighbours);
    let graph = Graph {
        num_pillars: pillars,
        neighbours_each: settings.neighbours.min(pillars),
        channels: settings.channels,
        neighbours,
        selected,
        weights,
        reduction: settings.reduction,
    };
    let mut parts = Vec::new();
    for (side, features, channels) in [("teacher", &teacher, teacher_channels), ("student", student, student_channels)]
    {
        parts.extend(edge_maps(settings.edge, adapters.get(&format!("{side}.weight"))?, features, channels)?);
        parts.push(adapters.get(&format!("{side}.norm.weight"))?.as_tensor().clone());
        parts.push(adapters.get(&format!("{side}.norm.bias"))?.as_tensor().clone());
    }
    let flat = parts.iter().map(Tensor::flatten_all).collect::<Result<Vec<_>, _>>()?;
    let record = graph::VarianceRecord::default();
    let teacher_variance = record.clone();
    let loss = fused::apply("point distiller", &Tensor::cat(&flat, 0)?, move |x| graph.evaluate(x, &record))?;
    Ok(Some(PointDistillerValue { loss, teacher_variance: teacher_variance.get() }))
}

/// weight (C_out, 2 C) and features (P, C) -> what a pillar gives as neighbour and as centre, each (C_out, P): the linear
/// map of a concatenation is the sum of two linear maps.
fn edge_maps(
    edge: Edge,
    weight: &candle_core::Var,
    features: &Tensor,
    channels: usize,
) -> Result<[Tensor; 2], DistillError> {
    let weight = weight.as_tensor();
    let (first, second) = (weight.narrow(1, 0, channels)?, weight.narrow(1, channels, channels)?);
    let (neighbour, centre) = match edge {
        Edge::NeighbourCentre => (first, second),
        Edge::CentreNeighbour => (second, first),
        Edge::DifferenceCentre => (first.neg()?, (first + second)?),
    };
    let columns = features.t()?.contiguous()?;
    Ok([neighbour.contiguous()?.matmul(&columns)?, centre.contiguous()?.matmul(&columns)?])
}

#[cfg(test)]
mod tests;
