//! The page of a study: rows side by side, per class, per range, with the spread over seeds and the cost.

use percept_viz::curves::{Plot, Series};
use percept_viz::report::{Report, Tile, Tone};
use std::path::Path;

use super::super::TrainingError;
use super::super::ranges::RangeScores;
use super::FinishedCell;

const CLASSES: [&str; 3] = ["Car", "Pedestrian", "Cyclist"];

/// Writes the page. The first row is what the others are compared with; each row has its cells of all seeds.
///
/// # Errors
/// When the file cannot be written.
pub fn write_report(path: &Path, title: &str, cells: &[FinishedCell]) -> Result<(), TrainingError> {
    let mut rows: Vec<(&str, Vec<&FinishedCell>)> = Vec::new();
    for cell in cells {
        match rows.iter_mut().find(|(name, _)| *name == cell.cell.row) {
            Some((_, own)) => own.push(cell),
            None => rows.push((&cell.cell.row, vec![cell])),
        }
    }
    let mut report =
        Report::new(title, "Mean over seeds, and the largest distance of a seed from it.").tiles(&tiles(&rows));
    for set in sets(cells) {
        report = precision(report, &rows, &set);
        report = ranges(report, &rows, &set);
    }
    report = cost(report, &rows);
    report =
        report.table("Runs", &["row", "seed", "learns from", "steps", "frames", "minutes", "weights"], &runs(&rows));
    std::fs::write(path, report.to_html()).map_err(TrainingError::io("write", path))
}

type Rows<'a> = Vec<(&'a str, Vec<&'a FinishedCell>)>;

/// Mean and largest distance from it.
fn figure(cells: &[&FinishedCell], metric: impl Fn(&FinishedCell) -> Option<f64>) -> Option<(f64, f64)> {
    let values: Vec<f64> = cells.iter().filter_map(|cell| metric(cell)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let spread = values.iter().map(|value| (value - mean).abs()).fold(0.0, f64::max);
    (!values.is_empty()).then_some((mean, spread))
}

fn text(figure: Option<(f64, f64)>, seeds: usize) -> String {
    match figure {
        Some((mean, spread)) if seeds > 1 => format!("{mean:.1} ± {spread:.1}"),
        Some((mean, _)) => format!("{mean:.1}"),
        None => "-".to_owned(),
    }
}

fn named(name: String) -> impl Fn(&FinishedCell) -> Option<f64> {
    move |cell| cell.metrics.get(&name).copied()
}

/// Mean over the classes that have a figure.
fn mean_over_classes(set: &str, metric: &str) -> impl Fn(&FinishedCell) -> Option<f64> + use<> {
    let names = CLASSES.map(|class| format!("{set}/{class}/{metric}_ap_r40_moderate"));
    move |cell| {
        let values: Vec<f64> = names.iter().filter_map(|name| cell.metrics.get(name).copied()).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }
}

fn sets(cells: &[FinishedCell]) -> Vec<String> {
    let of = |cell: &FinishedCell| {
        let heads = cell.metrics.keys().filter(|name| name.contains("_ap_r40_moderate"));
        heads.filter_map(|name| Some(name.split_once('/')?.0.to_owned())).collect::<Vec<_>>()
    };
    let sets: std::collections::BTreeSet<String> = cells.iter().flat_map(of).collect();
    sets.into_iter().collect()
}

fn tiles(rows: &Rows<'_>) -> Vec<Tile> {
    let metric = mean_over_classes("sim", "3d");
    let first = rows.first().and_then(|(_, cells)| figure(cells, &metric));
    let tile = |(name, cells): &(&str, Vec<&FinishedCell>)| {
        let own = figure(cells, &metric)?;
        let gain = first.map_or(0.0, |first| own.0 - first.0);
        let note = format!("3D mAP, {} seeds, {gain:+.1} against the first row", cells.len());
        let tone = if gain < -0.05 { Tone::Warning } else { Tone::Plain };
        Some(Tile { label: (*name).to_owned(), value: format!("{:.1} %", own.0), note, tone })
    };
    rows.iter().filter_map(tile).collect()
}

fn precision(report: Report, rows: &Rows<'_>, set: &str) -> Report {
    let mut columns = vec!["row".to_owned(), "mAP BEV".to_owned(), "mAP 3D".to_owned()];
    columns.extend(CLASSES.iter().flat_map(|class| [format!("{class} BEV"), format!("{class} 3D")]));
    let row = |(name, cells): &(&str, Vec<&FinishedCell>)| {
        let mut row = vec![(*name).to_owned()];
        row.extend(["bev", "3d"].map(|metric| text(figure(cells, mean_over_classes(set, metric)), cells.len())));
        for class in CLASSES {
            for metric in ["bev", "3d"] {
                let name = format!("{set}/{class}/{metric}_ap_r40_moderate");
                row.push(text(figure(cells, named(name)), cells.len()));
            }
        }
        row
    };
    let table: Vec<Vec<String>> = rows.iter().map(row).collect();
    let heading = format!("Average precision on {set}: KITTI's protocol, 40 recalls, moderate, percent");
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    report.table(&heading, &columns, &table).plots(&format!("Seeds on {set}"), &[seeds_plot(rows, set)])
}

/// Each seed's 3D mAP, a line a row.
fn seeds_plot(rows: &Rows<'_>, set: &str) -> Plot {
    let metric = mean_over_classes(set, "3d");
    let series = |(index, (name, cells)): (usize, &(&str, Vec<&FinishedCell>))| {
        let points = cells.iter().filter_map(|cell| Some([cell.cell.seed as f64, metric(cell)?])).collect();
        Series::new(*name, index, points)
    };
    Plot {
        title: "3D mAP by seed".to_owned(),
        x_label: "seed".to_owned(),
        y_label: "3D mAP, percent".to_owned(),
        series: rows.iter().enumerate().map(series).collect(),
        ..Plot::default()
    }
}

fn ranges(report: Report, rows: &Rows<'_>, set: &str) -> Report {
    let bands = RangeScores::bands();
    let mut columns = vec!["row".to_owned()];
    columns.extend(
        CLASSES.iter().flat_map(|class| bands.iter().map(move |band| format!("{class} {}", band.replace('_', "-")))),
    );
    let row = |(name, cells): &(&str, Vec<&FinishedCell>)| {
        let mut row = vec![(*name).to_owned()];
        for class in CLASSES {
            for band in &bands {
                row.push(text(figure(cells, named(format!("{set}/{class}/range_{band}_3d_ap_r40"))), cells.len()));
            }
        }
        row
    };
    let table: Vec<Vec<String>> = rows.iter().map(row).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    report.table(
        &format!("3D average precision by distance on {set}, every score a point of the curve"),
        &columns,
        &table,
    )
}

fn cost(report: Report, rows: &Rows<'_>) -> Report {
    let of = |cells: &[&FinishedCell], name: &str| figure(cells, named(format!("cost/{name}"))).map(|(mean, _)| mean);
    let largest = rows.iter().filter_map(|(_, cells)| of(cells, "parameters")).fold(FULL_PARAMETERS, f64::max);
    let row = |(name, cells): &(&str, Vec<&FinishedCell>)| {
        let figure = |value: Option<f64>, scale: f64, digits: usize| {
            value.map_or("-".to_owned(), |value| format!("{:.digits$}", value * scale))
        };
        let parameters = of(cells, "parameters");
        vec![
            (*name).to_owned(),
            figure(parameters, 1e-6, 2),
            figure(of(cells, "multiply_adds"), 1e-9, 1),
            figure(of(cells, "latency_p50_ms"), 1.0, 1),
            figure(parameters.map(|parameters| largest / parameters), 1.0, 1),
        ]
    };
    let table: Vec<Vec<String>> = rows.iter().map(row).collect();
    let columns = ["row", "parameters (M)", "multiply-adds (G)", "latency, median (ms)", "compression of parameters"];
    report.table("Cost", &columns, &table)
}

/// Parameters of the network as published, with which students are compared.
const FULL_PARAMETERS: f64 = 4_834_888.0;

fn runs(rows: &Rows<'_>) -> Vec<Vec<String>> {
    let run = |cell: &&FinishedCell| {
        let teacher = cell.cell.settings.distillation.as_ref().map_or("truth alone".to_owned(), |distillation| {
            let names: Vec<&str> = distillation.terms.iter().map(|term| term.method.name()).collect();
            let how = if distillation.records.is_empty() { "live" } else { "recorded" };
            format!("{}, {how}: {}", distillation.teacher.display(), names.join(", "))
        });
        vec![
            cell.cell.row.clone(),
            cell.cell.seed.to_string(),
            teacher,
            cell.cell.settings.steps.to_string(),
            cell.frames.to_string(),
            format!("{:.0}", cell.minutes),
            format!("{:.12}", cell.weights_sha256),
        ]
    };
    rows.iter().flat_map(|(_, cells)| cells.iter().map(run)).collect()
}
