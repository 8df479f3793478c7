//! Compiles a plan for a GPU, in half precision with sums in f32; no candle on the path.
//!
//! ```text
//! Plan ─fold, pack─► weights on the device ─┐
//! Plan ─liveness──► one arena ──────────────┴─► launches, captured once as a graph ─► run: no allocation, no host read
//! ```
//! Order   every sum has a fixed order and every atomic acts on integers: the same input gives the same bytes.
//! Sizes   pillars are at most the capacity; how many there are stays on the device, where kernels stop at the count.
//! Limits  one frame at a time; decorated points of at most 16 values.

mod frame;
mod memory;
mod pack;

pub use frame::{CudaFrame, FrameCounts, FrameResult, FrameSpec};

use half::f16;

use super::cpu::Keep;
use super::cpu::fold::Folded;
use crate::conv_transpose2d;
use crate::conv2d::{self, cuda::GemmShape, cuda::Operands, cuda::depth_tiles};
use crate::cuda::{Buffer, CudaDevice, DeviceError, Launch, Program};
use crate::error::KernelError;
use crate::parameters::{ParameterMap, check, get};
use crate::pillar_decorate::PillarsOnDevice;
use crate::pillar_encode::PillarInput;
use crate::pillar_encode::cuda::{Encode, MAX_FEATURES};
use crate::pillar_scatter::cuda::Scatter;
use crate::plan::{Activation, CanvasSize, NamedValue, Op, PillarEncoder, Plan, ValueId, ValueShape};
use memory::{DeviceArena, MapPlace, padded};
use pack::{Packed, padded_values};

/// Most pixels of a map: indices of rows stay within 32 bits.
const MAX_PIXELS: usize = 1 << 30;

/// A network on a device: weights, memory and launches.
#[derive(Debug)]
pub struct CudaNetwork {
    encoder: Option<(PillarEncoder, Encode, Buffer)>,
    scatters: Vec<(Scatter, MapPlace)>,
    products: Vec<Product>,
    steps: Vec<Step>,
    named: Vec<(NamedValue, ValueShape, Option<MapPlace>)>,
    arena: Buffer,
    max_pillars: usize,
}

/// In the order of the layers.
#[derive(Clone, Debug)]
enum Step {
    Encode,
    Scatter(usize),
    Product(usize),
    Copy { from: MapPlace, to: MapPlace },
}

/// A convolution, or a transposed one where the scale is above 1.
#[derive(Debug)]
struct Product {
    shape: GemmShape,
    is_transposed: bool,
    weight: Buffer,
    bias: Buffer,
    input: usize,
    output: usize,
}

impl CudaNetwork {
    /// Folds and packs the weights, plans the memory, for at most `max_pillars` pillars a frame.
    ///
    /// # Errors
    /// Parameters that are not exactly the plan's; weights beyond half precision; memory that is not there.
    pub fn compile(
        device: &CudaDevice,
        plan: &Plan,
        parameters: &ParameterMap,
        keep: Keep,
        max_pillars: usize,
    ) -> Result<Self, KernelError> {
        check(plan, parameters)?;
        let memory = DeviceArena::new(plan, keep)?;
        let mut network = Self {
            encoder: None,
            scatters: Vec::new(),
            products: Vec::new(),
            steps: Vec::new(),
            named: Vec::new(),
            arena: device.allocate::<u8>(memory.bytes)?,
            max_pillars: max_pillars.max(1),
        };
        for (index, layer) in plan.layers().iter().enumerate() {
            check_size(layer.op.label(), layer.shape)?;
            network.add_layer(device, parameters, &memory, (ValueId(index), &layer.op))?;
        }
        let taps = match keep {
            Keep::Outputs => &[],
            Keep::OutputsAndTaps => plan.taps(),
        };
        for named in plan.outputs().iter().chain(taps) {
            let place = memory.place(named.value).ok().cloned();
            network.named.push((named.clone(), plan.shape(named.value)?, place));
        }
        Ok(network)
    }

    /// Bytes of the arena.
    pub fn arena_bytes(&self) -> usize {
        self.arena.len_bytes()
    }

    /// Most pillars of a frame.
    pub fn max_pillars(&self) -> usize {
        self.max_pillars
    }

    fn add_layer(
        &mut self,
        device: &CudaDevice,
        parameters: &ParameterMap,
        memory: &DeviceArena,
        (value, op): (ValueId, &Op),
    ) -> Result<(), KernelError> {
        match op {
            Op::PillarEncode(encoder) => {
                self.encoder = Some(self.encoder_on(device, parameters, encoder)?);
                self.steps.push(Step::Encode);
            }
            Op::Scatter { .. } => {
                self.steps.push(Step::Scatter(self.scatters.len()));
                self.scatters.push((Scatter::new(device, self.max_pillars)?, memory.place(value)?.clone()));
            }
            Op::ConvBnAct { input, conv, .. } => {
                let weight = get(parameters, &conv.weight)?;
                let (bias, norm) = (conv.bias.as_ref(), conv.norm.as_ref());
                let folded = Folded::new(parameters, &weight.data, conv.out_channels, bias, norm)?;
                let (from, to) = (memory.place(*input)?, memory.place(value)?);
                let sides = (conv.out_channels, conv.kernel);
                let packed = Packed::conv(&conv.weight, &folded.weight, sides, (from.width_channels, &from.channels))?;
                let mut shape = GemmShape {
                    kernel: conv.kernel as u32,
                    stride: conv.stride as u32,
                    padding: conv.padding as u32,
                    ..between(from, to, conv.activation)
                };
                shape.depth_tiles = depth_tiles(conv.kernel * conv.kernel, from.width_channels) as u32;
                self.add_product(device, (shape, false), &packed, &folded.bias, (from, to))?;
            }
            Op::DeconvBnAct { input, deconv, .. } => {
                let weight = get(parameters, &deconv.weight)?;
                let folded = Folded::deconv(parameters, &weight.data, deconv)?;
                let (from, to) = (memory.place(*input)?, memory.place(value)?);
                let sides = (deconv.out_channels, deconv.scale);
                let packed =
                    Packed::deconv(&deconv.weight, &folded.weight, sides, (from.width_channels, &from.channels))?;
                let shape = GemmShape {
                    rows_y: from.height as u32,
                    rows_x: from.width as u32,
                    scale: deconv.scale as u32,
                    ..between(from, to, deconv.activation)
                };
                self.add_product(device, (shape, true), &packed, &folded.bias, (from, to))?;
            }
            Op::Concat { inputs } => {
                let whole = memory.place(value)?;
                let mut start_bytes = whole.start_bytes;
                for part in inputs {
                    let from = memory.place(*part)?.clone();
                    let to = MapPlace { start_bytes, pitch: whole.pitch, ..from.clone() };
                    start_bytes += 2 * from.width_channels;
                    if from != to {
                        self.steps.push(Step::Copy { from, to });
                    }
                }
            }
        }
        Ok(())
    }

    fn encoder_on(
        &self,
        device: &CudaDevice,
        parameters: &ParameterMap,
        encoder: &PillarEncoder,
    ) -> Result<(PillarEncoder, Encode, Buffer), KernelError> {
        if encoder.point_features > MAX_FEATURES {
            let what = "number of values of a decorated point".to_owned();
            let (found, limit) = (encoder.point_features, MAX_FEATURES);
            return Err(DeviceError::Unsupported { what, found, limit }.into());
        }
        let weight = get(parameters, &encoder.weight)?;
        let folded = Folded::new(parameters, &weight.data, encoder.channels, None, Some(&encoder.norm))?;
        let channels = padded(encoder.channels);
        let mut rows = folded.weight;
        rows.resize(channels * encoder.point_features, 0.0);
        let encode = Encode {
            weight: device.with_values(&rows)?,
            shift: device.with_values(&padded_values(&folded.bias))?,
            point_features: encoder.point_features,
            channels,
            max_points: encoder.max_points_per_voxel,
        };
        Ok((encoder.clone(), encode, device.allocate::<f16>(self.max_pillars * channels)?))
    }

    fn add_product(
        &mut self,
        device: &CudaDevice,
        (shape, is_transposed): (GemmShape, bool),
        packed: &Packed,
        bias: &[f32],
        (from, to): (&MapPlace, &MapPlace),
    ) -> Result<(), KernelError> {
        let weight = device.with_values(packed.values())?;
        let bias = device.with_values(&padded_values(bias))?;
        self.steps.push(Step::Product(self.products.len()));
        let (input, output) = (from.start_bytes, to.start_bytes);
        self.products.push(Product { shape, is_transposed, weight, bias, input, output });
        Ok(())
    }

    /// What one frame launches, for pillars at these places.
    pub(crate) fn launches(&self, source: &PillarsOnDevice<'_>) -> Vec<Launch> {
        self.steps.iter().flat_map(|step| self.launches_of(step, source)).collect()
    }

    fn launches_of(&self, step: &Step, source: &PillarsOnDevice<'_>) -> Vec<Launch> {
        let features = self.encoder.as_ref();
        match step {
            Step::Encode => features
                .map(|(_, encode, out)| {
                    let points = (source.decorated, source.offsets);
                    encode.launch(points, source.num_pillars, out, self.max_pillars)
                })
                .into_iter()
                .collect(),
            Step::Scatter(index) => {
                let (scatter, place) = &self.scatters[*index];
                let Some((_, _, features)) = features else { return Vec::new() };
                let canvas = (&self.arena, place.start_bytes);
                scatter.launches((features, source.cells), source.num_pillars, canvas, place.pitch).into()
            }
            Step::Product(index) => {
                let Product { shape, is_transposed, weight, bias, input, output } = &self.products[*index];
                let operands = Operands { input: (&self.arena, *input), weight, bias, output: (&self.arena, *output) };
                vec![match is_transposed {
                    true => conv_transpose2d::cuda::launch(shape, &operands),
                    false => conv2d::cuda::launch(shape, &operands),
                }]
            }
            Step::Copy { from, to } => {
                let input = ((&self.arena, from.start_bytes), from.pitch);
                let output = ((&self.arena, to.start_bytes), to.pitch);
                vec![conv2d::cuda::copy_channels(input, output, from.height * from.width, from.width_channels)]
            }
        }
    }

    /// Where an output that nothing reads lies, for kernels that follow: buffer, first byte, channels a pixel.
    ///
    /// # Errors
    /// A name that is no such output.
    pub fn output(&self, name: &str) -> Result<(&Buffer, usize, usize), KernelError> {
        let place = self.find(name)?.2.as_ref().filter(|place| place.is_f32);
        let place = place.ok_or_else(|| KernelError::UnknownName { kind: "f32 output", name: name.to_owned() })?;
        Ok((&self.arena, place.start_bytes, place.pitch))
    }

    fn find(&self, name: &str) -> Result<&(NamedValue, ValueShape, Option<MapPlace>), KernelError> {
        let unknown = || KernelError::UnknownName { kind: "kept output or tap", name: name.to_owned() };
        self.named.iter().find(|(named, ..)| named.name == name).ok_or_else(unknown)
    }

    /// An output or kept tap of the last frame on the host: (C, H, W), or (P, C) for `num_pillars` pillars.
    ///
    /// # Errors
    /// A name that was not kept; what the driver says.
    pub fn value(&self, name: &str, num_pillars: usize) -> Result<Vec<f32>, KernelError> {
        let (_, shape, place) = self.find(name)?;
        let Some(place) = place else {
            let Some((encoder, encode, features)) = &self.encoder else { return Ok(Vec::new()) };
            let rows: Vec<f16> = features.values(num_pillars.min(self.max_pillars) * encode.channels)?;
            let real = rows.chunks_exact(encode.channels).flat_map(|row| &row[..encoder.channels]);
            return Ok(real.map(|value| value.to_f32()).collect());
        };
        let pixels = place.height * place.width;
        // The last pixel ends with its own channels, not with the pitch.
        let len = (pixels.max(1) - 1) * place.pitch + place.width_channels;
        let values: Vec<f32> = if place.is_f32 {
            self.download::<f32>(place, len)?
        } else {
            self.download::<f16>(place, len)?.into_iter().map(f16::to_f32).collect()
        };
        let plane = |channel: usize| (0..pixels).map(move |pixel| pixel * place.pitch + channel);
        debug_assert_eq!(shape.channels(), place.channels.len());
        Ok(place.channels.iter().copied().flat_map(plane).map(|at| values[at]).collect())
    }

    fn download<T: bytemuck::Pod>(&self, place: &MapPlace, len: usize) -> Result<Vec<T>, DeviceError> {
        let mut values = vec![T::zeroed(); len];
        self.arena.download(place.start_bytes, &mut values)?;
        Ok(values)
    }
}

/// What the places of input and output say of a product, for a 1x1 convolution.
fn between(from: &MapPlace, to: &MapPlace, activation: Activation) -> GemmShape {
    GemmShape {
        height: from.height as u32,
        width: from.width as u32,
        in_pitch: from.pitch as u32,
        in_pieces: (from.width_channels / 8) as u32,
        kernel: 1,
        stride: 1,
        padding: 0,
        rows_y: to.height as u32,
        rows_x: to.width as u32,
        out_pitch: to.pitch as u32,
        out_channels: to.width_channels as u32,
        scale: 1,
        depth_tiles: depth_tiles(1, from.width_channels) as u32,
        relu: u32::from(activation == Activation::Relu),
        is_f32: u32::from(to.is_f32),
    }
}

fn check_size(label: &str, shape: ValueShape) -> Result<(), DeviceError> {
    match shape {
        ValueShape::Map { height, width, .. } if height * width > MAX_PIXELS => {
            let what = format!("pixels of layer {label}");
            Err(DeviceError::Unsupported { what, found: height * width, limit: MAX_PIXELS })
        }
        ValueShape::Map { .. } | ValueShape::Pillars { .. } => Ok(()),
    }
}

/// A network with a place for pillars that come from the host: the twin of the CPU's executor.
#[derive(Debug)]
pub struct CudaExecutor {
    canvas: CanvasSize,
    point_features: usize,
    max_points: usize,
    network: CudaNetwork,
    decorated: Buffer,
    offsets: Buffer,
    cells: Buffer,
    count: Buffer,
    program: Program,
    num_pillars: usize,
}

impl CudaExecutor {
    /// As [`CudaNetwork::compile`].
    ///
    /// # Errors
    /// As there; a plan without a pillar encoder.
    pub fn compile(
        device: &CudaDevice,
        plan: &Plan,
        parameters: &ParameterMap,
        keep: Keep,
        max_pillars: usize,
    ) -> Result<Self, KernelError> {
        let network = CudaNetwork::compile(device, plan, parameters, keep, max_pillars)?;
        let no_encoder = || KernelError::UnknownName { kind: "layer", name: "a pillar encoder".to_owned() };
        let encoder = plan.pillar_encoder().ok_or_else(no_encoder)?;
        let (point_features, max_points) = (encoder.point_features, encoder.max_points_per_voxel);
        let max_pillars = network.max_pillars;
        let decorated = device.allocate::<f32>(max_pillars * max_points * point_features)?;
        let offsets = device.allocate::<u32>(max_pillars + 1)?;
        let (cells, count) = (device.allocate::<u32>(max_pillars)?, device.allocate::<u32>(1)?);
        let source =
            PillarsOnDevice { decorated: &decorated, offsets: &offsets, cells: &cells, num_pillars: (&count, 0) };
        let program = device.program(network.launches(&source))?;
        let canvas = plan.canvas();
        let num_pillars = 0;
        Ok(Self { canvas, point_features, max_points, network, decorated, offsets, cells, count, program, num_pillars })
    }

    /// Queues one frame. Afterwards [`Self::value`] waits for its results.
    ///
    /// # Errors
    /// An input that contradicts the plan or exceeds the capacity; what the driver says.
    pub fn run(&mut self, input: &PillarInput<'_>) -> Result<(), KernelError> {
        if input.batch != 1 {
            let what = "frames at a time";
            return Err(KernelError::InputMismatch { what, expected: 1, found: input.batch });
        }
        input.check(self.point_features, self.max_points, self.canvas)?;
        let (found, limit) = (input.num_pillars(), self.network.max_pillars);
        if found > limit {
            return Err(DeviceError::Unsupported { what: "number of pillars".to_owned(), found, limit }.into());
        }
        let cells: Vec<u32> = input.coords.iter().map(|[_, y, x]| y * self.canvas.nx as u32 + x).collect();
        self.decorated.upload(input.features)?;
        self.offsets.upload(input.offsets)?;
        self.cells.upload(&cells)?;
        self.count.upload(&[found as u32])?;
        self.num_pillars = found;
        self.program.run()?;
        Ok(())
    }

    /// Queues the last frame again, without a copy: for measurements of the network alone.
    ///
    /// # Errors
    /// What the driver says.
    pub fn run_again(&self) -> Result<(), KernelError> {
        Ok(self.program.run()?)
    }

    /// Waits for what is queued.
    ///
    /// # Errors
    /// What the driver says, also of what was queued.
    pub fn wait(&self) -> Result<(), KernelError> {
        Ok(self.count.download(0, &mut [0_u32])?)
    }

    /// An output or kept tap of the last frame, as the CPU's executor lays it out.
    ///
    /// # Errors
    /// A name that was not kept; what the driver says, also of the frame.
    pub fn value(&self, name: &str) -> Result<Vec<f32>, KernelError> {
        self.network.value(name, self.num_pillars)
    }

    /// The network.
    pub fn network(&self) -> &CudaNetwork {
        &self.network
    }
}

#[cfg(test)]
mod tests;
