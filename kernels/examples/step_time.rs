//! Time of a training step and of whole-grid inference of the 4x student on this machine.
//!
//! `cargo run --release -p percept_kernels --example step_time`

use std::time::{Duration, Instant};

use candle_core::Tensor;
use percept_kernels::error::KernelError;
use percept_kernels::executor::autograd::{ParameterStore, forward_train};
use percept_kernels::executor::cpu::{CpuExecutor, Keep};
use percept_kernels::parameters::{Initializer, initialise};
use percept_kernels::pillar_encode::PillarInput;
use percept_kernels::plan::{BatchNorm, CanvasSize, Conv, Deconv, PillarEncoder, Plan, PlanBuilder};

const RUNS: usize = 5;
const KITTI: CanvasSize = CanvasSize { ny: 496, nx: 432 };
const WINDOW: CanvasSize = CanvasSize { ny: 248, nx: 216 };
const POINT_FEATURES: usize = 10;
const MAX_POINTS: usize = 32;

/// PointPillars with `width` channels a pillar (64: the published network, 32: the 4x student).
fn pointpillars(width: usize, canvas: CanvasSize) -> Result<Plan, KernelError> {
    let mut plan = PlanBuilder::new(canvas);
    let pillars = plan.pillar_encode(PillarEncoder {
        point_features: POINT_FEATURES,
        channels: width,
        max_points_per_voxel: MAX_POINTS,
        weight: "vfe.weight".into(),
        norm: BatchNorm::new("vfe.norm"),
    })?;
    let mut x = plan.scatter(pillars)?;
    let mut necks = Vec::new();
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
    for (name, channels) in [("cls", 18), ("box", 42), ("dir", 12)] {
        let head =
            Conv::new(&format!("{name}.weight"), channels, 1).bias(&format!("{name}.bias"), Initializer::FanInUniform);
        let head = plan.conv(features, head)?;
        plan.output(name, head)?;
    }
    plan.build()
}

/// `num_pillars` pillars spread evenly, `points` points each.
struct Frame {
    features: Vec<f32>,
    offsets: Vec<u32>,
    coords: Vec<[u32; 3]>,
}

impl Frame {
    fn new(canvas: CanvasSize, num_pillars: usize, points: usize) -> Self {
        let spacing = (canvas.cells() / num_pillars).max(1);
        let place = |p: usize| [0, (p * spacing / canvas.nx) as u32, (p * spacing % canvas.nx) as u32];
        let features = num_pillars * points * POINT_FEATURES;
        Self {
            features: (0..features).map(|i| ((i * 7919) % 1009) as f32 / 504.0 - 1.0).collect(),
            offsets: (0..=num_pillars).map(|p| (p * points) as u32).collect(),
            coords: (0..num_pillars).map(place).collect(),
        }
    }

    fn input(&self) -> PillarInput<'_> {
        PillarInput {
            features: &self.features,
            point_features: POINT_FEATURES,
            offsets: &self.offsets,
            coords: &self.coords,
            batch: 1,
        }
    }
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

fn fastest(mut run: impl FnMut() -> Result<(), AnyError>) -> Result<Duration, AnyError> {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

fn training_step(width: usize) -> Result<Duration, AnyError> {
    let plan = pointpillars(width, WINDOW)?;
    let mut store = ParameterStore::new(&plan, &initialise(&plan, 1))?;
    let frame = Frame::new(WINDOW, 4000, 6);
    fastest(|| {
        let forward = forward_train(&plan, &mut store, &frame.input())?;
        let sums = forward.outputs.iter().map(|output| output.tensor.sqr()?.sum_all());
        let sums = sums.collect::<candle_core::Result<Vec<_>>>()?;
        Tensor::stack(&sums, 0)?.sum_all()?.backward()?;
        Ok(())
    })
}

fn inference(width: usize) -> Result<Duration, AnyError> {
    let plan = pointpillars(width, KITTI)?;
    let mut executor = CpuExecutor::compile(&plan, &initialise(&plan, 1), Keep::Outputs)?;
    let frame = Frame::new(KITTI, 12_000, 5);
    fastest(|| Ok(executor.run(&frame.input())?))
}

fn main() -> Result<(), AnyError> {
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        for (name, width) in [("4x", 32), ("1x", 64)] {
            let (step, whole) = pool.install(|| Ok::<_, AnyError>((training_step(width)?, inference(width)?)))?;
            println!(
                "{name}, {threads} threads: training step on {} x {} cells {:.0} ms, inference on {} x {} cells {:.0} ms",
                WINDOW.ny,
                WINDOW.nx,
                step.as_secs_f64() * 1e3,
                KITTI.ny,
                KITTI.nx,
                whole.as_secs_f64() * 1e3,
            );
        }
    }
    Ok(())
}
