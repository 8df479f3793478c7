//! A whole frame, bytes to boxes, and each of its stages: KITTI grid, random weights, 120 000 points.
//!
//! `cargo bench -p percept_models --bench frame`; `RAYON_NUM_THREADS` sets the threads.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

use percept_kernels::parameters::initialise;
use percept_kernels::plan::CanvasSize;
use percept_models::pointpillars::{
    GridPreset, PointPillars, PointPillarsConfig, RawPointPillarsConfig, SensorOptions, Width, topology,
};
use percept_models::weights::{Architecture, Weights, WeightsMetadata};
use percept_types::{FieldType, FrameReport, MountedCloud, Perceive, RawCloud, RawField, RawLayout};
use std::time::Duration;

/// 120 000 points scattered ahead of the sensor, denser near it.
fn scattered() -> Vec<u8> {
    let point = |i: usize| {
        let part = |g: f64| (i as f64 * g).fract();
        let (range, angle) = (2.0 + 70.0 * part(0.819_172).powi(2), (part(0.671_043) - 0.5) * 1.6);
        [range * angle.cos(), range * angle.sin(), part(0.549_7) * 3.0 - 2.0, part(0.37)]
    };
    (0..120_000).flat_map(point).flat_map(|value| (value as f32).to_le_bytes()).collect()
}

fn cloud(bytes: Vec<u8>) -> RawCloud {
    let fields = ["x", "y", "z", "intensity"].into_iter().enumerate().map(|(index, name)| RawField {
        name: name.to_owned(),
        offset: 4 * index,
        datatype: FieldType::F32,
        count: 1,
    });
    let layout = RawLayout { fields: fields.collect() };
    let width = bytes.len() / 16;
    RawCloud { bytes, layout, width, height: 1, point_step: 16, row_step: width * 16, big_endian: false }
}

fn detector(width: Width) -> PointPillars {
    let raw = RawPointPillarsConfig::preset(width, GridPreset::Kitti);
    let config = PointPillarsConfig::try_from(raw.clone()).unwrap();
    let parameters = initialise(&topology(&config, CanvasSize { ny: 8, nx: 8 }).unwrap(), 1);
    let weights = Weights::new(WeightsMetadata::new("random", Architecture::PointPillars(raw)), parameters).unwrap();
    PointPillars::new(&weights, &SensorOptions::default()).unwrap()
}

/// Time of one stage, or of all where `stage` is `None`, over `frames` frames.
fn time_of(detector: &mut PointPillars, cloud: &MountedCloud, stage: Option<&str>, frames: u64) -> Duration {
    let one = |detector: &mut PointPillars| {
        let mut report = FrameReport::default();
        detector.perceive(cloud, &mut report).unwrap();
        let wanted = report.stages.iter().filter(|s| stage.is_none_or(|name| s.stage == name));
        wanted.map(|s| s.time).sum::<Duration>()
    };
    (0..frames).map(|_| one(detector)).sum()
}

fn frame(criterion: &mut Criterion) {
    let cloud = cloud(scattered()).into();
    for (width, name) in [(Width::Quarter, "4x"), (Width::Full, "1x")] {
        let mut detector = detector(width);
        let mut group = criterion.benchmark_group(format!("frame_{name}"));
        group.sample_size(10);
        for stage in [None, Some("decode_points"), Some("pillarize"), Some("network"), Some("decode_boxes")] {
            group.bench_function(BenchmarkId::from_parameter(stage.unwrap_or("whole")), |b| {
                b.iter_custom(|frames| time_of(&mut detector, &cloud, stage, frames));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, frame);
criterion_main!(benches);
