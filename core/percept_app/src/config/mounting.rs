//! What the configuration says of the sensor's mounting.

use super::error::ConfigError;
use super::raw::RawConfig;
use percept_types::{TrainedMounting, Transform};
use std::str::FromStr;

/// Whence the mounting is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MountingSource {
    /// TF where it knows the way to the base frame, else as in training.
    #[default]
    Auto,
    /// TF, and nothing without it.
    Tf,
    /// TF is not asked.
    Parameters,
}

impl FromStr for MountingSource {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text {
            "auto" => Ok(Self::Auto),
            "tf" => Ok(Self::Tf),
            "parameters" => Ok(Self::Parameters),
            _ => Err(ConfigError::OutOfRange {
                key: "model_frame".to_owned(),
                found: format!("\"{text}\""),
                expected: "auto, tf or parameters".to_owned(),
            }),
        }
    }
}

/// How a sensor's clouds get into the frame of training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MountingConfig {
    /// Whence the mounting is known.
    pub source: MountingSource,
    /// The TF frame on the ground; `None`: base_footprint where there is one, else base_link.
    pub base_frame: Option<String>,
    /// Height of the cloud's origin above the ground in metres, instead of what TF or training say.
    pub sensor_height_m: Option<f64>,
    /// Roll, pitch and yaw of the cloud's axes in the vehicle's, radians, instead of what TF or training say.
    pub sensor_rotation_rad: Option<[f64; 3]>,
}

impl MountingConfig {
    pub(super) fn from_raw(raw: &RawConfig) -> Result<Self, ConfigError> {
        let sensor_rotation_rad = raw.numbers::<3>("sensor_rotation")?;
        if let Some(angles) = sensor_rotation_rad.filter(|angles| angles.iter().any(|angle| angle.abs() > 7.0)) {
            return Err(ConfigError::OutOfRange {
                key: "sensor_rotation".to_owned(),
                found: format!("{angles:?}"),
                expected: "roll, pitch and yaw in radians, each from -7 to 7".to_owned(),
            });
        }
        Ok(Self {
            source: raw.text("model_frame").map(str::parse).transpose()?.unwrap_or_default(),
            base_frame: raw.text("base_frame").map(str::to_owned),
            sensor_height_m: raw.number("sensor_height", 0.0, 100.0)?.filter(|height| *height > 0.0),
            sensor_rotation_rad,
        })
    }

    /// Frames to look for on the ground, the best first.
    pub fn base_frames(&self) -> Vec<&str> {
        self.base_frame.as_deref().map_or(vec!["base_footprint", "base_link"], |frame| vec![frame])
    }

    /// Whether anything is said that replaces what TF or training say.
    pub fn is_explicit(&self) -> bool {
        self.sensor_height_m.is_some() || self.sensor_rotation_rad.is_some()
    }

    /// `t_base_lidar` from what TF tells, where it does, and what is said here on top; `None`: as in training.
    pub fn t_base_lidar(&self, from_tf: Option<&Transform>, trained: &TrainedMounting) -> Option<Transform> {
        if from_tf.is_none() && !self.is_explicit() {
            return None;
        }
        let told = from_tf.copied().unwrap_or_else(|| trained.t_base_lidar());
        let [x, y, z] = told.translation_m();
        let at_m = [x, y, self.sensor_height_m.unwrap_or(z)];
        match self.sensor_rotation_rad {
            Some(angles) => Some(Transform::from_roll_pitch_yaw(at_m, angles)),
            None => Transform::from_parts(at_m, told.quaternion_xyzw()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::raw::Value;
    use super::*;
    use percept_types::ModelFrame;

    const TRAINED: TrainedMounting = TrainedMounting { sensor_height_m: 1.73, forward_yaw_rad: 0.0 };

    fn config(entries: &[(&str, Value)]) -> Result<MountingConfig, ConfigError> {
        let mut raw = RawConfig::default();
        for (key, value) in entries {
            raw.set(key, value.clone())?;
        }
        MountingConfig::from_raw(&raw)
    }

    #[test]
    fn what_is_said_replaces_that_part_of_tf_alone() {
        let from_tf = Transform::from_roll_pitch_yaw([1.0, 0.5, 0.0], [0.0, 0.1, 0.3]);
        let height = config(&[("sensor_height", Value::Float(2.0))]).unwrap();
        let found = height.t_base_lidar(Some(&from_tf), &TRAINED).unwrap();
        assert_eq!(found.translation_m(), [1.0, 0.5, 2.0]);
        assert!((found.yaw_rad() - from_tf.yaw_rad()).abs() < 1e-12);
        let angles = [0.0, 0.0, -1.5].map(Value::Float).to_vec();
        let turned = config(&[("sensor_rotation", Value::List(angles))]).unwrap();
        let found = turned.t_base_lidar(None, &TRAINED).unwrap();
        assert!((found.translation_m()[2] - 1.73).abs() < 1e-12 && (found.yaw_rad() + 1.5).abs() < 1e-12);
    }

    #[test]
    fn nothing_said_is_as_in_training_and_so_is_its_height_said() {
        let nothing = config(&[]).unwrap();
        assert_eq!((nothing.clone(), nothing.t_base_lidar(None, &TRAINED)), (MountingConfig::default(), None));
        let same = config(&[("sensor_height", Value::Float(1.73))]).unwrap().t_base_lidar(None, &TRAINED);
        assert_eq!(ModelFrame::new(&TRAINED, same.as_ref()), ModelFrame::default());
    }

    #[test]
    fn values_that_are_none_are_refused_by_name() {
        let refused = |key: &str, value: Value| config(&[(key, value)]).unwrap_err().to_string();
        assert!(refused("model_frame", Value::Text("TF".into())).contains("auto, tf or parameters"));
        let degrees = Value::List(vec![Value::Float(180.0), Value::Float(0.0), Value::Float(0.0)]);
        assert!(refused("sensor_rotation", degrees).contains("radians"));
        assert!(refused("sensor_rotation", Value::List(vec![Value::Float(1.0)])).contains("3 finite numbers"));
    }
}
