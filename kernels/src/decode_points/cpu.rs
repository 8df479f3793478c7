//! The plain version: one value at a time.

use super::{Channel, Column, DecodedPoints, into_cloud, num_points, resolve};
use crate::error::KernelError;
use percept_types::{FieldType, RawCloud};

/// raw (height, width) -> points (N, 3 + channels), value by value.
///
/// # Errors
/// A required channel that the cloud lacks; a description that reaches beyond the bytes.
pub fn decode_points(raw: &RawCloud, channels: &[Channel]) -> Result<DecodedPoints, KernelError> {
    num_points(raw)?;
    let columns = resolve(raw, channels)?;
    let mut values = Vec::new();
    let mut not_finite = 0;
    for row in 0..raw.height {
        for point in 0..raw.width {
            let start = row * raw.row_step + point * raw.point_step;
            let decoded: Vec<f32> = columns
                .iter()
                .map(|column| match column {
                    Column::Constant(value) => *value,
                    Column::Field { offset, datatype } => read(&raw.bytes[start + offset..], *datatype, raw.big_endian),
                })
                .collect();
            if decoded.iter().all(|value| value.is_finite()) {
                values.extend(decoded);
            } else {
                not_finite += 1;
            }
        }
    }
    Ok(DecodedPoints { cloud: into_cloud(values, channels)?, not_finite })
}

/// One value at the front of `bytes`.
fn read(bytes: &[u8], datatype: FieldType, big_endian: bool) -> f32 {
    let mut value = [0; 8];
    let size = datatype.size_bytes();
    value[..size].copy_from_slice(&bytes[..size]);
    if big_endian {
        value[..size].reverse();
    }
    let [a, b, c, d, ..] = value;
    match datatype {
        FieldType::I8 => i8::from_le_bytes([a]) as f32,
        FieldType::U8 => a as f32,
        FieldType::I16 => i16::from_le_bytes([a, b]) as f32,
        FieldType::U16 => u16::from_le_bytes([a, b]) as f32,
        FieldType::I32 => i32::from_le_bytes([a, b, c, d]) as f32,
        FieldType::U32 => u32::from_le_bytes([a, b, c, d]) as f32,
        FieldType::F32 => f32::from_le_bytes([a, b, c, d]),
        FieldType::F64 => f64::from_le_bytes(value) as f32,
    }
}
