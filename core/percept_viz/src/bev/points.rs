//! Points as soft dots, the higher over the lower.

use super::view::View;
use super::{BevOptions, ColorBy};
use crate::Canvas;
use crate::color::scale_color;
use percept_types::PointCloud;

/// Which column colours points, and what its colours mean.
#[derive(Clone, Debug)]
pub(super) struct ColorScale {
    pub name: String,
    pub column: usize,
    pub from: f32,
    pub to: f32,
}

/// The scale of a frame; a channel that is not there falls back to height.
pub(super) fn color_scale(cloud: &PointCloud, options: &BevOptions) -> ColorScale {
    const Z: usize = 2;
    let (name, column) = match &options.color_by {
        ColorBy::Height => ("z [m]", Z),
        ColorBy::Channel(name) => match cloud.layout().index_of(name) {
            Some(column) => (name.as_str(), column),
            None => ("z [m]", Z),
        },
    };
    let [from, to] = options.color_range.unwrap_or_else(|| percentiles(cloud, column));
    ColorScale { name: name.to_owned(), column, from, to }
}

/// The 2nd and 98th percentile of a column, so that a bird or a reflection does not set the scale.
fn percentiles(cloud: &PointCloud, column: usize) -> [f32; 2] {
    let mut values: Vec<f32> = cloud.points().map(|point| point[column]).filter(|v| v.is_finite()).collect();
    values.sort_unstable_by(f32::total_cmp);
    let at = |fraction: f32| values.get((fraction * values.len() as f32) as usize).copied();
    match (at(0.02), at(0.98)) {
        (Some(from), Some(to)) if to > from => [from, to],
        (Some(only), _) => [only - 0.5, only + 0.5],
        _ => [0.0, 1.0],
    }
}

pub(super) fn draw(canvas: &mut Canvas, view: &View, cloud: &PointCloud, scale: &ColorScale) {
    let mut seen: Vec<&[f32]> = cloud.points().filter(|p| view.contains([p[0].into(), p[1].into()])).collect();
    // A stable order: equal heights stay in the order of the cloud.
    seen.sort_by(|a, b| a[2].total_cmp(&b[2]));
    let radius_px = (view.pixels_per_m() as f32 / 14.0).clamp(0.5, 1.4);
    for point in seen {
        let color = scale_color((point[scale.column] - scale.from) / (scale.to - scale.from));
        let [u, v] = view.pixel([point[0].into(), point[1].into()]);
        dot(canvas, u, v, radius_px, color);
    }
}

/// A dot whose edge fades over a pixel.
fn dot(canvas: &mut Canvas, u: f32, v: f32, radius_px: f32, color: crate::Rgba) {
    let reach = radius_px.ceil() as i64 + 1;
    let (column, row) = (u.floor() as i64, v.floor() as i64);
    for y in row - reach..=row + reach {
        for x in column - reach..=column + reach {
            let distance = (x as f32 + 0.5 - u).hypot(y as f32 + 0.5 - v);
            let coverage = radius_px + 0.5 - distance;
            if coverage > 0.0 {
                canvas.blend(x, y, color, coverage.min(1.0) * 0.9);
            }
        }
    }
}
