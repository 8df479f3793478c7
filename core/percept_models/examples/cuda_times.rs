//! Times of a network and of whole frames on a GPU: `cuda_times WEIGHTS [cuda:0]`. Median, p99 and maximum in ms.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use percept_kernels::cuda::CudaDevice;
use percept_kernels::executor::cpu::Keep;
use percept_kernels::executor::cuda::CudaExecutor;
use percept_kernels::pillar_encode::PillarInput;
use percept_kernels::plan::CanvasSize;
use percept_models::pointpillars::{PointPillars, PointPillarsConfig, SensorOptions, topology};
use percept_models::weights::{ReadyConfig, Weights};
use percept_types::{FieldType, FrameReport, MountedCloud, RawCloud, RawField, RawLayout, VoxelGrid};

const RUNS: usize = 1000;
const WARM_UP: usize = 50;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: cuda_times WEIGHTS [cuda:0]")?;
    let name = arguments.next().unwrap_or_else(|| "cuda:0".to_owned());
    let ordinal: usize = name.strip_prefix("cuda:").unwrap_or(&name).parse()?;
    let began = Instant::now();
    let weights = Weights::read(Path::new(&path))?;
    let ReadyConfig::PointPillars(config) = weights.config();
    let device = CudaDevice::open(ordinal)?;
    let sensor = SensorOptions { missing_intensity: Some(0.0), ..SensorOptions::default() };
    let mut detector = PointPillars::on_cuda(&weights, &sensor, &device)?;
    let cloud = cloud_across(config.grid(), 120_000);
    detector.detect(&cloud, &mut FrameReport::default())?;
    println!("{}: start to first boxes {:.0} ms", device.name(), began.elapsed().as_secs_f64() * 1e3);
    network(&device, config, &weights)?;
    for points in [5_000, 20_000, 60_000, 120_000, 250_000, 500_000] {
        let cloud = cloud_across(config.grid(), points);
        let mut report = FrameReport::default();
        measure(&format!("frame of {points} points"), || {
            report = FrameReport::default();
            detector.detect(&cloud, &mut report).map(drop)
        })?;
        println!("  {} pillars, {} beyond the cap", report.pillars, report.pillars_over_cap);
    }
    Ok(())
}

/// The network alone, from decorated points that are on the device: queued and waited for.
fn network(device: &CudaDevice, config: &PointPillarsConfig, weights: &Weights) -> Result<(), Box<dyn Error>> {
    let window = config.whole_window();
    let plan = topology(config, CanvasSize { ny: window.ny, nx: window.nx })?;
    let max_pillars = config.voxelize_spec(window).max_voxels;
    let mut executor = CudaExecutor::compile(device, &plan, weights.parameters(), Keep::Outputs, max_pillars)?;
    let count = max_pillars.min(12_000);
    let step = window.nx * window.ny / count;
    let at = |i: usize| [0, (i * step / window.nx) as u32, (i * step % window.nx) as u32];
    let coords: Vec<[u32; 3]> = (0..count).map(at).collect();
    let offsets: Vec<u32> = (0..=count as u32).collect();
    let width = config.pfn_layout().num_features();
    let features: Vec<f32> = (0..count * width).map(|i| (i * 37 % 100) as f32 * 0.01).collect();
    let input =
        PillarInput { features: &features, point_features: width, offsets: &offsets, coords: &coords, batch: 1 };
    executor.run(&input)?;
    let cost = plan.cost(count);
    println!(
        "network: {:.2} GMAC, {:.1} MB of arena, {:.1} MB moved at least in half precision",
        cost.multiply_adds() as f64 * 1e-9,
        executor.network().arena_bytes() as f64 * 1e-6,
        cost.bytes() as f64 * 0.5e-6,
    );
    measure("network", || executor.run_again().and_then(|()| executor.wait()))
}

fn measure<E: Error + 'static>(name: &str, mut run: impl FnMut() -> Result<(), E>) -> Result<(), Box<dyn Error>> {
    for _ in 0..WARM_UP {
        run()?;
    }
    let mut times_ms = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let began = Instant::now();
        run()?;
        times_ms.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times_ms.sort_by(f64::total_cmp);
    let [median, p99, max] = [RUNS / 2, RUNS * 99 / 100, RUNS - 1].map(|rank| times_ms[rank]);
    println!("{name}: median {median:.3}, p99 {p99:.3}, max {max:.3} ms");
    Ok(())
}

/// Points spread over a grid by the golden ratio, denser near the sensor.
fn cloud_across(grid: &VoxelGrid, count: usize) -> MountedCloud {
    let [x0, y0, z0, x1, y1, z1] = grid.range_m();
    let mut bytes = Vec::with_capacity(count * 16);
    for i in 0..count {
        let [u, v, w] = [0.618_034, 0.754_878, 0.569_84].map(|g: f64| (i as f64 * g).fract());
        let point = [x0 + (x1 - x0) * u * u, y0 + (y1 - y0) * v, z0 + (z1 - z0) * w, 0.5];
        point.iter().for_each(|value| bytes.extend_from_slice(&(*value as f32).to_le_bytes()));
    }
    let fields = ["x", "y", "z", "intensity"].into_iter().enumerate();
    let field = |(i, name): (usize, &str)| RawField {
        name: name.to_owned(),
        offset: 4 * i,
        datatype: FieldType::F32,
        count: 1,
    };
    let cloud = RawCloud {
        row_step: bytes.len(),
        bytes,
        layout: RawLayout { fields: fields.map(field).collect() },
        width: count,
        height: 1,
        point_step: 16,
        big_endian: false,
    };
    cloud.into()
}
