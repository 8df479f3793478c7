//! Bytes of mcap records (MCAP specification, "Records"): little-endian, strings and maps with a
//! length before them.

use std::collections::BTreeMap;

/// Appends a record: opcode, length, and the body that `body` writes.
pub(super) fn record(out: &mut Vec<u8>, opcode: u8, body: impl FnOnce(&mut Vec<u8>)) {
    out.push(opcode);
    let length_at = out.len();
    out.extend_from_slice(&[0; 8]);
    body(out);
    let length = (out.len() - length_at - 8) as u64;
    if let Some(place) = out.get_mut(length_at..length_at + 8) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

pub(super) fn u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(super) fn u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(super) fn u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// Strings and contents of definitions; their lengths were checked on entry (`MAX_TEXT_BYTES`).
pub(super) fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    u32(out, value.len() as u32);
    out.extend_from_slice(value);
}

pub(super) fn string(out: &mut Vec<u8>, value: &str) {
    bytes(out, value.as_bytes());
}

/// A map with the length of its bytes before it.
pub(super) fn map(out: &mut Vec<u8>, entries: impl IntoIterator<Item = impl FnOnce(&mut Vec<u8>)>) {
    let length_at = out.len();
    u32(out, 0);
    for entry in entries {
        entry(out);
    }
    let length = (out.len() - length_at - 4) as u32;
    if let Some(place) = out.get_mut(length_at..length_at + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

pub(super) fn string_map(out: &mut Vec<u8>, entries: &BTreeMap<String, String>) {
    map(
        out,
        entries.iter().map(|(key, value)| {
            move |out: &mut Vec<u8>| {
                string(out, key);
                string(out, value);
            }
        }),
    );
}
