//! What a plan costs: parameters, multiply-adds and bytes, per layer and in all.

use super::{Layer, Op, Plan, ValueShape};
use crate::parameters::ParameterRole;

/// Bytes of one f32.
const F32_BYTES: u64 = 4;

/// Cost of one layer for one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerCost {
    /// The layer's [`Op::label`].
    pub label: String,
    /// Trainable values.
    pub parameters: u64,
    /// Multiply-adds of the linear maps (normalisation and activation not counted, as usual in the field).
    pub multiply_adds: u64,
    /// Least memory traffic in f32: inputs and parameters read once, the result written once.
    pub bytes: u64,
}

/// Cost of a whole plan for one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanCost {
    /// One entry a layer, in order.
    pub layers: Vec<LayerCost>,
    /// Pillars assumed.
    pub num_pillars: usize,
}

impl PlanCost {
    /// Trainable values in all.
    pub fn parameters(&self) -> u64 {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }

    /// Multiply-adds in all.
    pub fn multiply_adds(&self) -> u64 {
        self.layers.iter().map(|layer| layer.multiply_adds).sum()
    }

    /// Memory traffic in all.
    pub fn bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.bytes).sum()
    }
}

impl Plan {
    /// Cost of one frame with this many pillars, every slot of a pillar computed.
    pub fn cost(&self, num_pillars: usize) -> PlanCost {
        let layers = self.layers.iter().map(|layer| self.layer_cost(layer, num_pillars)).collect();
        PlanCost { layers, num_pillars }
    }

    fn layer_cost(&self, layer: &Layer, num_pillars: usize) -> LayerCost {
        let parameters = layer
            .op
            .parameters()
            .iter()
            .filter(|spec| spec.role == ParameterRole::Trainable)
            .map(|spec| spec.elements() as u64)
            .sum();
        let read: u64 = match &layer.op {
            Op::PillarEncode(encoder) => (num_pillars * encoder.max_points_per_voxel * encoder.point_features) as u64,
            Op::Scatter { .. } | Op::ConvBnAct { .. } | Op::DeconvBnAct { .. } | Op::Concat { .. } => layer
                .op
                .inputs()
                .iter()
                .filter_map(|value| self.layers.get(value.0))
                .map(|layer| elements(layer.shape, num_pillars))
                .sum(),
        };
        LayerCost {
            label: layer.op.label().to_owned(),
            parameters,
            multiply_adds: self.multiply_adds(layer, num_pillars),
            bytes: F32_BYTES * (read + parameters + elements(layer.shape, num_pillars)),
        }
    }

    fn multiply_adds(&self, layer: &Layer, num_pillars: usize) -> u64 {
        let written = elements(layer.shape, num_pillars);
        match &layer.op {
            Op::PillarEncode(encoder) => written * (encoder.max_points_per_voxel * encoder.point_features) as u64,
            Op::ConvBnAct { in_channels, conv, .. } => written * (in_channels * conv.kernel * conv.kernel) as u64,
            // Kernel = stride: each output cell has exactly one tap.
            Op::DeconvBnAct { in_channels, .. } => written * *in_channels as u64,
            Op::Scatter { .. } | Op::Concat { .. } => 0,
        }
    }
}

fn elements(shape: ValueShape, num_pillars: usize) -> u64 {
    match shape {
        ValueShape::Pillars { channels } => (num_pillars * channels) as u64,
        ValueShape::Map { channels, height, width } => (channels * height * width) as u64,
    }
}
