//! Feather tables (the Arrow IPC file format, version 2), with uncompressed or LZ4 buffers.

use super::super::data_files::read_if_there;
use super::blocks::check_blocks;
use crate::AppError;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_ipc::reader::FileReader;
use percept_types::Transform;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// A table in memory; every column has one value a row.
pub(super) struct FeatherTable {
    path: PathBuf,
    batches: Vec<RecordBatch>,
}

impl FeatherTable {
    pub(super) fn read(path: &Path) -> Result<Self, AppError> {
        Self::read_if_there(path)?.ok_or_else(|| AppError::data_file(path, "there is no such file"))
    }

    pub(super) fn read_if_there(path: &Path) -> Result<Option<Self>, AppError> {
        let Some(bytes) = read_if_there(path)? else { return Ok(None) };
        let fault = |reason: String| AppError::data_file(path, format!("no readable Feather table: {reason}"));
        check_blocks(&bytes).map_err(fault)?;
        let reader = FileReader::try_new(Cursor::new(bytes), None).map_err(|e| fault(e.to_string()))?;
        let batches = reader.collect::<Result<_, _>>().map_err(|e| fault(e.to_string()))?;
        Ok(Some(Self { path: path.to_owned(), batches }))
    }

    /// A column of numbers of any width.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<f64>, AppError> {
        self.column(name, "numbers", |array| {
            of_type::<Float64Type, _>(array, |v| v)
                .or_else(|| of_type::<Float32Type, _>(array, f64::from))
                .or_else(|| of_type::<Float16Type, _>(array, |v| v.to_f64()))
                .or_else(|| whole_numbers(array).map(|numbers| numbers.into_iter().map(|v| v as f64).collect()))
        })
    }

    /// A column of whole numbers, exact.
    pub(super) fn whole_numbers(&self, name: &str) -> Result<Vec<i64>, AppError> {
        self.column(name, "whole numbers", whole_numbers)
    }

    /// A column of texts, plain or by dictionary.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, AppError> {
        self.column(name, "texts", texts)
    }

    fn column<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl Fn(&ArrayRef) -> Option<Vec<T>>,
    ) -> Result<Vec<T>, AppError> {
        let mut values = Vec::new();
        for batch in &self.batches {
            let Some(array) = batch.column_by_name(name) else {
                let schema = batch.schema();
                let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
                let reason = format!("there is no column {name}; there are {}", names.join(", "));
                return Err(AppError::data_file(&self.path, reason));
            };
            if array.null_count() > 0 {
                return Err(AppError::data_file(&self.path, format!("column {name} has {} gaps", array.null_count())));
            }
            let found = array.data_type();
            let fault = || AppError::data_file(&self.path, format!("column {name} is {found}, expected {expected}"));
            values.extend(read(array).ok_or_else(fault)?);
        }
        Ok(values)
    }

    pub(super) fn fault(&self, reason: String) -> AppError {
        AppError::data_file(&self.path, reason)
    }

    /// Keeps what is wrong with a row for the sweep of its stamp.
    pub(super) fn note_fault(&self, faults: &mut RowFaults, stamp_ns: i64, row: usize, reason: &str) {
        let told = || (self.path.clone(), format!("row {}: {reason}", row + 1));
        faults.entry(stamp_ns).or_insert_with(told);
    }
}

/// Rows that cannot be understood: the file and the reason, by the stamp of the sweep that they spoil.
pub(super) type RowFaults = BTreeMap<i64, (PathBuf, String)>;

/// What is wrong with a row that has no transform.
pub(super) const NO_TRANSFORM: &str = "no transform: a zero quaternion or no number";

fn of_type<P: ArrowPrimitiveType, T>(array: &ArrayRef, convert: impl Fn(P::Native) -> T) -> Option<Vec<T>> {
    array.as_primitive_opt::<P>().map(|array| array.values().iter().map(|value| convert(*value)).collect())
}

fn whole_numbers(array: &ArrayRef) -> Option<Vec<i64>> {
    of_type::<Int64Type, _>(array, |v| v)
        .or_else(|| of_type::<Int32Type, _>(array, i64::from))
        .or_else(|| of_type::<Int16Type, _>(array, i64::from))
        .or_else(|| of_type::<Int8Type, _>(array, i64::from))
        .or_else(|| of_type::<UInt8Type, _>(array, i64::from))
        .or_else(|| of_type::<UInt16Type, _>(array, i64::from))
        .or_else(|| of_type::<UInt32Type, _>(array, i64::from))
        // No number of the data set comes near the sign's bit.
        .or_else(|| of_type::<UInt64Type, _>(array, |v| v as i64))
}

fn texts(array: &ArrayRef) -> Option<Vec<String>> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    if let Some(array) = array.as_string_opt::<i32>() {
        return array.iter().map(owned).collect();
    }
    if let Some(array) = array.as_string_opt::<i64>() {
        return array.iter().map(owned).collect();
    }
    let dictionary = array.as_any_dictionary_opt()?;
    let values = texts(dictionary.values())?;
    if values.is_empty() {
        // Keys of an empty dictionary name nothing; arrow's own look-up of them panics.
        return array.is_empty().then(Vec::new);
    }
    dictionary.normalized_keys().into_iter().map(|key| values.get(key).cloned()).collect()
}

/// The rows of a table as transforms: quaternion qw, qx, qy, qz and metres tx_m, ty_m, tz_m; `None` where the numbers
/// make none.
pub(super) fn transforms(table: &FeatherTable) -> Result<Vec<Option<Transform>>, AppError> {
    let [qw, qx, qy, qz] = ["qw", "qx", "qy", "qz"].map(|name| table.numbers(name));
    let [tx, ty, tz] = ["tx_m", "ty_m", "tz_m"].map(|name| table.numbers(name));
    let (qw, qx, qy, qz, tx, ty, tz) = (qw?, qx?, qy?, qz?, tx?, ty?, tz?);
    let row = |i: usize| Transform::from_parts([tx[i], ty[i], tz[i]], [qx[i], qy[i], qz[i], qw[i]]);
    Ok((0..qw.len()).map(row).collect())
}
