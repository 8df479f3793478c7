//! What a comparison tells: texts, tables, JSON.

use super::sides::Side;
use crate::AppError;
use crate::simulate::{SimulateSettings, SimulatedView, world_of};
use percept_eval::realism::{AGREEMENT_FACTOR, Agreement, ComparedBin, ComparedStatistic, Quantity};
use percept_eval::table::{Table, figure};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// From this mean distance on (0 on the rings, 0.5 for rings of another sensor) a cloud is likely another sensor's.
const ODD_OFFSET: f64 = 0.35;
/// The same for the share of points beyond the outermost rings or with ring numbers that the sensor lacks.
const ODD_OUTSIDE: f64 = 0.02;
/// Views that differ by more degrees are different views.
const ODD_VIEW_DEG: f64 = 40.0;

/// One side, in figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SideSummary {
    /// What it is.
    pub name: String,
    /// Sweeps.
    pub frames: u64,
    /// Of these, sweeps with true boxes.
    pub frames_with_truth: u64,
    /// Degrees of the circle with points, in the mean.
    pub view_deg: f64,
    /// Mean distance of points from the nearest ring: 0 on it, 1 half-way to the next.
    pub ring_offset: f64,
    /// Share of the points beyond the outermost rings.
    pub outside_rings: f64,
    /// Rings without any point.
    pub empty_rings: usize,
}

/// Simulated against real.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RealismSummary {
    /// The simulated sensor.
    pub sensor: String,
    /// What part of each revolution was compared.
    pub view: SimulatedView,
    /// Neither side may be more than this many times the other.
    pub factor: f64,
    /// The simulated side.
    pub simulated: SideSummary,
    /// The real side.
    pub real: SideSummary,
    /// Why the two may not be comparable at all.
    pub mismatches: Vec<String>,
    /// What was missing or left out.
    pub notes: Vec<String>,
    /// The figures.
    pub statistics: Vec<ComparedStatistic>,
    /// The page.
    pub page: PathBuf,
    /// The picture.
    pub picture: PathBuf,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
}

impl RealismSummary {
    pub(super) fn new(
        settings: &SimulateSettings,
        statistics: Vec<ComparedStatistic>,
        omitted: Vec<String>,
        sides: [Side; 2],
    ) -> Result<Self, AppError> {
        let sensor = world_of(settings)?.sensor;
        let mut notes: Vec<String> = sides.iter().flat_map(|side| side.notes.clone()).collect();
        notes.extend(omitted.into_iter().map(|what| format!("left out: {what}")));
        let mismatches = mismatches(&sensor.name, sensor.rings.len(), &sides);
        let [simulated, real] = sides.map(|side| summarised(&side));
        Ok(Self {
            sensor: sensor.name,
            view: settings.view,
            factor: AGREEMENT_FACTOR,
            simulated,
            real,
            mismatches,
            notes,
            statistics,
            page: PathBuf::new(),
            picture: PathBuf::new(),
            interrupted: false,
        })
    }

    /// Statistics with a verdict.
    pub fn with(&self, agreement: Agreement) -> impl Iterator<Item = &ComparedStatistic> {
        self.statistics.iter().filter(move |statistic| statistic.agreement == agreement)
    }

    /// Whether anything lies beyond the factor or cannot be compared.
    pub fn has_findings(&self) -> bool {
        !self.mismatches.is_empty() || self.with(Agreement::Outside).next().is_some()
    }

    /// A row a statistic: name, typical factor, distances, bins by verdict, verdict.
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        self.statistics.iter().map(row).collect()
    }

    /// A row a bin beyond the factor: statistic, place, simulated, real, ratio, what is said of it.
    pub(super) fn bins_beyond(&self) -> Vec<Vec<String>> {
        let beyond = |bin: &&ComparedBin| bin.agreement >= Agreement::TooFewFrames;
        let rows = |statistic: &ComparedStatistic| -> Vec<Vec<String>> {
            let row = |bin: &ComparedBin| {
                let said = if bin.agreement == Agreement::Outside { "beyond" } else { "too few to tell" };
                let values = [bin.simulated, bin.real].map(|value| value_text(statistic.quantity, value));
                let ratio = bin.ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
                let [simulated, real] = values;
                vec![statistic.name.clone(), place_text(statistic, bin), simulated, real, ratio, said.to_owned()]
            };
            statistic.bins.iter().filter(beyond).map(row).collect()
        };
        self.statistics.iter().flat_map(rows).collect()
    }

    /// A row a class and distance: objects and points on both sides.
    pub(super) fn objects(&self) -> Vec<Vec<String>> {
        let medians = self.statistics.iter().filter(|statistic| statistic.quantity == Quantity::Median);
        let rows = |statistic: &ComparedStatistic| -> Vec<Vec<String>> {
            let row = |bin: &ComparedBin| {
                let spreads = bin.objects?;
                let side = |value: Option<f64>, side: usize| match value {
                    Some(median) => {
                        let spread = spreads[side];
                        let [low, high] = spread.quartiles;
                        format!("{median:.0} ({low:.0}-{high:.0}, {} objects)", spread.count)
                    }
                    None => "none".to_owned(),
                };
                (bin.simulated.is_some() || bin.real.is_some()).then(|| {
                    let ratio = bin.ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
                    let (simulated, real) = (side(bin.simulated, 0), side(bin.real, 1));
                    vec![statistic.name.clone(), place_text(statistic, bin), simulated, real, ratio]
                })
            };
            statistic.bins.iter().filter_map(row).collect()
        };
        medians.flat_map(rows).collect()
    }
}

/// Bins that the text names of each statistic; the page and JSON have all.
const WORST_BINS: usize = 3;

impl RealismSummary {
    /// Of each statistic beyond the factor the bins that differ most.
    fn write_worst(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for statistic in self.with(Agreement::Outside) {
            let mut bins: Vec<&ComparedBin> =
                statistic.bins.iter().filter(|bin| bin.agreement == Agreement::Outside).collect();
            let factor = |bin: &ComparedBin| bin.ratio.map_or(f64::INFINITY, |ratio| ratio.max(1e-9).ln().abs());
            bins.sort_by(|a, b| factor(b).total_cmp(&factor(a)));
            let text = |bin: &&ComparedBin| {
                let [simulated, real] = [bin.simulated, bin.real].map(|value| value_text(statistic.quantity, value));
                format!("{}: {simulated}, real {real}", place_text(statistic, bin))
            };
            let worst: Vec<String> = bins.iter().take(WORST_BINS).map(text).collect();
            let more = bins.len().saturating_sub(WORST_BINS);
            let more = if more > 0 { format!("; {more} more") } else { String::new() };
            writeln!(f, "beyond     {}: {}{more}", statistic.name, worst.join("; "))?;
        }
        Ok(())
    }
}

/// Names of the columns of [`RealismSummary::rows`].
pub(super) const COLUMNS: [&str; 8] =
    ["statistic", "typical factor", "total variation", "moved by", "bins", "within", "too few", "beyond"];
/// Names of the columns of [`RealismSummary::bins_beyond`].
pub(super) const BEYOND_COLUMNS: [&str; 6] = ["statistic", "where", "simulated", "real", "ratio", "verdict"];
/// Names of the columns of [`RealismSummary::objects`].
pub(super) const OBJECT_COLUMNS: [&str; 5] = ["objects", "where", "simulated", "real", "ratio"];

fn row(statistic: &ComparedStatistic) -> Vec<String> {
    let count = |agreement| statistic.bins.iter().filter(|bin| bin.agreement == agreement).count();
    let counts = [Agreement::Within, Agreement::TooFewFrames, Agreement::Outside].map(count);
    let moved = statistic.wasserstein.map_or("-".to_owned(), |moved| format!("{moved:.3}{}", unit_of(statistic.axis)));
    let mut row = vec![statistic.name.clone(), figure(statistic.typical_factor, 2)];
    row.extend([figure(statistic.total_variation, 3), moved, counts.iter().sum::<usize>().to_string()]);
    row.extend(counts.map(|count| count.to_string()));
    row
}

/// The unit in an axis' brackets.
fn unit_of(axis: &str) -> String {
    let unit = axis.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    unit.map_or(String::new(), |unit| format!(" {unit}"))
}

fn place_text(statistic: &ComparedStatistic, bin: &ComparedBin) -> String {
    let unit = unit_of(statistic.axis);
    let is_last = statistic.bins.last().is_some_and(|last| last == bin);
    match statistic.axis {
        "" => "all".to_owned(),
        "ring from the top" => format!("ring {}", bin.from),
        "occlusion level" => format!("level {}", bin.from),
        // The last bin of a distance holds what is farther, too.
        _ if is_last && unit == " m" => format!("from {}{unit}", bin.from),
        _ => format!("{} to {}{unit}", bin.from, bin.to),
    }
}

fn value_text(quantity: Quantity, value: Option<f64>) -> String {
    match (value, quantity) {
        (None, _) => "none".to_owned(),
        (Some(value), Quantity::Share | Quantity::Rate) => format!("{:.2} %", value * 100.0),
        (Some(value), Quantity::Mean | Quantity::Median) => format!("{value:.0}"),
    }
}

fn summarised(side: &Side) -> SideSummary {
    let fit = side.statistics.row_fit();
    SideSummary {
        name: side.name.clone(),
        frames: side.statistics.frames(),
        frames_with_truth: side.statistics.frames_with_truth(),
        view_deg: side.statistics.view_deg(),
        ring_offset: fit.mean_offset,
        outside_rings: fit.outside,
        empty_rings: fit.empty_rows,
    }
}

fn mismatches(sensor: &str, rings: usize, [simulated, real]: &[Side; 2]) -> Vec<String> {
    let mut found = Vec::new();
    let (fit, own) = (real.statistics.row_fit(), simulated.statistics.row_fit());
    if fit.unknown > 0.0 {
        let share = fit.unknown * 100.0;
        found.push(format!("{share:.1} % of the real points have ring numbers that {sensor} ({rings} rings) lacks"));
    }
    if fit.mean_offset > ODD_OFFSET
        || fit.outside > own.outside + ODD_OUTSIDE
        || fit.empty_rows > own.empty_rows + rings / 4
    {
        found.push(format!(
            "the real points do not lie on the {rings} rings of {sensor}: {:.2} of half a gap off in the mean \
             (simulated {:.2}), {:.1} % beyond the outermost, {} rings empty; name the bag's sensor with --sensor",
            fit.mean_offset,
            own.mean_offset,
            fit.outside * 100.0,
            fit.empty_rows
        ));
    }
    let views = [simulated.statistics.view_deg(), real.statistics.view_deg()];
    if (views[0] - views[1]).abs() > ODD_VIEW_DEG {
        found.push(format!(
            "the simulated sweeps cover {:.0} degrees and the real ones {:.0}: choose the same with --view",
            views[0], views[1]
        ));
    }
    found
}

impl fmt::Display for RealismSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, side) in [("simulated", &self.simulated), ("real", &self.real)] {
            writeln!(
                f,
                "{title:9}  {}: {} sweeps, {} with truth, {:.0} degrees",
                side.name, side.frames, side.frames_with_truth, side.view_deg
            )?;
        }
        self.mismatches.iter().try_for_each(|mismatch| writeln!(f, "MISMATCH   {mismatch}"))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "note       {note}"))?;
        writeln!(f, "\n{}", table(&COLUMNS, self.rows()))?;
        writeln!(f, "Points an object: median (quartiles, objects), clear ones alone")?;
        writeln!(f, "{}", table(&OBJECT_COLUMNS, self.objects()))?;
        self.write_worst(f)?;
        let named = |agreement| self.with(agreement).map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
        let counts = [Agreement::Within, Agreement::TooFewFrames, Agreement::Outside].map(|a| self.with(a).count());
        writeln!(f, "{} statistics within a factor of {}", counts[0], self.factor)?;
        let unjudged = self.with(Agreement::NotJudged).count();
        if unjudged > 0 {
            writeln!(f, "{unjudged} with too little to judge: {}", named(Agreement::NotJudged))?;
        }
        if counts[1] > 0 {
            writeln!(f, "{} that these frames are too few to tell: {}", counts[1], named(Agreement::TooFewFrames))?;
        }
        if counts[2] > 0 {
            writeln!(f, "{} beyond: {}", counts[2], named(Agreement::Outside))?;
        }
        match self.interrupted {
            true => writeln!(f, "stopped before the end: nothing is drawn"),
            false => writeln!(f, "drawn in   {}, {}", self.page.display(), self.picture.display()),
        }
    }
}

fn table(columns: &[&str], rows: Vec<Vec<String>>) -> Table {
    let mut table = Table::new(columns);
    rows.into_iter().for_each(|row| table.push(row));
    table
}
