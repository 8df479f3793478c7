//! The plan of a network: layers in single-assignment form, with shapes, parameter names and taps.
//!
//! A topology is a function that builds a [`Plan`] once; the executors run it (candle for training, compiled
//! code for inference). Layer `i` produces value `i`; a layer reads only values produced before it.
//! Shapes are those of one frame, without the batch dimension.
//! Names   parameters carry the checkpoint's names (OpenPCDet's), for example `backbone_2d.blocks.0.1.weight`.
//! Limits  pillar networks: one pillar encoder feeds one canvas; images and sparse voxels come with their operations.

mod builder;
mod cost;
mod layer;

pub use builder::PlanBuilder;
pub use cost::{LayerCost, PlanCost};
pub use layer::{Activation, BatchNorm, Bias, Conv, Deconv, Op, PillarEncoder};

use crate::error::KernelError;
use crate::parameters::ParameterSpec;

/// Names one value of a plan: the output of the layer with the same index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub(crate) usize);

impl ValueId {
    /// Position of the layer that produces this value in [`Plan::layers`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// Cells of the bird's-eye canvas: `ny` rows (y, slow) of `nx` cells (x, fast).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanvasSize {
    /// Cells along y.
    pub ny: usize,
    /// Cells along x.
    pub nx: usize,
}

impl CanvasSize {
    /// Cells of the canvas.
    pub fn cells(self) -> usize {
        self.ny * self.nx
    }
}

/// Shape of one value, without the batch dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueShape {
    /// (P, C): one row a pillar; P varies from frame to frame.
    Pillars {
        /// C.
        channels: usize,
    },
    /// (C, H, W): a dense map, y slow, x fast.
    Map {
        /// C.
        channels: usize,
        /// H, cells along y.
        height: usize,
        /// W, cells along x.
        width: usize,
    },
}

impl ValueShape {
    /// C of either shape.
    pub fn channels(self) -> usize {
        match self {
            Self::Pillars { channels } | Self::Map { channels, .. } => channels,
        }
    }

    /// What part of the world the rows of a value stand for.
    pub fn support(self) -> Support {
        match self {
            Self::Pillars { .. } => Support::Pillars,
            Self::Map { .. } => Support::Dense,
        }
    }
}

/// Where the features of a tap live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Every cell of a map (B, C, H, W).
    Dense,
    /// One row a pillar (P, C), in the order of the input's coordinates.
    Pillars,
}

/// One layer and the shape of the value that it produces.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// What is computed, from which values, with which parameters.
    pub op: Op,
    /// Shape of the result.
    pub shape: ValueShape,
}

/// A value that leaves the plan under a name: an output or a feature tap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedValue {
    /// The name under which an executor hands the value out.
    pub name: String,
    /// Which value.
    pub value: ValueId,
    /// Where its features live.
    pub support: Support,
}

/// A network: what to compute, in order. Built by [`PlanBuilder`], so every reference in it is valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    canvas: CanvasSize,
    layers: Vec<Layer>,
    outputs: Vec<NamedValue>,
    taps: Vec<NamedValue>,
}

impl Plan {
    /// Size of the canvas that pillars are scattered to.
    pub fn canvas(&self) -> CanvasSize {
        self.canvas
    }

    /// The layers, in order of execution.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Named outputs, in the order in which they were declared.
    pub fn outputs(&self) -> &[NamedValue] {
        &self.outputs
    }

    /// Named intermediate features, in the order in which they were declared.
    pub fn taps(&self) -> &[NamedValue] {
        &self.taps
    }

    /// Shape of one value of this plan.
    pub fn shape(&self, value: ValueId) -> Result<ValueShape, KernelError> {
        self.layers
            .get(value.0)
            .map(|layer| layer.shape)
            .ok_or(KernelError::UnknownValue { index: value.0, layers: self.layers.len() })
    }

    /// Shape of a named output or tap.
    pub fn shape_of(&self, name: &str) -> Result<ValueShape, KernelError> {
        let named = self
            .outputs
            .iter()
            .chain(&self.taps)
            .find(|named| named.name == name)
            .ok_or_else(|| KernelError::UnknownName { kind: "output or tap", name: name.to_owned() })?;
        self.shape(named.value)
    }

    /// The pillar encoder, where the plan has one.
    pub fn pillar_encoder(&self) -> Option<&PillarEncoder> {
        self.layers.iter().find_map(|layer| match &layer.op {
            Op::PillarEncode(encoder) => Some(encoder),
            Op::Scatter { .. } | Op::ConvBnAct { .. } | Op::DeconvBnAct { .. } | Op::Concat { .. } => None,
        })
    }

    /// All parameters and running statistics, in the order of the layers.
    pub fn parameters(&self) -> Vec<ParameterSpec> {
        self.layers.iter().flat_map(|layer| layer.op.parameters()).collect()
    }

    /// The same network on a canvas of another size (a training window, another range).
    ///
    /// # Errors
    /// Those of the builder: for example maps of unequal sizes at a concatenation where the new size is not a
    /// multiple of the network's stride.
    pub fn with_canvas(&self, canvas: CanvasSize) -> Result<Self, KernelError> {
        let mut builder = PlanBuilder::new(canvas);
        for layer in &self.layers {
            builder.push(layer.op.clone())?;
        }
        for output in &self.outputs {
            builder.output(&output.name, output.value)?;
        }
        for tap in &self.taps {
            builder.tap(&tap.name, tap.value)?;
        }
        builder.build()
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::pointpillars as pointpillars_for_tests;
