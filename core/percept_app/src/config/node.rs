//! What a node is told beside its detector: time, topics, what becomes of clouds before the network.

use super::error::ConfigError;
use super::mounting::MountingSource;
use super::raw::{RawConfig, Value};
use super::{DetectorConfig, Key};
use percept_pipeline::TimeSettings;
use percept_pipeline::cloud::{Bounds, CloudSettings, Mounting};
use std::time::Duration;

/// Message of a detector's boxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputType {
    /// vision_msgs/Detection3DArray.
    #[default]
    Detection3dArray,
    /// autoware_perception_msgs/DetectedObjects.
    DetectedObjects,
}

/// A node's own part of the parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeConfig {
    /// Whether the node configures and activates itself.
    pub autostart: bool,
    /// Whether a replaced weights file is taken while the node runs.
    pub watch_weights: bool,
    /// Whether time comes from /clock.
    pub use_sim_time: bool,
    /// Message of `~/output/objects`.
    pub output_type: OutputType,
    /// Inputs a second that are expected; 0: nobody knows.
    pub expected_rate_hz: f64,
    /// Limits of time.
    pub time: TimeSettings,
    /// What becomes of clouds.
    pub clouds: CloudSettings,
}

impl NodeConfig {
    /// Validates every value.
    ///
    /// # Errors
    /// Names the first key whose value is out of range or lacks another.
    pub fn from_raw(raw: &RawConfig) -> Result<Self, ConfigError> {
        let is_on = |key: &str| raw.get(key) == Some(&Value::Bool(true));
        let number = |key: &str, preset: f64| Ok::<_, ConfigError>(ranged(raw, key)?.unwrap_or(preset));
        let use_sim_time = is_on("use_sim_time");
        let max_age_ms = number("max_age_ms", 0.0)?;
        let time = TimeSettings {
            max_age_s: (max_age_ms > 0.0).then_some(max_age_ms * 1e-3),
            simulated: use_sim_time,
            ..TimeSettings::default()
        };
        Ok(Self {
            autostart: raw.get("autostart") != Some(&Value::Bool(false)),
            watch_weights: is_on("watch_weights"),
            use_sim_time,
            output_type: output_type(raw)?,
            expected_rate_hz: number("expected_rate_hz", 10.0)?,
            time,
            clouds: clouds(raw)?,
        })
    }
}

/// A number within the range that its key states.
fn ranged(raw: &RawConfig, key: &str) -> Result<Option<f64>, ConfigError> {
    let (min, max) = super::find_key(key).and_then(|key: &Key| key.range).unwrap_or((f64::MIN, f64::MAX));
    raw.number(key, min, max)
}

fn output_type(raw: &RawConfig) -> Result<OutputType, ConfigError> {
    match raw.text("output_type") {
        None | Some("detection3d_array") => Ok(OutputType::Detection3dArray),
        Some("detected_objects") => Ok(OutputType::DetectedObjects),
        Some(other) => Err(ConfigError::OutOfRange {
            key: "output_type".to_owned(),
            found: format!("\"{other}\""),
            expected: "detection3d_array or detected_objects".to_owned(),
        }),
    }
}

fn bounds(raw: &RawConfig, key: &str) -> Result<Option<Bounds>, ConfigError> {
    let Some(values @ [x0, y0, z0, x1, y1, z1]) = raw.numbers::<6>(key)? else { return Ok(None) };
    if x0 >= x1 || y0 >= y1 || z0 >= z1 {
        let expected = "x y z minimum, then x y z maximum, each above its minimum".to_owned();
        return Err(ConfigError::OutOfRange { key: key.to_owned(), found: format!("{values:?}"), expected });
    }
    Ok(Some(Bounds { min_m: [x0, y0, z0], max_m: [x1, y1, z1] }))
}

fn clouds(raw: &RawConfig) -> Result<CloudSettings, ConfigError> {
    let config = DetectorConfig::from_raw(raw)?;
    let bases = config.mounting.base_frames().into_iter().map(str::to_owned).collect();
    let mounting = match config.mounting.source {
        MountingSource::Auto => Mounting::IfKnown(bases),
        MountingSource::Tf => Mounting::Required(bases),
        MountingSource::Parameters => Mounting::Ignored,
    };
    let motion_compensation = raw.get("motion_compensation") == Some(&Value::Bool(true));
    let past_sweeps = raw.whole("past_sweeps", 0, 20)?.unwrap_or(0);
    let fixed_frame = match raw.get("fixed_frame") {
        None => Some("odom".to_owned()),
        Some(_) => raw.text("fixed_frame").map(str::to_owned),
    };
    let needs_fixed = motion_compensation || past_sweeps > 0;
    if needs_fixed && fixed_frame.is_none() {
        let present = if motion_compensation { "motion_compensation" } else { "past_sweeps" }.to_owned();
        let way_out = "name the frame that stands still: odom";
        return Err(ConfigError::Incomplete { present, missing: "fixed_frame".to_owned(), way_out });
    }
    let mut topics = vec![config.input_topic.unwrap_or_else(|| "~/input/pointcloud".to_owned())];
    topics.extend(raw.texts("further_topics").unwrap_or_default());
    let preset = CloudSettings::default();
    let timeout_ms = ranged(raw, "timeout_ms")?.unwrap_or(100.0);
    Ok(CloudSettings {
        // Several LiDARs are joined through it too, each at its own moment; without one, as if they stood still.
        fixed_frame: fixed_frame.filter(|_| needs_fixed || topics.len() > 1),
        topics,
        intensity_field: config.intensity_field.unwrap_or(preset.intensity_field),
        mounting,
        timeout: Duration::from_secs_f64(timeout_ms * 1e-3),
        sync_tolerance_s: ranged(raw, "sync_tolerance_ms")?.map_or(preset.sync_tolerance_s, |ms| ms * 1e-3),
        motion_compensation,
        past_sweeps,
        crop_frame: raw.text("crop_frame").map(str::to_owned),
        crop_box: bounds(raw, "crop_box")?,
        region_of_interest: bounds(raw, "region_of_interest")?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{DETECTOR_KEYS, Kind, Preset};
    use super::*;

    fn validated(key: &str, value: Value) -> Result<(), ConfigError> {
        let mut raw = RawConfig::default();
        raw.set(key, value)?;
        DetectorConfig::from_raw(&raw)?;
        NodeConfig::from_raw(&raw)?;
        Ok(())
    }

    #[test]
    fn the_ranges_of_the_table_are_those_that_are_accepted() {
        for key in DETECTOR_KEYS {
            let Some((min, max)) = key.range else { continue };
            let name = key.name.replace("<class>", "Car");
            let value =
                |number: f64| if key.kind == Kind::Whole { Value::Int(number as i64) } else { Value::Float(number) };
            for inside in [min, max] {
                assert!(validated(&name, value(inside)).is_ok(), "{name} = {inside}");
            }
            for outside in [min - 1.0, max + 1.0, f64::NAN] {
                let is_whole_nan = outside.is_nan() && key.kind == Kind::Whole;
                if !is_whole_nan && (outside.is_nan() || outside < min || outside > max) {
                    assert!(validated(&name, value(outside)).is_err(), "{name} = {outside}");
                }
            }
        }
    }

    #[test]
    fn what_the_table_presets_is_accepted_and_of_its_kind() {
        for key in DETECTOR_KEYS.iter().filter(|key| !key.is_pattern()) {
            let value = match key.preset {
                Preset::Bool(value) => Value::Bool(value),
                Preset::Whole(value) => Value::Int(value),
                Preset::Number(value) => Value::Float(value),
                Preset::Text(value) => Value::Text(value.to_owned()),
                Preset::Empty => Value::List(Vec::new()),
            };
            assert!(validated(key.name, value).is_ok(), "{}", key.name);
        }
    }

    #[test]
    fn a_crop_box_upside_down_and_sweeps_without_a_fixed_frame_are_refused() {
        let numbers = |values: [f64; 6]| Value::List(values.map(Value::Float).to_vec());
        assert!(validated("crop_box", numbers([0.0, 0.0, 0.0, 1.0, 1.0, -1.0])).is_err());
        assert!(validated("crop_box", numbers([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])).is_ok());
        let mut raw = RawConfig::default();
        raw.set("past_sweeps", Value::Int(2)).unwrap();
        raw.set("fixed_frame", Value::Text(String::new())).unwrap();
        assert!(NodeConfig::from_raw(&raw).unwrap_err().to_string().contains("fixed_frame"));
        assert!(validated("output_type", Value::Text("boxes".into())).is_err());
    }
}
