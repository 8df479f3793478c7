//! Velodyne files: x, y, z, reflectance as little-endian `f32`, in the order of the sensor.

use crate::AppError;
use percept_types::{PointCloud, PointLayout};
use std::path::Path;

/// Reads `velodyne/NNNNNN.bin`.
///
/// # Errors
/// When the length is no whole number of points.
pub fn parse_velodyne(path: &Path, bytes: &[u8]) -> Result<PointCloud, AppError> {
    const POINT_BYTES: usize = 16;
    if !bytes.len().is_multiple_of(POINT_BYTES) {
        return Err(AppError::DataFile {
            path: path.to_owned(),
            reason: format!(
                "{} bytes are no whole number of points of {POINT_BYTES} bytes: is it cut off?",
                bytes.len()
            ),
        });
    }
    let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    PointCloud::new(PointLayout::xyzi(), values)
        .map_err(|e| AppError::DataFile { path: path.to_owned(), reason: e.to_string() })
}
