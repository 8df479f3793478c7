//! The validated configuration of the LiDAR detector.

use super::error::ConfigError;
use super::mounting::MountingConfig;
use super::raw::{RawConfig, Value};
use percept_types::VoxelGrid;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where the network runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The GPU where there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// This GPU and no other: never falls back.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let cuda = text.strip_prefix("cuda:").and_then(|ordinal| ordinal.parse().ok());
        match (text, cuda) {
            ("auto", _) => Ok(Self::Auto),
            ("cpu", _) => Ok(Self::Cpu),
            (_, Some(ordinal)) => Ok(Self::Cuda(ordinal)),
            (_, None) => Err(ConfigError::OutOfRange {
                key: "device".to_owned(),
                found: format!("\"{text}\""),
                expected: "auto, cpu or cuda:N".to_owned(),
            }),
        }
    }
}

/// What the configuration says of a class's anchors; checked against the weights, which hold them in full.
#[derive(Clone, Debug, PartialEq)]
pub struct AnchorConfig {
    /// The class.
    pub class_name: String,
    /// Length, width, height in metres.
    pub size_m: Option<[f64; 3]>,
    /// Height of the bottom in metres.
    pub bottom_z_m: Option<f64>,
}

/// Everything that a file or a node may say; `None` leaves the choice to the weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DetectorConfig {
    /// The safetensors file.
    pub weights: Option<PathBuf>,
    /// Where the network runs.
    pub device: DeviceChoice,
    /// Threads of the network; `None`: as many as cores.
    pub threads: Option<usize>,
    /// The PointCloud2 topic; `None`: the only one there is.
    pub input_topic: Option<String>,
    /// What intensities are divided by.
    pub intensity_scale: Option<f64>,
    /// Greatest intensity after scaling.
    pub intensity_clip: Option<f64>,
    /// Field of the cloud that holds the intensity.
    pub intensity_field: Option<String>,
    /// The intensity fed where a cloud has none; `None`: such a cloud is refused.
    pub missing_intensity: Option<f64>,
    /// How the sensor is mounted.
    pub mounting: MountingConfig,
    /// Boxes below this score are dropped.
    pub score_threshold: Option<f64>,
    /// The same for single classes, instead.
    pub class_score_thresholds: BTreeMap<String, f64>,
    /// Boxes that overlap a better one by more are dropped.
    pub nms_iou_threshold: Option<f64>,
    /// Most boxes a frame.
    pub max_detections: Option<usize>,
    /// Whether markers are published.
    pub publish_markers: bool,
    /// Boxes below this score are published but not drawn, neither as markers nor in pictures.
    pub marker_score_threshold: Option<f64>,
    /// Classes that the weights must have.
    pub class_names: Option<Vec<String>>,
    /// The grid that the weights must have.
    pub grid: Option<VoxelGrid>,
    /// Points a voxel that the weights must have.
    pub max_points_per_voxel: Option<usize>,
    /// Most voxels a frame that the weights must have.
    pub max_voxels: Option<usize>,
    /// Anchors that the weights must have.
    pub anchors: Vec<AnchorConfig>,
}

impl DetectorConfig {
    /// Where nobody says otherwise, boxes below this score are not drawn: most of them are wrong, though the curve of
    /// precision over recall needs them.
    pub const MARKER_SCORE_THRESHOLD: f64 = 0.3;

    /// Name of the node whose sections of a parameter file are read.
    pub const NODE: &'static str = "lidar_detector";

    /// Reads and validates a parameter file; a relative `weights` path starts at the file's folder.
    ///
    /// # Errors
    /// Those of reading, and of [`DetectorConfig::from_raw`].
    pub fn from_yaml_file(path: &Path) -> Result<Self, ConfigError> {
        let mut config = Self::from_raw(&RawConfig::from_yaml_file(path, Self::NODE)?)?;
        if let (Some(weights), Some(folder)) = (&config.weights, path.parent()) {
            config.weights = Some(folder.join(weights));
        }
        Ok(config)
    }

    /// The score from which on boxes are drawn.
    pub fn marker_score_threshold(&self) -> f32 {
        self.marker_score_threshold.unwrap_or(Self::MARKER_SCORE_THRESHOLD) as f32
    }

    /// Takes what a command line says on top, each within the same limits as in a file.
    ///
    /// # Errors
    /// Names the first value that is out of range.
    pub fn set_overrides(
        &mut self,
        threads: Option<usize>,
        score_threshold: Option<f64>,
        intensity_scale: Option<f64>,
    ) -> Result<(), ConfigError> {
        let mut raw = RawConfig::default();
        if let Some(threads) = threads {
            raw.set("threads", Value::Int(i64::try_from(threads).unwrap_or(i64::MAX)))?;
        }
        for (key, value) in [("score_threshold", score_threshold), ("intensity_scale", intensity_scale)] {
            if let Some(value) = value {
                raw.set(key, Value::Float(value))?;
            }
        }
        let said = Self::from_raw(&raw)?;
        self.threads = said.threads.or(self.threads);
        self.score_threshold = said.score_threshold.or(self.score_threshold);
        self.intensity_scale = said.intensity_scale.or(self.intensity_scale);
        Ok(())
    }

    /// Takes what a command line says of the mounting on top, within the same limits as in a file.
    ///
    /// # Errors
    /// Names the first value that is out of range.
    pub fn set_mounting(
        &mut self,
        model_frame: Option<&str>,
        base_frame: Option<&str>,
        sensor_height_m: Option<f64>,
    ) -> Result<(), ConfigError> {
        let mut raw = RawConfig::default();
        for (key, value) in [("model_frame", model_frame), ("base_frame", base_frame)] {
            if let Some(value) = value {
                raw.set(key, Value::Text(value.to_owned()))?;
            }
        }
        if let Some(height_m) = sensor_height_m {
            raw.set("sensor_height", Value::Float(height_m))?;
        }
        let said = MountingConfig::from_raw(&raw)?;
        if model_frame.is_some() {
            self.mounting.source = said.source;
        }
        self.mounting.base_frame = said.base_frame.or(self.mounting.base_frame.take());
        self.mounting.sensor_height_m = said.sensor_height_m.or(self.mounting.sensor_height_m);
        Ok(())
    }

    /// Validates every value.
    ///
    /// # Errors
    /// Names the first key whose value is no number, out of range or incomplete.
    pub fn from_raw(raw: &RawConfig) -> Result<Self, ConfigError> {
        const ANY: f64 = f64::INFINITY;
        Ok(Self {
            weights: raw.text("weights").map(PathBuf::from),
            device: raw.text("device").map(str::parse).transpose()?.unwrap_or_default(),
            threads: raw.whole("threads", 0, 1024)?.filter(|n| *n > 0),
            input_topic: raw.text("input_topic").map(str::to_owned),
            intensity_scale: raw.number("intensity_scale", 0.0, ANY)?.filter(|scale| *scale > 0.0),
            intensity_clip: raw.number("intensity_clip", 0.0, ANY)?.filter(|clip| *clip > 0.0),
            intensity_field: raw.text("intensity_field").map(str::to_owned),
            missing_intensity: raw.number("missing_intensity", -1.0, ANY)?.filter(|value| *value >= 0.0),
            mounting: MountingConfig::from_raw(raw)?,
            score_threshold: raw.number("score_threshold", 0.0, 1.0)?,
            class_score_thresholds: class_score_thresholds(raw)?,
            nms_iou_threshold: raw.number("nms_iou_threshold", 0.0, 1.0)?,
            max_detections: raw.whole("max_detections", 1, 100_000)?,
            publish_markers: !matches!(raw.get("publish_markers"), Some(Value::Bool(false))),
            marker_score_threshold: raw.number("marker_score_threshold", 0.0, 1.0)?,
            class_names: class_names(raw)?,
            grid: grid(raw)?,
            max_points_per_voxel: raw.whole("max_points_per_voxel", 1, 1024)?,
            max_voxels: raw.whole("max_voxels", 1, 1 << 20)?,
            anchors: anchors(raw)?,
        })
    }
}

fn class_score_thresholds(raw: &RawConfig) -> Result<BTreeMap<String, f64>, ConfigError> {
    let prefix = "score_thresholds.";
    let classes = raw.names().filter_map(|name| name.strip_prefix(prefix).map(str::to_owned));
    let mut thresholds = BTreeMap::new();
    for class_name in classes {
        if let Some(threshold) = raw.number(&format!("{prefix}{class_name}"), 0.0, 1.0)? {
            thresholds.insert(class_name, threshold);
        }
    }
    Ok(thresholds)
}

fn class_names(raw: &RawConfig) -> Result<Option<Vec<String>>, ConfigError> {
    let Some(names) = raw.texts("class_names") else { return Ok(None) };
    let repeated = names.iter().enumerate().find(|(i, name)| name.is_empty() || names[..*i].contains(name));
    match repeated {
        None => Ok(Some(names)),
        Some((_, name)) => Err(ConfigError::OutOfRange {
            key: "class_names".to_owned(),
            found: format!("{names:?} with \"{name}\""),
            expected: "names that are not empty, each once".to_owned(),
        }),
    }
}

fn grid(raw: &RawConfig) -> Result<Option<VoxelGrid>, ConfigError> {
    let incomplete = |present: &str, missing: &str| ConfigError::Incomplete {
        present: present.to_owned(),
        missing: missing.to_owned(),
        way_out: "set both, or neither to take the weights' grid",
    };
    match (raw.numbers::<6>("point_cloud_range")?, raw.numbers::<3>("voxel_size")?) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(incomplete("point_cloud_range", "voxel_size")),
        (None, Some(_)) => Err(incomplete("voxel_size", "point_cloud_range")),
        (Some(range_m), Some(voxel_size_m)) => {
            VoxelGrid::new(range_m, voxel_size_m).map(Some).map_err(|source| ConfigError::Grid { source })
        }
    }
}

fn anchors(raw: &RawConfig) -> Result<Vec<AnchorConfig>, ConfigError> {
    let classes = raw.children("anchors").into_iter();
    classes
        .map(|class_name| {
            let size_key = format!("anchors.{class_name}.size");
            let size_m = raw.numbers::<3>(&size_key)?;
            if let Some(size_m) = size_m.filter(|size| size.iter().any(|side| *side <= 0.0)) {
                let expected = "length, width, height above 0 metres".to_owned();
                return Err(ConfigError::OutOfRange { key: size_key, found: format!("{size_m:?}"), expected });
            }
            let bottom_z_m = raw.number(&format!("anchors.{class_name}.bottom_z"), f64::NEG_INFINITY, f64::INFINITY)?;
            Ok(AnchorConfig { class_name, size_m, bottom_z_m })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(entries: &[(&str, Value)]) -> Result<DetectorConfig, ConfigError> {
        let mut raw = RawConfig::default();
        for (key, value) in entries {
            raw.set(key, value.clone())?;
        }
        DetectorConfig::from_raw(&raw)
    }

    fn numbers(values: &[f64]) -> Value {
        Value::List(values.iter().map(|v| Value::Float(*v)).collect())
    }

    fn message(error: ConfigError) -> String {
        use std::error::Error;
        let source = error.source().map(|s| format!(": {s}")).unwrap_or_default();
        format!("{error}{source}")
    }

    #[test]
    fn nothing_said_leaves_every_choice_to_the_weights() {
        let config = config(&[]).unwrap();
        assert_eq!(config, DetectorConfig { publish_markers: true, ..DetectorConfig::default() });
    }

    #[test]
    fn a_misspelt_key_is_an_error_that_names_the_nearest() {
        let error = config(&[("nms_iou_treshold", Value::Float(0.1))]).unwrap_err();
        assert_eq!(message(error), "unknown key nms_iou_treshold: did you mean nms_iou_threshold?");
    }

    #[test]
    fn a_nan_is_an_error_that_names_its_key() {
        let error = config(&[("score_threshold", Value::Float(f64::NAN))]).unwrap_err();
        assert_eq!(message(error), "score_threshold is NaN, expected a number from 0 to 1");
        let error = config(&[("anchors.Car.size", numbers(&[3.9, f64::NAN, 1.5]))]).unwrap_err();
        assert_eq!(message(error), "anchors.Car.size is [3.9, NaN, 1.5], expected 3 finite numbers");
    }

    #[test]
    fn a_negative_voxel_is_an_error_that_names_its_axis() {
        let range = ("point_cloud_range", numbers(&[0.0, -39.68, -3.0, 69.12, 39.68, 1.0]));
        let error = config(&[range, ("voxel_size", numbers(&[0.16, -0.16, 4.0]))]).unwrap_err();
        let text = message(error);
        assert!(text.contains("voxel_size -0.16 on axis y must be above 0"), "{text}");
    }

    #[test]
    fn a_range_without_a_voxel_size_is_incomplete() {
        let error = config(&[("point_cloud_range", numbers(&[0.0, -1.0, -3.0, 2.0, 1.0, 1.0]))]).unwrap_err();
        assert!(message(error).contains("voxel_size is not"));
    }

    #[test]
    fn a_value_of_another_type_says_what_was_expected() {
        let error = config(&[("max_detections", Value::Text("many".into()))]).unwrap_err();
        assert_eq!(message(error), "max_detections is \"many\", expected a whole number");
        let error = config(&[("max_detections", Value::Int(-3))]).unwrap_err();
        assert_eq!(message(error), "max_detections is -3, expected a whole number from 1 to 100000");
    }

    #[test]
    fn a_class_named_twice_is_refused() {
        let names = Value::List(vec![Value::Text("Car".into()), Value::Text("Car".into())]);
        assert!(message(config(&[("class_names", names)]).unwrap_err()).contains("each once"));
    }

    #[test]
    fn the_committed_file_is_valid() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../launch/params/lidar_detector.yaml");
        let config = DetectorConfig::from_yaml_file(&path).unwrap();
        assert_eq!(config.class_names.as_deref(), Some(&["Car", "Pedestrian", "Cyclist"].map(str::to_owned)[..]));
    }
}
