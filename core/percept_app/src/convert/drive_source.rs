//! The one loop of all converters: frames in, a bag and its summary out.

use crate::drive::{DriveFrame, DriveOptions, DriveWriter};
use crate::{AppError, Progress};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Faults kept in words; the rest is counted.
const MAX_FAULTS_TOLD: usize = 100;

/// A part that a frame may have or lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Calibration,
    Image,
    Objects,
    PointLabels,
    Pose,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Calibration => "calibration",
            Self::Image => "image",
            Self::Objects => "boxes",
            Self::PointLabels => "point labels",
            Self::Pose => "pose",
        }
    }

    fn is_in(self, frame: &DriveFrame) -> bool {
        match self {
            Self::Calibration => frame.camera.is_some() || !frame.cameras.is_empty(),
            Self::Image => {
                let main = frame.image_png.is_some();
                let main_is_wanted = frame.camera.is_some() || frame.cameras.is_empty();
                (main || !main_is_wanted) && frame.cameras.iter().all(|camera| camera.image.is_some())
            }
            Self::Objects => frame.objects.is_some(),
            Self::PointLabels => frame.labels.is_some(),
            Self::Pose => frame.t_odom_base.is_some(),
        }
    }
}

/// A drive of a data set whose frames can be read in the order of time.
pub(super) trait DriveSource {
    /// How many frames there are.
    fn len(&self) -> usize;

    /// How messages call a frame.
    fn frame_name(&self, index: usize) -> String;

    /// Parts that are wanted of every frame and counted where they are missing.
    fn parts(&self) -> &'static [Part];

    /// Reads a frame.
    fn read(&mut self, index: usize) -> Result<DriveFrame, AppError>;
}

/// What was converted, and what was missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConvertSummary {
    /// What was read: a folder, or the bag on the way back.
    pub root: PathBuf,
    /// What was written.
    pub out: PathBuf,
    /// Frames written.
    pub frames: u64,
    /// Points of all frames.
    pub points: u64,
    /// Images written.
    pub images: u64,
    /// Labelled objects written, by class; DontCare is none.
    pub objects: BTreeMap<String, u64>,
    /// Frames that lack a part, by the part.
    pub without: BTreeMap<String, u64>,
    /// Frames whose files cannot be understood; skipped.
    pub skipped: u64,
    /// The first hundred of them with the reason.
    pub faulty: Vec<String>,
    /// What else a user should know.
    pub notes: Vec<String>,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
}

/// Writes every frame of a source into a new bag.
///
/// # Errors
/// When the bag cannot be written; with `strict` at the first frame that cannot be read, after closing the bag.
pub(super) fn convert_drive(
    source: &mut dyn DriveSource,
    folders: (&Path, &Path),
    options: DriveOptions,
    strict: bool,
    progress: &mut dyn Progress,
) -> Result<ConvertSummary, AppError> {
    let (root, out) = folders;
    let mut writer = DriveWriter::create(out, options)?;
    let mut summary = ConvertSummary { root: root.to_owned(), out: out.to_owned(), ..ConvertSummary::default() };
    progress.begin("convert", Some(source.len() as u64));
    for index in 0..source.len() {
        match source.read(index).and_then(|frame| within_ros_time(root, frame)) {
            Ok(frame) => {
                writer.write(&frame)?;
                summary.count(&frame, source.parts());
            }
            Err(error) if strict => {
                writer.finish()?;
                return Err(error);
            }
            Err(error) => {
                let name = source.frame_name(index);
                progress.note(&format!("frame {name} is skipped: {error}"));
                summary.count_fault(&name, &error);
            }
        }
        progress.advance(1);
        if progress.stop_asked() {
            summary.interrupted = index + 1 < source.len();
            break;
        }
    }
    writer.finish()?;
    progress.end();
    Ok(summary)
}

/// Refuses stamps that a message cannot tell: ROS counts seconds since 1970 in 31 bits.
fn within_ros_time(root: &Path, frame: DriveFrame) -> Result<DriveFrame, AppError> {
    const END_NS: i64 = (i32::MAX as i64 + 1) * 1_000_000_000;
    let further = frame.cameras.iter().map(|camera| camera.stamp);
    match further.chain([frame.stamp]).find(|stamp| !(0..END_NS).contains(&stamp.nanoseconds)) {
        Some(stamp) => {
            Err(AppError::data_file(root, format!("stamp {stamp} s lies outside of ROS's time, 1970 to 2038")))
        }
        None => Ok(frame),
    }
}

/// Where a bag comes from, for its metadata.
pub(super) fn provenance(source: &str, root: &Path, further: &[(&str, String)]) -> BTreeMap<String, String> {
    let entries = [
        ("percept_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("source", source.to_owned()),
        ("root", root.display().to_string()),
    ];
    entries.iter().chain(further).map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

impl ConvertSummary {
    fn count(&mut self, frame: &DriveFrame, parts: &[Part]) {
        self.frames += 1;
        self.points += frame.cloud.len() as u64;
        self.images += u64::from(frame.image_png.is_some());
        self.images += frame.cameras.iter().filter(|camera| camera.image.is_some()).count() as u64;
        for object in frame.objects.iter().flatten() {
            *self.objects.entry(object.class_name.clone()).or_default() += 1;
        }
        for part in parts.iter().filter(|part| !part.is_in(frame)) {
            self.lacks(part.name());
        }
    }

    /// Counts a frame that lacks a part.
    pub(super) fn lacks(&mut self, part: &str) {
        *self.without.entry(part.to_owned()).or_default() += 1;
    }

    /// Counts an object of a label file; a region that is none is not.
    pub(super) fn count_object(&mut self, class_name: &str) {
        if class_name != "DontCare" {
            *self.objects.entry(class_name.to_owned()).or_default() += 1;
        }
    }

    pub(super) fn count_fault(&mut self, name: &str, error: &AppError) {
        self.skipped += 1;
        if self.faulty.len() < MAX_FAULTS_TOLD {
            self.faulty.push(format!("{name}: {error}"));
        }
    }

    /// Labelled objects of all classes.
    pub fn num_objects(&self) -> u64 {
        self.objects.values().sum()
    }
}

impl fmt::Display for ConvertSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (frames, points) = (self.frames, self.points);
        writeln!(f, "{frames} frames, {points} points, {} images from {}", self.images, self.root.display())?;
        if !self.objects.is_empty() {
            let objects: Vec<String> = self.objects.iter().map(|(name, count)| format!("{count} {name}")).collect();
            writeln!(f, "  {} objects: {}", self.num_objects(), objects.join(", "))?;
        }
        for (part, count) in &self.without {
            writeln!(f, "  {count} frames without {part}")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "  {note}"))?;
        self.faulty.iter().try_for_each(|fault| writeln!(f, "  skipped {fault}"))?;
        if self.skipped > self.faulty.len() as u64 {
            writeln!(f, "  {} frames skipped in all", self.skipped)?;
        }
        if self.interrupted {
            writeln!(f, "stopped before the end")?;
        }
        writeln!(f, "written {}", self.out.display())
    }
}
