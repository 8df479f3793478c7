//! Going on with a simulated drive that was stopped, or whose writer was killed.
//!
//! ```text
//! OUT, stopped in frame n ─rename─► OUT.unfinished ─copy messages before frame n─► OUT ─frames n, n+1, ...─► OUT, whole
//! ```
//! The last frame that is there is written anew, for nobody knows whether it is whole. The set-aside bag is deleted when
//! all of it has been copied, so that whatever stops this leaves a bag from which the next attempt goes on.

use super::DriveWriter;
use crate::{AppError, Progress, topics};
use percept_bag::{BagReader, ReadOptions, TopicFilter};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the bag's note on where the drive comes from.
pub(super) const PROVENANCE: &str = "percept_drive";
/// What the set-aside bag's name ends with.
const SET_ASIDE: &str = ".unfinished";

/// A drive that is to go on.
#[derive(Debug)]
pub struct UnfinishedDrive {
    set_aside: PathBuf,
    reader: BagReader,
    /// Whole frames.
    frames: u64,
    /// Beginning of the first frame that is not whole.
    end_ns: i64,
}

impl UnfinishedDrive {
    /// Sets the bag `out` aside and finds how far it goes; one that an earlier attempt set aside comes first.
    ///
    /// # Errors
    /// When there is nothing to go on with, or the drive there comes from other settings (`provenance`).
    pub fn set_aside(out: &Path, provenance: &BTreeMap<String, String>) -> Result<Self, AppError> {
        let set_aside = set_aside_name(out);
        if set_aside.exists() {
            let reader = open(&set_aside, provenance)?;
            if out.exists() {
                // A copy that was not completed: all of it is in the bag set aside.
                open(out, provenance)?;
                fs::remove_dir_all(out).map_err(AppError::io("remove the incomplete copy", out))?;
            }
            return Self::measure(set_aside, reader);
        }
        if !out.exists() {
            let way_out = "leave out --resume to begin it".to_owned();
            return Err(AppError::Unavailable {
                what: format!("there is no drive {} to go on with", out.display()),
                way_out,
            });
        }
        drop(open(out, provenance)?);
        fs::rename(out, &set_aside).map_err(AppError::io("set aside", out))?;
        let reader = open(&set_aside, provenance)?;
        Self::measure(set_aside, reader)
    }

    fn measure(set_aside: PathBuf, reader: BagReader) -> Result<Self, AppError> {
        let (mut clouds, mut end_ns) = (0_u64, i64::MIN);
        for message in reader.messages(TopicFilter::topics([topics::POINTS]))? {
            clouds += 1;
            end_ns = end_ns.max(message?.log_time_ns);
        }
        Ok(Self { set_aside, reader, frames: clouds.saturating_sub(1), end_ns })
    }

    /// Whole frames that are there.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Copies the whole frames and deletes the bag that was set aside.
    ///
    /// # Errors
    /// When a message cannot be read or written; the bag set aside then remains.
    pub fn copy_into(self, writer: &mut DriveWriter, progress: &mut dyn Progress) -> Result<bool, AppError> {
        progress.begin("copying what is there", Some(self.frames));
        for message in self.reader.messages(TopicFilter::all().ending_before_ns(self.end_ns))? {
            let message = message?;
            let Some(topic) = self.reader.topics().get(message.topic) else { continue };
            writer.copy(topic, &message)?;
            if topic.name == topics::POINTS {
                progress.advance(1);
            }
            if progress.stop_asked() {
                return Ok(false);
            }
        }
        progress.end();
        drop(self.reader);
        fs::remove_dir_all(&self.set_aside).map_err(AppError::io("remove what was copied", &self.set_aside))?;
        Ok(true)
    }
}

fn set_aside_name(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(SET_ASIDE);
    out.with_file_name(name)
}

/// Opens a drive and refuses one of other settings.
fn open(bag: &Path, provenance: &BTreeMap<String, String>) -> Result<BagReader, AppError> {
    let reader = BagReader::open(bag, ReadOptions::default())?;
    let none = BTreeMap::new();
    let found = reader.metadata().find(|(name, _)| *name == PROVENANCE).map_or(&none, |(_, entries)| entries);
    for (key, asked) in provenance {
        let there = found.get(key).map_or("not noted", String::as_str);
        if there != asked {
            let what = format!("{} cannot be gone on with: its {key} is {there}, asked for was {asked}", bag.display());
            return Err(AppError::Unavailable {
                what,
                way_out: "repeat the settings, or write another bag".to_owned(),
            });
        }
    }
    Ok(reader)
}
