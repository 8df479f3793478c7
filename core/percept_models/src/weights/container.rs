//! Named tensors and texts in one safetensors file, F32 in memory.
//!
//! Bytes   the same content gives the same bytes: header keys sorted, F32 tensors before F16, each by name.
//! Limits  files of 1 GiB and headers of 16 MiB; both checked before anything is allocated for them.
//! Source  the safetensors format: u64 header length, JSON header, data without holes.

use half::f16;
use percept_kernels::parameters::{HostTensor, ParameterMap};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

use crate::ModelError;

/// Largest file that is read.
pub const MAX_FILE_BYTES: u64 = 1 << 30;
/// Largest header that is read.
pub const MAX_HEADER_BYTES: u64 = 1 << 24;

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    /// All as they are.
    F32,
    /// Weights in half the bytes; tensors of one dimension (norms, biases: few numbers of any size) stay F32.
    F16,
}

impl Precision {
    fn dtype_of(self, tensor: &HostTensor) -> Dtype {
        match self {
            Self::F16 if tensor.shape.len() > 1 => Dtype::F16,
            Self::F16 | Self::F32 => Dtype::F32,
        }
    }
}

/// Texts and tensors of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Container {
    /// The `__metadata__` map.
    pub metadata: BTreeMap<String, String>,
    /// The tensors by name.
    pub tensors: ParameterMap,
}

impl Container {
    /// The bytes of a file.
    ///
    /// # Errors
    /// A value that overflows F16; a tensor whose shape and values disagree.
    pub fn to_bytes(&self, precision: Precision) -> Result<Vec<u8>, ModelError> {
        let mut order: Vec<(Dtype, &String, &HostTensor)> =
            self.tensors.iter().map(|(name, tensor)| (precision.dtype_of(tensor), name, tensor)).collect();
        // Stable: within a type they stay by name. F32 first keeps every tensor aligned.
        order.sort_by_key(|(dtype, ..)| *dtype == Dtype::F16);
        let mut header = BTreeMap::from([("__metadata__".to_owned(), json!(self.metadata))]);
        let mut data = Vec::new();
        for (dtype, name, tensor) in order {
            let start = data.len();
            push_values(&mut data, dtype, name, tensor)?;
            let entry =
                json!({ "dtype": dtype_name(dtype), "shape": tensor.shape, "data_offsets": [start, data.len()] });
            header.insert(name.clone(), entry);
        }
        Ok(assemble(&header, &data))
    }

    /// From the bytes of a file. Types other than F32 and F16 are refused.
    ///
    /// # Errors
    /// Bytes that are no safetensors file; a tensor of another type.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        check_header_length(bytes)?;
        let format = |error: safetensors::SafeTensorError| ModelError::WeightsFormat { reason: error.to_string() };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(format)?;
        let file = SafeTensors::deserialize(bytes).map_err(format)?;
        let metadata = header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
        let mut tensors = ParameterMap::new();
        for (name, view) in file.tensors() {
            let data = match view.dtype() {
                Dtype::F32 => {
                    view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
                }
                Dtype::F16 => view.data().chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
                other => return Err(ModelError::TensorType { name, found: format!("{other:?}") }),
            };
            tensors.insert(name, HostTensor { shape: view.shape().to_vec(), data });
        }
        Ok(Self { metadata, tensors })
    }

    /// From a file.
    ///
    /// # Errors
    /// A file that cannot be read or is too large, and all that [`Container::from_bytes`] refuses.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        Self::from_bytes(&read_bounded(path)?)
    }

    /// Writes a file beside its place and moves it there when it is whole.
    ///
    /// # Errors
    /// What the file system refuses, and all that [`Container::to_bytes`] refuses.
    pub fn write(&self, path: &Path, precision: Precision) -> Result<(), ModelError> {
        let bytes = self.to_bytes(precision)?;
        let io = |source| ModelError::Io { path: path.to_owned(), source };
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".unfinished");
        let mut file = std::fs::File::create(&unfinished).map_err(io)?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(io)?;
        std::fs::rename(&unfinished, path).map_err(io)
    }
}

/// The bytes of a file of at most [`MAX_FILE_BYTES`].
pub(super) fn read_bounded(path: &Path) -> Result<Vec<u8>, ModelError> {
    let io = |source| ModelError::Io { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let reason = format!("{} has more than the {MAX_FILE_BYTES} bytes that are read", path.display());
        return Err(ModelError::WeightsFormat { reason });
    }
    Ok(bytes)
}

/// SHA-256, hexadecimal.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first eight bytes promise a length: it is held against the file before anybody believes it.
fn check_header_length(bytes: &[u8]) -> Result<(), ModelError> {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        let reason = format!("{} bytes are too few, the length of the header alone takes 8", bytes.len());
        return Err(ModelError::WeightsFormat { reason });
    };
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER_BYTES || length > rest.len() as u64 {
        let reason = format!(
            "the header claims {length} bytes, but {} follow and at most {MAX_HEADER_BYTES} are read",
            rest.len()
        );
        return Err(ModelError::WeightsFormat { reason });
    }
    Ok(())
}

fn dtype_name(dtype: Dtype) -> &'static str {
    if dtype == Dtype::F16 { "F16" } else { "F32" }
}

fn push_values(data: &mut Vec<u8>, dtype: Dtype, name: &str, tensor: &HostTensor) -> Result<(), ModelError> {
    if tensor.shape.iter().product::<usize>() != tensor.data.len() {
        let (expected, found) = (tensor.shape.clone(), vec![tensor.data.len()]);
        return Err(ModelError::TensorShape { name: name.to_owned(), expected, found });
    }
    if dtype == Dtype::F32 {
        data.extend(tensor.data.iter().flat_map(|value| value.to_le_bytes()));
        return Ok(());
    }
    for (index, value) in tensor.data.iter().enumerate() {
        let stored = f16::from_f32(*value);
        if !stored.is_finite() {
            return Err(ModelError::TensorNotFinite {
                name: name.to_owned(),
                index,
                value: *value,
                when: "when stored as F16",
            });
        }
        data.extend(stored.to_le_bytes());
    }
    Ok(())
}

fn assemble(header: &BTreeMap<String, Value>, data: &[u8]) -> Vec<u8> {
    let mut text = json!(header).to_string().into_bytes();
    // The data begin at a multiple of eight, as the format asks for.
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text);
    bytes.extend_from_slice(data);
    bytes
}
