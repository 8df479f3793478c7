//! Compiles a plan for inference on the CPU, without candle.
//!
//! Batch norms are folded into the weights, convolution, bias and activation are one operation, maps share one
//! arena by liveness, concatenated maps are computed in place. After the first frame nothing large is allocated.
//! Order   tiles depend on shapes alone: any number of threads gives the same bytes.
//! Limits  one frame at a time.

mod arena;
pub(super) mod fold;

pub use arena::ArenaPlan;

use crate::conv_transpose2d::adjoint_convolution;
use crate::conv2d::cpu_fast::{Epilogue, Transposed, forward, scratch_len};
use crate::conv2d::{ConvGeometry, ConvShape};
use crate::error::KernelError;
use crate::parameters::{ParameterMap, check, get};
use crate::pillar_encode::{PillarInput, cpu_fast as pillars};
use crate::pillar_scatter::cpu_fast as canvas;
use crate::plan::{Activation, CanvasSize, Conv, Deconv, NamedValue, Op, PillarEncoder, Plan, ValueId, ValueShape};
use crate::scratch::reserve_on_every_thread;
use arena::Slot;
use fold::Folded;

/// Whether feature taps are kept until the frame's end, at the price of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Outputs alone.
    Outputs,
    /// Outputs and taps.
    OutputsAndTaps,
}

/// A value after a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueView<'a> {
    /// Its shape.
    pub shape: ValueShape,
    /// Row-major values.
    pub data: &'a [f32],
}

/// A plan ready to run: weights folded, memory planned.
#[derive(Debug)]
pub struct CpuExecutor {
    canvas: CanvasSize,
    encoder: Option<(usize, usize)>,
    steps: Vec<Step>,
    named: Vec<(NamedValue, ValueShape, Option<Slot>)>,
    arena: Vec<f32>,
    /// (P, C) of the last frame.
    pillar_features: Vec<f32>,
    /// Cells of the canvas that the last frame wrote.
    written: Vec<[u32; 3]>,
}

/// One operation with its folded weights and places in the arena.
#[derive(Debug)]
enum Step {
    Encode {
        folded: Folded,
        max_points: usize,
    },
    Scatter {
        channels: usize,
        out: Slot,
    },
    Conv {
        shape: ConvShape,
        folded: Folded,
        activation: Activation,
        input: Slot,
        out: Slot,
    },
    Deconv {
        transposed: Transposed,
        bias: Vec<f32>,
        activation: Activation,
        input: Slot,
        out: Slot,
    },
    /// A part of a concatenation that could not be computed in place.
    Copy {
        input: Slot,
        out: Slot,
    },
}

impl CpuExecutor {
    /// Folds the weights and plans the memory; every thread of the current rayon pool gets its scratch.
    ///
    /// # Errors
    /// Parameters that are not exactly the plan's.
    pub fn compile(plan: &Plan, parameters: &ParameterMap, keep: Keep) -> Result<Self, KernelError> {
        check(plan, parameters)?;
        let memory = ArenaPlan::new(plan, keep)?;
        let mut steps = Vec::new();
        for (index, layer) in plan.layers().iter().enumerate() {
            compile_layer(plan, parameters, &memory, (ValueId(index), &layer.op), &mut steps)?;
        }
        let kept = match keep {
            Keep::Outputs => plan.outputs().to_vec(),
            Keep::OutputsAndTaps => plan.outputs().iter().chain(plan.taps()).cloned().collect(),
        };
        let place = |named: NamedValue| {
            let (shape, slot) = (plan.shape(named.value)?, memory.slot(named.value));
            Ok((named, shape, slot))
        };
        let named = kept.into_iter().map(place).collect::<Result<Vec<_>, KernelError>>()?;
        let encoder = plan.pillar_encoder().map(|e| (e.point_features, e.max_points_per_voxel));
        reserve_on_every_thread(steps.iter().map(Step::scratch_len).max().unwrap_or(0));
        Ok(Self {
            canvas: plan.canvas(),
            encoder,
            steps,
            named,
            arena: vec![0.0; memory.len()],
            pillar_features: Vec::new(),
            written: Vec::new(),
        })
    }

    /// Bytes of the arena.
    pub fn arena_bytes(&self) -> usize {
        size_of_val(self.arena.as_slice())
    }

    /// Runs one frame. Afterwards [`Self::value`] gives the results.
    ///
    /// # Errors
    /// An input that contradicts the plan; the executor stays usable.
    pub fn run(&mut self, input: &PillarInput<'_>) -> Result<(), KernelError> {
        if input.batch != 1 {
            let what = "frames at a time";
            return Err(KernelError::InputMismatch { what, expected: 1, found: input.batch });
        }
        if let Some((point_features, max_points)) = self.encoder {
            input.check(point_features, max_points, self.canvas)?;
        }
        for step in &self.steps {
            match step {
                Step::Encode { folded, max_points } => {
                    self.pillar_features.resize(input.num_pillars() * folded.bias.len(), 0.0);
                    let points = (input.features, input.point_features);
                    let weights = (folded.weight.as_slice(), folded.bias.as_slice());
                    pillars::encode(points, input.offsets, weights, *max_points, &mut self.pillar_features);
                }
                Step::Scatter { channels, out } => {
                    let map = &mut self.arena[out.range()];
                    canvas::clear(&self.written, self.canvas, map);
                    canvas::scatter(&self.pillar_features, input.coords, *channels, self.canvas, map);
                    self.written.clear();
                    self.written.extend_from_slice(input.coords);
                }
                Step::Conv { shape, folded, activation, input, out } => {
                    let epilogue = Epilogue { bias: Some(&folded.bias), activation: *activation };
                    let (input, out) = input.read_write(*out, &mut self.arena);
                    forward(shape, input, &folded.weight, epilogue, out)?;
                }
                Step::Deconv { transposed, bias, activation, input, out } => {
                    let epilogue = Epilogue { bias: Some(bias), activation: *activation };
                    let (input, out) = input.read_write(*out, &mut self.arena);
                    transposed.run(input, epilogue, out)?;
                }
                Step::Copy { input, out } => self.arena.copy_within(input.range(), out.start),
            }
        }
        Ok(())
    }

    /// An output, or a tap that was kept, after [`Self::run`].
    ///
    /// # Errors
    /// A name that was not kept.
    pub fn value(&self, name: &str) -> Result<ValueView<'_>, KernelError> {
        let (_, shape, slot) = self
            .named
            .iter()
            .find(|(named, ..)| named.name == name)
            .ok_or_else(|| KernelError::UnknownName { kind: "kept output or tap", name: name.to_owned() })?;
        let data = slot.map_or(self.pillar_features.as_slice(), |slot| &self.arena[slot.range()]);
        Ok(ValueView { shape: *shape, data })
    }
}

impl Step {
    fn scratch_len(&self) -> usize {
        match self {
            Self::Encode { folded, max_points } => pillars::scratch_len(*max_points, folded.bias.len()),
            Self::Conv { shape, .. } => scratch_len(shape),
            Self::Deconv { transposed, .. } => transposed.scratch_len(),
            Self::Scatter { .. } | Self::Copy { .. } => 0,
        }
    }
}

fn compile_layer(
    plan: &Plan,
    parameters: &ParameterMap,
    memory: &ArenaPlan,
    (value, op): (ValueId, &Op),
    steps: &mut Vec<Step>,
) -> Result<(), KernelError> {
    match op {
        Op::PillarEncode(encoder) => steps.push(encode_step(parameters, encoder)?),
        Op::Scatter { .. } => {
            let channels = plan.shape(value)?.channels();
            steps.push(Step::Scatter { channels, out: memory.map_slot(value)? });
        }
        Op::ConvBnAct { input, in_channels, conv } => {
            let slots = (memory.map_slot(*input)?, memory.map_slot(value)?);
            steps.push(conv_step(parameters, *in_channels, map_size(plan, *input)?, conv, slots)?);
        }
        Op::DeconvBnAct { input, in_channels, deconv } => {
            let slots = (memory.map_slot(*input)?, memory.map_slot(value)?);
            steps.push(deconv_step(parameters, *in_channels, map_size(plan, *input)?, deconv, slots)?);
        }
        Op::Concat { inputs } => {
            let mut start = memory.map_slot(value)?.start;
            for &part in inputs {
                let input = memory.map_slot(part)?;
                if input.start != start {
                    steps.push(Step::Copy { input, out: Slot { start, len: input.len } });
                }
                start += input.len;
            }
        }
    }
    Ok(())
}

fn encode_step(parameters: &ParameterMap, encoder: &PillarEncoder) -> Result<Step, KernelError> {
    let weight = get(parameters, &encoder.weight)?;
    let folded = Folded::new(parameters, &weight.data, encoder.channels, None, Some(&encoder.norm))?;
    Ok(Step::Encode { folded, max_points: encoder.max_points_per_voxel })
}

fn conv_step(
    parameters: &ParameterMap,
    in_channels: usize,
    size: (usize, usize),
    conv: &Conv,
    (input, out): (Slot, Slot),
) -> Result<Step, KernelError> {
    let geometry = ConvGeometry { kernel: conv.kernel, stride: conv.stride, padding: conv.padding };
    let shape = ConvShape::forward(1, in_channels, conv.out_channels, size, geometry)?;
    let weight = get(parameters, &conv.weight)?;
    let folded = Folded::new(parameters, &weight.data, conv.out_channels, conv.bias.as_ref(), conv.norm.as_ref())?;
    Ok(Step::Conv { shape, folded, activation: conv.activation, input, out })
}

fn deconv_step(
    parameters: &ParameterMap,
    in_channels: usize,
    size: (usize, usize),
    deconv: &Deconv,
    (input, out): (Slot, Slot),
) -> Result<Step, KernelError> {
    let shape = adjoint_convolution(1, in_channels, deconv.out_channels, size, deconv.scale)?;
    let weight = get(parameters, &deconv.weight)?;
    let folded = Folded::deconv(parameters, &weight.data, deconv)?;
    let transposed = Transposed::new(&shape, &folded.weight)?;
    Ok(Step::Deconv { transposed, bias: folded.bias, activation: deconv.activation, input, out })
}

fn map_size(plan: &Plan, value: ValueId) -> Result<(usize, usize), KernelError> {
    match plan.shape(value)? {
        ValueShape::Map { height, width, .. } => Ok((height, width)),
        ValueShape::Pillars { .. } => Err(KernelError::UnknownValue { index: value.0, layers: plan.layers().len() }),
    }
}
