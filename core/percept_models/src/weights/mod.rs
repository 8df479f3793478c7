//! Weights as files: safetensors with everything in the metadata that a node must know to use them.
//!
//! One JSON text under the metadata key `percept` holds [`WeightsMetadata`]; the plain keys `format`,
//! `format_version`, `architecture`, `model_id` and `class_names` repeat what people look for first.
//! Tensors carry the names of the plan's parameters. Training checkpoints hold the same tensors.

mod container;
mod metadata;

pub use container::{Container, MAX_FILE_BYTES, MAX_HEADER_BYTES, Precision};
pub use metadata::{Architecture, FORMAT_VERSION, TeacherNote, TrainingRecord, WeightsMetadata};

use percept_kernels::parameters::{HostTensor, ParameterMap, ParameterSpec};
use percept_types::ModelCard;
use std::collections::BTreeSet;
use std::path::Path;

use crate::ModelError;
use crate::pointpillars::{self, PointPillarsConfig};

/// The ready configuration of a network.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadyConfig {
    /// A PointPillars.
    PointPillars(PointPillarsConfig),
}

/// A network's weights with their identity: configuration and tensors fit each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    metadata: WeightsMetadata,
    config: ReadyConfig,
    parameters: ParameterMap,
    sha256: String,
}

impl Weights {
    /// Weights from their parts, checked as those of a file are. Their hash is that of the F32 file they would make.
    ///
    /// # Errors
    /// A configuration that is not valid; tensors that are missing, superfluous, misshapen or not finite.
    pub fn new(metadata: WeightsMetadata, parameters: ParameterMap) -> Result<Self, ModelError> {
        let config = checked(&metadata, &parameters)?;
        let container = Container { metadata: metadata.to_map()?, tensors: parameters };
        let sha256 = container::sha256_hex(&container.to_bytes(Precision::F32)?);
        Ok(Self { metadata, config, parameters: container.tensors, sha256 })
    }

    /// Weights from the bytes of a file.
    ///
    /// # Errors
    /// Damaged or hostile bytes, missing metadata, and all that [`Weights::new`] refuses.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let container = Container::from_bytes(bytes)?;
        let metadata = WeightsMetadata::from_map(&container.metadata)?;
        let config = checked(&metadata, &container.tensors)?;
        Ok(Self { metadata, config, parameters: container.tensors, sha256: container::sha256_hex(bytes) })
    }

    /// Weights from a file.
    ///
    /// # Errors
    /// A file that cannot be read or is larger than [`MAX_FILE_BYTES`], and all that [`Weights::from_bytes`] refuses.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        Self::from_bytes(&container::read_bounded(path)?)
    }

    /// Writes a file; the same weights give the same bytes. An old file is replaced only by a whole new one.
    ///
    /// # Errors
    /// A full disk or a folder that cannot be written; weights beyond the range of F16 where that is asked for.
    pub fn write(&self, path: &Path, precision: Precision) -> Result<(), ModelError> {
        let container = Container { metadata: self.metadata.to_map()?, tensors: self.parameters.clone() };
        container.write(path, precision)
    }

    /// Everything said about the weights.
    pub fn metadata(&self) -> &WeightsMetadata {
        &self.metadata
    }

    /// The configuration, checked.
    pub fn config(&self) -> &ReadyConfig {
        &self.config
    }

    /// The tensors by name, in F32.
    pub fn parameters(&self) -> &ParameterMap {
        &self.parameters
    }

    /// SHA-256 of the file, hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Who this is, running on `device`.
    pub fn card(&self, device: &str) -> ModelCard {
        let ReadyConfig::PointPillars(config) = &self.config;
        ModelCard {
            model_id: self.metadata.model_id.clone(),
            weights_sha256: self.sha256.clone(),
            class_names: config.class_names().to_vec(),
            grid: *config.grid(),
            trained_mounting: Some(config.input().mounting()),
            input_statistics: self.metadata.input_statistics.clone(),
            device: device.to_owned(),
        }
    }
}

/// The ready configuration, after the tensors were held against it.
fn checked(metadata: &WeightsMetadata, tensors: &ParameterMap) -> Result<ReadyConfig, ModelError> {
    let Architecture::PointPillars(raw) = &metadata.architecture;
    let config = PointPillarsConfig::try_from(raw.clone())?;
    let grid = config.grid();
    let canvas = percept_kernels::plan::CanvasSize { ny: grid.ny(), nx: grid.nx() };
    check_tensors(&pointpillars::topology(&config, canvas)?.parameters(), tensors)?;
    Ok(ReadyConfig::PointPillars(config))
}

fn check_tensors(specs: &[ParameterSpec], tensors: &ParameterMap) -> Result<(), ModelError> {
    let needed: BTreeSet<&String> = specs.iter().map(|spec| &spec.name).collect();
    let present: BTreeSet<&String> = tensors.keys().collect();
    if needed != present {
        let names = |set: &BTreeSet<&String>, other| set.difference(other).map(|name| (*name).clone()).collect();
        let (missing, superfluous) = (names(&needed, &present), names(&present, &needed));
        return Err(ModelError::TensorNames { missing, superfluous });
    }
    for spec in specs {
        let Some(HostTensor { shape, data }) = tensors.get(&spec.name) else { continue };
        if *shape != spec.shape || data.len() != spec.elements() {
            let (name, expected) = (spec.name.clone(), spec.shape.clone());
            return Err(ModelError::TensorShape { name, expected, found: shape.clone() });
        }
        if let Some(index) = data.iter().position(|value| !value.is_finite()) {
            return Err(ModelError::TensorNotFinite {
                name: spec.name.clone(),
                index,
                value: data[index],
                when: "as given",
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
