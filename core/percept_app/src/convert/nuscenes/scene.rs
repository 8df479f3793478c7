//! What of the tables belongs to one scene.

use super::tables::{
    AnnotationRow, CalibratedSensorRow, EgoPoseRow, InstanceRow, LidarsegRow, NamedRow, SampleDataRow, SampleRow,
    SceneRow, SensorRow, Tables, VisibilityRow,
};
use crate::AppError;
use percept_types::{Stamp, Transform};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A scene's frames with everything the tables tell of them.
pub(super) struct Scene {
    pub(super) name: String,
    /// In the order of time.
    pub(super) frames: Vec<SceneFrame>,
    /// Boxes by their token.
    pub(super) annotations: BTreeMap<String, Annotation>,
    /// Number of an instance through the scene, from 1, in the order of first appearance.
    pub(super) instance_numbers: BTreeMap<String, u32>,
    /// Whether there is a table of classes of points.
    pub(super) has_point_labels: bool,
    pub(super) left_out: LeftOut,
}

/// Rows that cannot be used, counted.
#[derive(Default)]
pub(super) struct LeftOut {
    files: u64,
    boxes: u64,
}

/// A key frame, or a sweep between two.
pub(super) struct SceneFrame {
    /// Of the sample; of the file of a sweep between samples.
    pub(super) token: String,
    pub(super) is_key: bool,
    stamp: Stamp,
    pub(super) lidar: Option<SensorFile>,
    /// By channel and time.
    pub(super) cameras: Vec<SensorFile>,
    /// File of the sweep's classes.
    pub(super) lidarseg: Option<String>,
    /// Tokens of its boxes, in the table's order.
    pub(super) annotations: Vec<String>,
}

/// What a sensor recorded, with where it and the vehicle were.
pub(super) struct SensorFile {
    pub(super) channel: String,
    pub(super) stamp: Stamp,
    pub(super) file: String,
    pub(super) size_px: [usize; 2],
    pub(super) intrinsics: [f64; 9],
    pub(super) t_base_sensor: Transform,
    pub(super) t_map_base: Transform,
}

/// A box on the map.
pub(super) struct Annotation {
    pub(super) row: AnnotationRow,
    pub(super) timestamp_us: i64,
    pub(super) t_map_box: Transform,
    pub(super) category: String,
    pub(super) visibility: String,
    pub(super) attribute: Option<String>,
}

impl Scene {
    /// Reads the scene asked for, or the only one; `sweeps` with what lies between key frames.
    pub(super) fn read(tables: &Tables, asked: Option<&str>, sweeps: bool) -> Result<Self, AppError> {
        let (scene_token, name) = pick_scene(tables, asked)?;
        let mut samples: Vec<SampleRow> = Vec::new();
        tables.read("sample.json", |row: SampleRow| samples.extend((row.scene_token == scene_token).then_some(row)))?;
        samples.sort_by_key(|row| row.timestamp);
        let times: BTreeMap<String, i64> = samples.iter().map(|row| (row.token.clone(), row.timestamp)).collect();
        let mut left_out = LeftOut::default();
        let SceneFiles { by_sample: mut files, between } = read_files(tables, &times, sweeps, &mut left_out)?;
        let annotations = read_annotations(tables, &times, &mut left_out)?;
        let mut boxes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for annotation in &annotations {
            let of_sample = boxes.entry(annotation.row.sample_token.clone()).or_default();
            of_sample.push(annotation.row.token.clone());
        }
        let lidarseg_files = read_lidarseg(tables, &files)?;
        let has_point_labels = lidarseg_files.is_some();
        let lidarseg_files = lidarseg_files.unwrap_or_default();
        let key_frame = |sample: SampleRow| {
            let files = files.remove(&sample.token).unwrap_or_default();
            let annotations = boxes.remove(&sample.token).unwrap_or_default();
            key_frame(sample, files, &lidarseg_files, annotations)
        };
        let mut frames: Vec<SceneFrame> = samples.into_iter().map(key_frame).collect();
        add_between(&mut frames, between);
        Ok(Self {
            name,
            frames,
            instance_numbers: instance_numbers(&annotations),
            annotations: annotations.into_iter().map(|a| (a.row.token.clone(), a)).collect(),
            has_point_labels,
            left_out,
        })
    }

    /// Where the LiDAR sits, and where on the map the scene's first sweep was: there odometry starts.
    pub(super) fn mounting_and_origin(&self, tables: &Path) -> Result<(Transform, Transform), AppError> {
        let first = self.frames.iter().find_map(|frame| frame.lidar.as_ref());
        first.map(|lidar| (lidar.t_base_sensor, lidar.t_map_base)).ok_or_else(|| {
            let reason = format!("{} has no key frame of a LiDAR with its pose and calibration", self.name);
            AppError::data_file(&tables.join("sample_data.json"), reason)
        })
    }
}

fn pick_scene(tables: &Tables, asked: Option<&str>) -> Result<(String, String), AppError> {
    let mut scenes: Vec<(String, String)> = Vec::new();
    tables.read("scene.json", |row: SceneRow| scenes.push((row.name, row.token)))?;
    scenes.sort_unstable();
    let path = tables.folder().to_owned();
    let names = || scenes.iter().map(|(name, _)| name.clone()).collect();
    match (asked, scenes.as_slice()) {
        (None, [(name, token)]) => Ok((token.clone(), name.clone())),
        (None, _) => Err(AppError::SeveralDrives { path, what: "scenes", option: "--scene", candidates: names() }),
        (Some(asked), _) => match scenes.iter().find(|(name, _)| name == asked) {
            Some((name, token)) => Ok((token.clone(), name.clone())),
            None => Err(AppError::NoSuchDrive { path, asked: format!("scene {asked}"), candidates: names() }),
        },
    }
}

impl LeftOut {
    pub(super) fn in_words(&self) -> impl Iterator<Item = String> + use<> {
        let told = |count: u64, what: &str| (count > 0).then(|| format!("{count} {what}"));
        let files = told(self.files, "rows of sample_data without a usable pose, calibration or sensor are left out");
        let boxes = told(self.boxes, "rows of sample_annotation that make no box are left out");
        files.into_iter().chain(boxes)
    }
}

/// A file with its sensor's kind and the token of its row.
struct RecordedFile {
    token: String,
    modality: String,
    file: SensorFile,
}

/// Files of a scene.
#[derive(Default)]
struct SceneFiles {
    /// Of key frames, by the sample.
    by_sample: BTreeMap<String, Vec<RecordedFile>>,
    /// Between key frames.
    between: Vec<RecordedFile>,
}

/// Files of key frames by sample and, with `sweeps`, those between; those whose pose or calibration is missing are left
/// out and counted.
fn read_files(
    tables: &Tables,
    times: &BTreeMap<String, i64>,
    sweeps: bool,
    left_out: &mut LeftOut,
) -> Result<SceneFiles, AppError> {
    let mut rows: Vec<SampleDataRow> = Vec::new();
    let is_wanted = |row: &SampleDataRow| (sweeps || row.is_key_frame) && times.contains_key(&row.sample_token);
    tables.read("sample_data.json", |row| rows.extend(Some(row).filter(is_wanted)))?;
    let mut sensors: BTreeMap<String, SensorRow> = BTreeMap::new();
    tables.read("sensor.json", |row: SensorRow| drop(sensors.insert(row.token.clone(), row)))?;
    let wanted: BTreeSet<&str> = rows.iter().map(|row| row.calibrated_sensor_token.as_str()).collect();
    let mut mounts: BTreeMap<String, CalibratedSensorRow> = BTreeMap::new();
    tables.read("calibrated_sensor.json", |row: CalibratedSensorRow| {
        if wanted.contains(row.token.as_str()) {
            mounts.insert(row.token.clone(), row);
        }
    })?;
    let wanted: BTreeSet<&str> = rows.iter().map(|row| row.ego_pose_token.as_str()).collect();
    let mut poses: BTreeMap<String, Transform> = BTreeMap::new();
    tables.read("ego_pose.json", |row: EgoPoseRow| {
        if let Some(pose) = transform(row.translation, row.rotation).filter(|_| wanted.contains(row.token.as_str())) {
            poses.insert(row.token, pose);
        }
    })?;
    let mut files = SceneFiles::default();
    for row in &rows {
        let mount = mounts.get(&row.calibrated_sensor_token);
        let sensor = mount.and_then(|mount| sensors.get(&mount.sensor_token));
        let read = mount.zip(sensor).zip(poses.get(&row.ego_pose_token)).and_then(|((mount, sensor), t_map_base)| {
            let file = sensor_file(row, mount, sensor, *t_map_base)?;
            Some(RecordedFile { token: row.token.clone(), modality: sensor.modality.clone(), file })
        });
        match read {
            None => left_out.files += 1,
            Some(file) if row.is_key_frame => files.by_sample.entry(row.sample_token.clone()).or_default().push(file),
            Some(file) => files.between.push(file),
        }
    }
    Ok(files)
}

fn sensor_file(
    row: &SampleDataRow,
    mount: &CalibratedSensorRow,
    sensor: &SensorRow,
    t_map_base: Transform,
) -> Option<SensorFile> {
    let intrinsics: [f64; 9] = match mount.camera_intrinsic.as_slice() {
        [] => [0.0; 9],
        rows => rows.concat().try_into().ok()?,
    };
    Some(SensorFile {
        channel: sensor.channel.clone(),
        stamp: Stamp::from_ns(row.timestamp.checked_mul(1000)?),
        file: row.filename.clone(),
        size_px: [row.width, row.height],
        intrinsics,
        t_base_sensor: transform(mount.translation, mount.rotation)?,
        t_map_base,
    })
}

/// From metres and a quaternion w, x, y, z.
fn transform(translation_m: [f64; 3], [w, x, y, z]: [f64; 4]) -> Option<Transform> {
    Transform::from_parts(translation_m, [x, y, z, w])
}

/// Boxes of the scene in the order of the table; those whose numbers make no box are left out.
fn read_annotations(
    tables: &Tables,
    times: &BTreeMap<String, i64>,
    left_out: &mut LeftOut,
) -> Result<Vec<Annotation>, AppError> {
    let mut rows: Vec<AnnotationRow> = Vec::new();
    let is_wanted = |row: &AnnotationRow| times.contains_key(&row.sample_token);
    tables.read_if_there("sample_annotation.json", |row| rows.extend(Some(row).filter(is_wanted)))?;
    let names = |table: &str| -> Result<BTreeMap<String, String>, AppError> {
        let mut names = BTreeMap::new();
        tables.read_if_there(table, |row: NamedRow| drop(names.insert(row.token, row.name)))?;
        Ok(names)
    };
    let (categories, attributes) = (names("category.json")?, names("attribute.json")?);
    let wanted: BTreeSet<&str> = rows.iter().map(|row| row.instance_token.as_str()).collect();
    let mut instances: BTreeMap<String, String> = BTreeMap::new();
    tables.read_if_there("instance.json", |row: InstanceRow| {
        if wanted.contains(row.token.as_str()) {
            instances.insert(row.token, row.category_token);
        }
    })?;
    let mut levels: BTreeMap<String, String> = BTreeMap::new();
    tables.read_if_there("visibility.json", |row: VisibilityRow| drop(levels.insert(row.token, row.level)))?;
    let num_rows = rows.len();
    let annotation = |row: AnnotationRow| {
        if row.size.iter().any(|side_m| *side_m <= 0.0) {
            return None;
        }
        let told = instances.get(&row.instance_token).and_then(|token| categories.get(token));
        Some(Annotation {
            timestamp_us: times.get(&row.sample_token).copied()?,
            t_map_box: transform(row.translation, row.rotation)?,
            category: told.unwrap_or(&row.category_name).clone(),
            visibility: levels.get(&row.visibility_token).cloned().unwrap_or_default(),
            attribute: row.attribute_tokens.first().and_then(|token| attributes.get(token)).cloned(),
            row,
        })
    };
    let annotations: Vec<Annotation> = rows.into_iter().filter_map(annotation).collect();
    left_out.boxes += (num_rows - annotations.len()) as u64;
    Ok(annotations)
}

/// Files of classes by the token of their sweep; `None` without a table.
fn read_lidarseg(
    tables: &Tables,
    files: &BTreeMap<String, Vec<RecordedFile>>,
) -> Result<Option<BTreeMap<String, String>>, AppError> {
    let wanted: BTreeSet<&str> = files.values().flatten().map(|file| file.token.as_str()).collect();
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    let is_there = tables.read_if_there("lidarseg.json", |row: LidarsegRow| {
        if wanted.contains(row.sample_data_token.as_str()) {
            labels.insert(row.sample_data_token, row.filename);
        }
    })?;
    Ok(is_there.then_some(labels))
}

fn key_frame(
    sample: SampleRow,
    files: Vec<RecordedFile>,
    lidarseg_files: &BTreeMap<String, String>,
    annotations: Vec<String>,
) -> SceneFrame {
    let stamp = Stamp::from_ns(sample.timestamp.saturating_mul(1000));
    let mut frame = SceneFrame { annotations, ..SceneFrame::without_files(sample.token, true, stamp) };
    for key_file in files {
        match key_file.modality.as_str() {
            // The sweep on the roof before any other LiDAR of relatives of the data set.
            "lidar" if frame.lidar.is_none() || key_file.file.channel == "LIDAR_TOP" => {
                frame.lidarseg = lidarseg_files.get(&key_file.token).cloned();
                frame.lidar = Some(key_file.file);
            }
            "camera" => frame.cameras.push(key_file.file),
            _ => {}
        }
    }
    frame.cameras.sort_by(|a, b| a.channel.cmp(&b.channel));
    frame
}

impl SceneFrame {
    fn without_files(token: String, is_key: bool, stamp: Stamp) -> Self {
        let (cameras, annotations) = (Vec::new(), Vec::new());
        Self { token, is_key, stamp, lidar: None, cameras, lidarseg: None, annotations }
    }
}

/// Adds sweeps between key frames as frames of their own, and each image to the frame nearest in time.
fn add_between(frames: &mut Vec<SceneFrame>, between: Vec<RecordedFile>) {
    let Some(channel) = frames.iter().find_map(|frame| frame.lidar.as_ref()).map(|lidar| lidar.channel.clone()) else {
        return;
    };
    let mut images = Vec::new();
    for recorded in between {
        match recorded.modality.as_str() {
            "lidar" if recorded.file.channel == channel => {
                let frame = SceneFrame::without_files(recorded.token, false, recorded.file.stamp);
                frames.push(SceneFrame { lidar: Some(recorded.file), ..frame });
            }
            "camera" => images.push(recorded.file),
            _ => {}
        }
    }
    frames.sort_by_key(|frame| frame.stamp);
    for image in images {
        let after = frames.partition_point(|frame| frame.stamp < image.stamp);
        let apart_ns =
            |index: &usize| frames.get(*index).map(|f| f.stamp.nanoseconds.abs_diff(image.stamp.nanoseconds));
        let nearest = [after.saturating_sub(1), after].into_iter().min_by_key(|i| apart_ns(i).unwrap_or(u64::MAX));
        if let Some(frame) = nearest.and_then(|index| frames.get_mut(index)) {
            frame.cameras.push(image);
        }
    }
    for frame in frames {
        frame.cameras.sort_by(|a, b| (&a.channel, a.stamp).cmp(&(&b.channel, b.stamp)));
    }
}

fn instance_numbers(annotations: &[Annotation]) -> BTreeMap<String, u32> {
    let mut by_time: Vec<&Annotation> = annotations.iter().collect();
    by_time.sort_by_key(|annotation| annotation.timestamp_us);
    let mut numbers = BTreeMap::new();
    for annotation in by_time {
        let next = numbers.len() as u32 + 1;
        numbers.entry(annotation.row.instance_token.clone()).or_insert(next);
    }
    numbers
}
