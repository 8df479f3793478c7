//! Time of each stage of a frame with random weights on this machine.
//!
//! `cargo run --release -p percept_models --example frame_time -- [1x|4x|16x] [cloud.bin of x y z intensity f32]`

use percept_kernels::parameters::initialise;
use percept_kernels::plan::CanvasSize;
use percept_models::pointpillars::{
    GridPreset, PointPillars, PointPillarsConfig, RawPointPillarsConfig, SensorOptions, Width, topology,
};
use percept_models::weights::{Architecture, Weights, WeightsMetadata};
use percept_types::{FieldType, FrameReport, Perceive, RawCloud, RawField, RawLayout};

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

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let width = arguments.first().map_or(Some(Width::Quarter), |name| Width::from_name(name));
    let width = width.ok_or("the width is one of 1x, 4x, 16x")?;
    let bytes = match arguments.get(1) {
        Some(path) => std::fs::read(path)?,
        None => scattered(),
    };
    let raw = RawPointPillarsConfig::preset(width, GridPreset::Kitti);
    let config = PointPillarsConfig::try_from(raw.clone())?;
    let parameters = initialise(&topology(&config, CanvasSize { ny: 8, nx: 8 })?, 1);
    let weights = Weights::new(WeightsMetadata::new("random", Architecture::PointPillars(raw)), parameters)?;
    let mut detector = PointPillars::new(&weights, &SensorOptions::default())?;
    let cloud = cloud(bytes);
    for frame in 0..6 {
        let mut report = FrameReport::default();
        let detections = detector.perceive(&cloud, &mut report)?;
        let stages: Vec<String> = report
            .stages
            .iter()
            .map(|stage| format!("{} {:.2} ms", stage.stage, stage.time.as_secs_f64() * 1e3))
            .collect();
        println!(
            "frame {frame}: {} points, {} pillars, {} boxes: {} (total {:.2} ms)",
            report.points_in,
            report.pillars,
            detections.boxes.len(),
            stages.join(", "),
            report.total().as_secs_f64() * 1e3
        );
    }
    Ok(())
}
