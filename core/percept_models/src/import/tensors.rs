//! Tensors of a checkpoint: what the pickle says of them, checked against the bytes of their storages.

use super::ImportError;
use super::archive::Container;
use super::pickle::{Object, ObjectId, Pickle};
use percept_kernels::parameters::{HostTensor, ParameterMap};

/// The number types of torch's storages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StorageType {
    F16,
    Bf16,
    F32,
    F64,
    I8,
    U8,
    Bool,
    I16,
    I32,
    I64,
}

impl StorageType {
    /// The type that a storage's class name tells.
    pub(super) fn of(pickle: &Pickle, kind: ObjectId) -> Result<Self, String> {
        let Object::Global { module, name } = pickle.get(kind) else {
            return Err("a storage has no class".to_owned());
        };
        Ok(match name.as_str() {
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::Bf16,
            "FloatStorage" => Self::F32,
            "DoubleStorage" => Self::F64,
            "CharStorage" => Self::I8,
            "ByteStorage" => Self::U8,
            "BoolStorage" => Self::Bool,
            "ShortStorage" => Self::I16,
            "IntStorage" => Self::I32,
            "LongStorage" => Self::I64,
            other => return Err(format!("storages of class {module}.{other} are not supported")),
        })
    }

    /// Bytes an element.
    pub(super) const fn size_bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }

    /// One element as `f32`; integers beyond 2^24 are rounded (only counters are such).
    fn read(self, bytes: &[u8], big_endian: bool) -> f32 {
        let mut b = [0; 8];
        let n = self.size_bytes();
        b[..n].copy_from_slice(bytes);
        if big_endian {
            b[..n].reverse();
        }
        match self {
            Self::F16 => half::f16::from_le_bytes([b[0], b[1]]).to_f32(),
            Self::Bf16 => half::bf16::from_le_bytes([b[0], b[1]]).to_f32(),
            Self::F32 => f32::from_le_bytes([b[0], b[1], b[2], b[3]]),
            Self::F64 => f64::from_le_bytes(b) as f32,
            Self::I8 => f32::from(b[0] as i8),
            Self::U8 | Self::Bool => f32::from(b[0]),
            Self::I16 => f32::from(i16::from_le_bytes([b[0], b[1]])),
            Self::I32 => i32::from_le_bytes([b[0], b[1], b[2], b[3]]) as f32,
            Self::I64 => i64::from_le_bytes(b) as f32,
        }
    }
}

/// All tensors of the table of weights, by name. What is no tensor in it (version tables and the like) is left out.
pub(super) fn state_dict(container: &Container<'_>) -> Result<ParameterMap, ImportError> {
    let pickle = &container.pickle;
    let table = find_table(pickle)?;
    let Object::Dict(items) = pickle.get(table) else { return Ok(ParameterMap::new()) };
    let mut tensors = ParameterMap::new();
    // Tensors may share a storage, but honest ones do not add up to more elements than the file has bytes.
    let mut budget = container.length_bytes;
    for (key, value) in items {
        let (Some(name), Some(description)) = (pickle.text(*key), describe(pickle, *value)) else { continue };
        let tensor = description.and_then(|d| d.read(container, &mut budget));
        tensors
            .insert(name.to_owned(), tensor.map_err(|reason| ImportError::Tensor { name: name.to_owned(), reason })?);
    }
    Ok(tensors)
}

/// OpenPCDet's `model_state`, mmdetection3d's `state_dict`, or the object itself when it holds tensors.
fn find_table(pickle: &Pickle) -> Result<ObjectId, ImportError> {
    let root = pickle.root();
    if let Some(table) = ["model_state", "state_dict"].iter().find_map(|key| pickle.dict_value(root, key)) {
        return Ok(table);
    }
    let keys = match pickle.get(root) {
        Object::Dict(items) if items.iter().any(|(_, value)| describe(pickle, *value).is_some()) => return Ok(root),
        Object::Dict(items) => {
            items.iter().filter_map(|(key, _)| pickle.text(*key)).map(str::to_owned).take(20).collect()
        }
        _ => Vec::new(),
    };
    Err(ImportError::NoStateDict { found: keys })
}

struct Description {
    kind: StorageType,
    key: String,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

/// What the pickle says of a tensor: `None` when it is no tensor.
fn describe(pickle: &Pickle, id: ObjectId) -> Option<Result<Description, String>> {
    let Object::Call { callable, arguments, .. } = pickle.get(id) else { return None };
    let Object::Global { name, .. } = pickle.get(*callable) else { return None };
    let arguments = pickle.sequence(*arguments);
    match name.as_str() {
        "_rebuild_parameter" => describe_parameter(pickle, arguments),
        "_rebuild_tensor_v2" | "_rebuild_tensor" => Some(describe_tensor(pickle, arguments)),
        _ => None,
    }
}

/// A parameter wraps a tensor; a parameter in a parameter is nobody's checkpoint.
fn describe_parameter(pickle: &Pickle, arguments: &[ObjectId]) -> Option<Result<Description, String>> {
    let Object::Call { callable, arguments, .. } = pickle.get(*arguments.first()?) else { return None };
    let Object::Global { name, .. } = pickle.get(*callable) else { return None };
    name.starts_with("_rebuild_tensor").then(|| describe_tensor(pickle, pickle.sequence(*arguments)))
}

fn describe_tensor(pickle: &Pickle, arguments: &[ObjectId]) -> Result<Description, String> {
    let [storage, offset, shape, strides, ..] = arguments else {
        return Err("it is described in an unknown way".to_owned());
    };
    let Object::Persistent(reference) = pickle.get(*storage) else {
        return Err("its storage is not in the file".to_owned());
    };
    let parts = pickle.sequence(*reference);
    let (Some(kind), Some(key)) = (parts.get(1), parts.get(2).and_then(|id| pickle.text(*id))) else {
        return Err("its storage is described in an unknown way".to_owned());
    };
    if parts.get(5).is_some_and(|view| *pickle.get(*view) != Object::None) {
        return Err("it is a view into another storage (torch before 0.4): save the checkpoint again".to_owned());
    }
    let sizes = |id: ObjectId| -> Result<Vec<usize>, String> {
        let sizes = pickle.sequence(id).iter().map(|id| pickle.size(*id)).collect::<Option<Vec<_>>>();
        sizes.filter(|s| s.len() <= 8).ok_or_else(|| "its sizes are no list of at most 8 counts".to_owned())
    };
    let offset = pickle.size(*offset).ok_or_else(|| "its offset is no count".to_owned())?;
    let (shape, strides) = (sizes(*shape)?, sizes(*strides)?);
    if shape.len() != strides.len() {
        return Err(format!("it has {} sizes but {} strides", shape.len(), strides.len()));
    }
    Ok(Description { kind: StorageType::of(pickle, *kind)?, key: key.to_owned(), offset, shape, strides })
}

impl Description {
    fn read(&self, container: &Container<'_>, budget: &mut usize) -> Result<HostTensor, String> {
        let bytes = container.storage(&self.key).ok_or_else(|| format!("storage {} is not in the file", self.key))?;
        let item = self.kind.size_bytes();
        let available = bytes.len() / item;
        let count = self.shape.iter().try_fold(1usize, |n, size| n.checked_mul(*size)).filter(|n| *n <= available);
        let count = count
            .ok_or_else(|| format!("shape {:?} asks for more than its storage's {available} elements", self.shape))?;
        let reach =
            self.shape.iter().zip(&self.strides).try_fold(self.offset, |at, (size, stride)| {
                at.checked_add(size.saturating_sub(1).checked_mul(*stride)?)
            });
        if count > 0 && reach.is_none_or(|last| last >= available) {
            return Err(format!(
                "shape {:?} with strides {:?} from {} reaches past its storage's {available} elements",
                self.shape, self.strides, self.offset
            ));
        }
        *budget = budget.checked_sub(count).ok_or_else(|| "the tensors together hold more than the file".to_owned())?;
        let mut values = Vec::with_capacity(count);
        let mut index = vec![0usize; self.shape.len()];
        for _ in 0..count {
            let at = self.offset + index.iter().zip(&self.strides).map(|(i, stride)| i * stride).sum::<usize>();
            values.push(self.kind.read(&bytes[at * item..(at + 1) * item], container.big_endian));
            advance(&mut index, &self.shape);
        }
        Ok(HostTensor { shape: self.shape.clone(), data: values })
    }
}

/// The next index in row-major order.
fn advance(index: &mut [usize], shape: &[usize]) {
    for (i, size) in index.iter_mut().zip(shape).rev() {
        *i += 1;
        if *i < *size {
            return;
        }
        *i = 0;
    }
}
