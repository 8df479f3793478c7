//! Simulated sweeps held against those of a real bag: figures, a page, a picture.
//!
//! ```text
//! worlds or a written drive ─► statistics ─┐
//! real bag ─► clouds + truth ─► statistics ┴─► compare ─► RealismSummary (text, JSON) ─► realism.html, realism.png
//! ```
//! Both sides go through one code: the same crop, the same rings, the same ground. The real bag needs clouds; without
//! truth the statistics of objects are left out and named.

mod bag_side;
mod page;
mod sides;
mod summary;

pub use summary::{RealismSummary, SideSummary};

use crate::simulate::{SimulateSettings, world_of};
use crate::{AppError, Progress};
use percept_eval::realism::compare;
use sides::Gathering;
use std::path::{Path, PathBuf};

/// What is held against what.
#[derive(Clone, Debug)]
pub struct RealismSettings {
    /// The bag of real sweeps.
    pub real: PathBuf,
    /// The simulated drive, where it was written; otherwise worlds are drawn.
    pub written: Option<PathBuf>,
    /// Folder for the page and the picture.
    pub folder: PathBuf,
}

/// Compares the sensor, the world and the view of `simulated` with a real bag. Without a written drive each of the
/// frames is of a world of its own (seeds from the first on), seen from a vehicle that stands: more streets tell more.
///
/// # Errors
/// When the settings are impossible, the bag has no clouds or its ring numbers are not this sensor's, or the page cannot
/// be written.
pub fn compare_with_real(
    settings: &RealismSettings,
    simulated: &SimulateSettings,
    progress: &mut dyn Progress,
) -> Result<RealismSummary, AppError> {
    let config = world_of(simulated)?;
    let real_bag = bag_side::BagSide::open(&settings.real)?;
    let written = settings.written.as_deref().map(bag_side::BagSide::open).transpose()?;
    let gathering = Gathering::new(&config, simulated.view, real_bag.tells_rings()?);
    let real = gathering.bag(&real_bag, progress)?;
    let simulated_side = match &written {
        Some(bag) => gathering.bag(bag, progress)?,
        None => gathering.worlds(&config, simulated, progress)?,
    };
    let (statistics, omitted) = compare(&simulated_side.statistics, &real.statistics);
    let mut summary = RealismSummary::new(simulated, statistics, omitted, [simulated_side, real])?;
    if !progress.stop_asked() {
        (summary.page, summary.picture) = page::write(&settings.folder, &summary)?;
    }
    summary.interrupted = progress.stop_asked();
    Ok(summary)
}

/// A bag's name for people.
fn name_of(bag: &Path) -> String {
    bag.display().to_string()
}
