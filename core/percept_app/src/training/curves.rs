//! The curves of a run as a picture.

use percept_distill::train::CurveWriter;
use percept_viz::curves::{Plot, Series, render_png};
use std::path::Path;

use super::TrainingError;

/// Steps that a smooth line averages over.
const SMOOTH_STEPS: usize = 50;

/// Draws losses and learning rate of a CSV file into a PNG.
///
/// # Errors
/// A file that cannot be read or written.
pub(super) fn draw_curves(csv: &Path, png: &Path) -> Result<(), TrainingError> {
    let rows = CurveWriter::read(csv)?;
    let names = ["sum", "class", "box", "direction"];
    let losses = names.iter().enumerate().flat_map(|(i, name)| {
        let points = rows.iter().map(|row| [row.step as f64, row.losses[i]]).collect();
        Series::raw_and_smooth(*name, i, points, SMOOTH_STEPS)
    });
    let rate = rows.iter().map(|row| [row.step as f64, row.learning_rate]).collect();
    let plot = |title: &str, y_label: &str, log_y, series| Plot {
        title: title.to_owned(),
        x_label: "step".to_owned(),
        y_label: y_label.to_owned(),
        log_y,
        series,
        ..Plot::default()
    };
    let plots = [
        plot("Losses", "weighted loss", true, losses.collect()),
        plot("Learning rate", "learning rate", false, vec![Series::new("", 0, rate)]),
    ];
    let picture = render_png(&plots, 2).map_err(|error| TrainingError::Picture { reason: error.to_string() })?;
    std::fs::write(png, picture).map_err(TrainingError::io("write", png))
}
