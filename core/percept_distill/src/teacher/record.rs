//! What a teacher said about one frame, as bytes: a safetensors payload of one message.
//!
//! Tensors  anchors: `anchor_index` u32 (M), `anchor_class` f16 (M, K), `anchor_box` f32 (M, 7), `anchor_direction` f16
//!          (M, 2); pillars: `pillar_coords` u16 (P, 2) of [y, x], `pillar_points` u16 (P), and `pillar_features` either f16
//!          (P, C) or i8 (P, C) with `pillar_scale` f32 (P).
//! Frame    the sensor's, not augmented; anchors and cells are those of the whole grid.
//! Key      SHA-256 of the points that the teacher saw and of the teacher; a reader holds both against its own.
//! Error    the relative error of the features is measured on writing and stands in the message.

use std::borrow::Cow;
use std::collections::BTreeMap;

use half::f16;
use percept_models::pointpillars::BOX_CODE_SIZE;
use safetensors::{Dtype, SafeTensors, View};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::AnchorTargets;
use crate::DistillError;

/// Version of the payload.
const FORMAT: &str = "percept-teacher-record-1";

/// How features are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureCodec {
    /// Half precision: what a live teacher gives as well, so no error at all.
    Fp16,
    /// Eight bits with a scale a pillar.
    Int8,
}

impl FeatureCodec {
    /// Its name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fp16 => "fp16",
            Self::Int8 => "int8",
        }
    }
}

/// The anchors of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedAnchors {
    /// On the lattice of the whole grid.
    pub targets: AnchorTargets,
}

/// The pillars of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedPillars {
    /// (P) of [y, x].
    pub coords: Vec<[u32; 2]>,
    /// (P).
    pub num_points: Vec<u32>,
    /// (P, C).
    pub features: Vec<f32>,
    /// C.
    pub channels: usize,
}

/// What the teacher said about a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct TeacherRecord {
    /// SHA-256 of the teacher's weights.
    pub teacher_sha256: String,
    /// SHA-256 of the points that it saw, see [`points_sha256`].
    pub points_sha256: String,
    /// Logits and codes, where recorded.
    pub anchors: Option<RecordedAnchors>,
    /// Pillar features, where recorded.
    pub pillars: Option<RecordedPillars>,
    /// Relative error of the features by their codec, |stored - given| / |given|; 0 for half precision.
    pub feature_error: f64,
}

/// SHA-256 of points (N, 4) as they go to the pillars.
pub fn points_sha256(points: &[f32]) -> String {
    let mut hash = Sha256::new();
    points.iter().for_each(|value| hash.update(value.to_le_bytes()));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Bytes {
    dtype: Dtype,
    shape: Vec<usize>,
    data: Vec<u8>,
}

impl View for Bytes {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.data)
    }

    fn data_len(&self) -> usize {
        self.data.len()
    }
}

fn bytes<const N: usize>(dtype: Dtype, shape: Vec<usize>, values: impl Iterator<Item = [u8; N]>) -> Bytes {
    Bytes { dtype, shape, data: values.flatten().collect() }
}

fn halves(shape: Vec<usize>, values: &[f32]) -> Bytes {
    bytes(Dtype::F16, shape, values.iter().map(|value| f16::from_f32(*value).to_le_bytes()))
}

fn floats(shape: Vec<usize>, values: &[f32]) -> Bytes {
    bytes(Dtype::F32, shape, values.iter().map(|value| value.to_le_bytes()))
}

impl TeacherRecord {
    /// The payload; the same record gives the same bytes.
    ///
    /// # Errors
    /// Numbers that are none or too large for their type.
    pub fn to_bytes(&self, codec: FeatureCodec) -> Result<Vec<u8>, DistillError> {
        let mut tensors = BTreeMap::new();
        if let Some(RecordedAnchors { targets }) = &self.anchors {
            let count = targets.anchors.len();
            tensors.insert(
                "anchor_index",
                bytes(Dtype::U32, vec![count], targets.anchors.iter().map(|a| a.to_le_bytes())),
            );
            tensors.insert("anchor_class", halves(vec![count, targets.num_classes], &targets.class_logits));
            tensors.insert("anchor_box", floats(vec![count, BOX_CODE_SIZE], &targets.box_codes));
            tensors.insert("anchor_direction", halves(vec![count, 2], &targets.direction_logits));
        }
        let mut feature_error = 0.0;
        if let Some(pillars) = &self.pillars {
            let count = pillars.coords.len();
            let coords = pillars.coords.iter().flatten().map(|cell| (*cell as u16).to_le_bytes());
            tensors.insert("pillar_coords", bytes(Dtype::U16, vec![count, 2], coords));
            let points = pillars.num_points.iter().map(|count| (*count as u16).to_le_bytes());
            tensors.insert("pillar_points", bytes(Dtype::U16, vec![count], points));
            feature_error = push_features(&mut tensors, pillars, codec);
        }
        let finite = |tensor: &Bytes| match tensor.dtype {
            Dtype::F16 => tensor.data.chunks_exact(2).all(|b| f16::from_le_bytes([b[0], b[1]]).is_finite()),
            Dtype::F32 => tensor.data.chunks_exact(4).all(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).is_finite()),
            _ => true,
        };
        if let Some((name, _)) = tensors.iter().find(|(_, tensor)| !finite(tensor)) {
            let reason =
                format!("{name} holds a number that is none or too large for half precision: the frame is not written");
            return Err(DistillError::Record { reason });
        }
        // One entry: a map of several has no order of its own, and the bytes must be the same each time.
        let header = Header {
            format: FORMAT.to_owned(),
            teacher_sha256: self.teacher_sha256.clone(),
            points_sha256: self.points_sha256.clone(),
            feature_error,
        };
        let metadata = [("percept".to_owned(), serde_json::to_string(&header)?)];
        Ok(safetensors::serialize(tensors, Some(metadata.into()))?)
    }

    /// From a payload.
    ///
    /// # Errors
    /// Bytes that are no record of this version.
    pub fn from_bytes(payload: &[u8]) -> Result<Self, DistillError> {
        let refuse = |reason: String| DistillError::Record { reason };
        let damaged = |error: safetensors::SafeTensorError| refuse(format!("the payload is damaged ({error})"));
        let (_, header) = SafeTensors::read_metadata(payload).map_err(damaged)?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get("percept").cloned());
        let text = text.ok_or_else(|| refuse("the payload has no header: this is no teacher record".to_owned()))?;
        let header: Header = serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
        if header.format != FORMAT {
            return Err(refuse(format!("is of format {:?}, this build reads {FORMAT:?}: record again", header.format)));
        }
        let file = SafeTensors::deserialize(payload).map_err(damaged)?;
        let read = Reader { file: &file };
        let anchors = file.tensor("anchor_index").is_ok().then(|| read.anchors()).transpose()?;
        let pillars = file.tensor("pillar_coords").is_ok().then(|| read.pillars()).transpose()?;
        Ok(Self {
            teacher_sha256: header.teacher_sha256,
            points_sha256: header.points_sha256,
            anchors,
            pillars,
            feature_error: header.feature_error,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    teacher_sha256: String,
    points_sha256: String,
    feature_error: f64,
}

/// Adds the features under their codec; gives the relative error of what will be read.
fn push_features(tensors: &mut BTreeMap<&'static str, Bytes>, pillars: &RecordedPillars, codec: FeatureCodec) -> f64 {
    let shape = vec![pillars.coords.len(), pillars.channels];
    if codec == FeatureCodec::Fp16 {
        tensors.insert("pillar_features", halves(shape, &pillars.features));
        return 0.0;
    }
    let (mut scales, mut values, mut error, mut length) = (Vec::new(), Vec::new(), 0.0f64, 0.0f64);
    for row in pillars.features.chunks_exact(pillars.channels.max(1)) {
        let largest = row.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        scales.push(scale);
        for value in row {
            let stored = (value / scale).round().clamp(-127.0, 127.0);
            values.push([(stored as i8).cast_unsigned()]);
            error += f64::from(stored * scale - value).powi(2);
            length += f64::from(*value).powi(2);
        }
    }
    tensors.insert("pillar_scale", floats(vec![scales.len()], &scales));
    tensors.insert("pillar_features", bytes(Dtype::I8, shape, values.into_iter()));
    if length > 0.0 { (error / length).sqrt() } else { 0.0 }
}

struct Reader<'a> {
    file: &'a SafeTensors<'a>,
}

impl Reader<'_> {
    fn raw(&self, name: &str) -> Result<(Dtype, Vec<usize>, &[u8]), DistillError> {
        let view = self.file.tensor(name);
        let view = view.map_err(|_| DistillError::Record { reason: format!("lacks its tensor {name}") })?;
        Ok((view.dtype(), view.shape().to_vec(), view.data()))
    }

    fn numbers(&self, name: &str) -> Result<Vec<u32>, DistillError> {
        let (dtype, _, data) = self.raw(name)?;
        match dtype {
            Dtype::U16 => Ok(data.chunks_exact(2).map(|b| u32::from(u16::from_le_bytes([b[0], b[1]]))).collect()),
            Dtype::U32 => Ok(data.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()),
            other => Err(DistillError::Record { reason: format!("{name} is of type {other:?}") }),
        }
    }

    fn values(&self, name: &str) -> Result<(Vec<f32>, usize), DistillError> {
        let (dtype, shape, data) = self.raw(name)?;
        let values: Vec<f32> = match dtype {
            Dtype::F16 => data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
            Dtype::F32 => data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            Dtype::I8 => data.iter().map(|byte| f32::from(byte.cast_signed())).collect(),
            other => return Err(DistillError::Record { reason: format!("{name} is of type {other:?}") }),
        };
        Ok((values, shape.get(1).copied().unwrap_or(1)))
    }

    fn anchors(&self) -> Result<RecordedAnchors, DistillError> {
        let (class_logits, num_classes) = self.values("anchor_class")?;
        let targets = AnchorTargets {
            num_classes,
            anchors: self.numbers("anchor_index")?,
            class_logits,
            box_codes: self.values("anchor_box")?.0,
            direction_logits: self.values("anchor_direction")?.0,
        };
        targets.check(num_classes, usize::MAX)?;
        if targets.is_finite() {
            return Ok(RecordedAnchors { targets });
        }
        Err(DistillError::Record { reason: "holds numbers that are none: record this bag again".to_owned() })
    }

    fn pillars(&self) -> Result<RecordedPillars, DistillError> {
        let coords: Vec<[u32; 2]> = self.numbers("pillar_coords")?.chunks_exact(2).map(|c| [c[0], c[1]]).collect();
        let (mut features, channels) = self.values("pillar_features")?;
        if self.raw("pillar_features")?.0 == Dtype::I8 {
            let (scales, _) = self.values("pillar_scale")?;
            for (row, scale) in features.chunks_exact_mut(channels.max(1)).zip(scales) {
                row.iter_mut().for_each(|value| *value *= scale);
            }
        }
        let num_points = self.numbers("pillar_points")?;
        let finite = features.iter().all(|value| value.is_finite());
        if features.len() != coords.len() * channels || num_points.len() != coords.len() || !finite {
            let reason = "its pillars contradict each other or hold numbers that are none: record this bag again";
            return Err(DistillError::Record { reason: reason.to_owned() });
        }
        Ok(RecordedPillars { coords, num_points, features, channels })
    }
}
