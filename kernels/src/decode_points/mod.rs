//! The bytes of a cloud message to points: any field order, datatype, endianness and padding.
//!
//! Input   a validated `RawCloud` (row_step and point_step respected; unaligned values allowed).
//! Output  a `PointCloud` (N, 3 + channels) f32: x, y, z and the channels asked for, in order of arrival.
//! Drops   points of which any value asked for is not finite in f32; counted.
//! Limits  integers and f64 are rounded to the nearest f32; of fields with a count above 1 the first value is read.
//! Source  sensor_msgs/PointCloud2 and PointField (ROS 2 common_interfaces).

pub mod cpu;
mod cpu_fast;
pub mod cuda;

pub use cpu_fast::decode_points;

use crate::error::KernelError;
use percept_types::{FieldType, PointCloud, PointLayout, RawCloud};

/// What fills a column beyond x, y, z.
#[derive(Clone, Debug, PartialEq)]
pub enum ChannelSource {
    /// A field of this name; without it the cloud is refused.
    Required {
        /// Name of the field.
        field: String,
    },
    /// A field of this name; without it a constant.
    Optional {
        /// Name of the field.
        field: String,
        /// The value of all points where the field is missing.
        otherwise: f32,
    },
    /// A constant, whatever the cloud has.
    Constant(f32),
}

/// One column beyond x, y, z.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// Name of the column in the decoded layout.
    pub name: String,
    /// What fills it.
    pub source: ChannelSource,
}

impl Channel {
    /// A channel that must be there under its own name.
    pub fn required(name: &str) -> Self {
        Self { name: name.to_owned(), source: ChannelSource::Required { field: name.to_owned() } }
    }

    /// A channel that is a constant where the cloud lacks it.
    pub fn optional(name: &str, otherwise: f32) -> Self {
        Self { name: name.to_owned(), source: ChannelSource::Optional { field: name.to_owned(), otherwise } }
    }

    /// A channel that is a constant.
    pub fn constant(name: &str, value: f32) -> Self {
        Self { name: name.to_owned(), source: ChannelSource::Constant(value) }
    }
}

/// A decoded cloud and what was dropped.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodedPoints {
    /// The finite points.
    pub cloud: PointCloud,
    /// Points dropped because a value was not finite.
    pub not_finite: usize,
}

/// Where one column comes from, resolved against a cloud.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Column {
    Field { offset: usize, datatype: FieldType },
    Constant(f32),
}

/// Resolves x, y, z and the channels by name and checks that every value lies in the bytes.
fn resolve(raw: &RawCloud, channels: &[Channel]) -> Result<Vec<Column>, KernelError> {
    let xyz = ["x", "y", "z"].into_iter().map(|name| field_column(raw, name));
    let further = channels.iter().map(|channel| match &channel.source {
        ChannelSource::Required { field } => field_column(raw, field),
        ChannelSource::Optional { field, otherwise } => match raw.layout.field(field) {
            Some(_) => field_column(raw, field),
            None => Ok(Column::Constant(*otherwise)),
        },
        ChannelSource::Constant(value) => Ok(Column::Constant(*value)),
    });
    xyz.chain(further).collect()
}

fn field_column(raw: &RawCloud, name: &str) -> Result<Column, KernelError> {
    let Some(field) = raw.layout.field(name) else {
        let present = raw.layout.fields.iter().map(|field| field.name.clone()).collect();
        return Err(KernelError::MissingChannel { channel: name.to_owned(), present });
    };
    let end = last_byte(raw, field.offset, field.datatype.size_bytes());
    if raw.num_points() > 0 && end.is_none_or(|end| end > raw.bytes.len()) {
        return Err(KernelError::CloudBytes {
            field: name.to_owned(),
            height: raw.height,
            width: raw.width,
            point_step: raw.point_step,
            row_step: raw.row_step,
            bytes: raw.bytes.len(),
        });
    }
    Ok(Column::Field { offset: field.offset, datatype: field.datatype })
}

/// One past the last byte of a field of the last point; `None` on overflow.
fn last_byte(raw: &RawCloud, offset: usize, size: usize) -> Option<usize> {
    let row = raw.height.checked_sub(1)?.checked_mul(raw.row_step)?;
    let point = raw.width.checked_sub(1)?.checked_mul(raw.point_step)?;
    row.checked_add(point)?.checked_add(offset)?.checked_add(size)
}

/// Points of a cloud, checked against overflow and against the bytes so that nothing is allocated on a false promise.
fn num_points(raw: &RawCloud) -> Result<usize, KernelError> {
    let (max, found) = (raw.bytes.len(), raw.width as u128 * raw.height as u128);
    // Every point has at least one byte of its own: point_step is never 0 for a cloud with points.
    if found > max as u128 {
        let layer = "decode_points".to_owned();
        return Err(KernelError::TooLarge { layer, elements: found, max: max as u128 });
    }
    Ok(found as usize)
}

fn layout_of(channels: &[Channel]) -> PointLayout {
    PointLayout::xyz_and(&channels.iter().map(|channel| channel.name.as_str()).collect::<Vec<_>>())
}

fn into_cloud(values: Vec<f32>, channels: &[Channel]) -> Result<PointCloud, KernelError> {
    let (found, expected) = (values.len(), values.len() / (3 + channels.len()) * (3 + channels.len()));
    PointCloud::new(layout_of(channels), values).map_err(|_| KernelError::Length {
        what: "values of decoded points",
        expected,
        found,
    })
}

#[cfg(test)]
mod tests;
