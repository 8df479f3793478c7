//! How a frame grows with its points and with its pillars, on made-up clouds.

use super::{WARM_UP, frame};
use crate::{AppError, Progress};
use percept_eval::latency::StageLatency;
use percept_models::pointpillars::PointPillars;
use percept_types::{FieldType, MountedCloud, RawCloud, RawField, RawLayout};
use serde::Serialize;
use std::time::Duration;

/// Points of a cloud like a LiDAR's: dense near the sensor.
const POINTS: [usize; 6] = [5_000, 25_000, 50_000, 100_000, 200_000, 500_000];
/// Pillars of one point each, evenly over the grid.
const PILLARS: [usize; 5] = [1_000, 5_000, 10_000, 20_000, 40_000];

/// One point of a curve: medians of some frames.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScalingPoint {
    /// Points of the cloud.
    pub points: usize,
    /// Of them in range.
    pub points_in_range: usize,
    /// Pillars that came of them.
    pub pillars: usize,
    /// Decoding and making pillars, median.
    pub input_ms: f64,
    /// The network, median.
    pub network_ms: f64,
    /// The whole frame.
    pub frame: StageLatency,
}

/// Both curves.
#[derive(Default)]
pub(super) struct Scaling {
    pub(super) points: Vec<ScalingPoint>,
    pub(super) pillars: Vec<ScalingPoint>,
}

/// Measures both, `frames` frames a point.
pub(super) fn measure(
    model: &mut PointPillars,
    frames: usize,
    progress: &mut dyn Progress,
) -> Result<Scaling, AppError> {
    let mut scaling = Scaling::default();
    if frames == 0 {
        return Ok(scaling);
    }
    let range = model.config().grid().range_m();
    progress.begin("scaling", Some((POINTS.len() + PILLARS.len()) as u64));
    for count in POINTS {
        if progress.stop_asked() {
            break;
        }
        scaling.points.push(point(model, &like_a_sweep(count, range), frames)?);
        progress.advance(1);
    }
    for count in PILLARS {
        if progress.stop_asked() {
            break;
        }
        scaling.pillars.push(point(model, &evenly(count, range), frames)?);
        progress.advance(1);
    }
    progress.end();
    Ok(scaling)
}

fn point(model: &mut PointPillars, cloud: &MountedCloud, frames: usize) -> Result<ScalingPoint, AppError> {
    let (mut input, mut network, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    let (mut pillars, mut in_range) = (0, 0);
    for index in 0..frames + WARM_UP {
        let report = frame(model, cloud)?;
        if index < WARM_UP {
            continue;
        }
        let of = |names: &[&str]| -> Duration {
            report.stages.iter().filter(|stage| names.contains(&stage.stage)).map(|stage| stage.time).sum()
        };
        input.push(of(&["decode_points", "pillarize"]));
        network.push(of(&["network"]));
        whole.push(report.total());
        (pillars, in_range) = (report.pillars, report.points_in - report.points_out_of_range);
    }
    let median = |times: &[Duration]| StageLatency::of("", times).map_or(0.0, |latency| latency.p50_ms);
    let latency = StageLatency::of("frame", &whole);
    let latency = latency.ok_or_else(|| AppError::stage("measuring")("no frame was measured"))?;
    Ok(ScalingPoint {
        points: cloud.cloud.width,
        points_in_range: in_range,
        pillars,
        input_ms: median(&input),
        network_ms: median(&network),
        frame: latency,
    })
}

/// Denser near the sensor, as sweeps are.
fn like_a_sweep(count: usize, range: [f64; 6]) -> MountedCloud {
    let far = range[3].max(range[4]);
    let part = |i: usize, g: f64| (i as f64 * g).fract();
    cloud(count, |i| {
        let (distance, angle) = (far * part(i, 0.819_172).powi(2), (part(i, 0.671_043) - 0.5) * 3.0);
        [distance * angle.cos(), distance * angle.sin(), range[2] + part(i, 0.549_7) * (range[5] - range[2])]
    })
}

/// One point a cell, cells evenly over the grid.
fn evenly(count: usize, range: [f64; 6]) -> MountedCloud {
    let columns = (count as f64).sqrt().ceil() as usize;
    let rows = count.div_ceil(columns);
    let at = |index: usize, of: usize, low: f64, high: f64| low + (index as f64 + 0.5) / of as f64 * (high - low);
    cloud(count, |i| {
        let (x, y) = (at(i % columns, columns, range[0], range[3]), at(i / columns, rows, range[1], range[4]));
        [x, y, 0.5 * (range[2] + range[5])]
    })
}

fn cloud(count: usize, place: impl Fn(usize) -> [f64; 3]) -> MountedCloud {
    let mut bytes = Vec::with_capacity(count * 16);
    for i in 0..count {
        let [x, y, z] = place(i).map(|v| v as f32);
        for value in [x, y, z, (i % 256) as f32 / 255.0] {
            bytes.extend(value.to_le_bytes());
        }
    }
    let fields = ["x", "y", "z", "intensity"].into_iter().enumerate().map(|(index, name)| RawField {
        name: name.to_owned(),
        offset: 4 * index,
        datatype: FieldType::F32,
        count: 1,
    });
    let layout = RawLayout { fields: fields.collect() };
    let row_step = bytes.len();
    MountedCloud::from(RawCloud { row_step, bytes, layout, width: count, height: 1, point_step: 16, big_endian: false })
}
