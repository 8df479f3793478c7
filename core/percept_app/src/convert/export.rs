//! The one loop of the ways back: frames of a bag in, files of a folder out.

use super::ConvertSummary;
use super::bag_drive::{BagDrive, BagFrame};
use crate::{AppError, Progress};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Writes each frame of a bag, numbered by `number_of` from its place in the bag.
///
/// # Errors
/// When the folder is in use or cannot be written; with `strict` at the first frame that cannot be read.
pub(super) fn export_frames(
    drive: &BagDrive,
    out: &Path,
    strict: bool,
    progress: &mut dyn Progress,
    write: &mut dyn FnMut(u64, &BagFrame, &mut ConvertSummary) -> Result<(), ExportError>,
) -> Result<ConvertSummary, AppError> {
    empty_folder(out)?;
    let root = drive.path().to_owned();
    let mut summary = ConvertSummary { root, out: out.to_owned(), ..ConvertSummary::default() };
    let mut index = 0;
    progress.begin("convert", Some(drive.num_clouds()));
    drive.for_each_frame(&mut |stamp, frame| {
        let written =
            frame.map_err(ExportError::Frame).and_then(|frame| write(index, &frame, &mut summary).map(|()| frame));
        index += 1;
        match written {
            Ok(frame) => {
                summary.frames += 1;
                summary.points += frame.cloud.len() as u64;
            }
            Err(ExportError::Output(error)) => return Err(error),
            Err(ExportError::Frame(error)) if strict => return Err(error),
            Err(ExportError::Frame(error)) => {
                progress.note(&format!("the frame at {stamp} is skipped: {error}"));
                summary.count_fault(&stamp.to_string(), &error);
            }
        }
        progress.advance(1);
        summary.interrupted = progress.stop_asked() && index < drive.num_clouds();
        Ok(!progress.stop_asked())
    })?;
    progress.end();
    Ok(summary)
}

/// Why a frame was not written.
pub(super) enum ExportError {
    /// It cannot be understood: the next one may be.
    Frame(AppError),
    /// The folder cannot be written: there is no use in going on.
    Output(AppError),
}

fn empty_folder(out: &Path) -> Result<(), AppError> {
    let is_in_use = out.exists() && fs::read_dir(out).map_err(AppError::io("list", out))?.next().is_some();
    if is_in_use {
        return Err(AppError::data_file(out, "the folder is not empty: give one that is new or empty"));
    }
    fs::create_dir_all(out).map_err(AppError::io("write", out))
}

/// Writes a file whole or not at all, and the folders above it.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, bytes));
    written.map_err(|error| {
        // What a full disk left of it would be taken for a frame.
        let _ = fs::remove_file(path);
        ExportError::Output(AppError::io("write", path)(error))
    })
}

/// x, y, z, intensity over `intensity_divisor`, as little-endian `f32`.
pub(super) fn velodyne_bytes(frame: &BagFrame, intensity_divisor: f32) -> Vec<u8> {
    let point = |p: &[f32]| [p[0], p[1], p[2], p[3] / intensity_divisor];
    frame.cloud.points().flat_map(point).flat_map(f32::to_le_bytes).collect()
}

/// A line of a calibration file: the name and its numbers as KITTI writes them, `7.215377000000e+02`.
pub(super) fn calibration_line(name: &str, numbers: &[f64]) -> String {
    let mut line = format!("{name}:");
    for number in numbers {
        line.push(' ');
        line.push_str(&scientific(*number, 12));
    }
    line + "\n"
}

/// A number with so many decimals and an exponent of a sign and two digits, as C writes it.
pub(super) fn scientific(number: f64, decimals: usize) -> String {
    // -0 and 0 are one number.
    let text = format!("{:.decimals$e}", number + 0.0);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mut written = mantissa.to_owned();
    let exponent: i32 = exponent.parse().unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = write!(written, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
    written
}

/// The upper 3x4 of a transform, row-major.
pub(super) fn rows_3x4(transform: &percept_types::Transform) -> [f64; 12] {
    let matrix = transform.to_matrix();
    std::array::from_fn(|i| matrix[(i / 4, i % 4)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_kitti_writes_them() {
        assert_eq!(scientific(721.5377, 12), "7.215377000000e+02");
        assert_eq!(scientific(-0.00274, 6), "-2.740000e-03");
        assert_eq!(calibration_line("R", &[0.0, 1.0]), "R: 0.000000000000e+00 1.000000000000e+00\n");
    }
}
