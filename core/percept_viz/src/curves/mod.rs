//! Curves over axes: training losses, precision over recall; as PNG and as SVG.

mod frame;
mod png;
mod svg;

pub use png::render_png;
pub use svg::render_svg;

use crate::Rgba;

/// One line of a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Name in the legend; a series without a name is not listed.
    pub name: String,
    /// (x, y) in the order of drawing. What is not finite is a gap.
    pub points: Vec<[f64; 2]>,
    /// Which of the plot colours.
    pub color_index: usize,
    /// Thin and pale, for raw values behind smooth ones.
    pub faint: bool,
}

impl Series {
    /// A line of full weight.
    pub fn new(name: impl Into<String>, color_index: usize, points: Vec<[f64; 2]>) -> Self {
        Self { name: name.into(), points, color_index, faint: false }
    }

    /// The outline of bins: a level from where each begins to where it ends; a bin without a value is a gap.
    pub fn steps(
        name: impl Into<String>,
        color_index: usize,
        bins: impl IntoIterator<Item = ([f64; 2], Option<f64>)>,
    ) -> Self {
        let level = |([from, to], value): ([f64; 2], Option<f64>)| {
            let value = value.unwrap_or(f64::NAN);
            [[from, value], [to, value]]
        };
        Self::new(name, color_index, bins.into_iter().flat_map(level).collect())
    }

    /// The same, thin and pale and without a name.
    pub fn behind(self) -> Self {
        Self { name: String::new(), faint: true, ..self }
    }

    /// A noisy series as two: the raw values pale and without a name, their exponential mean over about `window`
    /// points in full weight.
    pub fn raw_and_smooth(
        name: impl Into<String>,
        color_index: usize,
        points: Vec<[f64; 2]>,
        window: usize,
    ) -> [Self; 2] {
        let smooth = smoothed(&points, window);
        let raw = Self { name: String::new(), points, color_index, faint: true };
        [raw, Self::new(name, color_index, smooth)]
    }
}

/// The exponential mean over about `window` points, without the pull towards 0 at the start; gaps stay out of it.
pub fn smoothed(points: &[[f64; 2]], window: usize) -> Vec<[f64; 2]> {
    let keep = 1.0 - 1.0 / window.max(1) as f64;
    let (mut sum, mut weight) = (0.0, 0.0);
    let finite = points.iter().filter(|[_, y]| y.is_finite());
    finite
        .map(|[x, y]| {
            sum = sum * keep + y;
            weight = weight * keep + 1.0;
            [*x, sum / weight]
        })
        .collect()
}

/// A pair of axes with its lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plot {
    /// Heading.
    pub title: String,
    /// What runs to the right, with its unit.
    pub x_label: String,
    /// What runs upwards, with its unit.
    pub y_label: String,
    /// Ends of the axis; from the data where not given.
    pub x_range: Option<[f64; 2]>,
    /// Ends of the axis; from the data where not given.
    pub y_range: Option<[f64; 2]>,
    /// Whether y is logarithmic; values of 0 and below are gaps then.
    pub log_y: bool,
    /// The lines.
    pub series: Vec<Series>,
}

/// Colours on light ground (after Okabe and Ito 2008).
const PLOT_COLORS: [Rgba; 8] = [
    Rgba(0, 114, 178, 255),
    Rgba(222, 143, 5, 255),
    Rgba(0, 146, 108, 255),
    Rgba(204, 98, 160, 255),
    Rgba(86, 160, 220, 255),
    Rgba(202, 84, 20, 255),
    Rgba(132, 104, 60, 255),
    Rgba(110, 110, 118, 255),
];

/// The colour of a series by its index.
pub fn plot_color(index: usize) -> Rgba {
    PLOT_COLORS[index % PLOT_COLORS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_what_it_is_when_smoothed() {
        let points: Vec<_> = (0..50).map(|i| [f64::from(i), if i == 9 { f64::NAN } else { 3.0 }]).collect();
        let smooth = smoothed(&points, 10);
        assert_eq!(smooth.len(), 49);
        assert!(smooth.iter().all(|[_, y]| (y - 3.0).abs() < 1e-12));
    }

    #[test]
    fn steps_run_level_over_each_bin_and_leave_a_gap_where_there_is_no_value() {
        let series = Series::steps("s", 0, [([0.0, 1.0], Some(2.0)), ([1.0, 3.0], None)]);
        assert_eq!(series.points[..2], [[0.0, 2.0], [1.0, 2.0]]);
        assert!(series.points[2..].iter().all(|[_, y]| y.is_nan()) && series.clone().behind().faint);
    }

    #[test]
    fn a_legend_that_fits_stands_beside_the_title_and_a_long_one_below_it() {
        let plot = |names: [&str; 2]| Plot {
            title: "Range".into(),
            series: names.map(|name| Series::new(name, 0, vec![[0.0, 0.0], [1.0, 1.0]])).to_vec(),
            ..Plot::default()
        };
        let height_of = |name: &str, svg: &str| {
            let line = svg.lines().find(|line| line.contains(&format!(">{name}<"))).unwrap().to_owned();
            line.split("y=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().parse::<f64>().unwrap()
        };
        assert!(height_of("real", &render_svg(&plot(["real", "simulated"]))) < 34.0);
        let long = "precision of the first of two detectors";
        assert!(height_of(long, &render_svg(&plot([long, "of the second"]))) > 200.0);
    }

    #[test]
    fn plots_of_nothing_of_one_point_and_of_gaps_are_drawn() {
        for points in [vec![], vec![[1.0, 2.0]], vec![[0.0, f64::NAN], [1.0, -5.0], [f64::INFINITY, 2.0]]] {
            for log_y in [false, true] {
                let plot = Plot { log_y, series: vec![Series::new("a", 0, points.clone())], ..Plot::default() };
                assert!(render_png(std::slice::from_ref(&plot), 1).is_ok());
                assert!(!render_svg(&plot).contains("NaN"));
            }
        }
    }

    #[test]
    fn names_cannot_break_out_of_the_svg() {
        let plot = Plot { title: "<script>".into(), series: vec![Series::new("a\"&b", 0, vec![])], ..Plot::default() };
        let svg = render_svg(&plot);
        assert!(!svg.contains("<script>") && svg.contains("&lt;script&gt;"));
    }
}
