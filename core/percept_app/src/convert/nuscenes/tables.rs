//! nuScenes' tables: JSON arrays of rows, read one row after the other.

use crate::AppError;
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// The folder of the tables.
pub(super) struct Tables {
    folder: PathBuf,
}

/// A row of scene.json.
#[derive(Deserialize)]
pub(super) struct SceneRow {
    pub(super) token: String,
    pub(super) name: String,
}

/// A row of sample.json: a key frame.
#[derive(Deserialize)]
pub(super) struct SampleRow {
    pub(super) token: String,
    pub(super) timestamp: i64,
    pub(super) scene_token: String,
}

/// A row of sample_data.json: a file of a sensor. Stamps in microseconds.
#[derive(Deserialize)]
pub(super) struct SampleDataRow {
    pub(super) token: String,
    pub(super) sample_token: String,
    pub(super) ego_pose_token: String,
    pub(super) calibrated_sensor_token: String,
    pub(super) timestamp: i64,
    pub(super) is_key_frame: bool,
    #[serde(default)]
    pub(super) height: usize,
    #[serde(default)]
    pub(super) width: usize,
    pub(super) filename: String,
}

/// A row of ego_pose.json: the vehicle on the map; quaternion w, x, y, z.
#[derive(Deserialize)]
pub(super) struct EgoPoseRow {
    pub(super) token: String,
    pub(super) rotation: [f64; 4],
    pub(super) translation: [f64; 3],
}

/// A row of calibrated_sensor.json: a sensor on the vehicle.
#[derive(Clone, Deserialize)]
pub(super) struct CalibratedSensorRow {
    pub(super) token: String,
    pub(super) sensor_token: String,
    pub(super) rotation: [f64; 4],
    pub(super) translation: [f64; 3],
    /// 3 x 3 for cameras, empty for others.
    #[serde(default)]
    pub(super) camera_intrinsic: Vec<[f64; 3]>,
}

/// A row of sensor.json.
#[derive(Deserialize)]
pub(super) struct SensorRow {
    pub(super) token: String,
    pub(super) channel: String,
    pub(super) modality: String,
}

/// A row of sample_annotation.json: a box on the map; size width, length, height.
#[derive(Deserialize)]
pub(super) struct AnnotationRow {
    pub(super) token: String,
    pub(super) sample_token: String,
    pub(super) instance_token: String,
    #[serde(default)]
    pub(super) visibility_token: String,
    #[serde(default)]
    pub(super) attribute_tokens: Vec<String>,
    pub(super) translation: [f64; 3],
    pub(super) size: [f64; 3],
    pub(super) rotation: [f64; 4],
    #[serde(default)]
    pub(super) prev: String,
    #[serde(default)]
    pub(super) next: String,
    pub(super) num_lidar_pts: usize,
    #[serde(default)]
    pub(super) num_radar_pts: usize,
    /// Told by some relatives of the data set instead of instance.json.
    #[serde(default)]
    pub(super) category_name: String,
}

/// A row of instance.json.
#[derive(Deserialize)]
pub(super) struct InstanceRow {
    pub(super) token: String,
    pub(super) category_token: String,
}

/// A row of category.json or attribute.json.
#[derive(Deserialize)]
pub(super) struct NamedRow {
    pub(super) token: String,
    pub(super) name: String,
}

/// A row of visibility.json: `v80-100` and so on.
#[derive(Deserialize)]
pub(super) struct VisibilityRow {
    pub(super) token: String,
    pub(super) level: String,
}

/// A row of lidarseg.json.
#[derive(Deserialize)]
pub(super) struct LidarsegRow {
    pub(super) sample_data_token: String,
    pub(super) filename: String,
}

impl Tables {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Hands every row of a table to `each`, in its order.
    pub(super) fn read<T: DeserializeOwned>(&self, table: &str, mut each: impl FnMut(T)) -> Result<(), AppError> {
        let path = self.folder.join(table);
        let file = File::open(&path).map_err(AppError::io("read", &path))?;
        let mut json = serde_json::Deserializer::from_reader(BufReader::new(file));
        let rows = Rows { each: &mut each, row: PhantomData::<T> };
        (&mut json).deserialize_seq(rows).and_then(|()| json.end()).map_err(|error| AppError::DataLine {
            path,
            line: error.line(),
            reason: error.to_string(),
        })
    }

    /// As [`Tables::read`]; a table that is missing has no rows. Whether it is there.
    pub(super) fn read_if_there<T: DeserializeOwned>(
        &self,
        table: &str,
        each: impl FnMut(T),
    ) -> Result<bool, AppError> {
        let is_there = self.folder.join(table).is_file();
        if is_there {
            self.read(table, each)?;
        }
        Ok(is_there)
    }
}

/// Visits an array without keeping its rows.
struct Rows<'a, T, F> {
    each: &'a mut F,
    row: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Rows<'_, T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element()? {
            (self.each)(row);
        }
        Ok(())
    }
}
