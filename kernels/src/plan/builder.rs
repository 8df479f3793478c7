//! Builds a plan layer by layer, inferring shapes and refusing what does not fit.

use std::collections::BTreeSet;

use super::{CanvasSize, Conv, Deconv, Layer, NamedValue, Op, PillarEncoder, Plan, ValueId, ValueShape};
use crate::error::KernelError;

/// Largest side of a canvas: beyond it a size is a mistake, and products of sizes could overflow.
const MAX_CANVAS_SIDE: usize = 1 << 16;
/// Largest number of elements of one map, so that byte counts stay far below 2^48.
const MAX_MAP_ELEMENTS: u128 = 1 << 40;

/// Builds a [`Plan`]. Each method appends one layer and returns the value it produces.
#[derive(Debug, Clone)]
pub struct PlanBuilder {
    canvas: CanvasSize,
    layers: Vec<Layer>,
    outputs: Vec<NamedValue>,
    taps: Vec<NamedValue>,
    parameter_names: BTreeSet<String>,
    value_names: BTreeSet<String>,
}

impl PlanBuilder {
    /// An empty plan on a canvas of this size.
    pub fn new(canvas: CanvasSize) -> Self {
        Self {
            canvas,
            layers: Vec::new(),
            outputs: Vec::new(),
            taps: Vec::new(),
            parameter_names: BTreeSet::new(),
            value_names: BTreeSet::new(),
        }
    }

    /// Decorated points to pillar features (P, C). At most one a plan: it reads the frame's points.
    pub fn pillar_encode(&mut self, encoder: PillarEncoder) -> Result<ValueId, KernelError> {
        self.push(Op::PillarEncode(encoder))
    }

    /// Pillar features to the canvas (C, ny, nx).
    pub fn scatter(&mut self, input: ValueId) -> Result<ValueId, KernelError> {
        self.push(Op::Scatter { input })
    }

    /// Convolution with norm, bias and activation as given.
    pub fn conv(&mut self, input: ValueId, conv: Conv) -> Result<ValueId, KernelError> {
        let in_channels = self.shape(input)?.channels();
        self.push(Op::ConvBnAct { input, in_channels, conv })
    }

    /// Transposed convolution (kernel = stride) with norm and activation as given.
    pub fn deconv(&mut self, input: ValueId, deconv: Deconv) -> Result<ValueId, KernelError> {
        let in_channels = self.shape(input)?.channels();
        self.push(Op::DeconvBnAct { input, in_channels, deconv })
    }

    /// Maps of one size, one after another along the channels.
    pub fn concat(&mut self, inputs: &[ValueId]) -> Result<ValueId, KernelError> {
        self.push(Op::Concat { inputs: inputs.to_vec() })
    }

    /// Hands a value out under a name.
    pub fn output(&mut self, name: &str, value: ValueId) -> Result<(), KernelError> {
        let named = self.named(name, value)?;
        self.outputs.push(named);
        Ok(())
    }

    /// Declares a feature tap: an intermediate value that losses may read.
    pub fn tap(&mut self, name: &str, value: ValueId) -> Result<(), KernelError> {
        let named = self.named(name, value)?;
        self.taps.push(named);
        Ok(())
    }

    /// The finished plan.
    ///
    /// # Errors
    /// A plan without outputs is refused.
    pub fn build(self) -> Result<Plan, KernelError> {
        if self.outputs.is_empty() {
            return Err(KernelError::NoOutputs);
        }
        Ok(Plan { canvas: self.canvas, layers: self.layers, outputs: self.outputs, taps: self.taps })
    }

    /// Shape of a value produced so far.
    pub fn shape(&self, value: ValueId) -> Result<ValueShape, KernelError> {
        self.layers
            .get(value.0)
            .map(|layer| layer.shape)
            .ok_or(KernelError::UnknownValue { index: value.0, layers: self.layers.len() })
    }

    pub(super) fn push(&mut self, op: Op) -> Result<ValueId, KernelError> {
        self.check_canvas()?;
        if matches!(op, Op::PillarEncode(_)) && self.layers.iter().any(|l| matches!(l.op, Op::PillarEncode(_))) {
            return Err(KernelError::SecondPillarEncoder);
        }
        let inputs = op.inputs().iter().map(|&value| self.shape(value)).collect::<Result<Vec<_>, _>>()?;
        let shape = op.infer(&inputs, self.canvas)?;
        check_elements(op.label(), shape)?;
        for spec in op.parameters() {
            if !self.parameter_names.insert(spec.name.clone()) {
                return Err(KernelError::DuplicateName { kind: "parameter", name: spec.name });
            }
        }
        self.layers.push(Layer { op, shape });
        Ok(ValueId(self.layers.len() - 1))
    }

    fn check_canvas(&self) -> Result<(), KernelError> {
        let CanvasSize { ny, nx } = self.canvas;
        if ny == 0 || nx == 0 || ny > MAX_CANVAS_SIDE || nx > MAX_CANVAS_SIDE {
            return Err(KernelError::CanvasSize { ny, nx, max: MAX_CANVAS_SIDE });
        }
        Ok(())
    }

    fn named(&mut self, name: &str, value: ValueId) -> Result<NamedValue, KernelError> {
        let support = self.shape(value)?.support();
        if !self.value_names.insert(name.to_owned()) {
            return Err(KernelError::DuplicateName { kind: "output or tap", name: name.to_owned() });
        }
        Ok(NamedValue { name: name.to_owned(), value, support })
    }
}

fn check_elements(label: &str, shape: ValueShape) -> Result<(), KernelError> {
    let elements = match shape {
        ValueShape::Pillars { channels } => channels as u128,
        ValueShape::Map { channels, height, width } => {
            (channels as u128).saturating_mul(height as u128).saturating_mul(width as u128)
        }
    };
    if elements > MAX_MAP_ELEMENTS {
        return Err(KernelError::TooLarge { layer: label.to_owned(), elements, max: MAX_MAP_ELEMENTS });
    }
    Ok(())
}
