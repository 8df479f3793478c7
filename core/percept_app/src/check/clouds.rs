//! The first clouds of a bag, held against what the weights were trained on.

use super::Findings;
use crate::mounting::BagMounting;
use crate::replay::decode_cloud;
use crate::{AppError, DetectorConfig};
use percept_bag::{BagReader, TopicFilter};
use percept_kernels::decode_points::{Channel, ChannelSource, decode_points};
use percept_models::pointpillars::{IntensityTreatment, PointPillarsConfig};
use percept_types::{InputStatistics, VoxelGrid};
use std::path::Path;

/// Clouds looked at: a second of most sensors.
const SAMPLED_FRAMES: usize = 10;
/// Offset of the median height, in metres, from which the mounting is likely another one.
const NOTABLE_HEIGHT_M: f64 = 0.6;
/// Factor between intensities from which the scale is likely another one.
const NOTABLE_INTENSITY_FACTOR: f64 = 8.0;

/// What the first clouds look like.
#[derive(Clone, Debug, Default)]
pub(super) struct CloudSample {
    /// Clouds that could be read.
    pub(super) frames: usize,
    /// Frame of the first.
    pub(super) frame_id: String,
    /// Fields of the first.
    pub(super) fields: Vec<String>,
    /// The field taken for the intensity.
    pub(super) intensity_field: String,
    /// Finite points of all of them.
    pub(super) num_points: usize,
    /// Why others could not be read.
    pub(super) faults: Vec<String>,
    /// x, y, z, intensity (0 without one) of all points, in the frame of training where the mounting is known.
    points: Vec<[f32; 4]>,
}

/// Reads the first clouds of a topic, as the network will see them.
pub(super) fn sample_clouds(
    bag: &Path,
    reader: &BagReader,
    topic: &str,
    intensity_field: &str,
    mounting: Option<&BagMounting>,
) -> Result<CloudSample, AppError> {
    let mut sample = CloudSample { intensity_field: intensity_field.to_owned(), ..CloudSample::default() };
    let source = ChannelSource::Optional { field: intensity_field.to_owned(), otherwise: 0.0 };
    let channel = Channel { name: "intensity".to_owned(), source };
    for message in reader.messages(TopicFilter::topics([topic]))?.take(SAMPLED_FRAMES) {
        let message = message?;
        let decoded = decode_cloud(&message).map_err(|e| e.to_string()).and_then(|cloud| {
            let points = decode_points(&cloud.payload, std::slice::from_ref(&channel), Vec::new());
            points.map(|points| (cloud, points.cloud)).map_err(|e| e.to_string())
        });
        match decoded {
            Err(fault) => sample.faults.push(format!("{} at {} ns: {fault}", bag.display(), message.log_time_ns)),
            Ok((cloud, mut points)) => {
                let frame = mounting.and_then(|mounting| mounting.model_frame(&cloud.frame_id, cloud.stamp).ok());
                let num_features = points.num_features();
                frame.unwrap_or_default().to_model(points.values_mut(), num_features);
                if sample.frames == 0 {
                    sample.frame_id = cloud.frame_id;
                    sample.fields = cloud.payload.layout.fields.iter().map(|field| field.name.clone()).collect();
                }
                sample.frames += 1;
                sample.num_points += points.len();
                sample.points.extend(points.points().map(|p| [p[0], p[1], p[2], p[3]]));
            }
        }
    }
    Ok(sample)
}

/// Intensity, grid and height of the clouds against the weights.
pub(super) fn compare_with_weights(
    sample: &CloudSample,
    model: &PointPillarsConfig,
    statistics: Option<&InputStatistics>,
    config: &DetectorConfig,
    findings: &mut Findings,
) {
    if sample.points.is_empty() {
        return;
    }
    let inside = points_inside(sample, model.grid());
    let share = inside.len() as f64 / sample.points.len() as f64;
    match inside.len() {
        0 => findings.error(
            "grid",
            format!("no point lies inside the weights' range {:?} m", model.grid().range_m()),
            "use weights with a grid for this sensor, or turn the cloud into the frame they expect",
        ),
        _ => findings.ok("grid", format!("{:.0} % of the points lie inside the weights' range", share * 100.0)),
    }
    intensity(sample, &inside, model, statistics, config, findings);
    if let Some(statistics) = statistics.filter(|_| !inside.is_empty()) {
        height(&inside, model, statistics, findings);
        density(sample, &inside, statistics, findings);
    }
}

fn points_inside(sample: &CloudSample, grid: &VoxelGrid) -> Vec<[f32; 4]> {
    let inside = |p: &&[f32; 4]| grid.contains([p[0], p[1], p[2]].map(f64::from));
    sample.points.iter().filter(inside).copied().collect()
}

fn intensity(
    sample: &CloudSample,
    inside: &[[f32; 4]],
    model: &PointPillarsConfig,
    statistics: Option<&InputStatistics>,
    config: &DetectorConfig,
    findings: &mut Findings,
) {
    let IntensityTreatment::Used { scale, .. } = model.input().intensity else {
        return findings.ok("intensity", "the weights do not use it".to_owned());
    };
    if !sample.fields.contains(&sample.intensity_field) {
        let (field, fields) = (&sample.intensity_field, sample.fields.join(", "));
        let found = format!("the weights use the intensity, the cloud has no field {field}, only {fields}");
        let way_out = "name its field with intensity_field (reflectivity for some drivers), set missing_intensity to \
                       feed a constant, or use weights trained without intensity";
        return match config.missing_intensity {
            Some(value) => findings.warn("intensity", format!("{found}; {value} is fed instead"), "expect fewer boxes"),
            None => findings.error("intensity", found, way_out),
        };
    }
    let found = f64::from(percentile(inside, 3, 0.95)) / config.intensity_scale.unwrap_or(f64::from(scale));
    let expected = statistics.map_or(1.0, |s| s.intensity_percentiles[2]);
    let range = format!("95 % of the intensities are at most {found:.3} after scaling, {expected:.3} in training");
    if expected <= 0.0 || found <= 0.0 {
        findings.ok("intensity", range);
    } else if found > expected * NOTABLE_INTENSITY_FACTOR {
        findings.error("intensity", range, "set intensity_scale: 255.0 for drivers that give 0..255");
    } else if found * NOTABLE_INTENSITY_FACTOR < expected {
        findings.warn("intensity", range, "set intensity_scale to the largest intensity that this sensor gives");
    } else {
        findings.ok("intensity", range);
    }
}

fn height(inside: &[[f32; 4]], model: &PointPillarsConfig, statistics: &InputStatistics, findings: &mut Findings) {
    let trained_m = model.input().sensor_height_m;
    let found = f64::from(percentile(inside, 2, 0.5));
    let expected = statistics.z_percentiles_m[1];
    let text = format!("the median point lies at {found:.2} m, at {expected:.2} m in training");
    if (found - expected).abs() > NOTABLE_HEIGHT_M {
        let way_out = format!(
            "the weights were trained with the sensor {trained_m:.2} m above the ground: set sensor_height to the \
             height of the cloud's origin above the ground"
        );
        findings.warn("sensor height", text, way_out);
    } else {
        findings.ok("sensor height", text);
    }
}

fn density(sample: &CloudSample, inside: &[[f32; 4]], statistics: &InputStatistics, findings: &mut Findings) {
    let found = inside.len() as f64 / sample.frames.max(1) as f64;
    let expected = statistics.num_points_mean;
    let text = format!("{found:.0} points a frame inside the range, {expected:.0} in training");
    if found * 3.0 < expected {
        let way_out = "expect fewer and less sure boxes: this sensor has fewer rays than the training's";
        findings.warn("density", text, way_out);
    } else {
        findings.ok("density", text);
    }
}

fn percentile(points: &[[f32; 4]], column: usize, fraction: f64) -> f32 {
    let mut values: Vec<f32> = points.iter().map(|point| point[column]).collect();
    values.sort_by(f32::total_cmp);
    let rank = (values.len() as f64 * fraction) as usize;
    values.get(rank.min(values.len().saturating_sub(1))).copied().unwrap_or(0.0)
}
