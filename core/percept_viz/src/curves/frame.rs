//! From values to a place between the axes.

use super::Plot;
use crate::axis::{log_ticks, round_step, tick_text, ticks};

/// The area between the axes and the ranges it shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
    x_range: [f64; 2],
    y_range: [f64; 2],
    log_y: bool,
}

/// A round number and its place along its axis.
pub(super) struct Tick {
    pub place: f64,
    pub text: String,
}

impl Frame {
    pub fn new(plot: &Plot, [left, top]: [f64; 2], [width, height]: [f64; 2]) -> Self {
        let y_of = |y: f64| if plot.log_y { y.log10() } else { y };
        let points = || plot.series.iter().flat_map(|series| &series.points);
        let x_range = plot.x_range.unwrap_or_else(|| span_of(points().map(|p| p[0]), 0.0));
        let y_range = match plot.y_range {
            Some(range) => range.map(y_of),
            None => span_of(points().map(|p| y_of(p[1])), 0.06),
        };
        Self { left, top, width, height, x_range, y_range, log_y: plot.log_y }
    }

    /// `None` for a gap.
    pub fn place(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let y = if self.log_y { y.log10() } else { y };
        let u = self.left + fraction(x, self.x_range) * self.width;
        let v = self.top + (1.0 - fraction(y, self.y_range)) * self.height;
        // Far beyond the frame is as good as at its edge, and keeps the strokes short.
        let v = v.clamp(self.top - self.height, self.top + 2.0 * self.height);
        (u.is_finite() && v.is_finite()).then_some([u, v])
    }

    /// The runs of a series between its gaps.
    pub fn runs(&self, points: &[[f64; 2]]) -> Vec<Vec<[f64; 2]>> {
        let places: Vec<_> = points.iter().map(|point| self.place(*point)).collect();
        let runs = places.split(Option::is_none).map(|run| run.iter().flatten().copied().collect());
        runs.filter(|run: &Vec<_>| !run.is_empty()).collect()
    }

    pub fn x_ticks(&self) -> Vec<Tick> {
        let [from, to] = self.x_range;
        let step = round_step(to - from, 6);
        let tick = |x| Tick { place: self.left + fraction(x, self.x_range) * self.width, text: tick_text(x, step) };
        ticks(from, to, 6).into_iter().map(tick).collect()
    }

    pub fn y_ticks(&self) -> Vec<Tick> {
        let [from, to] = self.y_range;
        let place = |y| self.top + (1.0 - fraction(y, self.y_range)) * self.height;
        if self.log_y {
            let tick = |value: f64| Tick { place: place(value.log10()), text: log_text(value) };
            return log_ticks(from, to).into_iter().map(tick).collect();
        }
        let step = round_step(to - from, 5);
        ticks(from, to, 5).into_iter().map(|y| Tick { place: place(y), text: tick_text(y, step) }).collect()
    }
}

fn log_text(value: f64) -> String {
    if (1e-4..1e5).contains(&value) { value.to_string() } else { format!("{value:.0e}") }
}

fn fraction(value: f64, [from, to]: [f64; 2]) -> f64 {
    (value - from) / (to - from)
}

/// The span of the finite values, widened by a fraction of itself; 0 to 1 for none, and never empty.
fn span_of(values: impl Iterator<Item = f64>, margin: f64) -> [f64; 2] {
    let finite = values.filter(|value| value.is_finite());
    let [from, to] = finite.fold([f64::INFINITY, f64::NEG_INFINITY], |[from, to], v| [from.min(v), to.max(v)]);
    if from > to {
        return [0.0, 1.0];
    }
    if from == to {
        return [from - 0.5, to + 0.5];
    }
    [from - (to - from) * margin, to + (to - from) * margin]
}
