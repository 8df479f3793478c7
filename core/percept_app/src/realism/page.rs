//! The page and the picture of a comparison: small multiples, real against simulated.

use super::RealismSummary;
use super::summary::{BEYOND_COLUMNS, COLUMNS, OBJECT_COLUMNS};
use crate::AppError;
use percept_eval::realism::{AGREEMENT_FACTOR, Agreement, ComparedBin, ComparedStatistic, Quantity};
use percept_viz::curves::{Plot, Series, render_png};
use percept_viz::report::{Report, Tile, Tone};
use std::fs;
use std::path::{Path, PathBuf};

/// Of the plot colours.
const REAL: usize = 0;
const SIMULATED: usize = 1;
/// Plots in a row of the picture.
const COLUMNS_OF_PLOTS: usize = 3;
/// Shares that span more than this many times their least are drawn on a logarithmic axis.
const LOG_SPAN: f64 = 30.0;

/// Sections of the page by how their statistics' names begin.
const SECTIONS: [(&str, &[&str]); 4] = [
    ("Returns", &["points a frame", "points a ring", "range", "height over", "nearest"]),
    ("Intensity", &["intensity"]),
    ("Drop-out on smooth surfaces", &["drop-out"]),
    (
        "Objects",
        &["points a Car", "points a Van", "points a Pedestrian", "points a Cyclist", "height profile", "depth"],
    ),
];

/// Writes `realism.html` and `realism.png` into a folder, which is made where it is missing.
pub(super) fn write(folder: &Path, summary: &RealismSummary) -> Result<(PathBuf, PathBuf), AppError> {
    fs::create_dir_all(folder).map_err(AppError::io("create", folder))?;
    let (page, picture) = (folder.join("realism.html"), folder.join("realism.png"));
    fs::write(&page, html(summary)).map_err(AppError::io("write", &page))?;
    let plots: Vec<Plot> = SECTIONS.iter().flat_map(|(_, names)| plots_of(summary, names)).collect();
    let drawn = render_png(&plots, COLUMNS_OF_PLOTS)
        .map_err(|error| AppError::Picture { path: picture.clone(), reason: error.to_string() })?;
    fs::write(&picture, drawn).map_err(AppError::io("write", &picture))?;
    Ok((page, picture))
}

fn html(summary: &RealismSummary) -> String {
    let subtitle = format!("{} simulated: {} against {}", summary.sensor, summary.simulated.name, summary.real.name);
    let mut report = Report::new("Percept: simulated against real sweeps", subtitle).tiles(&tiles(summary));
    for mismatch in &summary.mismatches {
        report = report.note("The two may not be comparable", mismatch);
    }
    let reading = format!(
        "Bold lines are the two sides; pale lines lie a factor of {AGREEMENT_FACTOR} above and below the real one, or, for \
         points of objects, at their quartiles. A bin is judged where either side has at least 2 % there. Frames, not \
         points, are independent: a bin beyond the factor by less than two standard errors over frames is one that \
         these frames are too few to tell."
    );
    report = report.note("How to read this", &reading);
    for (heading, names) in SECTIONS {
        let plots = plots_of(summary, names);
        if !plots.is_empty() {
            report = report.plots(heading, &plots);
        }
    }
    report = report.table("Every statistic", &COLUMNS, &summary.rows());
    let (objects, beyond) = (summary.objects(), summary.bins_beyond());
    if !objects.is_empty() {
        report =
            report.table("Points an object: median (quartiles, objects), clear ones alone", &OBJECT_COLUMNS, &objects);
    }
    if !beyond.is_empty() {
        let heading = format!("Bins beyond a factor of {AGREEMENT_FACTOR}");
        report = report.table(&heading, &BEYOND_COLUMNS, &beyond);
    }
    if !summary.notes.is_empty() {
        report = report.note("Missing or left out", &(summary.notes.join("; ") + "."));
    }
    report.provenance("Where this comes from", &provenance(summary)).to_html()
}

fn tiles(summary: &RealismSummary) -> Vec<Tile> {
    let tile = |label: &str, value: String, note: &str, tone| Tile {
        label: label.to_owned(),
        value,
        note: note.to_owned(),
        tone,
    };
    let count = |agreement| summary.with(agreement).count();
    let outside = count(Agreement::Outside);
    let tone = if outside > 0 { Tone::Warning } else { Tone::Good };
    let points = summary.statistics.first().and_then(|s| s.bins.first());
    let mean = |value: Option<f64>| value.map_or("-".to_owned(), |points| format!("{points:.0}"));
    let within = format!("within a factor of {AGREEMENT_FACTOR}");
    vec![
        tile("statistics", count(Agreement::Within).to_string(), &within, Tone::Good),
        tile("undecided", count(Agreement::TooFewFrames).to_string(), "too few frames to tell", Tone::Plain),
        tile("beyond", outside.to_string(), "in at least one bin", tone),
        tile("simulated", mean(points.and_then(|p| p.simulated)), &sweeps(summary.simulated.frames), Tone::Plain),
        tile("real", mean(points.and_then(|p| p.real)), &sweeps(summary.real.frames), Tone::Plain),
    ]
}

fn sweeps(frames: u64) -> String {
    format!("points a sweep, {frames} sweeps")
}

fn provenance(summary: &RealismSummary) -> Vec<(String, String)> {
    let side = |side: &super::SideSummary| {
        format!(
            "{}; {} sweeps, {} with truth, {:.0} degrees, {:.2} of half a gap off the rings, {} rings empty",
            side.name, side.frames, side.frames_with_truth, side.view_deg, side.ring_offset, side.empty_rings
        )
    };
    [
        ("sensor", summary.sensor.clone()),
        ("view", format!("{:?}", summary.view)),
        ("simulated", side(&summary.simulated)),
        ("real", side(&summary.real)),
        ("percept", env!("CARGO_PKG_VERSION").to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec()
}

/// Plots of the statistics whose names begin so, in their order; a single value is no plot.
fn plots_of(summary: &RealismSummary, names: &[&str]) -> Vec<Plot> {
    let wanted = |statistic: &&ComparedStatistic| {
        statistic.bins.len() > 1 && names.iter().any(|name| statistic.name.starts_with(name))
    };
    summary.statistics.iter().filter(wanted).map(plot_of).collect()
}

fn plot_of(statistic: &ComparedStatistic) -> Plot {
    let log_y = is_logarithmic(statistic);
    let outline = |name: &str, color: usize, value: &dyn Fn(&ComparedBin) -> Option<f64>| {
        Series::steps(name, color, statistic.bins.iter().map(|bin| ([bin.from, bin.to], value(bin))))
    };
    let mut series = Vec::new();
    for end in 0..2 {
        if statistic.quantity == Quantity::Median {
            for (side, color) in [(0, SIMULATED), (1, REAL)] {
                let quartile = |bin: &ComparedBin| {
                    bin.objects.map(|sides| sides[side]).filter(|s| s.count > 0).map(|s| s.quartiles[end])
                };
                series.push(outline("", color, &quartile).behind());
            }
        } else {
            let factor = [AGREEMENT_FACTOR, 1.0 / AGREEMENT_FACTOR][end];
            series.push(outline("", REAL, &|bin| bin.real.map(|real| real * factor)).behind());
        }
    }
    series.push(outline("real", REAL, &|bin| bin.real));
    series.push(outline("simulated", SIMULATED, &|bin| bin.simulated));
    let mut title = statistic.name.clone();
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Plot {
        title,
        x_label: statistic.axis.to_owned(),
        y_label: statistic.value.to_owned(),
        x_range: None,
        y_range: (!log_y).then(|| [0.0, highest(statistic) * 1.12]),
        log_y,
        series,
    }
}

fn values(statistic: &ComparedStatistic) -> impl Iterator<Item = f64> {
    statistic.bins.iter().flat_map(|bin| [bin.simulated, bin.real]).flatten().filter(|value| *value > 0.0)
}

fn highest(statistic: &ComparedStatistic) -> f64 {
    let highest = values(statistic).fold(0.0, f64::max);
    if highest > 0.0 { highest } else { 1.0 }
}

/// Points of objects fall with the square of the distance; shares of ranges and heights span decades.
fn is_logarithmic(statistic: &ComparedStatistic) -> bool {
    let lowest = values(statistic).fold(f64::INFINITY, f64::min);
    let spans = highest(statistic) / lowest > LOG_SPAN;
    let falls = matches!(statistic.name.as_str(), "range" | "height over ground");
    spans && (falls || statistic.quantity == Quantity::Median)
}
