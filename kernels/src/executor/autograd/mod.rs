//! Interprets a plan with candle: training and reference.

mod store;

pub use store::ParameterStore;

use std::sync::Arc;

use candle_core::{Device, Tensor};

use crate::batch_norm::autograd::batch_norm;
use crate::batch_norm::{BatchStatistics, Statistics};
use crate::conv_transpose2d::autograd::conv_transpose2d;
use crate::conv2d::ConvGeometry;
use crate::conv2d::autograd::conv2d;
use crate::error::KernelError;
use crate::pillar_encode::PillarInput;
use crate::pillar_encode::autograd::pillar_encode;
use crate::pillar_scatter::autograd::pillar_scatter;
use crate::plan::{Activation, BatchNorm, Conv, Deconv, NamedValue, Op, PillarEncoder, Plan, Support, ValueId};

/// A value handed out by a forward pass, with its gradient graph.
#[derive(Debug, Clone)]
pub struct NamedTensor {
    /// The plan's name of it.
    pub name: String,
    /// (B, C, H, W) where dense; (P, C) in the order of the input's coordinates where of pillars.
    pub tensor: Tensor,
    /// Which of the two.
    pub support: Support,
}

/// Outputs and taps of one forward pass.
#[derive(Debug, Clone)]
pub struct Forward {
    /// In the plan's order.
    pub outputs: Vec<NamedTensor>,
    /// In the plan's order.
    pub taps: Vec<NamedTensor>,
}

impl Forward {
    /// An output or tap by name.
    ///
    /// # Errors
    /// A name that the plan does not declare.
    pub fn get(&self, name: &str) -> Result<&Tensor, KernelError> {
        let mut named = self.outputs.iter().chain(&self.taps);
        named
            .find(|named| named.name == name)
            .map(|named| &named.tensor)
            .ok_or_else(|| KernelError::UnknownName { kind: "output or tap", name: name.to_owned() })
    }
}

/// Forward pass of a training step: batch norms normalise with the batch and move their running statistics.
///
/// # Errors
/// An input that contradicts the plan, no pillar at all, parameters of another plan.
pub fn forward_train(
    plan: &Plan,
    parameters: &mut ParameterStore,
    input: &PillarInput<'_>,
) -> Result<Forward, KernelError> {
    let mut pass = Pass { parameters, input, training: true, statistics: Vec::new() };
    let forward = pass.run(plan)?;
    let statistics = pass.statistics;
    for (norm, batch) in &statistics {
        parameters.update_running(norm, batch)?;
    }
    Ok(forward)
}

/// Forward pass with running statistics; gradients flow here too (frozen norms, fine-tuning).
///
/// # Errors
/// An input that contradicts the plan, parameters of another plan.
pub fn forward_eval(plan: &Plan, parameters: &ParameterStore, input: &PillarInput<'_>) -> Result<Forward, KernelError> {
    Pass { parameters, input, training: false, statistics: Vec::new() }.run(plan)
}

/// One forward pass under way.
struct Pass<'a> {
    parameters: &'a ParameterStore,
    input: &'a PillarInput<'a>,
    training: bool,
    statistics: Vec<(BatchNorm, BatchStatistics)>,
}

impl Pass<'_> {
    fn run(&mut self, plan: &Plan) -> Result<Forward, KernelError> {
        if let Some(encoder) = plan.pillar_encoder() {
            self.input.check(encoder.point_features, encoder.max_points_per_voxel, plan.canvas())?;
        }
        let mut values: Vec<Tensor> = Vec::with_capacity(plan.layers().len());
        for layer in plan.layers() {
            let value = match &layer.op {
                Op::PillarEncode(encoder) => self.encode(encoder)?,
                Op::Scatter { input } => {
                    let coords = Arc::from(self.input.coords);
                    pillar_scatter(value_of(&values, *input)?, coords, self.input.batch, plan.canvas())?
                }
                Op::ConvBnAct { input, conv, .. } => self.conv(value_of(&values, *input)?, conv)?,
                Op::DeconvBnAct { input, deconv, .. } => self.deconv(value_of(&values, *input)?, deconv)?,
                Op::Concat { inputs } => {
                    let maps = inputs.iter().map(|&value| value_of(&values, value)).collect::<Result<Vec<_>, _>>()?;
                    Tensor::cat(&maps, 1)?
                }
            };
            values.push(value);
        }
        Ok(Forward { outputs: named(plan.outputs(), &values)?, taps: named(plan.taps(), &values)? })
    }

    fn encode(&mut self, encoder: &PillarEncoder) -> Result<Tensor, KernelError> {
        let norm = &encoder.norm;
        let rows = self.input.num_pillars() * encoder.max_points_per_voxel;
        if self.training && rows < 2 {
            return Err(KernelError::TooFewRows { name: norm.name.clone(), rows });
        }
        let (weight, scale, shift) = (self.var(&encoder.weight)?, self.var(&norm.weight())?, self.var(&norm.bias())?);
        let statistics = self.statistics_of(norm)?;
        let tensors = (weight, scale, shift);
        let (pillars, batch) = pillar_encode(self.input, encoder.max_points_per_voxel, tensors, statistics, norm.eps)?;
        self.statistics.extend(batch.map(|batch| (norm.clone(), batch)));
        Ok(pillars)
    }

    fn conv(&mut self, input: &Tensor, conv: &Conv) -> Result<Tensor, KernelError> {
        let geometry = ConvGeometry { kernel: conv.kernel, stride: conv.stride, padding: conv.padding };
        let mut map = conv2d(input, self.var(&conv.weight)?, geometry)?;
        if let Some(bias) = &conv.bias {
            map = map.broadcast_add(&self.var(&bias.name)?.reshape((1, conv.out_channels, 1, 1))?)?;
        }
        self.norm_and_activation(map, conv.norm.as_ref(), conv.activation)
    }

    fn deconv(&mut self, input: &Tensor, deconv: &Deconv) -> Result<Tensor, KernelError> {
        let map = conv_transpose2d(input, self.var(&deconv.weight)?)?;
        self.norm_and_activation(map, deconv.norm.as_ref(), deconv.activation)
    }

    fn norm_and_activation(
        &mut self,
        map: Tensor,
        norm: Option<&BatchNorm>,
        activation: Activation,
    ) -> Result<Tensor, KernelError> {
        let Some(norm) = norm else {
            return Ok(match activation {
                Activation::Identity => map,
                Activation::Relu => map.relu()?,
            });
        };
        let (batch, _, height, width) = map.dims4()?;
        let rows = batch * height * width;
        if self.training && rows < 2 {
            return Err(KernelError::TooFewRows { name: norm.name.clone(), rows });
        }
        let (weight, bias) = (self.var(&norm.weight())?, self.var(&norm.bias())?);
        let (map, batch) = batch_norm(&map, weight, bias, self.statistics_of(norm)?, norm.eps, activation)?;
        self.statistics.extend(batch.map(|batch| (norm.clone(), batch)));
        Ok(map)
    }

    fn var(&self, name: &str) -> Result<&Tensor, KernelError> {
        Ok(self.parameters.var(name)?.as_tensor())
    }

    fn statistics_of(&self, norm: &BatchNorm) -> Result<Statistics<'_>, KernelError> {
        if self.training {
            return Ok(Statistics::Batch);
        }
        let mean = self.parameters.running(&norm.running_mean())?;
        let var = self.parameters.running(&norm.running_var())?;
        Ok(Statistics::Running { mean, var })
    }
}

fn value_of(values: &[Tensor], id: ValueId) -> Result<&Tensor, KernelError> {
    values.get(id.0).ok_or(KernelError::UnknownValue { index: id.0, layers: values.len() })
}

fn named(declared: &[NamedValue], values: &[Tensor]) -> Result<Vec<NamedTensor>, KernelError> {
    let hand_out = |named: &NamedValue| {
        let tensor = value_of(values, named.value)?.clone();
        Ok(NamedTensor { name: named.name.clone(), tensor, support: named.support })
    };
    declared.iter().map(hand_out).collect()
}

/// Where everything of this executor lives.
pub const DEVICE: Device = Device::Cpu;
