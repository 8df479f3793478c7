//! A plot as SVG that takes its ink from the page around it.

use super::frame::Frame;
use super::{Plot, Series, plot_color};
use crate::report::escape;
use std::fmt::Write;

const SIZE: [f64; 2] = [440.0, 320.0];
const MARGIN: [f64; 4] = [56.0, 34.0, 14.0, 46.0];

/// Draws a plot; its text takes the page's colour.
pub fn render_svg(plot: &Plot) -> String {
    let ([width, height], [left, top, right, bottom]) = (SIZE, MARGIN);
    let frame = Frame::new(plot, [left, top], [width - left - right, height - top - bottom]);
    let mut svg = format!(
        "<svg class=\"plot\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">\n",
        escape(&plot.title)
    );
    axes(&mut svg, plot, &frame);
    lines(&mut svg, plot, &frame);
    legend(&mut svg, plot, &frame);
    svg.push_str("</svg>\n");
    svg
}

fn text(svg: &mut String, class: &str, [x, y]: [f64; 2], content: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escape(content));
}

fn axes(svg: &mut String, plot: &Plot, frame: &Frame) {
    let (right, bottom) = (frame.left + frame.width, frame.top + frame.height);
    for tick in frame.x_ticks() {
        let x = tick.place;
        let _ = writeln!(svg, "<path class=\"grid\" d=\"M{x:.1} {:.1}V{bottom:.1}\"/>", frame.top);
        text(svg, "tick mid", [x, bottom + 15.0], &tick.text);
    }
    for tick in frame.y_ticks() {
        let y = tick.place;
        let _ = writeln!(svg, "<path class=\"grid\" d=\"M{:.1} {y:.1}H{right:.1}\"/>", frame.left);
        text(svg, "tick end", [frame.left - 7.0, y + 4.0], &tick.text);
    }
    let _ = writeln!(svg, "<path class=\"axis\" d=\"M{:.1} {:.1}V{bottom:.1}H{right:.1}\"/>", frame.left, frame.top);
    text(svg, "title", [frame.left, frame.top - 14.0], &plot.title);
    text(svg, "label mid", [frame.left + frame.width / 2.0, bottom + 36.0], &plot.x_label);
    let middle = frame.top + frame.height / 2.0;
    let _ = writeln!(
        svg,
        "<text class=\"label mid\" transform=\"translate(14 {middle:.1}) rotate(-90)\">{}</text>",
        escape(&plot.y_label)
    );
}

fn lines(svg: &mut String, plot: &Plot, frame: &Frame) {
    for series in &plot.series {
        let class = if series.faint { "faint" } else { "line" };
        let color = plot_color(series.color_index).css();
        for run in frame.runs(&series.points) {
            let mut path = String::new();
            for (index, [u, v]) in run.iter().enumerate() {
                let v = v.clamp(frame.top - 2.0, frame.top + frame.height + 2.0);
                let _ = write!(path, "{}{u:.1} {v:.1}", if index == 0 { 'M' } else { 'L' });
            }
            let _ = writeln!(svg, "<path class=\"{class}\" stroke=\"{color}\" d=\"{path}\"/>");
        }
    }
}

/// Beside the title where there is room, so that no curve runs behind it; else in the lower left, where precision over
/// recall leaves room.
fn legend(svg: &mut String, plot: &Plot, frame: &Frame) {
    let named: Vec<_> = plot.series.iter().filter(|series| !series.name.is_empty()).collect();
    let title_px = plot.title.chars().count() as f64 * TITLE_CHAR_PX;
    let beside_px: f64 = named.iter().map(|series| entry_px(&series.name)).sum();
    if title_px + beside_px < frame.width {
        let mut x = frame.left + frame.width - beside_px + ENTRY_GAP_PX;
        for series in named {
            entry(svg, series, [x, frame.top - 18.0]);
            x += entry_px(&series.name);
        }
        return;
    }
    let top = frame.top + frame.height - 16.0 * named.len() as f64;
    for (row, series) in named.iter().enumerate() {
        entry(svg, series, [frame.left + 12.0, top + 16.0 * row as f64]);
    }
}

/// Widths of characters, measured generously: the reader's font decides.
const TITLE_CHAR_PX: f64 = 8.2;
const LEGEND_CHAR_PX: f64 = 6.4;
const ENTRY_GAP_PX: f64 = 14.0;
const STROKE_PX: f64 = 18.0;

fn entry_px(name: &str) -> f64 {
    ENTRY_GAP_PX + STROKE_PX + 6.0 + name.chars().count() as f64 * LEGEND_CHAR_PX
}

fn entry(svg: &mut String, series: &Series, [x, y]: [f64; 2]) {
    let color = plot_color(series.color_index).css();
    let _ = writeln!(svg, "<path class=\"line\" stroke=\"{color}\" d=\"M{x:.1} {y:.1}h{STROKE_PX}\"/>");
    text(svg, "tick", [x + STROKE_PX + 6.0, y + 4.0], &series.name);
}
