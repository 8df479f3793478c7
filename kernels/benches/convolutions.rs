//! 3 x 3 convolutions of PointPillars: one product of gathered columns against Winograd's transform.
//!
//! `cargo bench -p percept_kernels --bench convolutions`
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use percept_kernels::conv2d::cpu_fast::{Epilogue, Transposed, forward, weight_gradient};
use percept_kernels::conv2d::winograd::{Winograd, gradient};
use percept_kernels::conv2d::{ConvGeometry, ConvShape};

fn values(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919) % 1009) as f32 / 504.0 - 1.0).collect()
}

/// (channels, height, width) of the published network's three stages.
const STAGES: [(usize, usize, usize); 3] = [(64, 248, 216), (128, 124, 108), (256, 62, 54)];

fn convolutions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("conv_3x3");
    group.sample_size(10);
    for (channels, height, width) in STAGES {
        let geometry = ConvGeometry { kernel: 3, stride: 1, padding: 1 };
        let shape = ConvShape::forward(1, channels, channels, (height, width), geometry).unwrap();
        let (input, weight) = (values(shape.input_len()), values(shape.weight_len()));
        let mut output = vec![0.0; shape.output_len()];
        group.throughput(Throughput::Elements((shape.output_len() * channels * 9) as u64));
        let winograd = Winograd::new(&shape, &weight).unwrap();
        group.bench_function(BenchmarkId::new("direct", channels), |b| {
            b.iter(|| forward(&shape, &input, &weight, Epilogue::NONE, &mut output).unwrap());
        });
        group.bench_function(BenchmarkId::new("winograd", channels), |b| {
            b.iter(|| winograd.run(&input, Epilogue::NONE, &mut output).unwrap());
        });
        let mut grad_input = vec![0.0; shape.input_len()];
        group.bench_function(BenchmarkId::new("gradient_of_input_direct", channels), |b| {
            let transposed = Transposed::new(&shape, &weight).unwrap();
            b.iter(|| transposed.run(&output, Epilogue::NONE, &mut grad_input).unwrap());
        });
        let mut grad_weight = vec![0.0; shape.weight_len()];
        group.bench_function(BenchmarkId::new("gradient_of_weight_direct", channels), |b| {
            b.iter(|| weight_gradient(&shape, &input, &output, &mut grad_weight).unwrap());
        });
        group.bench_function(BenchmarkId::new("gradient_of_weight_winograd", channels), |b| {
            b.iter(|| gradient::weight_gradient(&shape, &input, &output, &mut grad_weight).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, convolutions);
criterion_main!(benches);
