//! Time a stage: numbers and the shape of their distribution.

use super::escape;
use std::fmt::Write;

/// Times of one stage over the frames of a run, with the percentiles that the caller has found.
#[derive(Clone, Debug, PartialEq)]
pub struct StageLatency {
    /// The stage.
    pub stage: String,
    /// Median in milliseconds.
    pub p50_ms: f64,
    /// 99th percentile in milliseconds.
    pub p99_ms: f64,
    /// Longest in milliseconds.
    pub max_ms: f64,
    /// One a frame, in milliseconds, for the histogram.
    pub samples_ms: Vec<f64>,
    /// Whether it is the sum of the others.
    pub is_total: bool,
}

const BINS: usize = 76;
const HISTOGRAM: [f64; 2] = [380.0, 36.0];

pub(super) fn table(stages: &[StageLatency]) -> String {
    let longest_ms = stages.iter().map(|stage| stage.p50_ms).fold(0.0, f64::max);
    let rows: String = stages.iter().map(|stage| row(stage, longest_ms)).collect();
    format!(
        "<div class=\"scroll\"><table class=\"latency\">\n<thead><tr><th>stage</th><th>p50 [ms]</th><th>p99 [ms]</th>\
         <th>max [ms]</th><th>frames from 0 to max (lines: p50, p99)</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn row(stage: &StageLatency, longest_ms: f64) -> String {
    let share = if longest_ms > 0.0 { (stage.p50_ms / longest_ms * 100.0).clamp(0.0, 100.0) } else { 0.0 };
    format!(
        "<tr{}><th>{}</th><td class=\"bar\" style=\"--fill:{share:.1}%\">{:.2}</td><td>{:.2}</td><td>{:.2}</td>\
         <td class=\"histogram\">{}</td></tr>\n",
        if stage.is_total { " class=\"total\"" } else { "" },
        escape(&stage.stage),
        stage.p50_ms,
        stage.p99_ms,
        stage.max_ms,
        histogram(stage)
    )
}

/// Bars of counts from 0 to the longest time, with a mark at the median and one at the 99th percentile.
fn histogram(stage: &StageLatency) -> String {
    let [width, height] = HISTOGRAM;
    let mut bins = [0usize; BINS];
    let scale = if stage.max_ms > 0.0 { BINS as f64 / stage.max_ms } else { 0.0 };
    for sample_ms in stage.samples_ms.iter().filter(|ms| ms.is_finite()) {
        // The cast saturates; the longest falls into the last bin.
        bins[((sample_ms * scale) as usize).min(BINS - 1)] += 1;
    }
    let most = bins.iter().copied().max().unwrap_or(0).max(1) as f64;
    let bin_width = width / BINS as f64;
    let mut svg = format!("<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">");
    for (index, count) in bins.iter().enumerate().filter(|(_, count)| **count > 0) {
        // At least a pixel: one slow frame among thousands is what one looks for.
        let bar = (*count as f64 / most * (height - 2.0)).max(1.5);
        let (x, y) = (index as f64 * bin_width, height - bar);
        let bar_width = bin_width - 0.8;
        // Writing to a String cannot fail.
        let _ = write!(svg, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{bar_width:.1}\" height=\"{bar:.1}\"/>");
    }
    let _ = write!(svg, "<path class=\"base\" d=\"M0 {height}H{width}\"/>");
    for (class, ms) in [("p50", stage.p50_ms), ("p99", stage.p99_ms)] {
        let x = (ms * scale * bin_width).clamp(0.0, width - 1.0);
        let _ = write!(svg, "<path class=\"{class}\" d=\"M{x:.1} 0V{height}\"/>");
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_any_shape_are_drawn() {
        for samples_ms in [vec![], vec![0.0], vec![1.0, 2.0, 900.0], vec![f64::NAN, -1.0, f64::INFINITY]] {
            let max_ms = samples_ms.iter().copied().filter(|ms| ms.is_finite()).fold(0.0, f64::max);
            let stage =
                StageLatency { stage: "s".into(), p50_ms: 0.0, p99_ms: max_ms, max_ms, samples_ms, is_total: false };
            let html = table(&[stage]);
            assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
        }
    }
}
