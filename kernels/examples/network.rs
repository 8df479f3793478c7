//! PointPillars' backbone and neck for a comparison with another runtime in the same run.
//!
//! `network DIR WIDTH THREADS [SWEEP.bin ...]` writes into DIR the plan (`network.json`), its parameters
//! (`weights.safetensors`) and, for the first frame, the canvas and the result (`frame.safetensors`). Then each line
//! `compute` or `skip` on standard input runs one frame (every cell computed, empty ones skipped) and answers with its
//! milliseconds and the share of the multiply-adds that was done. Sweeps are KITTI's: x, y, z, reflectance as f32; they
//! are taken in turns. Without any, 12 000 pillars are spread evenly, so that nothing can be skipped.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use candle_core::{Device, Tensor};
use percept_kernels::error::KernelError;
use percept_kernels::executor::cpu::{CpuExecutor, EmptyCells, Keep};
use percept_kernels::parameters::{ParameterMap, initialise};
use percept_kernels::pillar_encode::PillarInput;
use percept_kernels::plan::{BatchNorm, CanvasSize, Conv, Deconv, Op, PillarEncoder, Plan, PlanBuilder, ValueShape};
use percept_kernels::voxelize::{CellWindow, VoxelizeSpec, Voxelizer, Voxels};
use percept_types::VoxelGrid;

const KITTI: CanvasSize = CanvasSize { ny: 496, nx: 432 };
const POINT_FEATURES: usize = 10;
const MAX_POINTS: usize = 32;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

fn backbone_and_neck(width: usize) -> Result<Plan, KernelError> {
    let mut plan = PlanBuilder::new(KITTI);
    let pillars = plan.pillar_encode(PillarEncoder {
        point_features: POINT_FEATURES,
        channels: width,
        max_points_per_voxel: MAX_POINTS,
        weight: "vfe.weight".into(),
        norm: BatchNorm::new("vfe.norm"),
    })?;
    let canvas = plan.scatter(pillars)?;
    let (mut x, mut necks) = (canvas, Vec::new());
    for (stage, (channels, more)) in [(width, 3), (2 * width, 5), (4 * width, 5)].into_iter().enumerate() {
        for j in 0..=more {
            let stride = if j == 0 { 2 } else { 1 };
            let conv = Conv::new(&format!("blocks.{stage}.{j}.weight"), channels, 3).stride(stride).padding(1);
            x = plan.conv(x, conv.batch_norm(&format!("blocks.{stage}.{j}.norm")).relu())?;
        }
        let neck = Deconv::new(&format!("necks.{stage}.weight"), 2 * width, 1 << stage);
        necks.push(plan.deconv(x, neck.batch_norm(&format!("necks.{stage}.norm")).relu())?);
    }
    let features = plan.concat(&necks)?;
    plan.output("features", features)?;
    plan.output("canvas", canvas)?;
    plan.build()
}

/// Pillars of one frame with made-up features.
struct Frame {
    features: Vec<f32>,
    offsets: Vec<u32>,
    coords: Vec<[u32; 3]>,
}

impl Frame {
    fn new(coords: Vec<[u32; 3]>) -> Self {
        let points = 4;
        let count = coords.len() * points * POINT_FEATURES;
        Self {
            features: (0..count).map(|i| ((i * 7919) % 1009) as f32 / 504.0 - 1.0).collect(),
            offsets: (0..=coords.len()).map(|p| (p * points) as u32).collect(),
            coords,
        }
    }

    fn even() -> Self {
        let cell = |p: usize| [0, (p * 17 / KITTI.nx) as u32, (p * 17 % KITTI.nx) as u32];
        Self::new((0..KITTI.cells() / 17).map(cell).collect())
    }

    fn of_sweep(path: &str) -> Result<Self, AnyError> {
        let bytes = std::fs::read(path)?;
        let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let grid = VoxelGrid::new([0.0, -39.68, -3.0, 69.12, 39.68, 1.0], [0.16, 0.16, 4.0])?;
        let window = CellWindow::whole(&grid);
        let spec = VoxelizeSpec { grid, window, max_points_per_voxel: MAX_POINTS, max_voxels: 40_000 };
        let mut voxels = Voxels::default();
        Voxelizer::new(spec)?.voxelize(&values, 4, &mut voxels)?;
        Ok(Self::new(voxels.coords.iter().map(|&[_, y, x]| [0, y, x]).collect()))
    }

    fn input(&self) -> PillarInput<'_> {
        let Self { features, offsets, coords } = self;
        PillarInput { features, point_features: POINT_FEATURES, offsets, coords, batch: 1 }
    }
}

/// First values with norms like a trained network's: maps keep their size from layer to layer, and an empty canvas does
/// not give zeros, whose neighbours would fade into denormal numbers.
fn parameters(plan: &Plan) -> ParameterMap {
    let mut parameters = initialise(plan, 1);
    for (index, (name, tensor)) in parameters.iter_mut().enumerate() {
        for (channel, value) in tensor.data.iter_mut().enumerate() {
            if name.ends_with("norm.weight") {
                *value = 2.4;
            } else if name.ends_with("norm.bias") {
                *value = ((index * 31 + channel * 17) % 21) as f32 / 50.0 - 0.2;
            }
        }
    }
    parameters
}

/// The layers from the canvas on, as JSON.
fn json(plan: &Plan) -> Result<String, AnyError> {
    let mut layers = Vec::new();
    for (index, layer) in plan.layers().iter().enumerate() {
        let ValueShape::Map { channels, height, width } = layer.shape else { continue };
        let inputs: Vec<usize> = layer.op.inputs().iter().map(|value| value.index()).collect();
        let what = match &layer.op {
            Op::PillarEncode(_) => continue,
            Op::Scatter { .. } => r#""op": "input""#.to_owned(),
            Op::ConvBnAct { conv, .. } => {
                let norm = conv.norm.as_ref().ok_or("a convolution without norm")?;
                format!(
                    r#""op": "conv", "weight": "{}", "norm": "{}", "eps": {}, "stride": {}, "padding": {}"#,
                    conv.weight, norm.name, norm.eps, conv.stride, conv.padding
                )
            }
            Op::DeconvBnAct { deconv, .. } => {
                let norm = deconv.norm.as_ref().ok_or("a transposed convolution without norm")?;
                let Deconv { weight, scale, .. } = deconv;
                format!(
                    r#""op": "deconv", "weight": "{weight}", "norm": "{}", "eps": {}, "scale": {scale}"#,
                    norm.name, norm.eps
                )
            }
            Op::Concat { .. } => r#""op": "concat""#.to_owned(),
        };
        let shape = format!("[{channels}, {height}, {width}]");
        layers.push(format!(r#"  {{"id": {index}, {what}, "inputs": {inputs:?}, "shape": {shape}}}"#));
    }
    let cost = plan.cost(0);
    Ok(format!(
        "{{\"multiply_adds\": {}, \"parameters\": {}, \"layers\": [\n{}\n]}}\n",
        cost.multiply_adds(),
        cost.parameters(),
        layers.join(",\n")
    ))
}

fn save_parameters(parameters: &ParameterMap, path: &Path) -> Result<(), AnyError> {
    let mut tensors = HashMap::new();
    for (name, value) in parameters {
        tensors.insert(name.clone(), Tensor::from_slice(&value.data, value.shape.as_slice(), &Device::Cpu)?);
    }
    Ok(candle_core::safetensors::save(&tensors, path)?)
}

fn save_frame(executor: &CpuExecutor, path: &Path) -> Result<(), AnyError> {
    let mut tensors = HashMap::new();
    for name in ["canvas", "features"] {
        let value = executor.value(name)?;
        let ValueShape::Map { channels, height, width } = value.shape else { continue };
        tensors.insert(name, Tensor::from_slice(value.data, (1, channels, height, width), &Device::Cpu)?);
    }
    Ok(candle_core::safetensors::save(&tensors, path)?)
}

/// Multiply-adds of the last frame over those of a whole one.
fn share(plan: &Plan, executor: &CpuExecutor) -> f64 {
    let cost = plan.cost(0);
    let of = |work: &percept_kernels::executor::cpu::LayerWork| {
        let all = cost.layers[work.layer].multiply_adds as f64;
        (all * work.computed as f64 / work.cells as f64, all)
    };
    let (done, all) = executor.work().iter().map(of).fold((0.0, 0.0), |(a, b), (c, d)| (a + c, b + d));
    done / all
}

fn serve(plan: &Plan, directory: &Path, frames: &[Frame]) -> Result<(), AnyError> {
    let parameters = parameters(plan);
    std::fs::write(directory.join("network.json"), json(plan)?)?;
    save_parameters(&parameters, &directory.join("weights.safetensors"))?;
    let compile = |empty| CpuExecutor::compile_for(plan, &parameters, Keep::Outputs, empty);
    let (mut compute, mut skip) = (compile(EmptyCells::Compute)?, compile(EmptyCells::Skip)?);
    skip.run(&frames[0].input())?;
    save_frame(&skip, &directory.join("frame.safetensors"))?;
    let detail = std::env::var_os("LAYERS").is_some();
    let mut turns = HashMap::new();
    println!("ready {} {}", compute.kept_bytes(), skip.kept_bytes());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let executor = if line == "skip" { &mut skip } else { &mut compute };
        let turn = turns.entry(line).or_insert(0);
        let frame = &frames[*turn % frames.len()];
        *turn += 1;
        let start = Instant::now();
        executor.run(&frame.input())?;
        let ms = start.elapsed().as_secs_f64() * 1e3;
        println!("{ms} {}", share(plan, executor));
        if detail {
            let work: HashMap<usize, (usize, usize)> =
                executor.work().iter().map(|work| (work.layer, (work.computed, work.cells))).collect();
            for (layer, time) in executor.layer_times().iter().enumerate() {
                let label = plan.layers()[layer].op.label();
                eprintln!("{label:24} {:8.3} ms {:?}", time.as_secs_f64() * 1e3, work.get(&layer));
            }
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, width, threads, sweeps @ ..] = arguments.as_slice() else {
        return Err("expected DIR WIDTH THREADS [SWEEP.bin ...]".into());
    };
    let plan = backbone_and_neck(width.parse()?)?;
    let frames: Vec<Frame> = match sweeps {
        [] => vec![Frame::even()],
        sweeps => sweeps.iter().map(|sweep| Frame::of_sweep(sweep)).collect::<Result<_, _>>()?,
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build()?;
    pool.install(|| serve(&plan, Path::new(directory), &frames))
}
