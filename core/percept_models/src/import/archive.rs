//! The two containers of `torch.save`: a zip archive (since torch 1.6) and a bare stream (before).
//!
//! Both hold a pickle that names storages, and the storages' bytes. The zip archive stores them as entries
//! `<name>/data.pkl` and `<name>/data/<key>`, never compressed. The stream is five pickles (magic number, protocol,
//! system, object, storage keys), then for each key its length (i64) and its bytes.
//! Source: PyTorch, `torch/serialization.py` (`_save`, `_legacy_save`).

use super::pickle::{Object, Pickle};
use super::tensors::StorageType;
use super::{ImportError, PickleError};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::ops::Range;

/// LONG1 of ten bytes: the magic number 0x1950a86a20f9469cfc6c that opens the stream.
const LEGACY_MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// A checkpoint taken apart: its pickle and where its storages lie.
pub(super) struct Container<'a> {
    pub(super) pickle: Pickle,
    storages: BTreeMap<String, Storage<'a>>,
    pub(super) big_endian: bool,
    /// Size of the file.
    pub(super) length_bytes: usize,
}

enum Storage<'a> {
    Borrowed(&'a [u8]),
    Owned(Vec<u8>),
}

impl<'a> Container<'a> {
    /// Takes a file apart by its first bytes.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ImportError> {
        if bytes.starts_with(b"PK\x03\x04") {
            open_zip(bytes)
        } else if bytes.first() == Some(&0x80) {
            open_stream(bytes)
        } else {
            Err(ImportError::UnknownSerialisation { found: bytes.iter().take(8).copied().collect() })
        }
    }

    /// The bytes of a storage.
    pub(super) fn storage(&self, key: &str) -> Option<&[u8]> {
        Some(match self.storages.get(key)? {
            Storage::Borrowed(bytes) => bytes,
            Storage::Owned(bytes) => bytes,
        })
    }
}

fn archive_fault(reason: impl ToString) -> ImportError {
    ImportError::Archive { reason: reason.to_string() }
}

fn open_zip(bytes: &[u8]) -> Result<Container<'_>, ImportError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(archive_fault)?;
    let mut pickle = None;
    let mut storages = BTreeMap::new();
    let mut big_endian = false;
    let mut budget = bytes.len();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(archive_fault)?;
        let name = entry.name().map_err(archive_fault)?.into_owned();
        let Some((_, inner)) = name.split_once('/') else { continue };
        let wanted = inner == "data.pkl" || inner == "byteorder" || inner.starts_with("data/");
        if !wanted {
            continue;
        }
        let content = read_entry(&mut entry, &name, &mut budget)?;
        match inner {
            "data.pkl" => pickle = Some(Pickle::read(&content)?),
            "byteorder" => big_endian = content == b"big",
            _ => drop(storages.insert(inner["data/".len()..].to_owned(), Storage::Owned(content))),
        }
    }
    let pickle =
        pickle.ok_or_else(|| archive_fault("it has no entry data.pkl: is this a zip file of something else?"))?;
    Ok(Container { pickle, storages, big_endian, length_bytes: bytes.len() })
}

/// Reads an entry; all entries together may be no larger than the file, since torch never compresses.
fn read_entry(
    entry: &mut zip::read::ZipFile<'_, Cursor<&[u8]>>,
    name: &str,
    budget: &mut usize,
) -> Result<Vec<u8>, ImportError> {
    if entry.compression() != zip::CompressionMethod::Stored {
        return Err(archive_fault(format!("entry {name} is compressed, which torch.save never does: save it again")));
    }
    let size = usize::try_from(entry.size()).unwrap_or(usize::MAX);
    if size > *budget {
        return Err(archive_fault(format!("entry {name} claims {size} bytes, more than the file has left ({budget})")));
    }
    *budget -= size;
    let mut content = Vec::with_capacity(size);
    let read = entry.by_ref().take(size as u64).read_to_end(&mut content);
    read.map_err(|e| archive_fault(format!("entry {name}: {e}")))?;
    if content.len() != size {
        return Err(archive_fault(format!("entry {name} has {} bytes of {size}: the file is cut off", content.len())));
    }
    Ok(content)
}

fn stream_fault(reason: impl ToString) -> ImportError {
    ImportError::Stream { reason: reason.to_string() }
}

fn open_stream(bytes: &[u8]) -> Result<Container<'_>, ImportError> {
    let mut rest = bytes;
    let mut next = || -> Result<Pickle, PickleError> {
        let pickle = Pickle::read(rest)?;
        rest = &rest[pickle.length_bytes..];
        Ok(pickle)
    };
    let magic = next()?;
    if *magic.get(magic.root()) != Object::Bytes(LEGACY_MAGIC.to_vec()) {
        return Err(stream_fault("it does not open with torch's magic number: is this a pickle of something else?"));
    }
    let (protocol, system, pickle, keys) = (next()?, next()?, next()?, next()?);
    if *protocol.get(protocol.root()) != Object::Int(1001) {
        return Err(stream_fault(format!("protocol {:?} is unknown, expected 1001", protocol.get(protocol.root()))));
    }
    let little = system.dict_value(system.root(), "little_endian").map(|id| system.get(id).clone());
    let big_endian = little == Some(Object::Bool(false));
    let item_sizes = item_sizes(&pickle)?;
    let mut storages = BTreeMap::new();
    for key in keys.sequence(keys.root()) {
        let key = keys.text(*key).ok_or_else(|| stream_fault("a storage key is no text"))?;
        let item_size =
            *item_sizes.get(key).ok_or_else(|| stream_fault(format!("storage {key} belongs to no tensor")))?;
        let range = storage_range(rest, key, item_size, big_endian)?;
        storages.insert(key.to_owned(), Storage::Borrowed(&rest[range.clone()]));
        rest = &rest[range.end..];
    }
    Ok(Container { pickle, storages, big_endian, length_bytes: bytes.len() })
}

/// Where the bytes of the storage lie that begins `rest` with its number of elements.
fn storage_range(rest: &[u8], key: &str, item_size: usize, big_endian: bool) -> Result<Range<usize>, ImportError> {
    let cut_off =
        || stream_fault(format!("it ends within storage {key} ({} bytes left): the file is cut off", rest.len()));
    let head: [u8; 8] = rest.get(..8).and_then(|head| head.try_into().ok()).ok_or_else(cut_off)?;
    let count = if big_endian { i64::from_be_bytes(head) } else { i64::from_le_bytes(head) };
    let count = usize::try_from(count).map_err(|_| stream_fault(format!("storage {key} has {count} elements")))?;
    let end = count.checked_mul(item_size).and_then(|n| n.checked_add(8)).ok_or_else(cut_off)?;
    if end > rest.len() {
        return Err(cut_off());
    }
    Ok(8..end)
}

/// Bytes an element of each storage that the object refers to.
fn item_sizes(pickle: &Pickle) -> Result<BTreeMap<String, usize>, ImportError> {
    let mut sizes = BTreeMap::new();
    for reference in pickle.persistent_references() {
        let parts = pickle.sequence(reference);
        let (Some(kind), Some(key)) = (parts.get(1), parts.get(2).and_then(|id| pickle.text(*id))) else {
            return Err(stream_fault("a storage is described in an unknown way"));
        };
        sizes.insert(key.to_owned(), StorageType::of(pickle, *kind).map_err(stream_fault)?.size_bytes());
    }
    Ok(sizes)
}
