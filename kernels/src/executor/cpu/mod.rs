//! Compiles a plan for inference on the CPU, without candle.
//!
//! Batch norms are folded into the weights, convolution, bias and activation are one operation, 3 x 3 convolutions of
//! stride 1 go through Winograd's transform, concatenated maps are computed in place. After the first frame nothing
//! large is allocated.
//!
//! Most of a real sweep's canvas is empty. With [`EmptyCells::Skip`] the executor keeps what each layer makes of an
//! empty canvas (borders and all, computed once) and computes only the pixels that a pillar is in sight of; the maps
//! then live for ever, so that a frame need only put back what the one before it wrote elsewhere. With
//! [`EmptyCells::Compute`] every pixel is computed and maps share one arena by liveness.
//! Order   each value is the same chain of operations however the work is cut: any number of threads gives the same
//!         bytes. Skipping changes bytes only by the rounding of Winograd's tiles at the edge of what is computed.
//! Limits  one frame at a time.

mod arena;
pub(super) mod fold;
mod linear;

pub use arena::ArenaPlan;

use std::time::{Duration, Instant};

use crate::conv_transpose2d::adjoint_convolution;
use crate::conv2d::cpu_fast::Transposed;
use crate::conv2d::{ConvGeometry, ConvShape};
use crate::error::KernelError;
use crate::parameters::{ParameterMap, check, get};
use crate::pillar_encode::{PillarInput, cpu_fast as pillars};
use crate::pillar_scatter::cpu_fast as canvas;
use crate::plan::{Activation, CanvasSize, Conv, Deconv, NamedValue, Op, PillarEncoder, Plan, ValueId, ValueShape};
use crate::scratch::reserve_on_every_thread;
use arena::Slot;
use fold::Folded;
use linear::{Linear, Mask, Method};

/// Whether feature taps are kept until the frame's end, at the price of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Outputs alone.
    Outputs,
    /// Outputs and taps.
    OutputsAndTaps,
}

/// What is done where the canvas holds no pillar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyCells {
    /// Nothing: the answer to an empty canvas stands there. Fast on real sweeps; needs about twice the bytes of all maps.
    Skip,
    /// The same as everywhere: little memory, and time that does not depend on the frame.
    Compute,
}

/// How much of one layer the last frame computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerWork {
    /// The layer's place in the plan.
    pub layer: usize,
    /// Pixels or tiles computed.
    pub computed: usize,
    /// Of how many.
    pub cells: usize,
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
    /// The layer of each step.
    layers: Vec<usize>,
    /// Time that each layer took in the last frame.
    times: Vec<Duration>,
    named: Vec<(NamedValue, ValueShape, Option<Slot>)>,
    arena: Vec<f32>,
    /// (P, C) of the last frame.
    pillar_features: Vec<f32>,
    /// Cells of the canvas that the last frame wrote.
    written: Vec<[u32; 3]>,
    /// By layer; empty where every cell is computed.
    masks: Vec<Mask>,
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
        layer: usize,
        out: Slot,
    },
    Linear(Box<Linear>),
    /// A part of a concatenation that could not be computed in place.
    Copy {
        input: Slot,
        out: Slot,
    },
    /// A concatenation is in sight of a pillar where any part is.
    MergeMasks {
        parts: Vec<usize>,
        layer: usize,
    },
}

impl CpuExecutor {
    /// Folds the weights and plans the memory; every thread of the current rayon pool gets its scratch.
    ///
    /// # Errors
    /// Parameters that are not exactly the plan's.
    pub fn compile(plan: &Plan, parameters: &ParameterMap, keep: Keep) -> Result<Self, KernelError> {
        Self::compile_for(plan, parameters, keep, EmptyCells::Skip)
    }

    /// As [`Self::compile`], saying what is done with empty cells.
    ///
    /// # Errors
    /// Parameters that are not exactly the plan's.
    pub fn compile_for(
        plan: &Plan,
        parameters: &ParameterMap,
        keep: Keep,
        empty_cells: EmptyCells,
    ) -> Result<Self, KernelError> {
        check(plan, parameters)?;
        let memory = ArenaPlan::new(plan, keep, empty_cells)?;
        let (mut steps, mut layers) = (Vec::new(), Vec::new());
        for (index, layer) in plan.layers().iter().enumerate() {
            compile_layer(plan, parameters, &memory, (ValueId(index), &layer.op), &mut steps)?;
            layers.resize(steps.len(), index);
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
        let mut executor = Self {
            canvas: plan.canvas(),
            encoder,
            steps,
            layers,
            times: vec![Duration::ZERO; plan.layers().len()],
            named,
            arena: vec![0.0; memory.len()],
            pillar_features: Vec::new(),
            written: Vec::new(),
            masks: Vec::new(),
        };
        if empty_cells == EmptyCells::Skip {
            executor.remember_empty(plan)?;
        }
        Ok(executor)
    }

    /// Runs an empty canvas and keeps what every layer makes of it.
    fn remember_empty(&mut self, plan: &Plan) -> Result<(), KernelError> {
        let point_features = self.encoder.map_or(0, |(point_features, _)| point_features);
        self.run(&PillarInput { features: &[], point_features, offsets: &[0], coords: &[], batch: 1 })?;
        self.masks = plan
            .layers()
            .iter()
            .map(|layer| match layer.shape {
                ValueShape::Map { height, width, .. } => Mask::new(height * width),
                ValueShape::Pillars { .. } => Mask::default(),
            })
            .collect();
        for step in &mut self.steps {
            if let Step::Linear(linear) = step {
                linear.remember_empty(&self.arena);
            }
        }
        Ok(())
    }

    /// Bytes of everything that is kept from frame to frame beside the weights.
    pub fn kept_bytes(&self) -> usize {
        let background = |step: &Step| match step {
            Step::Linear(linear) => linear.background_bytes(),
            Step::Encode { .. } | Step::Scatter { .. } | Step::Copy { .. } | Step::MergeMasks { .. } => 0,
        };
        self.arena_bytes() + self.steps.iter().map(background).sum::<usize>()
    }

    /// Time that each layer of the plan took in the last frame.
    pub fn layer_times(&self) -> &[Duration] {
        &self.times
    }

    /// How much of each convolution the last frame computed.
    pub fn work(&self) -> Vec<LayerWork> {
        let of = |step: &Step| match step {
            Step::Linear(linear) => {
                let (computed, cells) = linear.cells();
                Some(LayerWork { layer: linear.to, computed, cells })
            }
            Step::Encode { .. } | Step::Scatter { .. } | Step::Copy { .. } | Step::MergeMasks { .. } => None,
        };
        self.steps.iter().filter_map(of).collect()
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
        self.times.fill(Duration::ZERO);
        for (step, layer) in self.steps.iter_mut().zip(&self.layers) {
            let start = Instant::now();
            match step {
                Step::Encode { folded, max_points } => {
                    self.pillar_features.resize(input.num_pillars() * folded.bias.len(), 0.0);
                    let points = (input.features, input.point_features);
                    let weights = (folded.weight.as_slice(), folded.bias.as_slice());
                    pillars::encode(points, input.offsets, weights, *max_points, &mut self.pillar_features);
                }
                Step::Scatter { channels, layer, out } => {
                    let map = &mut self.arena[out.range()];
                    canvas::clear(&self.written, self.canvas, map);
                    canvas::scatter(&self.pillar_features, input.coords, *channels, self.canvas, map);
                    if let Some(mask) = self.masks.get_mut(*layer) {
                        set_cells(&self.written, self.canvas, 0, &mut mask.now);
                        set_cells(input.coords, self.canvas, 1, &mut mask.now);
                    }
                    self.written.clear();
                    self.written.extend_from_slice(input.coords);
                }
                Step::Linear(linear) => linear.run_sparse(&mut self.masks, &mut self.arena)?,
                Step::MergeMasks { parts, layer } => merge_masks(&mut self.masks, parts, *layer),
                Step::Copy { input, out } => self.arena.copy_within(input.range(), out.start),
            }
            self.times[*layer] += start.elapsed();
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

fn set_cells(coords: &[[u32; 3]], canvas: CanvasSize, value: u8, mask: &mut [u8]) {
    for [_, y, x] in coords {
        mask[*y as usize * canvas.nx + *x as usize] = value;
    }
}

fn merge_masks(masks: &mut [Mask], parts: &[usize], layer: usize) {
    let (before, after) = masks.split_at_mut(layer.min(masks.len()));
    let Some(merged) = after.first_mut() else { return };
    merged.now.fill(0);
    for part in parts {
        merged.now.iter_mut().zip(&before[*part].now).for_each(|(merged, set)| *merged |= *set);
    }
}

impl Step {
    fn scratch_len(&self) -> usize {
        match self {
            Self::Encode { folded, max_points } => pillars::scratch_len(*max_points, folded.bias.len()),
            Self::Linear(linear) => linear.method.scratch_len(),
            Self::Scatter { .. } | Self::Copy { .. } | Self::MergeMasks { .. } => 0,
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
            steps.push(Step::Scatter { channels, layer: value.0, out: memory.map_slot(value)? });
        }
        Op::ConvBnAct { input, in_channels, conv } => {
            let (method, bias) = convolution(parameters, *in_channels, map_size(plan, *input)?, conv)?;
            steps.push(linear_step(memory, (*input, value), (method, bias, conv.activation))?);
        }
        Op::DeconvBnAct { input, in_channels, deconv } => {
            let (method, bias) = deconvolution(parameters, *in_channels, map_size(plan, *input)?, deconv)?;
            steps.push(linear_step(memory, (*input, value), (method, bias, deconv.activation))?);
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
            steps.push(Step::MergeMasks { parts: inputs.iter().map(|part| part.0).collect(), layer: value.0 });
        }
    }
    Ok(())
}

fn encode_step(parameters: &ParameterMap, encoder: &PillarEncoder) -> Result<Step, KernelError> {
    let weight = get(parameters, &encoder.weight)?;
    let folded = Folded::new(parameters, &weight.data, encoder.channels, None, Some(&encoder.norm))?;
    Ok(Step::Encode { folded, max_points: encoder.max_points_per_voxel })
}

fn linear_step(
    memory: &ArenaPlan,
    (from, to): (ValueId, ValueId),
    (method, bias, activation): (Method, Vec<f32>, Activation),
) -> Result<Step, KernelError> {
    let (input, out) = (memory.map_slot(from)?, memory.map_slot(to)?);
    let (from, to) = (from.0, to.0);
    Ok(Step::Linear(Box::new(Linear { method, bias, activation, from, to, input, out, sparse: None })))
}

fn convolution(
    parameters: &ParameterMap,
    in_channels: usize,
    size: (usize, usize),
    conv: &Conv,
) -> Result<(Method, Vec<f32>), KernelError> {
    let geometry = ConvGeometry { kernel: conv.kernel, stride: conv.stride, padding: conv.padding };
    let shape = ConvShape::forward(1, in_channels, conv.out_channels, size, geometry)?;
    let weight = get(parameters, &conv.weight)?;
    let folded = Folded::new(parameters, &weight.data, conv.out_channels, conv.bias.as_ref(), conv.norm.as_ref())?;
    Ok((Method::convolution(shape, folded.weight)?, folded.bias))
}

fn deconvolution(
    parameters: &ParameterMap,
    in_channels: usize,
    size: (usize, usize),
    deconv: &Deconv,
) -> Result<(Method, Vec<f32>), KernelError> {
    let shape = adjoint_convolution(1, in_channels, deconv.out_channels, size, deconv.scale)?;
    let weight = get(parameters, &deconv.weight)?;
    let folded = Folded::deconv(parameters, &weight.data, deconv)?;
    Ok((Method::Transposed { shape, transposed: Transposed::new(&shape, &folded.weight)? }, folded.bias))
}

fn map_size(plan: &Plan, value: ValueId) -> Result<(usize, usize), KernelError> {
    match plan.shape(value)? {
        ValueShape::Map { height, width, .. } => Ok((height, width)),
        ValueShape::Pillars { .. } => Err(KernelError::UnknownValue { index: value.0, layers: plan.layers().len() }),
    }
}
