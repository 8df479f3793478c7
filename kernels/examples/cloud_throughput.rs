//! Time of decoding and voxelizing clouds on this machine.
//!
//! `cargo run --release -p percept_kernels --example cloud_throughput`

use percept_kernels::decode_points::{Channel, cpu, decode_points};
use percept_kernels::voxelize::{CellWindow, VoxelizeSpec, Voxelizer, Voxels};
use percept_types::{FieldType, RawCloud, RawField, RawLayout, VoxelGrid};
use std::time::{Duration, Instant};

/// Fastest of twenty runs.
fn fastest(mut work: impl FnMut()) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..20 {
        let started = Instant::now();
        work();
        best = best.min(started.elapsed());
    }
    best
}

/// A cloud of about 2 MB: points of 16 bytes (x, y, z, intensity f32), scattered ahead of the sensor.
fn cloud(num_points: usize, big_endian: bool) -> RawCloud {
    let mut bytes = Vec::new();
    for i in 0..num_points {
        let part = |g: f64| (i as f64 * g).fract();
        // Denser near the sensor, as real clouds are.
        let (range, angle) = (70.0 * part(0.819_172).powi(2), (part(0.671_043) - 0.5) * 1.6);
        for value in [range * angle.cos(), range * angle.sin(), part(0.549_7) * 3.0 - 2.0, part(0.37)] {
            let value = value as f32;
            bytes.extend(if big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
        }
    }
    let fields = ["x", "y", "z", "intensity"].into_iter().enumerate().map(|(index, name)| RawField {
        name: name.to_owned(),
        offset: 4 * index,
        datatype: FieldType::F32,
        count: 1,
    });
    let layout = RawLayout { fields: fields.collect() };
    RawCloud { row_step: bytes.len(), bytes, layout, width: num_points, height: 1, point_step: 16, big_endian }
}

fn report(what: &str, bytes: usize, time: Duration) {
    let (ms, rate) = (time.as_secs_f64() * 1e3, bytes as f64 / time.as_secs_f64() * 1e-9);
    println!("{what:<48} {ms:>8.3} ms {rate:>8.2} GB/s");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let channels = [Channel::required("intensity")];
    let raw = cloud(125_000, false);
    let mut copy = vec![0; raw.bytes.len()];
    report("copy of 2 MB", raw.bytes.len(), fastest(|| copy.copy_from_slice(std::hint::black_box(&raw.bytes))));
    let mut buffer = Vec::new();
    for (what, raw) in [("decode_points 2 MB", &raw), ("decode_points 2 MB big-endian", &cloud(125_000, true))] {
        let time = fastest(|| {
            let decoded = decode_points(raw, &channels, std::mem::take(&mut buffer));
            buffer = decoded.map(|decoded| decoded.cloud.into_values()).unwrap_or_default();
        });
        report(what, raw.bytes.len(), time);
    }
    report("decode_points 2 MB, plain version", raw.bytes.len(), fastest(|| drop(cpu::decode_points(&raw, &channels))));

    let grid = VoxelGrid::new([0.0, -39.68, -3.0, 69.12, 39.68, 1.0], [0.16, 0.16, 4.0])?;
    let spec = VoxelizeSpec { grid, window: CellWindow::whole(&grid), max_points_per_voxel: 32, max_voxels: 40_000 };
    let mut voxelizer = Voxelizer::new(spec)?;
    let mut voxels = Voxels::default();
    for num_points in [25_000, 50_000, 100_000, 200_000, 400_000] {
        let points = decode_points(&cloud(num_points, false), &channels, Vec::new())?.cloud;
        voxelizer.voxelize(points.values(), 4, &mut voxels)?;
        let time = fastest(|| drop(voxelizer.voxelize(points.values(), 4, &mut voxels)));
        let per_point = time.as_secs_f64() * 1e9 / num_points as f64;
        let what = format!("voxelize {num_points} points, {per_point:.1} ns each, {} pillars", voxels.len());
        report(&what, 16 * num_points, time);
    }
    Ok(())
}
