//! Decoding and voxelizing clouds: against a plain copy of the bytes, and over the number of points.
//!
//! `cargo bench -p percept_kernels --bench clouds`
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use percept_kernels::decode_points::{Channel, cpu, decode_points as decode};
use percept_kernels::voxelize::{CellWindow, VoxelizeSpec, Voxelizer, Voxels};
use percept_types::{FieldType, RawCloud, RawField, RawLayout, VoxelGrid};

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

fn decode_points(criterion: &mut Criterion) {
    let channels = [Channel::required("intensity")];
    let (raw, swapped) = (cloud(125_000, false), cloud(125_000, true));
    let mut group = criterion.benchmark_group("decode_points_2_mb");
    group.throughput(Throughput::Bytes(raw.bytes.len() as u64));
    let mut copy = vec![0; raw.bytes.len()];
    group.bench_function("copy_of_the_bytes", |b| b.iter(|| copy.copy_from_slice(std::hint::black_box(&raw.bytes))));
    let mut buffer = Vec::new();
    for (name, raw) in [("little_endian", &raw), ("big_endian", &swapped)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let decoded = decode(raw, &channels, std::mem::take(&mut buffer)).unwrap();
                buffer = decoded.cloud.into_values();
            });
        });
    }
    group.bench_function("plain_version", |b| b.iter(|| cpu::decode_points(&raw, &channels).unwrap()));
    group.finish();
}

fn voxelize(criterion: &mut Criterion) {
    let grid = VoxelGrid::new([0.0, -39.68, -3.0, 69.12, 39.68, 1.0], [0.16, 0.16, 4.0]).unwrap();
    let spec = VoxelizeSpec { grid, window: CellWindow::whole(&grid), max_points_per_voxel: 32, max_voxels: 40_000 };
    let mut voxelizer = Voxelizer::new(spec).unwrap();
    let mut voxels = Voxels::default();
    let mut group = criterion.benchmark_group("voxelize");
    for num_points in [5_000, 25_000, 50_000, 100_000, 200_000, 500_000] {
        let points = decode(&cloud(num_points, false), &[Channel::required("intensity")], Vec::new()).unwrap().cloud;
        group.throughput(Throughput::Elements(num_points as u64));
        group.bench_with_input(BenchmarkId::from_parameter(num_points), &points, |b, points| {
            b.iter(|| voxelizer.voxelize(points.values(), 4, &mut voxels).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, decode_points, voxelize);
criterion_main!(benches);
