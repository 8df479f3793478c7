//! The model card: what a person should know before using the weights.

use percept_distill::train::TrainSettings;
use percept_models::weights::WeightsMetadata;
use std::fmt::Write;

use super::{NearCars, Scores};

/// The card as Markdown.
pub fn model_card(metadata: &WeightsMetadata, settings: &TrainSettings, sha256: &str, scores: &[Scores]) -> String {
    let model = &settings.model;
    let mut card = format!("# {}\n\n", metadata.model_id);
    // Writing to a string cannot fail.
    let _ = writeln!(
        card,
        "PointPillars for {} on a grid of x, y, z from {:?} to {:?} m with pillars of {:?} m. Intensity: {:?}.\n",
        model.class_names.join(", "),
        &model.point_cloud_range_m[..3],
        &model.point_cloud_range_m[3..],
        model.pillar_size_m,
        model.input.intensity
    );
    training(&mut card, metadata, settings);
    for set in scores {
        let title = format!("## Results on `{}` ({} frames)", set.name, set.results.num_frames);
        let _ = writeln!(card, "{title}\n\nKITTI's protocol, average precision in percent.\n");
        let _ = writeln!(card, "```text\n{}\n```\n", set.results.table());
        let _ = writeln!(card, "{}\n\n```text\n{}\n```\n", NearCars::protocol(), set.near_cars.table());
    }
    inputs(&mut card, metadata);
    let _ = writeln!(card, "## File\n\nSHA-256 `{sha256}`; weights in half precision, norms and biases in single.");
    card
}

fn training(card: &mut String, metadata: &WeightsMetadata, settings: &TrainSettings) {
    let Some(record) = &metadata.training else { return };
    let windows = settings.windows;
    let _ = writeln!(
        card,
        "## Training\n\n\
         ```sh\n{}\n```\n\n\
         | | |\n|---|---|\n\
         | frames from | {} |\n\
         | seed | {} |\n\
         | steps | {} of {} |\n\
         | frames seen | {} |\n\
         | a step | {} frames, {} windows of {} x {} cells each |\n\
         | schedule | one cycle, peak learning rate {} |\n\
         | time | {:.0} minutes of wall time |\n\
         | teacher | {} |\n\
         | exported | exponentially averaged weights (decay {}), norm statistics measured anew |\n",
        record.command,
        record.bags.join("; "),
        settings.seed,
        record.steps,
        settings.schedule.steps,
        record.frames,
        settings.frames_per_step,
        windows.per_frame,
        windows.nx,
        windows.ny,
        settings.schedule.peak_learning_rate,
        record.wall_time_s / 60.0,
        record.teacher.as_ref().map_or("none".to_owned(), |teacher| format!(
            "{:.12}, {}: {}",
            teacher.sha256,
            if teacher.recorded { "recorded" } else { "live" },
            teacher.terms.join(", ")
        )),
        settings.average_decay
    );
}

fn inputs(card: &mut String, metadata: &WeightsMetadata) {
    let Some(statistics) = &metadata.input_statistics else { return };
    let percentiles = |values: [f64; 3]| format!("{:.2}, {:.2}, {:.2}", values[0], values[1], values[2]);
    let _ = writeln!(
        card,
        "## Inputs in training\n\n\
         | | |\n|---|---|\n\
         | points a frame within the grid | {:.0} ± {:.0} |\n\
         | height, 5th, 50th, 95th percentile (m) | {} |\n\
         | distance, 5th, 50th, 95th percentile (m) | {} |\n\
         | intensity, 5th, 50th, 95th percentile | {} |\n\
         | ground round the sensor, mean (m) | {} |\n",
        statistics.num_points_mean,
        statistics.num_points_std,
        percentiles(statistics.z_percentiles_m),
        percentiles(statistics.range_percentiles_m),
        percentiles(statistics.intensity_percentiles),
        statistics.ground_height_m.map_or("not noted".to_owned(), |height_m| format!("{height_m:.2}"))
    );
}
