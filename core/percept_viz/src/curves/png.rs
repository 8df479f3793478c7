//! Plots as a PNG, side by side.

use super::frame::Frame;
use super::{Plot, Series, plot_color};
use crate::canvas::Px;
use crate::{Anchor, Canvas, Line, Rgba, TextStyle, VizError};

const PAPER: Rgba = Rgba(255, 255, 255, 255);
const INK: Rgba = Rgba(36, 41, 51, 255);
const PALE_INK: Rgba = Rgba(110, 118, 132, 255);
const GRID: Rgba = Rgba(226, 230, 236, 255);
/// Size of a plot with its labels.
const PANEL_PX: [usize; 2] = [720, 420];
/// Room for labels: left, top, right, bottom.
const MARGIN_PX: [f64; 4] = [98.0, 46.0, 24.0, 58.0];

/// Draws plots in rows of `columns`.
///
/// # Errors
/// [`VizError::Size`] for no plots or more than a picture holds.
pub fn render_png(plots: &[Plot], columns: usize) -> Result<Vec<u8>, VizError> {
    let columns = columns.clamp(1, plots.len().max(1));
    let rows = plots.len().div_ceil(columns);
    let mut page = Canvas::new(columns * PANEL_PX[0], rows.saturating_mul(PANEL_PX[1]), PAPER)?;
    for (index, plot) in plots.iter().enumerate() {
        let corner = [index % columns * PANEL_PX[0], index / columns * PANEL_PX[1]];
        page.place(corner.map(|px| px as i32), &panel(plot)?);
    }
    page.to_png()
}

fn panel(plot: &Plot) -> Result<Canvas, VizError> {
    let [width, height] = PANEL_PX.map(|px| px as f64);
    let [left, top, right, bottom] = MARGIN_PX;
    let frame = Frame::new(plot, [left, top], [width - left - right, height - top - bottom]);
    let mut canvas = Canvas::new(PANEL_PX[0], PANEL_PX[1], PAPER)?;
    draw_grid(&mut canvas, &frame);
    for series in &plot.series {
        draw_series(&mut canvas, &frame, series);
    }
    // What runs out of the frame is covered again.
    cover_margins(&mut canvas, &frame);
    draw_axes(&mut canvas, plot, &frame);
    draw_legend(&mut canvas, plot, &frame);
    Ok(canvas)
}

fn px(u: f64, v: f64) -> Px {
    [u as f32, v as f32]
}

fn draw_grid(canvas: &mut Canvas, frame: &Frame) {
    for tick in frame.x_ticks() {
        let u = tick.place.round() + 0.5;
        canvas.line(px(u, frame.top), px(u, frame.top + frame.height), Line::solid(GRID, 1.0));
    }
    for tick in frame.y_ticks() {
        let v = tick.place.round() + 0.5;
        canvas.line(px(frame.left, v), px(frame.left + frame.width, v), Line::solid(GRID, 1.0));
    }
}

fn draw_series(canvas: &mut Canvas, frame: &Frame, series: &Series) {
    let color = plot_color(series.color_index);
    let line = if series.faint { Line::solid(color.with_alpha(0.28), 1.0) } else { Line::solid(color, 2.2) };
    for run in frame.runs(&series.points) {
        let pixels: Vec<Px> = run.iter().map(|[u, v]| px(*u, *v)).collect();
        match pixels.as_slice() {
            [only] => canvas.disc(*only, line.width_px, line.color),
            pixels => canvas.polyline(pixels, false, line),
        }
    }
}

fn cover_margins(canvas: &mut Canvas, frame: &Frame) {
    let [width, height] = PANEL_PX.map(|px| px as f64);
    let bottom = frame.top + frame.height;
    let cover = |canvas: &mut Canvas, corner: [f64; 2], size: [f64; 2]| {
        canvas.fill_rect(px(corner[0], corner[1]), px(size[0], size[1]), PAPER);
    };
    cover(canvas, [0.0, 0.0], [width, frame.top - 2.0]);
    cover(canvas, [0.0, bottom + 2.0], [width, height - bottom]);
    cover(canvas, [0.0, 0.0], [frame.left, height]);
    cover(canvas, [frame.left + frame.width + 2.0, 0.0], [width, height]);
}

fn draw_axes(canvas: &mut Canvas, plot: &Plot, frame: &Frame) {
    let bottom = frame.top + frame.height;
    let axis = Line::solid(PALE_INK, 1.2);
    canvas.line(px(frame.left, frame.top), px(frame.left, bottom), axis);
    canvas.line(px(frame.left, bottom), px(frame.left + frame.width, bottom), axis);
    let (small, label) = (TextStyle::plain(PALE_INK), TextStyle::plain(INK));
    for tick in frame.x_ticks() {
        canvas.text(px(tick.place, bottom + 14.0), Anchor::Center, &tick.text, small);
    }
    for tick in frame.y_ticks() {
        canvas.text(px(frame.left - 8.0, tick.place), Anchor::Right, &tick.text, small);
    }
    canvas.text(px(frame.left + frame.width / 2.0, bottom + 38.0), Anchor::Center, &plot.x_label, label);
    canvas.text_upwards(px(18.0, frame.top + frame.height / 2.0), &plot.y_label, label);
    canvas.text(px(frame.left, frame.top - 22.0), Anchor::Left, &plot.title, TextStyle::heading(INK));
}

/// In a row beside the title, where no curve can run behind it.
fn draw_legend(canvas: &mut Canvas, plot: &Plot, frame: &Frame) {
    let style = TextStyle::plain(INK);
    let middle = frame.top as f32 - 22.0;
    let mut right = (frame.left + frame.width) as f32;
    for series in plot.series.iter().rev().filter(|series| !series.name.is_empty()) {
        let text_left = right - style.width_px(&series.name);
        let color = plot_color(series.color_index);
        canvas.line([text_left - 28.0, middle], [text_left - 8.0, middle], Line::solid(color, 3.0));
        canvas.text([text_left, middle], Anchor::Left, &series.name, style);
        right = text_left - 28.0 - 18.0;
    }
}
