//! The shipped detector on the shipped bag, a few frames.

use super::*;
use crate::Unwatched;
use crate::config::DeviceChoice;

fn settings(frames: usize, scaling_frames: usize) -> BenchSettings {
    BenchSettings { bag: None, config: DetectorConfig::default(), frames, scaling_frames }
}

#[test]
fn every_layer_stands_beside_its_floor_and_the_frame_beside_its_stages() {
    let report = bench(settings(2, 0), &mut Unwatched).unwrap();
    let total = report.stages.last().unwrap();
    assert_eq!((total.stage.as_str(), total.count), ("total", 2));
    assert!(report.layers.len() > 20 && report.points.is_empty());
    let network = report.stages.iter().find(|stage| stage.stage == "network").unwrap();
    let sum: f64 = report.layers.iter().map(|layer| layer.latency.mean_ms).sum();
    assert!(sum <= 1.05 * network.mean_ms && sum > 0.5 * network.mean_ms, "{sum} of {}", network.mean_ms);
    assert!(report.layers.iter().all(|layer| layer.share_computed <= 1.0 && layer.floor_ms >= 0.0));
    assert!(report.layers.iter().any(|layer| layer.share_computed < 0.9), "nothing was skipped");
    let text = report.to_string();
    assert!(text.contains("floor") && text.contains("measured at the start"), "{text}");
    serde_json::to_string(&report).unwrap();
}

#[test]
fn a_gpu_that_is_not_there_is_refused_in_words() {
    let mut cuda = settings(1, 0);
    cuda.config.device = DeviceChoice::Cuda(7);
    let error = bench(cuda, &mut Unwatched).unwrap_err().to_string();
    assert!(error.contains("cuda:7"), "{error}");
}
