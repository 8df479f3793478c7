//! The page that shows a replay and its figures.

use crate::AppError;
use crate::evaluate::{Evaluation, OutputScore, WorstFrame};
use crate::replay::ReplaySummary;
use percept_eval::average_precision::RecallPoints;
use percept_eval::kitti::{EvaluatedClass, KittiResults, Metric, OverlapSet};
use percept_types::Difficulty;
use percept_viz::curves::{Plot, Series};
use percept_viz::report::{ApRow, ApTable, Count, Picture, Report, StageLatency, Tile, Tone};
use std::fs;
use std::path::{Path, PathBuf};

const DIFFICULTIES: [Difficulty; 3] = [Difficulty::Easy, Difficulty::Moderate, Difficulty::Hard];

/// Writes the page; pictures are linked relative to it.
pub(super) fn write_report(
    path: &Path,
    replay: &ReplaySummary,
    evaluation: Option<&Evaluation>,
) -> Result<(), AppError> {
    let subtitle = format!("{} frames of {} from {}", replay.frames, replay.topic, replay.bag.display());
    let score = evaluation.and_then(|evaluation| evaluation.outputs.first());
    let mut report = Report::new("Percept: LiDAR detector", subtitle).tiles(&tiles(replay, score));
    report = report.strip("Seen from above", &pictures(path, replay));
    let worst = evaluation.map(|evaluation| worst_pictures(path, evaluation)).unwrap_or_default();
    report = match score {
        Some(score) => figures(report, score),
        None => report.note("Average precision", "The bag has no truth, so nothing can be said about right and wrong."),
    };
    if !worst.is_empty() {
        report = report.strip("The frames with most misses and false boxes", &worst);
    }
    report = report
        .latency("Time by stage", &latency(replay))
        .counts("What was dropped or failed", &counts(replay))
        .table("Boxes", &["class", "boxes"], &boxes(replay));
    for warning in &replay.warnings {
        report = report.note("Warning", warning);
    }
    let html = report.provenance("Where this comes from", &provenance(replay)).to_html();
    fs::write(path, html).map_err(AppError::io("write", path))
}

fn tiles(replay: &ReplaySummary, score: Option<&OutputScore>) -> Vec<Tile> {
    let tile = |label: &str, value: String, note: String, tone| Tile { label: label.to_owned(), value, note, tone };
    let failed = replay.frames_failed;
    let tone = if failed > 0 { Tone::Bad } else { Tone::Good };
    let mut tiles = vec![tile("frames", replay.frames.to_string(), format!("{failed} failed"), tone)];
    let total_boxes: u64 = replay.boxes.values().sum();
    let a_frame = total_boxes as f64 / replay.frames.max(1) as f64;
    tiles.push(tile("boxes", total_boxes.to_string(), format!("{a_frame:.1} a frame"), Tone::Plain));
    if let Some(total) = replay.latency.iter().find(|stage| stage.stage == "total") {
        let note = format!("p99 {:.0} ms, max {:.0} ms on {}", total.p99_ms, total.max_ms, replay.device);
        tiles.push(tile("time a frame, median", format!("{:.0} ms", total.p50_ms), note, Tone::Plain));
    }
    if let Some(kitti) = score.and_then(|score| score.kitti.as_ref()) {
        for class in EvaluatedClass::kitti_three() {
            let name = class.class_name;
            let ap = |metric| kitti.ap(&name, metric, Difficulty::Moderate, OverlapSet::Strict, RecallPoints::R40);
            if let (Some(volume), Some(bev)) = (ap(Metric::Volume), ap(Metric::Bev)) {
                let note = format!("AP R40 moderate; from above {bev:.1}");
                tiles.push(tile(&format!("{name} 3D"), format!("{volume:.1} %"), note, Tone::Plain));
            }
        }
    }
    tiles
}

fn figures(report: Report, score: &OutputScore) -> Report {
    if let Some(kitti) = &score.kitti {
        let heading = "KITTI average precision over 40 recall points, in percent";
        return report
            .average_precision(heading, &kitti_table(kitti))
            .plots("Precision over recall, moderate", &kitti_plots(kitti));
    }
    let Some(bev) = &score.bev else { return report };
    let row = |class: &crate::evaluate::BevClassScores| ApRow {
        class_name: class.bev.class_name.clone(),
        ap_percent: vec![class.bev.ap_r40, class.volume.ap_r40],
    };
    let table = ApTable {
        metrics: vec!["from above".to_owned(), "3D".to_owned()],
        difficulties: vec![format!("at least {} points", bev.min_points)],
        rows: bev.classes.iter().map(row).collect(),
    };
    report.average_precision("Average precision over 40 recall points, in percent", &table)
}

fn kitti_table(kitti: &KittiResults) -> ApTable {
    let metrics = [Metric::Volume, Metric::Bev, Metric::Bbox];
    let row = |class: EvaluatedClass| {
        let name = class.class_name;
        let values = metrics.iter().flat_map(|metric| {
            let name = name.as_str();
            DIFFICULTIES.map(|d| kitti.ap(name, *metric, d, OverlapSet::Strict, RecallPoints::R40))
        });
        ApRow { ap_percent: values.collect(), class_name: name.clone() }
    };
    ApTable {
        metrics: ["3D", "from above", "in the image"].map(str::to_owned).to_vec(),
        difficulties: ["easy", "moderate", "hard"].map(str::to_owned).to_vec(),
        rows: EvaluatedClass::kitti_three().into_iter().map(row).collect(),
    }
}

fn kitti_plots(kitti: &KittiResults) -> Vec<Plot> {
    let of_class = |class: EvaluatedClass| {
        let series = [(Metric::Volume, "3D"), (Metric::Bev, "from above")].into_iter().enumerate();
        let series = series.filter_map(|(index, (metric, label))| {
            let entry = kitti.entry(&class.class_name, metric, Difficulty::Moderate, OverlapSet::Strict)?;
            let points = entry.curve.as_ref()?.points.iter().map(|point| [point.recall, point.precision]).collect();
            Some(Series::new(label, index, points))
        });
        let series: Vec<Series> = series.collect();
        (!series.is_empty()).then(|| Plot {
            title: class.class_name.clone(),
            x_label: "recall".to_owned(),
            y_label: "precision".to_owned(),
            x_range: Some([0.0, 1.0]),
            y_range: Some([0.0, 1.0]),
            log_y: false,
            series,
        })
    };
    EvaluatedClass::kitti_three().into_iter().filter_map(of_class).collect()
}

fn latency(replay: &ReplaySummary) -> Vec<StageLatency> {
    let stage = |stage: &crate::replay::StageLatency| StageLatency {
        stage: stage.stage.clone(),
        p50_ms: stage.p50_ms,
        p99_ms: stage.p99_ms,
        max_ms: stage.max_ms,
        samples_ms: stage.samples_ms.clone(),
        is_total: stage.stage == "total",
    };
    replay.latency.iter().map(stage).collect()
}

fn counts(replay: &ReplaySummary) -> Vec<Count> {
    let count = |what: &str, count, meaning: &str, tone| Count {
        what: what.to_owned(),
        count,
        meaning: meaning.to_owned(),
        tone,
    };
    let points = &replay.points;
    let lost = replay.losses.len() as u64;
    vec![
        count("frames failed", replay.frames_failed, "no result was written for them", Tone::Bad),
        count("damaged places of the input bag", lost, "what could be read was used", Tone::Bad),
        count("clouds without points", replay.frames_empty, "an empty array was written for each", Tone::Warning),
        count("pillars over the cap", replay.pillars_over_cap, "the network takes no more a frame", Tone::Warning),
        count("points not finite", points.not_finite, "dropped", Tone::Plain),
        count("points outside the grid", points.out_of_range, "the network does not see them", Tone::Plain),
        count("points over a pillar's cap", points.over_pillar_cap, "the pillar was full", Tone::Plain),
    ]
}

fn boxes(replay: &ReplaySummary) -> Vec<Vec<String>> {
    replay.boxes.iter().map(|(name, count)| vec![name.clone(), count.to_string()]).collect()
}

fn pictures(page: &Path, replay: &ReplaySummary) -> Vec<Picture> {
    let caption = |path: &PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().replace('_', " "));
    replay.pictures.iter().map(|path| picture(page, path, caption(path).unwrap_or_default())).collect()
}

fn worst_pictures(page: &Path, evaluation: &Evaluation) -> Vec<Picture> {
    let caption =
        |worst: &WorstFrame| format!("{} found, {} missed, {} false", worst.found, worst.missed, worst.false_boxes);
    evaluation.worst.iter().map(|worst| picture(page, &worst.picture, caption(worst))).collect()
}

/// A picture by its path from the page.
fn picture(page: &Path, path: &Path, caption: String) -> Picture {
    let folder = page.parent().unwrap_or(Path::new(""));
    Picture { href: path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned(), caption }
}

fn provenance(replay: &ReplaySummary) -> Vec<(String, String)> {
    let facts = [
        ("input bag", replay.bag.display().to_string()),
        ("topic", replay.topic.clone()),
        ("output bag", replay.out.display().to_string()),
        ("weights, SHA-256", replay.weights_sha256.clone()),
        ("device", replay.device.clone()),
        ("percept", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    facts.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
