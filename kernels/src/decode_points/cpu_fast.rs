//! At memory speed: the datatypes are matched once a cloud, never once a point.
//!
//! Little-endian f32 x, y, z side by side with at most one further channel of f32, u8 or u16 (every driver's layout)
//! are read in one pass; any other layout column by column. One thread: a 2 MB cloud takes well under a millisecond,
//! less than it takes to wake others.

use super::{Channel, Column, DecodedPoints, into_cloud, num_points, resolve};
use crate::error::KernelError;
use percept_types::{FieldType, RawCloud};

/// raw (height, width) -> points (N, 3 + channels) in order of arrival; equal to [`super::cpu::decode_points`].
///
/// `buffer` is any old buffer (`PointCloud::into_values`); its memory is used again.
///
/// # Errors
/// A required channel that the cloud lacks; a description that reaches beyond the bytes.
pub fn decode_points(raw: &RawCloud, channels: &[Channel], mut buffer: Vec<f32>) -> Result<DecodedPoints, KernelError> {
    let num_points = num_points(raw)?;
    let columns = resolve(raw, channels)?;
    // Every value is written below, so what the buffer held does not matter.
    buffer.resize(num_points * columns.len(), 0.0);
    let kept = match common_layout(raw, &columns) {
        // Without a point there is no first value of a column to start at.
        _ if num_points == 0 => 0,
        Some((xyz, further)) => fused(raw, xyz, further, &mut buffer),
        None => {
            for (index, column) in columns.iter().enumerate() {
                fill_column(raw, *column, &mut buffer[index..], columns.len());
            }
            compact(&mut buffer, columns.len())
        }
    };
    buffer.truncate(kept * columns.len());
    Ok(DecodedPoints { cloud: into_cloud(buffer, channels)?, not_finite: num_points - kept })
}

/// Offset of x and the column after z, where the layout is the common one.
fn common_layout(raw: &RawCloud, columns: &[Column]) -> Option<(usize, Option<Column>)> {
    let f32_at = |column: &Column| match column {
        Column::Field { offset, datatype: FieldType::F32 } => Some(*offset),
        Column::Field { .. } | Column::Constant(_) => None,
    };
    let [x, y, z, further @ ..] = columns else { return None };
    let start = f32_at(x)?;
    let side_by_side = f32_at(y)? == start + 4 && f32_at(z)? == start + 8;
    let further = match further {
        [] => None,
        [one] => Some(*one),
        _ => return None,
    };
    (side_by_side && !raw.big_endian).then_some((start, further))
}

/// Chooses the reader of the further channel, once.
fn fused(raw: &RawCloud, xyz: usize, further: Option<Column>, out: &mut [f32]) -> usize {
    match further {
        None => fused_rows::<3, 0>(raw, xyz, 0, |_| 0.0, out),
        Some(Column::Constant(value)) => fused_rows::<4, 0>(raw, xyz, 0, |_| value, out),
        Some(Column::Field { offset, datatype }) => match datatype {
            FieldType::F32 => fused_rows::<4, 4>(raw, xyz, offset, f32::from_le_bytes, out),
            FieldType::U8 => fused_rows::<4, 1>(raw, xyz, offset, |b| b[0] as f32, out),
            FieldType::U16 => fused_rows::<4, 2>(raw, xyz, offset, |b| u16::from_le_bytes(b) as f32, out),
            FieldType::I8 => fused_rows::<4, 1>(raw, xyz, offset, |b| i8::from_le_bytes(b) as f32, out),
            FieldType::I16 => fused_rows::<4, 2>(raw, xyz, offset, |b| i16::from_le_bytes(b) as f32, out),
            FieldType::I32 => fused_rows::<4, 4>(raw, xyz, offset, |b| i32::from_le_bytes(b) as f32, out),
            FieldType::U32 => fused_rows::<4, 4>(raw, xyz, offset, |b| u32::from_le_bytes(b) as f32, out),
            FieldType::F64 => fused_rows::<4, 8>(raw, xyz, offset, |b| f64::from_le_bytes(b) as f32, out),
        },
    }
}

/// Reads rows of F values, the fourth from S bytes at `offset`; keeps the finite ones; returns how many.
fn fused_rows<const F: usize, const S: usize>(
    raw: &RawCloud,
    xyz: usize,
    offset: usize,
    read: impl Fn([u8; S]) -> f32,
    out: &mut [f32],
) -> usize {
    let span = (xyz + 12).max(offset + S);
    let mut kept = 0;
    for point in point_starts(raw) {
        // Up to the last field and no further: the last point of a message may lack the padding after it.
        let bytes = &raw.bytes[point..point + span];
        let coordinate = |axis: usize| f32::from_le_bytes(array(&bytes[xyz + 4 * axis..]));
        let mut value = [0.0; F];
        value[0] = coordinate(0);
        value[1] = coordinate(1);
        value[2] = coordinate(2);
        if F == 4 {
            value[3] = read(array(&bytes[offset..]));
        }
        // Written in any case and overwritten by the next point where it is not finite: no branch a point.
        out[kept * F..kept * F + F].copy_from_slice(&value);
        kept += usize::from(value.iter().all(|v| v.is_finite()));
    }
    kept
}

fn point_starts(raw: &RawCloud) -> impl Iterator<Item = usize> + '_ {
    let rows = (0..raw.height).map(|row| row * raw.row_step);
    rows.flat_map(move |row| (0..raw.width).map(move |point| row + point * raw.point_step))
}

#[inline(always)]
fn array<const S: usize>(bytes: &[u8]) -> [u8; S] {
    let mut value = [0; S];
    value.copy_from_slice(&bytes[..S]);
    value
}

/// One column of all points to `out[0], out[stride], ...`.
fn fill_column(raw: &RawCloud, column: Column, out: &mut [f32], stride: usize) {
    match column {
        Column::Constant(value) => out.iter_mut().step_by(stride).for_each(|v| *v = value),
        Column::Field { offset, datatype } => match datatype {
            FieldType::I8 => fill(raw, offset, out, stride, |b| i8::from_le_bytes(b) as f32),
            FieldType::U8 => fill(raw, offset, out, stride, |b| u8::from_le_bytes(b) as f32),
            FieldType::I16 => fill(raw, offset, out, stride, |b| i16::from_le_bytes(b) as f32),
            FieldType::U16 => fill(raw, offset, out, stride, |b| u16::from_le_bytes(b) as f32),
            FieldType::I32 => fill(raw, offset, out, stride, |b| i32::from_le_bytes(b) as f32),
            FieldType::U32 => fill(raw, offset, out, stride, |b| u32::from_le_bytes(b) as f32),
            FieldType::F32 => fill(raw, offset, out, stride, f32::from_le_bytes),
            FieldType::F64 => fill(raw, offset, out, stride, |b| f64::from_le_bytes(b) as f32),
        },
    }
}

fn fill<const S: usize>(
    raw: &RawCloud,
    offset: usize,
    out: &mut [f32],
    stride: usize,
    from_le: impl Fn([u8; S]) -> f32,
) {
    for (point, value) in point_starts(raw).zip(out.iter_mut().step_by(stride)) {
        let mut bytes: [u8; S] = array(&raw.bytes[point + offset..]);
        if raw.big_endian {
            bytes.reverse();
        }
        *value = from_le(bytes);
    }
}

/// Moves the rows that are finite to the front, in order; returns how many.
fn compact(values: &mut [f32], num_features: usize) -> usize {
    let mut kept = 0;
    for row in 0..values.len() / num_features {
        let start = row * num_features;
        let finite = values[start..start + num_features].iter().all(|value| value.is_finite());
        values.copy_within(start..start + num_features, kept * num_features);
        kept += usize::from(finite);
    }
    kept
}
