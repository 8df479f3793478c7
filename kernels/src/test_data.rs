//! Published vectors that lie outside the repository; tests that want them say loudly when they are absent.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A published vector, from `PERCEPT_DATA` or `../shared/data` beside the workspace.
pub fn eval_vector(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let root = std::env::var_os("PERCEPT_DATA").map_or(beside, PathBuf::from);
    let path = root.join("eval_vectors").join(name);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is not here; set PERCEPT_DATA to the folder of data sets", path.display());
    None
}

/// A numpy array, row-major.
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

/// The arrays of an .npz file of f4, i4 and i8.
pub fn read_npz(path: &Path) -> BTreeMap<String, Array> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut entry = archive.by_index(index).unwrap();
            let name = entry.name().unwrap().trim_end_matches(".npy").to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (name, parse_npy(&bytes))
        })
        .collect()
}

/// Version 1 of the format: magic, u16 length, a Python dictionary as text, the values.
fn parse_npy(bytes: &[u8]) -> Array {
    let header_len = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    let header = std::str::from_utf8(&bytes[10..10 + header_len]).unwrap();
    let inner = header.split_once('(').unwrap().1.split_once(')').unwrap().0;
    let shape: Vec<usize> =
        inner.split(',').map(str::trim).filter(|n| !n.is_empty()).map(|n| n.parse().unwrap()).collect();
    let data = &bytes[10 + header_len..];
    let values: Vec<f64> = if header.contains("'<f4'") {
        data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()) as f64).collect()
    } else if header.contains("'<i4'") {
        data.chunks_exact(4).map(|b| i32::from_le_bytes(b.try_into().unwrap()) as f64).collect()
    } else {
        assert!(header.contains("'<i8'"), "{header}");
        data.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect()
    };
    if header.contains("'fortran_order': True") && shape.len() == 2 {
        let (rows, columns) = (shape[0], shape[1]);
        let transposed = (0..rows * columns).map(|i| values[i % columns * rows + i / columns]).collect();
        return Array { shape, values: transposed };
    }
    Array { shape, values }
}
