//! Checkpoints: one safetensors file with weights, averages, moments, and the rest of the state as JSON metadata.
//!
//! Written beside and renamed, so that a file of this name is always whole.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use candle_core::{Device, Tensor};
use percept_kernels::parameters::{HostTensor, ParameterMap};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use super::TrainSettings;
use crate::DistillError;
use crate::data::StatisticsSum;
use crate::optimiser::{AdamW, Moments, WeightAverage};

/// What is neither tensor nor setting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckpointState {
    /// Steps done.
    pub step: u64,
    /// Updates of the weights made: steps less skipped ones.
    pub updates: u64,
    /// Steps whose loss or gradient was not finite, or whose batch was empty.
    pub skipped: u64,
    /// Such steps since the last good one.
    pub skipped_in_a_row: u64,
    /// Time spent training, over all sittings.
    pub seconds: f64,
    /// What the inputs looked like.
    pub statistics: StatisticsSum,
}

/// Everything that a run needs to go on as if it had never stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Settings of the run.
    pub settings: TrainSettings,
    /// Current weights and running statistics.
    pub weights: ParameterMap,
    /// Averaged ones.
    pub average: ParameterMap,
    /// First moments.
    pub first: ParameterMap,
    /// Second moments.
    pub second: ParameterMap,
    /// What distillation trains beside the student; empty without.
    pub adapters: ParameterMap,
    /// Counters and statistics.
    pub state: CheckpointState,
}

/// Version of the format.
const FORMAT: &str = "percept-checkpoint-1";
/// Prefixes of the five groups of tensors.
const GROUPS: [&str; 5] = ["weights/", "average/", "first/", "second/", "adapters/"];

impl Checkpoint {
    /// Copies the state of a run.
    ///
    /// # Errors
    /// When moments cannot be read.
    pub fn new(
        settings: &TrainSettings,
        weights: ParameterMap,
        average: &WeightAverage,
        optimiser: &AdamW,
        state: CheckpointState,
    ) -> Result<Self, DistillError> {
        let (mut first, mut second) = (ParameterMap::new(), ParameterMap::new());
        for (name, moments) in optimiser.moments() {
            first.insert(name.clone(), to_host(&moments.first)?);
            second.insert(name.clone(), to_host(&moments.second)?);
        }
        let (settings, average) = (settings.clone(), average.tensors().clone());
        Ok(Self { settings, weights, average, first, second, adapters: ParameterMap::new(), state })
    }

    pub(super) fn moments(
        first: ParameterMap,
        mut second: ParameterMap,
    ) -> Result<BTreeMap<String, Moments>, DistillError> {
        let pair = |(name, first): (String, HostTensor)| {
            let second = second.remove(&name)?;
            Some((name, first, second))
        };
        let restore =
            |(name, first, second)| Ok((name, Moments { first: to_tensor(first)?, second: to_tensor(second)? }));
        first.into_iter().filter_map(pair).map(restore).collect()
    }

    /// Refuses to go on under other settings.
    pub(super) fn check_settings(&self, settings: &TrainSettings) -> Result<(), DistillError> {
        if &self.settings == settings {
            return Ok(());
        }
        let (old, new) = (serde_json::to_value(&self.settings)?, serde_json::to_value(settings)?);
        let differing: Vec<&str> = match (&old, &new) {
            (serde_json::Value::Object(old), serde_json::Value::Object(new)) => {
                old.iter().filter(|(key, value)| new.get(*key) != Some(*value)).map(|(key, _)| key.as_str()).collect()
            }
            _ => Vec::new(),
        };
        let reason = format!(
            "was made under other settings ({}): resume with the settings it was started with, or start anew from its weights",
            differing.join(", ")
        );
        Err(DistillError::Checkpoint { path: "(resumed)".into(), reason })
    }

    /// Writes the file beside and renames it over `path`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), DistillError> {
        let groups = [&self.weights, &self.average, &self.first, &self.second, &self.adapters];
        let named = GROUPS.iter().zip(groups).flat_map(|(prefix, group)| {
            group.iter().map(move |(name, tensor)| {
                let bytes: Vec<u8> = tensor.data.iter().flat_map(|value| value.to_le_bytes()).collect();
                (format!("{prefix}{name}"), tensor.shape.clone(), bytes)
            })
        });
        let owned: Vec<(String, Vec<usize>, Vec<u8>)> = named.collect();
        let views: Vec<(&str, TensorView<'_>)> = owned
            .iter()
            .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
            .collect::<Result<_, safetensors::SafeTensorError>>()?;
        let metadata = [
            ("format".to_owned(), FORMAT.to_owned()),
            ("settings".to_owned(), serde_json::to_string(&self.settings)?),
            ("state".to_owned(), serde_json::to_string(&self.state)?),
        ];
        let bytes = safetensors::serialize(views, Some(metadata.into()))?;
        write_atomically(path, &bytes)
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// A file that cannot be read or is no checkpoint.
    pub fn read(path: &Path) -> Result<Self, DistillError> {
        let bytes = std::fs::read(path).map_err(|source| DistillError::io(path, source))?;
        let refuse = |reason: String| DistillError::Checkpoint { path: path.to_owned(), reason };
        let damaged = |error: safetensors::SafeTensorError| refuse(format!("is no safetensors file ({error})"));
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        if metadata.get("format").map(String::as_str) != Some(FORMAT) {
            return Err(refuse(format!(
                "is no training checkpoint of format {FORMAT}; weights alone cannot be resumed"
            )));
        }
        let json = |key: &str| metadata.get(key).ok_or_else(|| refuse(format!("lacks its {key}")));
        let mut checkpoint = Self {
            settings: serde_json::from_str(json("settings")?)?,
            state: serde_json::from_str(json("state")?)?,
            weights: ParameterMap::new(),
            average: ParameterMap::new(),
            first: ParameterMap::new(),
            second: ParameterMap::new(),
            adapters: ParameterMap::new(),
        };
        for (name, view) in SafeTensors::deserialize(&bytes).map_err(damaged)?.iter() {
            let data = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            let tensor = HostTensor { shape: view.shape().to_vec(), data };
            checkpoint.take_tensor(name, tensor).map_err(refuse)?;
        }
        Ok(checkpoint)
    }

    fn take_tensor(&mut self, name: &str, tensor: HostTensor) -> Result<(), String> {
        let groups = [&mut self.weights, &mut self.average, &mut self.first, &mut self.second, &mut self.adapters];
        for (prefix, group) in GROUPS.iter().zip(groups) {
            if let Some(name) = name.strip_prefix(prefix) {
                group.insert(name.to_owned(), tensor);
                return Ok(());
            }
        }
        Err(format!("holds a tensor {name} of no known group"))
    }
}

/// Writes beside, flushes to the disk, renames.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), DistillError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let beside = path.with_file_name(name);
    let write = || {
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().map_err(|source| DistillError::io(path, source))
}

fn to_host(tensor: &Tensor) -> Result<HostTensor, DistillError> {
    Ok(HostTensor { shape: tensor.dims().to_vec(), data: tensor.flatten_all()?.to_vec1()? })
}

fn to_tensor(tensor: HostTensor) -> Result<Tensor, DistillError> {
    Ok(Tensor::from_vec(tensor.data, tensor.shape, &Device::Cpu)?)
}
