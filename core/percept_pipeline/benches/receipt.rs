//! From the receipt of a cloud to the start of inference: `cargo bench -p percept_pipeline`.
//!
//! The cloud is 2 MB (125 000 points of 16 bytes). Receipt is the moment when the back-end hands over the bytes; the
//! start of inference the moment before the model is called. Encoding the message is not part of it.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/bench_node/mod.rs"]
mod bench_node;

use bench_node::{Bench, cloud_of};
use criterion::{Criterion, criterion_group, criterion_main};
use percept_pipeline::TimeSettings;
use percept_pipeline::cloud::{Bounds, CloudSettings};
use percept_transport::Clock;
use std::hint::black_box;
use std::time::Duration;

fn waited(bench: &mut Bench, rows: &[[f32; 4]], frames: u64) -> Duration {
    let mut sum = Duration::ZERO;
    for _ in 0..frames {
        bench.send(cloud_of(bench.now(), "lidar", rows));
        bench.turns();
        sum += bench.last_waited();
    }
    black_box(sum)
}

fn receipt_to_inference(criterion: &mut Criterion) {
    let rows: Vec<[f32; 4]> =
        (0..125_000).map(|i| [(i % 700) as f32 * 0.1, (i / 700) as f32 * 0.1, -1.0, 0.5]).collect();
    let crop_box = Some(Bounds { min_m: [-1.0; 3], max_m: [1.0; 3] });
    let cases = [
        ("as it came", CloudSettings::default()),
        ("with a crop box", CloudSettings { crop_box, ..CloudSettings::default() }),
    ];
    let mut group = criterion.benchmark_group("receipt of 2 MB to the start of inference");
    group.sample_size(30);
    for (name, settings) in cases {
        let mut bench = Bench::on(Clock::system(), settings, TimeSettings::default());
        bench.seen.lock().unwrap().forgets = true;
        group.bench_function(name, |bencher| bencher.iter_custom(|frames| waited(&mut bench, &rows, frames)));
    }
    group.finish();
}

criterion_group!(benches, receipt_to_inference);
criterion_main!(benches);
